package detach_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"gantry/internal/detach"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		keys string
		want string
		ok   bool
	}{
		{detach.Default, "\x10\x11", true},
		{"a", "a", true},
		{"ctrl-@", "\x00", true},
		{"ctrl-x,y", "\x18y", true},
		{"CTRL-a", "\x01", true},
		{"ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", "\x1b\x1c\x1d\x1e\x1f", true},
		{"", "", false},
		{"ctrl-", "", false},
		{"ctrl-1", "", false},
		{"shift-a", "", false},
		{"a,,b", "", false},
	} {
		got, err := detach.Parse(test.keys)
		if (err == nil) != test.ok || string(got) != test.want {
			t.Errorf("Parse(%q) = %q, %v; want %q, ok %v", test.keys, got, err, test.want, test.ok)
		}
	}
}

func TestReader(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		seq, typed, want string
		err              error
	}{
		{"\x10\x11", "ls\n", "ls\n", io.EOF},
		{"\x10\x11", "ls\x10\x11more", "ls", detach.ErrDetached},
		{"\x10\x11", "\x10p", "\x10p", io.EOF},
		{"\x10\x11", "\x10\x10\x11", "\x10", detach.ErrDetached},
		{"\x10\x11", "a\x10", "a\x10", io.EOF},
		{"aab", "aaaab", "aa", detach.ErrDetached},
		{"aab", "aacaab", "aac", detach.ErrDetached},
		{"abac", "ababac", "ab", detach.ErrDetached},
		{"", "\x10\x11", "\x10\x11", io.EOF},
		{"q", "q", "", detach.ErrDetached},
	} {
		for name, r := range map[string]io.Reader{
			"whole":        strings.NewReader(test.typed),
			"byte wise":    iotest.OneByteReader(strings.NewReader(test.typed)),
			"data and EOF": iotest.DataErrReader(strings.NewReader(test.typed)),
		} {
			d := detach.NewReader(r, []byte(test.seq))
			var got bytes.Buffer
			var err error
			b := make([]byte, 3)
			for err == nil {
				var n int
				n, err = d.Read(b)
				got.Write(b[:n])
			}
			if got.String() != test.want || !errors.Is(err, test.err) {
				t.Errorf("seq %q, typed %q, %s: %q, %v; want %q, %v", test.seq, test.typed, name, got.String(), err, test.want, test.err)
			}
		}
	}
}

// FuzzReader: what comes out is what was typed up to the first occurrence of
// the sequence.
func FuzzReader(f *testing.F) {
	f.Add("aab", "aaaab", 2)
	f.Add("\x10\x11", "ls\x10\x10\x11x", 1)
	f.Fuzz(func(t *testing.T, seq, typed string, size int) {
		if seq == "" || len(seq) > 8 || size < 1 || size > 64 {
			return
		}
		want, _, found := strings.Cut(typed, seq)
		d := detach.NewReader(strings.NewReader(typed), []byte(seq))
		var got bytes.Buffer
		var err error
		for b := make([]byte, size); err == nil; {
			var n int
			n, err = d.Read(b)
			got.Write(b[:n])
		}
		if got.String() != want || errors.Is(err, detach.ErrDetached) != found {
			t.Errorf("seq %q, typed %q: %q, %v; want %q, found %v", seq, typed, got.String(), err, want, found)
		}
	})
}
