package shim

import (
	"bytes"
	"fmt"
	"testing"

	"gantry/logs"
	"gantry/logs/journal"
)

// TestChaseThroughRotation: one that is left behind in the very write before the
// log is rotated, which removes the only segment, still gets what was in it.
func TestChaseThroughRotation(t *testing.T) {
	dir := t.TempDir()
	w, err := journal.NewWriter(dir, journal.Options{MaxSize: 4096, MaxFile: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	write := func(from, to int) (text []byte) {
		for i := from; i < to; i++ {
			text = fmt.Appendf(text, "line %d\n", i)
		}
		if err := w.Write(logs.Stdout, text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	write(0, 10)
	o := &output{dir: dir, journal: w}
	for s := range o.limit {
		o.limit[s] = 1 << 40
	}
	c := newChase(newAttacher(nil, o, true, true), nil, false)
	defer func() { c.cur.Close() }()
	want := write(10, 100)
	if w.End().Segment != 2 {
		t.Fatalf("the log ends in segment %d, not in the second", w.End().Segment)
	}
	c.hold()
	c.fill()
	if kind(c.batch[4]) != kindStdout || !bytes.Equal(c.batch[frameHead:], want) {
		t.Errorf("got %.80q…, want %.80q…", c.batch, want)
	}
}
