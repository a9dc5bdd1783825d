package feed_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/logs"
	"gantry/ui/feed"
)

// talker is an engine with a container that has printed lines of a size, all
// at the same moment.
func talker(n, size int) (*fake.Engine, feed.Source) {
	e := fake.New()
	e.AddImage(fake.Image{Refs: []string{"a:1"}})
	at := time.Now()
	log := make([]logs.Entry, n)
	for i := range log {
		log[i] = logs.Entry{Time: at, Stream: logs.Stdout, Line: fmt.Appendf(nil, "%08d%s", i, strings.Repeat("x", size))}
	}
	e.AddContainer(fake.Container{Name: "talker", Image: "a:1", Command: []string{"x"}, State: engine.Running, Log: log})
	return e, feed.Source{Engine: e, ID: "talker"}
}

// number of a line; its mark is -1.
func number(l feed.Line) int {
	n := -1
	if !l.Mark {
		fmt.Sscanf(l.Raw, "%08d", &n)
	}
	return n
}

func TestPagesJoinWithoutGaps(t *testing.T) {
	t.Parallel()
	const n = 9000
	e, src := talker(n, 10)
	defer e.Close()
	p := src.Last(t.Context(), 1000, 1<<30)
	if p.Err != nil || p.Head || number(p.Lines[0]) != n-1000 {
		t.Fatalf("the last page begins with %d, head %v, %v", number(p.Lines[0]), p.Head, p.Err)
	}
	first := p.Lines[0]
	for want := n - 1001; ; {
		p = src.Older(t.Context(), first, first.Pos)
		if p.Err != nil {
			t.Fatal(p.Err)
		}
		for i := len(p.Lines) - 1; i >= 0; i-- {
			if number(p.Lines[i]) != want {
				t.Fatalf("line %d stands where %d belongs", number(p.Lines[i]), want)
			}
			want--
		}
		if p.Head {
			if want != -1 {
				t.Errorf("the head is said to be reached at line %d", want+1)
			}
			break
		}
		first = p.Lines[0]
	}
	p = src.Oldest(t.Context())
	for want := 0; ; {
		for _, l := range p.Lines {
			if !l.Mark && number(l) != want {
				t.Fatalf("line %d stands where %d belongs", number(l), want)
			} else if !l.Mark {
				want++
			}
		}
		last := p.Lines[len(p.Lines)-1]
		if p = src.Newer(t.Context(), last, last.Pos); p.Err != nil {
			t.Fatal(p.Err)
		}
		if len(p.Lines) == 0 {
			if want != n || !p.End {
				t.Errorf("the end is said to be reached at line %d of %d", want, n)
			}
			return
		}
	}
}

// TestMemoryIsBounded, in lines and, where they are long, in bytes.
func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, size := range []int{1, 16 << 10} {
			e, src := talker(12_000, size)
			ctx, cancel := context.WithCancel(t.Context())
			f := feed.NewLog(ctx, src)
			synctest.Wait()
			s := f.Status()
			lines, bytes := f.Lines(s.First, s.End), 0
			for _, l := range lines {
				bytes += len(l.Raw)
			}
			if len(lines) > feed.KeptLines || bytes > 8<<20 || len(lines) == 0 || s.Head {
				t.Errorf("%d lines of %d bytes are kept, head %v", len(lines), bytes, s.Head)
			}
			if p := src.Oldest(ctx); len(p.Lines) > feed.PageLines || len(p.Lines)*size > 8<<20 {
				t.Errorf("a page of %d lines of %d bytes", len(p.Lines), size)
			}
			cancel()
			if err := e.Close(); err != nil {
				t.Error(err)
			}
			synctest.Wait()
		}
	})
}

// TestAgainTellsNothingTwice: a feed that is begun again goes on behind its
// last line.
func TestAgainTellsNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, src := talker(50, 1)
		ctx, cancel := context.WithCancel(t.Context())
		f := feed.NewLog(ctx, src)
		for i := range 20 {
			synctest.Wait()
			f.Again()
			if err := e.Log("talker", logs.Stdout, fmt.Sprintf("%08d", 50+i)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		s := f.Status()
		want := 0
		for _, l := range f.Lines(s.First, s.End) {
			if n := number(l); n >= 0 {
				if n != want {
					t.Fatalf("line %d stands where %d belongs", n, want)
				}
				want++
			}
		}
		if want != 70 || s.Printed != 70 || !s.Head {
			t.Errorf("%d lines, status %+v", want, s)
		}
		cancel()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
}
