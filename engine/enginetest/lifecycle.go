package enginetest

import (
	"errors"
	"slices"
	"strings"
	"time"

	"gantry/engine"
)

const (
	// forever only ends by SIGKILL: process 1 has no default signal handlers.
	forever = "echo ready; sleep 100000"
	// polite ends with 7 when it is asked to.
	polite = "trap 'exit 7' TERM; echo ready; sleep 100000 & wait"
)

func testLifecycle(s *suite) {
	id := s.create("exit 3")
	s.wantState(id, engine.Created)
	for range 2 {
		s.must(s.c.Start(s.ctx, string(id)))
		if got := s.wait(id, engine.WaitNotRunning); got.Code != 3 {
			s.Errorf("exit code = %d, want 3", got.Code)
		}
		s.wantState(id, engine.Exited)
		if st := s.state(id); st.ExitCode != 3 || st.StartedAt.IsZero() || st.FinishedAt.Before(st.StartedAt) {
			s.Errorf("state after the exit: %+v", st)
		}
	}
	s.must(s.c.Remove(s.ctx, string(id), engine.RemoveOptions{}))
	_, err := s.c.Inspect(s.ctx, string(id))
	s.wantIs(err, engine.ErrNotFound)
}

// testRefusals walks the table of moves: what a state does not allow fails
// with its class and changes nothing.
func testRefusals(s *suite) {
	type verb struct {
		name string
		do   func(ref string) error
	}
	start := verb{"start", func(ref string) error { return s.c.Start(s.ctx, ref) }}
	stop := verb{"stop", func(ref string) error { return s.c.Stop(s.ctx, ref, engine.StopOptions{}) }}
	kill := verb{"kill", func(ref string) error { return s.c.Kill(s.ctx, ref, "TERM") }}
	pause := verb{"pause", func(ref string) error { return s.c.Pause(s.ctx, ref) }}
	unpause := verb{"unpause", func(ref string) error { return s.c.Unpause(s.ctx, ref) }}
	remove := verb{"remove", func(ref string) error { return s.c.Remove(s.ctx, ref, engine.RemoveOptions{}) }}
	refused := func(id engine.ID, state engine.State, class error, verbs ...verb) {
		s.Helper()
		for _, v := range verbs {
			if err := v.do(string(id)); !errors.Is(err, class) {
				s.Errorf("%s of a %s container: error = %v, want %q", v.name, state, err, class)
			}
			s.wantState(id, state)
		}
	}
	id := s.create(forever)
	refused(id, engine.Created, engine.ErrConflict, kill, pause, unpause)
	refused(id, engine.Created, engine.ErrNotModified, stop)
	s.must(start.do(string(id)))
	refused(id, engine.Running, engine.ErrConflict, unpause, remove)
	refused(id, engine.Running, engine.ErrNotModified, start)
	s.must(pause.do(string(id)))
	refused(id, engine.Paused, engine.ErrConflict, start, pause, remove)
	s.must(unpause.do(string(id)))
	s.must(s.c.Kill(s.ctx, string(id), "KILL"))
	s.wait(id, engine.WaitNotRunning)
	refused(id, engine.Exited, engine.ErrConflict, kill, pause, unpause)
	refused(id, engine.Exited, engine.ErrNotModified, stop)
	for _, v := range []verb{start, stop, kill, pause, unpause, remove} {
		s.wantIs(v.do("no-such-container"), engine.ErrNotFound)
	}
}

func testExitCodes(s *suite) {
	for command, want := range map[string]int{"true": 0, "false": 1, "exit 42": 42, "exit 255": 255} {
		id := s.start(command)
		if got := s.wait(id, engine.WaitNotRunning); got.Code != want {
			s.Errorf("%q: exit code = %d, want %d", command, got.Code, want)
		}
	}
}

func testMissingProgram(s *suite) {
	for _, test := range []struct {
		cmd   string
		class error
		code  int
	}{{"no-such-program", engine.ErrCommandNotFound, 127}, {"/etc/passwd", engine.ErrCommandNotExecutable, 126}} {
		id := s.create("", func(o *engine.CreateOptions) { o.Config.Cmd = []string{test.cmd} })
		for range 2 {
			s.wantIs(s.c.Start(s.ctx, string(id)), test.class)
			// As docker tells it: what never ran is still only created.
			if st := s.state(id); st.Status != engine.Created || st.ExitCode != test.code || st.Error == "" || !st.StartedAt.IsZero() || !st.FinishedAt.IsZero() {
				s.Errorf("state after a failed start of %s: %+v", test.cmd, st)
			}
		}
		if st := s.wait(id, engine.WaitNotRunning); st.Code != test.code {
			s.Errorf("exit code after a failed start of %s: %d, want %d", test.cmd, st.Code, test.code)
		}
	}
}

