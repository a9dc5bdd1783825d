package feed_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"gantry/images"
	"gantry/ui/feed"
)

// TestProgress adds parts up, and tells the speed of what is carried: not of
// what was there before, and not of unpacking.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const mb = 1_000_000
		next := make(chan struct{})
		j := feed.NewWork(func(yield func(images.Progress, error) bool) {
			for _, p := range []images.Progress{
				{ID: "a", State: images.Downloading, Done: 50 * mb, Total: 100 * mb}, // half of it was there
				{ID: "b", State: images.Exists, Done: 40 * mb, Total: 40 * mb},
				{ID: "a", State: images.Downloading, Done: 60 * mb, Total: 100 * mb},
				{ID: "a", State: images.Downloading, Done: 80 * mb, Total: 100 * mb},
				{ID: "a", State: images.Unpacking, Done: 10 * mb, Total: 100 * mb},
				{ID: "a", State: images.Done, Done: 100 * mb, Total: 100 * mb},
				{State: images.Done, Text: "all of it"},
			} {
				if !yield(p, nil) {
					return
				}
				<-next
				time.Sleep(time.Second)
			}
		})
		step := func() feed.Progress {
			synctest.Wait()
			return j.State()
		}
		advance := func() feed.Progress {
			next <- struct{}{}
			time.Sleep(time.Second)
			return step()
		}
		if s := step(); s.Done != 50*mb || s.Total != 100*mb || s.Rate != 0 {
			t.Errorf("at first: %+v", s)
		}
		if s := advance(); s.Done != 90*mb || s.Total != 140*mb || s.Rate != 0 {
			t.Errorf("what is there counts for the speed: %+v", s)
		}
		advance()
		if s := advance(); s.Done != 120*mb || s.Rate < 19*mb || s.Rate > 21*mb {
			t.Errorf("after 20 MB in a second: %+v", s)
		}
		if s := advance(); s.Done != 140*mb {
			t.Errorf("unpacking goes back: %+v", s)
		}
		advance()
		advance()
		next <- struct{}{}
		time.Sleep(time.Second)
		if s := step(); !s.Over || s.Text != "all of it" || s.Err != nil || s.Took != 7*time.Second {
			t.Errorf("at the end: %+v", s)
		}
	})
}

func TestProgressOfAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("the line is cut")
		j := feed.NewWork(func(yield func(images.Progress, error) bool) {
			_ = yield(images.Progress{ID: "a", Total: 5}, nil) && yield(images.Progress{}, broken)
		})
		synctest.Wait()
		if s := j.State(); !s.Over || !errors.Is(s.Err, broken) || len(s.Parts) != 1 {
			t.Errorf("%+v", s)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if !j.Next(ctx) {
			t.Error("its end is no news")
		}
		cancel()
		if j.Next(ctx) {
			t.Error("there is news after all of it")
		}
	})
}
