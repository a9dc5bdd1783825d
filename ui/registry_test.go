package ui

import (
	"reflect"
	"slices"
	"testing"
)

// TestEveryActionHasAHandler and every handler an action.
func TestEveryActionHasAHandler(t *testing.T) {
	t.Parallel()
	h := handlers()
	for _, a := range actions() {
		if _, ok := h[a.ID]; !ok {
			t.Errorf("%s has no handler", a.ID)
		}
		if a.Title == "" || a.Help == "" {
			t.Errorf("%s lacks its title or help", a.ID)
		}
		delete(h, a.ID)
	}
	for id := range h {
		t.Errorf("%s has a handler but is no action", id)
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"": nil, "a b": {"a", "b"}, `sh -c "echo hi there"`: {"sh", "-c", "echo hi there"}, `'a "b'`: {`a "b`}, `a\ b c`: {"a b", "c"}, `""`: {""},
	} {
		if got, err := split(in); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %q, %v", in, got, err)
		}
	}
	for _, in := range []string{`"open`, `a\`, `'x`} {
		if got, err := split(in); err == nil {
			t.Errorf("%q: got %q, want an error", in, got)
		}
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int64{"": 0, "1": 1, "64m": 64 << 20, "2G": 2 << 30, "10k": 10 << 10} {
		if got, err := size(in); err != nil || got != want {
			t.Errorf("%q: got %d, %v", in, got, err)
		}
	}
	for _, in := range []string{"m", "x", "1x", "-1", "9999999999999999999"} {
		if got, err := size(in); err == nil {
			t.Errorf("%q: got %d, want an error", in, got)
		}
	}
}

// TestLayoutFillsTheScreenWithoutOverlap at any size.
func TestLayoutFillsTheScreenWithoutOverlap(t *testing.T) {
	t.Parallel()
	for w := 20; w <= 250; w += 7 {
		for h := 6; h <= 80; h += 3 {
			for _, focus := range []pane{containersPane, imagesPane, logPane} {
				l := arrange(w, h, focus, false)
				area := 0
				for _, r := range []rect{l.containers, l.images, l.log} {
					if r == (rect{}) {
						continue
					}
					area += r.w * r.h
					if r.x < 0 || r.y < 1 || r.x+r.w > w || r.y+r.h > h-1 {
						t.Fatalf("%dx%d: %+v is outside", w, h, r)
					}
				}
				if area != w*(h-2) {
					t.Fatalf("%dx%d focus %d: panes cover %d cells of %d: %+v", w, h, focus, area, w*(h-2), l)
				}
				if reflect.ValueOf(l.of(focus)).IsZero() {
					t.Fatalf("%dx%d: what has the focus is not shown", w, h)
				}
			}
		}
	}
}