// testWait: next-exit is edge-triggered, so the test repeats the edge until it
// has been seen.
func testWait(s *suite) {
	id := s.create(forever)
	if got := s.wait(id, engine.WaitNotRunning); got.Code != 0 {
		s.Errorf("not-running of a created container = %+v", got)
	}
	seen := make(chan engine.ExitStatus, 1)
	go func() {
		status, err := s.c.Wait(s.ctx, string(id), engine.WaitNextExit)
		if err == nil {
			seen <- status
		}
	}()
	for {
		s.must(s.c.Start(s.ctx, string(id)))
		s.must(s.c.Kill(s.ctx, string(id), "SIGKILL"))
		if got := s.wait(id, engine.WaitNotRunning); got.Code != 137 {
			s.Fatalf("exit code after SIGKILL = %d, want 137", got.Code)
		}
		select {
		case got := <-seen:
			if got.Code != 137 {
				s.Errorf("next-exit = %+v, want code 137", got)
			}
			return
		case <-time.After(100 * time.Millisecond):
		case <-s.ctx.Done():
			s.Fatal("next-exit was never seen")
		}
	}
}

func testWaitRemoved(s *suite) {
	for {
		id := s.start(forever)
		began := make(chan struct{})
		type answer struct {
			status engine.ExitStatus
			err    error
		}
		done := make(chan answer, 1)
		go func() {
			close(began)
			status, err := s.c.Wait(s.ctx, string(id), engine.WaitRemoved)
			done <- answer{status, err}
		}()
		<-began
		s.must(s.c.Kill(s.ctx, string(id), "KILL"))
		s.wait(id, engine.WaitNotRunning)
		select {
		case a := <-done:
			s.Fatalf("removed held for a container that is there: %+v", a)
		default:
		}
		s.must(s.c.Remove(s.ctx, string(id), engine.RemoveOptions{}))
		a := <-done
		if errors.Is(a.err, engine.ErrNotFound) {
			continue // Wait came after Remove
		}
		s.must(a.err)
		if a.status.Code != 137 {
			s.Errorf("removed = %+v, want code 137", a.status)
		}
		return
	}
}

func testAutoRemove(s *suite) {
	id := s.create("cat; exit 5", withAutoRemove, withStdin)
	_, sess := s.talk(id, engine.AttachOptions{Stdin: true, Stdout: true, Stderr: true})
	s.must(s.c.Start(s.ctx, string(id)))
	s.must(sess.CloseWrite())
	status, err := sess.Wait(s.ctx)
	s.must(err)
	if status.Code != 5 {
		s.Errorf("exit code of the session = %d, want 5", status.Code)
	}
	s.eventually("the container is removed", func() bool {
		_, err := s.c.Inspect(s.ctx, string(id))
		return errors.Is(err, engine.ErrNotFound)
	})
}

// eventually waits for what no call can wait for.
func (s *suite) eventually(what string, ok func() bool) {
	s.Helper()
	deadline := time.Now().Add(s.opts.Patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			s.Fatalf("waited in vain until %s", what)
		}
		<-tick.C
	}
}

func (s *suite) ready(command string, change ...func(*engine.CreateOptions)) engine.ID {
	s.Helper()
	id := s.create(command, change...)
	sc, _ := s.talk(id, engine.AttachOptions{Stdout: true})
	s.must(s.c.Start(s.ctx, string(id)))
	sc.until("ready\n")
	return id
}

func testStop(s *suite) {
	id := s.ready(polite)
	s.must(s.c.Stop(s.ctx, string(id), engine.StopOptions{}))
	if got := s.wait(id, engine.WaitNotRunning); got.Code != 7 {
		s.Errorf("exit code of a program that ends when asked = %d, want 7", got.Code)
	}
	id = s.ready(forever)
	zero := time.Duration(0)
	s.must(s.c.Stop(s.ctx, string(id), engine.StopOptions{Timeout: &zero}))
	if got := s.wait(id, engine.WaitNotRunning); got.Code != 137 {
		s.Errorf("exit code of a program that does not listen = %d, want 137", got.Code)
	}
	id = s.ready("trap 'exit 8' USR1; echo ready; sleep 100000 & wait", func(o *engine.CreateOptions) { o.Config.StopSignal = "SIGUSR1" })
	s.must(s.c.Stop(s.ctx, string(id), engine.StopOptions{}))
	if got := s.wait(id, engine.WaitNotRunning); got.Code != 8 {
		s.Errorf("exit code after the container's own stop signal = %d, want 8", got.Code)
	}
}

