package journal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gantry/logs"
	"gantry/logs/journal"
)

// follower reads in the background.
type follower struct {
	lines chan string
	err   error // after lines is closed
	ended atomic.Bool
}

func follow(ctx context.Context, t *testing.T, dir string, q logs.Query) *follower {
	t.Helper()
	r, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	q.Follow = true
	f := &follower{lines: make(chan string, 10000)}
	go func() {
		defer close(f.lines)
		for e, err := range r.Entries(ctx, q, f.ended.Load) {
			if err != nil {
				f.err = err
				return
			}
			if e.Mark != "" {
				f.lines <- "mark " + e.Mark
				continue
			}
			f.lines <- string(e.Line)
		}
	}()
	return f
}

func (f *follower) next(t *testing.T) string {
	t.Helper()
	select {
	case s, ok := <-f.lines:
		if !ok {
			t.Fatal("the follower ended: ", f.err)
		}
		return s
	case <-time.After(10 * time.Second):
		t.Fatal("no line came")
		return ""
	}
}

// rest waits for the end and returns what came until then.
func (f *follower) rest(t *testing.T) []string {
	t.Helper()
	var got []string
	deadline := time.After(10 * time.Second)
	for {
		select {
		case s, ok := <-f.lines:
			if !ok {
				return got
			}
			got = append(got, s)
		case <-deadline:
			t.Fatal("the follower does not end; it has ", got)
		}
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, dir, journal.Options{}, newClock())
	write(t, w, logs.Stdout, "one\n")
	f := follow(t.Context(), t, dir, all)
	if got := f.next(t); got != "one" {
		t.Fatal(got)
	}
	write(t, w, logs.Stdout, "two\nthr", "ee\n")
	if a, b := f.next(t), f.next(t); a != "two" || b != "three" {
		t.Fatal(a, b)
	}
	write(t, w, logs.Stdout, "last")
	f.ended.Store(true)
	closeWriter(t, w)
	if diff := cmp.Diff([]string{"last"}, f.rest(t)); diff != "" || f.err != nil {
		t.Error(diff, f.err)
	}
}

// TestFollowEndsWithoutWriter: a container that was over before.
func TestFollowEndsWithoutWriter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := follow(t.Context(), t, filepath.Join(dir, "never made"), all)
	f.ended.Store(true)
	if got := f.rest(t); got != nil || f.err != nil {
		t.Error(got, f.err)
	}
}

func TestFollowBeforeTheJournalExists(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "log")
	f := follow(t.Context(), t, dir, all)
	w := open(t, dir, journal.Options{}, newClock())
	defer w.Close()
	write(t, w, logs.Stdout, "first\n")
	if got := f.next(t); got != "first" {
		t.Error(got)
	}
}

func TestFollowCancel(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, dir, journal.Options{}, newClock())
	defer w.Close()
	write(t, w, logs.Stdout, "one\n")
	ctx, cancel := context.WithCancel(t.Context())
	f := follow(ctx, t, dir, all)
	f.next(t)
	cancel()
	if got := f.rest(t); got != nil || !errors.Is(f.err, context.Canceled) {
		t.Error(got, f.err)
	}
}

func TestFollowUntil(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w, err := journal.NewWriter(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	write(t, w, logs.Stdout, "one\n")
	q := all
	q.Until = time.Now().Add(50 * time.Millisecond)
	f := follow(t.Context(), t, dir, q)
	if diff := cmp.Diff([]string{"one"}, f.rest(t)); diff != "" || f.err != nil {
		t.Error(diff, f.err)
	}
}

func TestFollowRotation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, dir, journal.Options{MaxSize: 2000, MaxFile: 1000}, newClock())
	f := follow(t.Context(), t, dir, all)
	const n = 5000
	var want []string
	for i := range n {
		line := fmt.Sprint("line ", i)
		want = append(want, line)
		write(t, w, logs.Stdout, line+"\n")
	}
	f.ended.Store(true)
	closeWriter(t, w)
	if diff := cmp.Diff(want, f.rest(t)); diff != "" || f.err != nil {
		t.Error(diff, f.err)
	}
}

// TestFollowFastRotation: what was rotated away before it was read is told.
func TestFollowFastRotation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, dir, journal.Options{MaxSize: 100, MaxFile: 2}, newClock())
	write(t, w, logs.Stdout, "first\n")
	r, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for e, err := range r.Entries(t.Context(), all, nil) {
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 { // while the reader looks at its first line
			for i := range 20 {
				write(t, w, logs.Stdout, fmt.Sprintf("%d\n", i))
			}
		}
		got = append(got, string(e.Line)+e.Mark)
	}
	closeWriter(t, w)
	want := []string{"first", "0", "part of the log was rotated away before it was read", "17", "18", "19"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFollowSurvivesRemoval(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "log")
	w := open(t, dir, journal.Options{}, newClock())
	write(t, w, logs.Stdout, "one\n")
	f := follow(t.Context(), t, dir, all)
	f.next(t)
	write(t, w, logs.Stdout, "two\n")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"two"}, f.rest(t)); diff != "" || f.err != nil {
		t.Error(diff, f.err)
	}
	closeWriter(t, w)
}

// TestFollowOverMend: the next writer cuts off a torn record that the follower
// has seen the front of.
func TestFollowOverMend(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, dir, journal.Options{}, newClock())
	write(t, w, logs.Stdout, "one\n")
	closeWriter(t, w)
	log, err := os.OpenFile(filepath.Join(dir, "00000001.log"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.WriteString("2026-01-02T03:04:0"); err != nil {
		t.Fatal(err)
	}
	log.Close()
	f := follow(t.Context(), t, dir, all)
	f.next(t)
	w = open(t, dir, journal.Options{}, newClock())
	write(t, w, logs.Stdout, "two\n")
	f.ended.Store(true)
	closeWriter(t, w)
	if diff := cmp.Diff([]string{"two"}, f.rest(t)); diff != "" || f.err != nil {
		t.Error(diff, f.err)
	}
}
