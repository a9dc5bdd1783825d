package ui

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"gantry/engine"
	"gantry/engine/fake"
)

// screen is a terminal that remembers how much was written, and when last.
type screen struct {
	mu    sync.Mutex
	bytes int
	last  time.Time
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes, s.last = s.bytes+len(b), time.Now()
	return len(b), nil
}

func (s *screen) seen() (int, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes, s.last
}

// TestRest: while nothing happens nothing is written and the renderer sleeps;
// a key is on the screen two frames later.
func TestRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := fake.New()
		e.AddImage(fake.Image{Refs: []string{"a:1"}, Created: time.Now().Add(-100 * time.Hour)})
		for _, name := range []string{"one", "two", "three"} {
			e.AddContainer(fake.Container{Name: name, Image: "a:1", Command: []string{"x"}, State: engine.Created, Created: time.Now().Add(-100 * time.Hour)})
		}
		ctx, cancel := context.WithCancel(context.Background())
		out := &screen{}
		p, pace := newProgram(New(ctx, e, Options{}), tea.WithContext(ctx), tea.WithInput(nil), tea.WithOutput(out), tea.WithoutSignalHandler(),
			tea.WithWindowSize(120, 40), tea.WithColorProfile(colorprofile.TrueColor), tea.WithEnvironment([]string{"TERM=xterm-256color"}))
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = p.Run()
		}()
		time.Sleep(3 * time.Second)
		painted, _ := out.seen()
		if painted == 0 {
			t.Error("nothing was drawn")
		}
		if pace.field == nil {
			t.Error("the renderer's ticker is not where it was: tickerOf must look elsewhere, or an idle workbench costs thirty times as much")
		}
		if pace.running() {
			t.Error("the renderer is awake though nothing happens")
		}
		time.Sleep(10 * time.Minute)
		if now, _ := out.seen(); now != painted {
			t.Errorf("%d bytes were written at rest", now-painted)
		}
		pressed := time.Now()
		p.Send(tea.KeyPressMsg{Code: 'j', Text: "j"})
		time.Sleep(time.Second)
		if now, at := out.seen(); now == painted {
			t.Error("a key draws nothing")
		} else if late := at.Sub(pressed); late > 2*time.Second/awakeFPS+rest+2*time.Second/awakeFPS {
			t.Errorf("a key is drawn after %v", late)
		}
		cancel()
		<-ended
		pace.stop()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Minute) // commands that wait for timers
	})
}