func testKill(s *suite) {
	id := s.ready(polite)
	s.wantIs(s.c.Kill(s.ctx, string(id), "NOSUCHSIGNAL"), engine.ErrInvalid)
	s.must(s.c.Kill(s.ctx, string(id), "15"))
	if got := s.wait(id, engine.WaitNotRunning); got.Code != 7 {
		s.Errorf("exit code = %d, want 7", got.Code)
	}
}

func testRestart(s *suite) {
	id := s.ready(polite)
	before := s.state(id)
	s.must(s.c.Restart(s.ctx, string(id), engine.StopOptions{}))
	s.wantState(id, engine.Running)
	if after := s.state(id); after.Pid == before.Pid || !after.StartedAt.After(before.StartedAt) {
		s.Errorf("restart left pid %d and start %s", after.Pid, after.StartedAt)
	}
	stopped := s.create(forever)
	s.must(s.c.Restart(s.ctx, string(stopped), engine.StopOptions{}))
	s.wantState(stopped, engine.Running)
}

// testRestartAutoRemove: a restart is not the end that a --rm container goes
// with, whoever waits for that.
func testRestartAutoRemove(s *suite) {
	id := s.ready(polite, withAutoRemove, withAnonymous("/anon"))
	zero := time.Duration(0)
	for range 5 {
		before := s.state(id)
		s.must(s.c.Restart(s.ctx, string(id), engine.StopOptions{Timeout: &zero}))
		s.wantState(id, engine.Running)
		if after := s.state(id); after.Pid == before.Pid {
			s.Errorf("restart left pid %d", after.Pid)
		}
	}
	s.must(s.c.Stop(s.ctx, string(id), engine.StopOptions{Timeout: &zero}))
	s.eventually("the container is removed", func() bool {
		_, err := s.c.Inspect(s.ctx, string(id))
		return errors.Is(err, engine.ErrNotFound)
	})
}

func testPause(s *suite) {
	id := s.ready(forever)
	s.must(s.c.Pause(s.ctx, string(id)))
	if st := s.state(id); st.Status != engine.Paused || !st.Paused || !st.Running {
		s.Errorf("paused: %+v", st)
	}
	_, err := s.c.Exec(s.ctx, string(id), engine.ExecOptions{Cmd: []string{"true"}})
	s.wantIs(err, engine.ErrConflict)
	s.must(s.c.Unpause(s.ctx, string(id)))
	s.wantState(id, engine.Running)
	s.must(s.c.Pause(s.ctx, string(id)))
	s.must(s.c.Remove(s.ctx, string(id), engine.RemoveOptions{Force: true}))
}

func testRename(s *suite) {
	id := s.create("true")
	other := s.create("true")
	d, err := s.c.Inspect(s.ctx, string(other))
	s.must(err)
	s.wantIs(s.c.Rename(s.ctx, string(id), strings.TrimPrefix(d.Name, "/")), engine.ErrConflict)
	s.wantIs(s.c.Rename(s.ctx, string(id), "not a name"), engine.ErrInvalid)
	name := s.name()
	s.must(s.c.Rename(s.ctx, string(id), name))
	d, err = s.c.Inspect(s.ctx, name)
	s.must(err)
	if d.ID != id || d.Name != "/"+name {
		s.Errorf("after the rename: %s is %s", d.Name, d.ID)
	}
}

func testUpdate(s *suite) {
	id := s.start(forever, func(o *engine.CreateOptions) { o.Host.Memory = 64 << 20 })
	s.must(s.c.Update(s.ctx, string(id), engine.UpdateOptions{Resources: engine.Resources{PidsLimit: 50}}))
	d, err := s.c.Inspect(s.ctx, string(id))
	s.must(err)
	if d.HostConfig.PidsLimit != 50 || d.HostConfig.Memory != 64<<20 {
		s.Errorf("after the update: pids %d, memory %d", d.HostConfig.PidsLimit, d.HostConfig.Memory)
	}
}

func testPrune(s *suite) {
	label := map[string]string{"enginetest": s.Name()}
	mine := engine.Filters{"label": {"enginetest=" + s.Name()}}
	dead := s.start("true", withLabels(label))
	s.wait(dead, engine.WaitNotRunning)
	created := s.create("true", withLabels(label))
	live := s.start(forever, withLabels(label))
	want := []string{string(dead), string(created)}
	slices.Sort(want)
	for _, dry := range []bool{true, false} {
		report, err := s.c.Prune(s.ctx, engine.PruneOptions{DryRun: dry, Filters: mine})
		s.must(err)
		slices.Sort(report.Deleted)
		if !slices.Equal(report.Deleted, want) {
			s.Errorf("prune (dry %v) = %v, want %v", dry, report.Deleted, want)
		}
	}
	s.wantState(live, engine.Running)
	_, err := s.c.Inspect(s.ctx, string(dead))
	s.wantIs(err, engine.ErrNotFound)
}
