package shim

import (
	"testing"
	"time"

	"gantry/logs"
)

// What a program has left in the background may write for ever: the end of the
// program's output must come nevertheless.
func TestFinishIgnoresWhoWritesOn(t *testing.T) {
	t.Parallel()
	ours, theirs, err := pipe(true)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	if _, err := theirs.WriteString("the program's own"); err != nil {
		t.Fatal(err)
	}
	got := 0
	s := newSource(ours, logs.Stdout, false)
	go s.pump(func(_ logs.Stream, frame []byte) {
		got += len(frame) - frameHead
		if _, err := theirs.WriteString("and more"); err != nil {
			t.Error(err)
		}
	})
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		s.finish()
	}()
	select {
	case <-finished:
	case <-time.After(10 * time.Second):
		t.Fatal("still reading")
	}
	if got < len("the program's own") {
		t.Errorf("only %d bytes were read", got)
	}
}
