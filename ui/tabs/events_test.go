package tabs_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/ui/tabs"
)

func TestEventsAreLive(t *testing.T) {
	perform(t, 78, 20, shop, opener(tabs.NewEvents, "api-1"), func(s *stage) {
		s.wants("start", "live")
		if err := s.eng.Containers().Pause(s.ctx, "api-1"); err != nil {
			t.Fatal(err)
		}
		s.Pass(100 * time.Millisecond)
		if got := s.marked(); !strings.Contains(got, "pause") {
			t.Errorf("the newest event is not under the cursor at the top: %q", got)
		}
		s.Keys("j")
		before := s.marked()
		if err := s.eng.Containers().Unpause(s.ctx, "api-1"); err != nil {
			t.Fatal(err)
		}
		s.Pass(100 * time.Millisecond)
		if got := s.marked(); got != before {
			t.Errorf("the cursor went from %q to %q", before, got)
		}
		s.Keys("/")
		s.typed("pau")
		s.Keys("enter")
		s.wants("/pau/")
		s.lacks("start")
		s.Keys("y")
		if len(s.host.copied) != 1 {
			t.Errorf("copied %v", s.host.copied)
		}
		s.Keys("esc")
		s.lacks("/pau/")
	})
}

// TestEventsOfOthersStayAway, of containers as of images.
func TestEventsOfOthersStayAway(t *testing.T) {
	perform(t, 78, 20, shop, opener(tabs.NewEvents, "api-2"), func(s *stage) {
		happen(t, s)
		s.lacks("signal", "api-1")
	})
	perform(t, 118, 20, shop, imageOpener(tabs.NewImageEvents, "shop/api:dev"), func(s *stage) {
		happen(t, s)
		s.wants("container api-1", "exit code 143", "tag")
	})
}

// TestEventsFailAndPass: a watch that breaks is begun again by itself, and
// nothing is there twice.
func TestEventsFailAndPass(t *testing.T) {
	setup := func() *fake.Engine {
		e := shop()
		e.Inject(fake.OpWatch, fake.Fault{Err: errors.New("disk on fire"), Times: 1})
		return e
	}
	perform(t, 78, 20, setup, opener(tabs.NewEvents, "api-1"), func(s *stage) {
		s.wants("▲ disk on fire")
		s.Pass(2 * time.Second)
		s.lacks("fire")
		if n := strings.Count(s.Screen(), "start"); n != 1 {
			t.Errorf("the start is there %d times:\n%s", n, s.Screen())
		}
	})
	slow := func() *fake.Engine {
		e := shop()
		e.Inject(fake.OpWatch, fake.Fault{Delay: time.Hour})
		return e
	}
	perform(t, 78, 20, slow, opener(tabs.NewEvents, "api-1"), func(s *stage) {
		s.wants("Reading …")
		s.Keys("j", "y", "/", "x", "enter", "esc", "G")
	})
}

// TestManyEvents: only the newest are kept, and what comes in a flood is drawn
// in few frames.
func TestManyEvents(t *testing.T) {
	perform(t, 78, 20, shop, opener(tabs.NewEvents, "api-1"), func(s *stage) {
		before := s.host.messages
		for range 5000 {
			s.eng.Emit(engine.Event{Kind: engine.KindContainer, Action: "exec_start", ID: "x", Attributes: map[string]string{"name": "api-1"}})
		}
		s.Pass(time.Second)
		if got := s.host.messages - before; got > 10 {
			t.Errorf("5000 events came in %d messages", got)
		}
		s.wants("exec start")
		s.lacks("5001 events", "5000 events")
	})
}
