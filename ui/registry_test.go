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
			for _, s := range []shape{
				{focus: containersPane}, {focus: imagesPane, images: 40}, {focus: detailPane, images: 2}, {focus: detailPane, zoom: true},
				{focus: jobsPane, jobs: 3}, {focus: containersPane, jobs: 30, quiet: true}, {focus: imagesPane, images: 9, jobs: 2},
				{left: 5, lower: 1, right: 3}, {left: 400, lower: 400, right: 400, jobs: 9}, {left: 50, lower: 12, right: 60},
			} {
				l := arrange(w, h, s)
				area := 0
				for _, r := range append(l.panes[:], l.bar) {
					if r == (rect{}) {
						continue
					}
					area += r.w * r.h
					if r.x < 0 || r.y < 1 || r.x+r.w > w || r.y+r.h > h-1 || r.h < 1 || r.w < 1 {
						t.Fatalf("%dx%d %+v: %+v is outside", w, h, s, r)
					}
				}
				if area != w*(h-2) {
					t.Fatalf("%dx%d %+v: panes cover %d cells of %d: %+v", w, h, s, area, w*(h-2), l)
				}
				if reflect.ValueOf(l.of(s.focus)).IsZero() {
					t.Fatalf("%dx%d %+v: what has the focus is not shown", w, h, s)
				}
			}
		}
	}
}
