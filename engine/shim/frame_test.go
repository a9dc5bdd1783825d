package shim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"gantry/engine"
)

// FuzzFrames reads hostile bytes: no frame beyond its limit, no memory beyond
// what has arrived.
func FuzzFrames(f *testing.F) {
	b, _ := appendJSON(nil, kindHello, hello{V: 1})
	f.Add(appendFrame(b, kindStdin, []byte("text")))
	f.Add([]byte{0, 15, 255, 255, byte(kindRequest), 1, 2, 3})
	f.Add([]byte{255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		fr := frameReader{r: bytes.NewReader(b)}
		for {
			k, payload, err := fr.next()
			if len(fr.buf) > 4*len(b)+8192 {
				t.Fatalf("%d bytes of memory for %d", len(fr.buf), len(b))
			}
			if err != nil {
				return
			}
			if len(payload) > k.limit() {
				t.Fatalf("%d bytes of kind %d", len(payload), k)
			}
		}
	})
}

func TestFrames(t *testing.T) {
	t.Parallel()
	var b []byte
	sizes := []int{0, 1, 4095, 4096, 4097, 20000, maxData}
	for _, n := range sizes {
		b = appendFrame(b, kindStdout, bytes.Repeat([]byte{byte(n)}, n))
	}
	fr := frameReader{r: bytes.NewReader(b)}
	for _, n := range sizes {
		k, p, err := fr.next()
		if k != kindStdout || err != nil || !bytes.Equal(p, bytes.Repeat([]byte{byte(n)}, n)) {
			t.Errorf("frame of %d: kind %d, %d bytes, %v", n, k, len(p), err)
		}
	}
	if _, _, err := fr.next(); err != io.EOF {
		t.Error(err)
	}
	for name, b := range map[string][]byte{
		"too large": appendFrame(nil, kindStdin, make([]byte, maxData+1)),
		"unknown":   appendFrame(nil, 99, nil),
		"not empty": appendFrame(nil, kindStdinEnd, []byte{1}),
	} {
		if _, _, err := (&frameReader{r: bytes.NewReader(b)}).next(); !errors.Is(err, errProtocol) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestErrorsTravel: an error keeps its text and its class.
func TestErrorsTravel(t *testing.T) {
	t.Parallel()
	for _, c := range classes {
		err := fmt.Errorf("start box: %w", c.err)
		got := failureOf(err).err()
		if !errors.Is(got, c.err) || got.Error() != err.Error() {
			t.Errorf("%v became %v", err, got)
		}
	}
	if got := failureOf(errors.New("plain")).err(); got.Error() != "plain" {
		t.Error(got)
	}
}

func TestParseSignal(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int{
		"TERM": 15, "SIGTERM": 15, "sigkill": 9, "9": 9, "64": 64, "RTMIN": 34, "SIGRTMIN+3": 37, "RTMAX-1": 63,
		"0": 0, "65": 0, "-1": 0, "": 0, "SIGNOTHING": 0, "RTMIN-1": 0, "RTMIN+x": 0,
	} {
		got, err := parseSignal(s)
		if got != want || (want == 0) != errors.Is(err, engine.ErrInvalid) {
			t.Errorf("%q: %d, %v", s, got, err)
		}
	}
}

func TestParseZombie(t *testing.T) {
	t.Parallel()
	const tail = " 1 1 1 0 -1 4228356 0 0 0 0 0 0 0 0 20 0 1 0 4242 0 0 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 1536\n"
	for stat, want := range map[string]int{
		"17 (sh) Z" + tail:            6,
		"17 (a) Z 1 (b) Z" + tail:     6,
		"17 (sh) S" + tail:            -1, // not dead
		"17 (sh) Z 1 1":               -1,
		"":                            -1,
		"17 (sh) Z" + tail[:40] + ")": -1,
	} {
		got := -1
		if ws, ok := parseZombie(stat, 4242); ok {
			got = shellCode(ws)
		}
		if got != want {
			t.Errorf("%q: %d, want %d", stat, got, want)
		}
	}
	if _, ok := parseZombie("17 (sh) Z"+tail, 4243); ok {
		t.Error("another process of the same number was taken")
	}
}
