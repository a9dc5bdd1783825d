package shim_test

import (
	"testing"
	"time"

	"gantry/engine"
	"gantry/engine/record"
	"gantry/engine/shim"
)

func TestNext(t *testing.T) {
	t.Parallel()
	const short, long = time.Second, 10 * time.Second
	onFailure := func(n int) engine.RestartPolicy {
		return engine.RestartPolicy{Name: engine.RestartOnFailure, MaximumRetryCount: n}
	}
	always := engine.RestartPolicy{Name: engine.RestartAlways}
	for _, tt := range []struct {
		name   string
		before shim.Again
		policy engine.RestartPolicy
		code   int
		ran    time.Duration
		want   shim.Again
		ok     bool
	}{
		{"the zero policy", shim.Again{}, engine.RestartPolicy{}, 1, short, shim.Again{}, false},
		{"no", shim.Again{Count: 2, Delay: time.Second}, engine.RestartPolicy{Name: engine.RestartNo}, 1, short, shim.Again{Count: 2, Delay: time.Second}, false},
		{"first", shim.Again{}, always, 1, short, shim.Again{Count: 1, Delay: 100 * time.Millisecond}, true},
		{"second", shim.Again{Count: 1, Delay: 100 * time.Millisecond}, always, 1, short, shim.Again{Count: 2, Delay: 200 * time.Millisecond}, true},
		{"a good end", shim.Again{}, always, 0, short, shim.Again{Count: 1, Delay: 100 * time.Millisecond}, true},
		{"at most a minute", shim.Again{Count: 20, Delay: 51200 * time.Millisecond}, always, 1, short, shim.Again{Count: 21, Delay: time.Minute}, true},
		{"a minute stays", shim.Again{Count: 21, Delay: time.Minute}, always, 1, short, shim.Again{Count: 22, Delay: time.Minute}, true},
		{"it ran for a while", shim.Again{Count: 9, Delay: time.Minute}, always, 1, long, shim.Again{Count: 10, Delay: 100 * time.Millisecond}, true},
		{"unless stopped", shim.Again{}, engine.RestartPolicy{Name: engine.RestartUnlessStopped}, 0, short, shim.Again{Count: 1, Delay: 100 * time.Millisecond}, true},
		{"on failure, a failure", shim.Again{}, onFailure(0), 1, short, shim.Again{Count: 1, Delay: 100 * time.Millisecond}, true},
		{"on failure, none", shim.Again{}, onFailure(0), 0, short, shim.Again{}, false},
		{"on failure, the last try", shim.Again{Count: 1}, onFailure(2), 1, short, shim.Again{Count: 2, Delay: 100 * time.Millisecond}, true},
		{"on failure, no more tries", shim.Again{Count: 2}, onFailure(2), 1, short, shim.Again{Count: 2}, false},
	} {
		if got, ok := tt.before.Next(tt.policy, tt.code, tt.ran); got != tt.want || ok != tt.ok {
			t.Errorf("%s: %+v, %v; want %+v, %v", tt.name, got, ok, tt.want, tt.ok)
		}
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	now := time.Now()
	always := engine.RestartPolicy{Name: engine.RestartAlways}
	x := shim.ExitRecord{Code: 1}
	x.Plan(shim.Again{}, always, 0, now)
	if !x.Planned() || !x.Due.Equal(now.Add(100*time.Millisecond)) || x.BootID != record.BootID() {
		t.Errorf("plan: %+v", x)
	}
	other := x
	if other.BootID = "of another boot"; other.Planned() {
		t.Error("a plan outlives a boot")
	}
	stopped := shim.ExitRecord{Code: 1, Stopped: true}
	if stopped.Plan(shim.Again{}, always, 0, now); stopped.Planned() {
		t.Error("what was stopped is started again")
	}
	if (*shim.ExitRecord)(nil).Planned() {
		t.Error("no end has a plan")
	}
	late, early, back := x, x, x
	late.Due, early.Due, back.Due = now.Add(-time.Hour), now.Add(90*time.Millisecond), now.Add(time.Hour)
	early.Again.Delay = time.Hour
	for name, got := range map[string]bool{"late": late.Ready(), "early": !early.Ready(), "after the clock was set back": back.Ready()} {
		if !got {
			t.Errorf("%s: ready is wrong", name)
		}
	}
}
