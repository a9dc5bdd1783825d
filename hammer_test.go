package main_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// expected are the refusals that processes at work on the same objects may
// get: the object is gone, taken, or in use.
var expected = regexp.MustCompile(`(?i)no such|not found|in use|already|conflict|being removed|is running|not running|used by|is using|cannot become`)

// TestHammer: four processes create, run, remove, tag and prune the same few
// names at once. Whatever any of them sees is whole, nobody waits for ever, and
// afterwards everything can be removed.
func TestHammer(t *testing.T) {
	w := newWorld(t)
	duration := 10 * time.Second
	if testing.Short() {
		duration = 3 * time.Second
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	deadline := time.Now().Add(duration)
	var all sync.WaitGroup
	for i := range uint64(4) {
		all.Go(func() {
			h := &hammer{world: w, rng: rand.New(rand.NewPCG(seed, i))}
			for time.Now().Before(deadline) && !t.Failed() {
				h.blow()
			}
			t.Logf("process %d: %d commands", i, h.count)
		})
	}
	all.Wait()
	h := &hammer{world: w}
	h.listed()
	w.removeAll()
	for _, id := range strings.Fields(w.gantry("images", "-aq", "--no-trunc")) {
		// Tags of one image share its ID.
		if r := w.try("rmi", "-f", id); r.code != 0 && !strings.Contains(r.err, "no such") {
			t.Errorf("rmi %s: %s", id, r.err)
		}
	}
	w.gantry("image", "prune", "-af")
	if got := w.gantry("images", "-aq"); got != "" {
		t.Errorf("images are left: %s", got)
	}
}

// hammer is one of the processes.
type hammer struct {
	*world
	rng   *rand.Rand
	count int
}

func (h *hammer) name() string { return fmt.Sprintf("nail-%d", h.rng.IntN(4)) }
func (h *hammer) tag() string  { return fmt.Sprintf("nail:%d", h.rng.IntN(3)) }

func (h *hammer) blow() {
	h.count++
	switch h.rng.IntN(12) {
	case 0:
		h.may("create", "--name", h.name(), "box", "true")
	case 1:
		h.may("run", "-d", "--name", h.name(), "box", "sleep", "1000")
	case 2:
		h.may("run", "-d", "--rm", "--name", h.name(), "box", "true")
	case 3:
		// A prune between its creation and its start takes it, as docker's does.
		r := h.try("run", "--rm", "box", "echo", "whole")
		if refused := r.code == 125 && expected.MatchString(r.err); !refused && (r.code != 0 || r.out != "whole") {
			h.t.Errorf("run --rm: exit code %d, %q, %s", r.code, r.out, r.err)
		}
	case 4, 5:
		h.may("rm", "-f", h.name())
	case 6:
		h.may("tag", "box", h.tag())
	case 7:
		h.may("rmi", h.tag())
	case 8:
		h.may("container", "prune", "-f")
	case 9:
		h.may("image", "prune", "-f")
	case 10:
		h.may("start", h.name())
	default:
		h.listed()
	}
}

// may runs a command that others may be in the way of.
func (h *hammer) may(args ...string) {
	if r := h.try(args...); r.code != 0 && !expected.MatchString(r.err) {
		h.t.Errorf("gantry %s: exit code %d\n%s", strings.Join(args, " "), r.code, r.err)
	}
}

// listed checks that what is listed is whole: every field that is always there
// is there, and what inspect finds has the same ID.
func (h *hammer) listed() {
	r := h.try("ps", "-a", "--no-trunc", "--format", "json")
	if r.code != 0 || r.err != "" {
		h.t.Errorf("ps: exit code %d, %s", r.code, r.err)
	}
	for line := range strings.Lines(r.out) {
		var c struct{ ID, Names, Image, State, Status string }
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			h.t.Errorf("ps prints %q: %v", line, err)
			return
		}
		if len(c.ID) != 64 || c.Names == "" || c.Image == "" || c.Status == "" || c.State == "dead" {
			h.t.Errorf("a container that is not whole: %s", line)
		}
		i := h.try("inspect", "-f", "{{.Id}}", c.ID)
		if i.code == 0 && i.out != c.ID || i.code != 0 && !expected.MatchString(i.err) {
			h.t.Errorf("inspect %s: %s%s", c.ID, i.out, i.err)
		}
	}
	r = h.try("images", "--no-trunc", "--format", "json")
	if r.code != 0 || r.err != "" || !strings.Contains(r.out, `"box"`) {
		h.t.Errorf("images: exit code %d, %s%s", r.code, r.out, r.err)
	}
}
