package fake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"gantry/engine"
	"gantry/logs"
)

// proc is one running program: a container's first, or an exec's. Engine.mu
// guards its fields.
type proc struct {
	kill    context.CancelFunc
	killed  <-chan struct{}
	signals chan string
	ended   bool
	code    int
}

// launch runs a program and calls exited with its code, under mu. The caller
// holds mu.
func (e *Engine) launch(c *container, run Program, p *Process, stdin *input, exited func(*proc)) *proc {
	ctx, cancel := context.WithCancel(context.Background())
	pr := &proc{kill: cancel, killed: ctx.Done(), signals: make(chan string, 16)}
	p.signals = pr.signals
	p.Stdin = stdin
	done := make(chan int, 1)
	e.wg.Go(func() { done <- run(ctx, p) })
	e.wg.Go(func() {
		code := 137
		select {
		case code = <-done:
			// A paused container's program does not get to its end.
			if e.await(ctx, func() bool { return c.state.Status != engine.Paused }) != nil {
				code = 137
			}
		case <-ctx.Done():
		}
		cancel()
		stdin.Close()
		e.mu.Lock()
		defer e.mu.Unlock()
		if !pr.ended { // Exit may have been first
			pr.ended, pr.code = true, code
			exited(pr)
			e.notify()
		}
	})
	return pr
}

// end kills the container's program when it has one. The caller holds mu.
func (c *container) end() {
	if c.proc != nil {
		c.proc.kill()
	}
}

func (cs containers) Start(ctx context.Context, ref string) error {
	c, err := cs.e.lookup(ctx, OpStart, "start", ref)
	if err != nil {
		return err
	}
	defer cs.e.mu.Unlock()
	return cs.e.start(c, ref)
}

// start is Start for callers that hold mu.
func (e *Engine) start(c *container, ref string) error {
	if c.state.Status == engine.Running {
		return opError("start", "container", ref, engine.ErrNotModified, "")
	}
	if err := c.state.Status.Move(engine.Running); err != nil || c.state.Status == engine.Paused {
		return opError("start", "container", ref, errors.Join(engine.ErrConflict, err), "unpause it")
	}
	run, err := c.program, error(nil)
	if run == nil {
		run, err = e.program(append([]string{c.detail.Path}, c.detail.Args...))
	}
	if err != nil {
		c.state.ExitCode, c.state.Error = 127, err.Error()
		if errors.Is(err, engine.ErrCommandNotExecutable) {
			c.state.ExitCode = 126
		}
		c.lastExit = engine.ExitStatus{Code: c.state.ExitCode, Error: c.state.Error}
		if c.detail.HostConfig.AutoRemove {
			e.drop(c)
		}
		return opError("start", "container", ref, fmt.Errorf("%w: %s", err, c.detail.Path), "")
	}
	e.begin(c, run, time.Now().UTC())
	return nil
}

// begin makes c running since at.
func (e *Engine) begin(c *container, run Program, at time.Time) {
	c.state = engine.ContainerState{Status: engine.Running, Running: true, Pid: 1000 + e.draw(), StartedAt: at, FinishedAt: c.state.FinishedAt}
	c.mark("started")
	e.plugAll(c)
	e.publishPorts(c)
	p := &Process{
		Args: append([]string{c.detail.Path}, c.detail.Args...), Env: c.detail.Config.Env,
		Dir: c.detail.Config.WorkingDir, User: c.detail.Config.User, Tty: c.detail.Config.Tty,
	}
	outputs := func(pr *proc) {
		p.Stdout = &output{c: c, proc: pr, stream: logs.Stdout}
		p.Stderr = &output{c: c, proc: pr, stream: logs.Stderr}
		if p.Tty {
			p.Stderr = p.Stdout
		}
	}
	// The program must not print before its outputs know their proc: it begins
	// by taking mu, which the caller holds.
	c.proc = e.launch(c, func(ctx context.Context, p *Process) int {
		e.mu.Lock()
		outputs(c.proc)
		e.mu.Unlock()
		return run(ctx, p)
	}, p, c.stdin, func(pr *proc) { e.exited(c, pr) })
	e.event(c, engine.ActionStart)
}

// exited records the end of c's program.
func (e *Engine) exited(c *container, pr *proc) {
	c.flush()
	now := time.Now().UTC()
	c.state.Status, c.state.Running, c.state.Paused = engine.Exited, false, false
	c.state.Pid, c.state.ExitCode, c.state.FinishedAt = 0, pr.code, now
	c.lastExit = engine.ExitStatus{Code: pr.code, OOMKilled: c.state.OOMKilled, At: now}
	c.exits++
	c.proc = nil
	e.unplugAll(c)
	c.mark("exited " + strconv.Itoa(pr.code))
	for _, s := range c.sessions {
		s.ended, s.exit = true, c.lastExit
	}
	c.sessions = nil
	c.stdin = newInput(c.detail.Config.OpenStdin) // for the next start
	e.event(c, engine.ActionDie, "exitCode", strconv.Itoa(pr.code),
		"execDuration", strconv.Itoa(int(now.Sub(c.state.StartedAt).Seconds())))
	if c.detail.HostConfig.AutoRemove && !c.kept && !e.closed {
		e.drop(c)
	}
}

// signal sends a signal to c's program. The caller holds mu.
func (e *Engine) signal(c *container, name string) {
	e.event(c, engine.ActionKill, "signal", strconv.Itoa(signalNumbers[name]))
	c.proc.deliver(name)
}

