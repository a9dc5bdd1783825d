package events_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gantry/engine"
	"gantry/engine/events"
	"gantry/engine/record"
)

// damage is done to the last segment of a journal that holds "2 create a" and
// "3 start a"; then "die a" is appended.
func TestDamagedSegment(t *testing.T) {
	t.Parallel()
	at := func(b []byte, n int) int { // where line n begins
		i := 0
		for range n {
			i += bytes.IndexByte(b[i:], '\n') + 1
		}
		return i
	}
	for _, tt := range []struct {
		name    string
		damage  func([]byte) []byte
		before  []string // what a reader sees before the append
		after   []string
		skipped bool
	}{
		{"torn tail", func(b []byte) []byte { return append(b, `{"seq":4,"time":"20`...) },
			[]string{"2 create a", "3 start a"}, []string{"2 create a", "3 start a", "4 die a"}, false},
		{"torn tail of zeros", func(b []byte) []byte { return append(b, make([]byte, 5000)...) },
			[]string{"2 create a", "3 start a"}, []string{"2 create a", "3 start a", "4 die a"}, false},
		{"last event torn", func(b []byte) []byte { return b[:len(b)-3] },
			[]string{"2 create a"}, []string{"2 create a", "3 die a"}, false},
		{"everything torn", func(b []byte) []byte { return b[:3] },
			nil, []string{"2 die a"}, false},
		{"empty", func([]byte) []byte { return nil },
			nil, []string{"2 die a"}, false},
		{"only the header", func(b []byte) []byte { return b[:at(b, 1)] },
			nil, []string{"2 die a"}, false},
		{"corrupt line in the middle", func(b []byte) []byte { b[at(b, 1)+2] = 'X'; return b },
			[]string{"3 start a"}, []string{"3 start a", "4 die a"}, true},
		{"corrupt last line", func(b []byte) []byte { b[at(b, 2)] = 'X'; return b },
			[]string{"2 create a"}, []string{"2 create a", "4 die a"}, true},
		{"all lines corrupt", func(b []byte) []byte { b[at(b, 1)] = 'X'; b[at(b, 2)] = 'X'; return b },
			nil, []string{"4 die a"}, true},
		{"corrupt header", func(b []byte) []byte { b[0] = 'X'; return b },
			[]string{"2 create a", "3 start a"}, []string{"2 create a", "3 start a", "4 die a"}, true},
		{"verdict without its intent", func(b []byte) []byte {
			return append(b, `{"seq":4,"time":"2026-01-01T00:00:00Z","settles":"commit"}`+"\n"...)
		}, []string{"2 create a", "3 start a"}, []string{"2 create a", "3 start a", "5 die a"}, false},
		{"line over the bound", func(b []byte) []byte {
			return append(append(b, bytes.Repeat([]byte("x"), 5<<20)...), '\n')
		}, []string{"2 create a", "3 start a"}, []string{"2 create a", "3 start a", "5 die a"}, true},
		{"empty lines", func(b []byte) []byte { return append(b, "\n\n"...) },
			[]string{"2 create a", "3 start a"}, []string{"2 create a", "3 start a", "6 die a"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := open(t, t.TempDir())
			f.append(t, container("create", "a"), container("start", "a"))
			seg := f.lastSegment(t)
			b, err := os.ReadFile(seg)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(seg, tt.damage(b), 0o600); err != nil {
				t.Fatal(err)
			}
			check(t, tt.before, f.replay(t))
			f.append(t, container("die", "a"))
			check(t, tt.after, f.replay(t))
			if got := f.Skipped() > 0; got != tt.skipped {
				t.Errorf("skipped %d corrupt lines", f.Skipped())
			}
		})
	}
}

// A corrupt verdict leaves an intent that looks open: it is settled again.
func TestCorruptVerdict(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	if _, err := f.Commit(container("create", "a"), events.Proof{Durability: record.Volatile}, func(engine.Seq) error { return nil }); err != nil {
		t.Fatal(err)
	}
	seg := f.lastSegment(t)
	b, err := os.ReadFile(seg)
	if err != nil {
		t.Fatal(err)
	}
	b = bytes.Replace(b, []byte(`"commit"`), []byte(`"c?mmit"`), 1)
	if err := os.WriteFile(seg, b, 0o600); err != nil {
		t.Fatal(err)
	}
	f.append(t, container("start", "a"))
	check(t, []string{"2 create a", "4 start a"}, f.replay(t))
}

// A tail that is torn while a watch looks at it must not stay in the watch's
// memory: the next writer puts another line in its place.
func TestTornTailUnderWatch(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	f.append(t, container("create", "a"))
	tear := func() {
		seg, err := os.OpenFile(f.lastSegment(t), os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer seg.Close()
		if _, err := seg.WriteString(`{"seq":3,"time":"2026-01-01T00:00:00Z","kind":"container","action":"torn`); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for ev, err := range f.Watch(t.Context(), engine.WatchOptions{After: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, text(ev)); len(got) == 4 {
			break
		}
		tear()
		f.append(t, container("start", strings.Repeat("x", len(got))))
	}
	check(t, []string{"2 create a", "3 start x", "4 start xx", "5 start xxx"}, got)
}

func TestStrayFilesAreIgnored(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	for _, name := range []string{"README", "x.jsonl", "1.jsonl", "00000000000000000000.jsonl", "99999999999999999999.jsonl", ".tmp"} {
		if err := os.WriteFile(filepath.Join(f.root, "events", name), []byte("?"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.append(t, container("create", "a"))
	check(t, []string{"2 create a"}, f.replay(t))
}

// Whatever is in the last segment, nothing panics or hangs, and what is appended
// after it is read back.
func FuzzSegment(f *testing.F) {
	f.Add([]byte("{\"v\":1}\n"))
	f.Add([]byte("{\"v\":1}\n" + `{"seq":2,"time":"2026-01-01T00:00:00Z","kind":"container","action":"start","id":"a"}` + "\n"))
	f.Add([]byte("{\"v\":1}\n" + `{"seq":2,"time":"2026-01-01T00:00:00Z","kind":"container","action":"start","id":"a","intent":{"gone":"/none"}}` + "\n"))
	f.Add([]byte("\n\n{\"seq\":18446744073709551615,\"time\":\"2026-01-01T00:00:00Z\"}\n{\"seq\":"))
	f.Fuzz(func(t *testing.T, b []byte) {
		j := open(t, t.TempDir())
		seg := filepath.Join(j.root, "events", "00000000000000000002.jsonl")
		if err := os.WriteFile(seg, b, 0o600); err != nil {
			t.Fatal(err)
		}
		seq, err := j.Append(container("probe", "-"))
		if err != nil {
			if !strings.Contains(err.Error(), "not supported") {
				t.Fatal(err)
			}
			return
		}
		if last, err := j.Last(); err != nil || last != seq {
			t.Fatalf("Last is %d, %v, want %d", last, err, seq)
		}
		for ev, err := range j.Watch(t.Context(), engine.WatchOptions{After: seq - 1, Until: time.Now()}) {
			if err != nil || ev.Seq != seq {
				t.Fatalf("read back %v, %v, want %d", ev, err, seq)
			}
			return
		}
		t.Fatalf("event %d is not read back", seq)
	})
}
