package feed_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/ui/feed"
)

// taken is what a tick held: the names, and whether the host was in it.
type taken struct {
	at    time.Duration
	names []string
	host  bool
}

// TestSamplesShareOneClock: what is wanted is measured together, once a
// second; what is wanted anew soon; and nothing at all when that is turned off.
func TestSamplesShareOneClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := fake.New()
		e.AddImage(fake.Image{Refs: []string{"a:1"}})
		e.SetHost(func(time.Time) engine.HostSample { return engine.HostSample{Total: 1} })
		ids := make(map[string]engine.ID)
		for _, name := range []string{"one", "two", "late"} {
			ids[name] = e.AddContainer(fake.Container{Name: name, Image: "a:1", Command: []string{"x"}, State: engine.Running})
		}
		ctx, cancel := context.WithCancel(context.Background())
		begun := time.Now()
		s := feed.NewSamples(ctx, e)
		var got []taken
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				tick, ok := s.Next()
				if !ok {
					return
				}
				now := taken{at: time.Since(begun), host: tick.Host != nil}
				for _, sample := range tick.Samples {
					now.names = append(now.names, sample.Name)
				}
				got = append(got, now)
			}
		}()
		time.Sleep(10 * time.Second) // nothing is wanted: nothing is measured
		synctest.Wait()
		if len(got) > 0 {
			t.Fatalf("measured without being asked: %+v", got)
		}
		begun = time.Now()
		s.Want(true, []engine.ID{ids["one"], ids["two"]})
		time.Sleep(2500 * time.Millisecond)
		s.Want(true, []engine.ID{ids["one"], ids["two"], ids["late"]})
		time.Sleep(time.Second)
		if err := e.Exit("two", 1, false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		n := len(got)
		s.Want(false, nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(got) != n {
			t.Errorf("%d measurements after it was turned off", len(got)-n)
		}
		want := []taken{
			{0, []string{"one", "two"}, true}, {1000 * time.Millisecond, []string{"one", "two"}, true}, {2000 * time.Millisecond, []string{"one", "two"}, false},
			{2650 * time.Millisecond, []string{"late"}, false}, // soon, and only what is new
			{3000 * time.Millisecond, []string{"one", "two", "late"}, false}, {4000 * time.Millisecond, []string{"one", "late"}, false},
		}
		if !slices.EqualFunc(got[:n], want, func(a, b taken) bool { return a.at == b.at && a.host == b.host && slices.Equal(a.names, b.names) }) {
			t.Errorf("got\n%+v\nwant\n%+v", got[:n], want)
		}
		cancel()
		<-done
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestAnEmptyListWakesNobody: without rows only the host is measured, every
// five seconds; a row that comes is measured soon.
func TestAnEmptyListWakesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := fake.New()
		e.AddImage(fake.Image{Refs: []string{"a:1"}})
		id := e.AddContainer(fake.Container{Name: "one", Image: "a:1", Command: []string{"x"}, State: engine.Running})
		e.SetHost(func(time.Time) engine.HostSample { return engine.HostSample{Total: 1} })
		ctx, cancel := context.WithCancel(context.Background())
		s := feed.NewSamples(ctx, e)
		begun := time.Now()
		s.Want(true, nil)
		for _, want := range []time.Duration{0, time.Second, 6 * time.Second, 11 * time.Second} {
			if tick, ok := s.Next(); !ok || tick.Host == nil || time.Since(begun) != want {
				t.Errorf("%+v after %v, want the host after %v", tick, time.Since(begun), want)
			}
		}
		s.Want(true, []engine.ID{id})
		if tick, _ := s.Next(); len(tick.Samples) != 1 || time.Since(begun) > 11*time.Second+200*time.Millisecond {
			t.Errorf("%+v after %v", tick, time.Since(begun))
		}
		if tick, _ := s.Next(); len(tick.Samples) != 1 || time.Since(begun) > 12*time.Second+200*time.Millisecond {
			t.Errorf("the second: %+v after %v", tick, time.Since(begun))
		}
		cancel()
		for ok := true; ok; {
			_, ok = s.Next()
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
}