func (p *proc) deliver(name string) {
	if name == "SIGKILL" {
		p.kill()
		return
	}
	select {
	case p.signals <- name:
	default: // as a signal that is already pending
	}
}

func (cs containers) Kill(ctx context.Context, ref, signal string) error {
	name, err := signalName(orTerm(signal, "SIGKILL"))
	if err != nil {
		return opError("kill", "container", ref, err, "")
	}
	c, err := cs.e.lookup(ctx, OpKill, "kill", ref)
	if err != nil {
		return err
	}
	p := c.proc
	if !c.state.Status.Live() {
		cs.e.mu.Unlock()
		return opError("kill", "container", ref, engine.ErrConflict, "it is not running")
	}
	cs.e.signal(c, name)
	cs.e.mu.Unlock()
	if name != "SIGKILL" {
		return nil
	}
	return cs.e.await(ctx, func() bool { return p.ended })
}

func orTerm(signal, otherwise string) string {
	if signal == "" {
		return otherwise
	}
	return signal
}

func (cs containers) Stop(ctx context.Context, ref string, opts engine.StopOptions) error {
	c, err := cs.e.lookup(ctx, OpStop, "stop", ref)
	if err != nil {
		return err
	}
	live := c.state.Status.Live()
	cs.e.mu.Unlock()
	if !live {
		return opError("stop", "container", ref, engine.ErrNotModified, "")
	}
	if err := cs.e.stop(ctx, c, opts); err != nil {
		return opError("stop", "container", ref, err, "")
	}
	return nil
}

// stop asks, waits and kills; without mu.
func (e *Engine) stop(ctx context.Context, c *container, opts engine.StopOptions) error {
	e.mu.Lock()
	p := c.proc
	if p == nil {
		e.mu.Unlock()
		return nil
	}
	name, err := signalName(orTerm(orTerm(opts.Signal, c.detail.Config.StopSignal), "SIGTERM"))
	if err != nil {
		e.mu.Unlock()
		return err
	}
	timeout := 10 * time.Second
	if t := c.detail.Config.StopTimeout; t != nil {
		timeout = time.Duration(*t) * time.Second
	}
	if opts.Timeout != nil {
		timeout = *opts.Timeout
	}
	e.signal(c, name)
	e.mu.Unlock()
	wait := ctx
	if timeout >= 0 {
		var cancel context.CancelFunc
		wait, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	ended := func() bool { return p.ended }
	if e.await(wait, ended) != nil {
		if err := ctx.Err(); err != nil {
			return err
		}
		e.mu.Lock()
		if c.proc == p {
			e.signal(c, "SIGKILL")
		}
		e.mu.Unlock()
		if err := e.await(ctx, ended); err != nil {
			return err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !c.removed {
		e.event(c, engine.ActionStop)
	}
	return nil
}

func (cs containers) Restart(ctx context.Context, ref string, opts engine.StopOptions) error {
	c, err := cs.e.lookup(ctx, OpRestart, "restart", ref)
	if err != nil {
		return err
	}
	c.kept = true
	cs.e.mu.Unlock()
	err = cs.e.stop(ctx, c, opts)
	cs.e.mu.Lock()
	defer cs.e.mu.Unlock()
	c.kept = false
	if err != nil {
		return opError("restart", "container", ref, err, "")
	}
	if c.removed {
		return opError("restart", "container", ref, engine.ErrConflict, "it was removed meanwhile")
	}
	if err := cs.e.start(c, ref); err != nil {
		return err
	}
	cs.e.event(c, engine.ActionRestart)
	return nil
}

func (cs containers) Pause(ctx context.Context, ref string) error {
	return cs.freeze(ctx, OpPause, "pause", ref, engine.Running, engine.Paused, engine.ActionPause)
}

func (cs containers) Unpause(ctx context.Context, ref string) error {
	return cs.freeze(ctx, OpUnpause, "unpause", ref, engine.Paused, engine.Running, engine.ActionUnpause)
}

func (cs containers) freeze(ctx context.Context, op Op, verb, ref string, from, to engine.State, action string) error {
	c, err := cs.e.lookup(ctx, op, verb, ref)
	if err != nil {
		return err
	}
	defer cs.e.mu.Unlock()
	if c.state.Status != from {
		return opError(verb, "container", ref, &engine.MoveError{From: c.state.Status, To: to}, "")
	}
	c.state.Status, c.state.Paused = to, to == engine.Paused
	cs.e.event(c, action)
	return nil
}

func (cs containers) Wait(ctx context.Context, ref string, until engine.WaitCondition) (engine.ExitStatus, error) {
	c, err := cs.e.lookup(ctx, OpWait, "wait", ref)
	if err != nil {
		return engine.ExitStatus{}, err
	}
	exits := c.exits
	if until == engine.WaitNotRunning && !c.state.Status.Live() {
		defer cs.e.mu.Unlock()
		return c.lastExit, nil
	}
	cs.e.mu.Unlock()
	if !slices.Contains([]engine.WaitCondition{engine.WaitNotRunning, engine.WaitNextExit, engine.WaitRemoved}, until) {
		return engine.ExitStatus{}, opError("wait", "container", ref, engine.ErrInvalid, "conditions: not-running, next-exit, removed")
	}
	var status engine.ExitStatus
	err = cs.e.await(ctx, func() bool {
		status = c.lastExit
		return c.removed || until != engine.WaitRemoved && c.exits > exits
	})
	if err != nil {
		return engine.ExitStatus{}, opError("wait", "container", ref, err, "")
	}
	return status, nil
}
