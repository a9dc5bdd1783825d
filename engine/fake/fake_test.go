package fake_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"gantry/engine"
	"gantry/engine/enginetest"
	"gantry/engine/fake"
	"gantry/images"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, func(*testing.T) engine.Engine {
		e := fake.New()
		e.AddImage(fake.Image{Refs: []string{"busybox"}, Size: 4 << 20, Config: images.Config{Cmd: []string{"sh"}, Env: []string{"PATH=/bin"}}})
		return e
	}, enginetest.Options{Image: "busybox"})
}

func TestFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := fake.New()
		defer e.Close()
		broken := errors.New("disk is full")
		e.Inject(fake.OpList, fake.Fault{Err: broken, Delay: time.Minute, Skip: 1, Times: 1})
		list := func(ctx context.Context) (time.Duration, error) {
			begin := time.Now()
			_, err := e.Containers().List(ctx, engine.ListOptions{})
			return time.Since(begin), err
		}
		if took, err := list(t.Context()); err != nil || took != 0 {
			t.Errorf("first call: %v after %v", err, took)
		}
		if took, err := list(t.Context()); !errors.Is(err, broken) || took != time.Minute {
			t.Errorf("second call: %v after %v", err, took)
		}
		if _, err := list(t.Context()); err != nil {
			t.Errorf("third call: %v", err)
		}
		e.Inject(fake.OpList, fake.Fault{Delay: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if took, err := list(ctx); !errors.Is(err, context.DeadlineExceeded) || took != time.Second {
			t.Errorf("cut short: %v after %v", err, took)
		}
		e.Heal(fake.OpList)
		if took, err := list(t.Context()); err != nil || took != 0 {
			t.Errorf("healed: %v after %v", err, took)
		}
	})
}

func TestWatchLags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := fake.New()
		defer e.Close()
		for range 5 {
			e.Emit(engine.Event{Kind: engine.KindContainer, Action: engine.ActionStart})
		}
		e.Forget(3)
		for _, err := range e.Watch(t.Context(), engine.WatchOptions{After: 2}) {
			if !errors.Is(err, engine.ErrLagged) {
				t.Errorf("watch after a forgotten event: %v", err)
			}
		}
		for ev, err := range e.Watch(t.Context(), engine.WatchOptions{After: 3}) {
			if err != nil || ev.Seq != 4 {
				t.Errorf("watch after the last forgotten event: %v, %v", ev.Seq, err)
			}
			break
		}
	})
}

func TestPullAndJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := fake.New()
		defer e.Close()
		e.AddRemote("alpine:3", fake.Remote{Pace: time.Second})
		begin := time.Now()
		id, err := e.Jobs().Start(t.Context(), engine.JobSpec{Kind: "pull", Args: map[string]string{"ref": "alpine:3"}})
		if err != nil {
			t.Fatal(err)
		}
		var last images.Progress
		for p, err := range e.Jobs().Follow(t.Context(), string(id)) {
			if err != nil {
				t.Fatal(err)
			}
			last = p
		}
		if last.ID != "" || last.State != images.Done || time.Since(begin) != 7*time.Second {
			t.Errorf("last progress %+v after %v", last, time.Since(begin))
		}
		if _, err := e.Images().Inspect(t.Context(), "alpine:3"); err != nil {
			t.Error(err)
		}
		id, _ = e.Jobs().Start(t.Context(), engine.JobSpec{Kind: "pull", Args: map[string]string{"ref": "alpine:3"}})
		if err := e.Jobs().Cancel(t.Context(), string(id)); err != nil {
			t.Fatal(err)
		}
		if list, _ := e.Jobs().List(t.Context()); len(list) != 2 || list[0].State != engine.JobCanceled || list[1].State != engine.JobDone {
			t.Errorf("jobs = %+v", list)
		}
	})
}

func TestScriptedContainers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := fake.New()
		defer e.Close()
		e.AddImage(fake.Image{Refs: []string{"web"}})
		for _, state := range []engine.State{engine.Created, engine.Running, engine.Paused, engine.Exited, engine.Dead} {
			e.AddContainer(fake.Container{Name: string(state), Image: "web", State: state, ExitCode: 3})
		}
		list, err := e.Containers().List(t.Context(), engine.ListOptions{All: true})
		if err != nil || len(list.Items) != 5 {
			t.Fatalf("%d containers, %v", len(list.Items), err)
		}
		for _, c := range list.Items {
			if string(c.Status.Status) != c.Name {
				t.Errorf("%s is %s", c.Name, c.Status.Status)
			}
		}
		if err := e.Exit("running", 137, true); err != nil {
			t.Fatal(err)
		}
		status, err := e.Containers().Wait(t.Context(), "running", engine.WaitNotRunning)
		if err != nil || status.Code != 137 || !status.OOMKilled {
			t.Errorf("after an out-of-memory kill: %+v, %v", status, err)
		}
	})
}
