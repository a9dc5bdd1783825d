package local

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"syscall"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine"
	"gantry/engine/cgroup"
	"gantry/engine/cgroup/leaf"
	"gantry/engine/record"
	"gantry/engine/shim"
)

// stopTimeout is how long a container may take to end when nothing says
// otherwise, as in docker.
const stopTimeout = 10 * time.Second

// Start implements engine.ContainerLifecycle.
func (c *containers) Start(ctx context.Context, ref string) error {
	e := (*Engine)(c)
	id, err := e.find(ref)
	if err != nil {
		return opErr("start", ref, err)
	}
	return opErr("start", ref, e.start(ctx, id))
}

func (e *Engine) start(ctx context.Context, id engine.ID) error {
	err := e.startLocked(ctx, id)
	if err != nil && ctx.Err() == nil && !errors.Is(err, engine.ErrNotModified) {
		e.dropFailed(ctx, id)
	}
	return err
}

// startLocked holds the container's lock until the program runs: a removal
// would otherwise find a container that is only just created.
func (e *Engine) startLocked(ctx context.Context, id engine.ID) error {
	lock, err := e.locks.Lock(ctx, record.LockContainer, string(id))
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if waited, err := e.hasten(id); err != nil {
		return err
	} else if waited {
		defer shim.Wake(e.run, id)
	}
	return e.startHeld(ctx, id)
}

// startHeld is startLocked for callers that hold the container's lock.
func (e *Engine) startHeld(ctx context.Context, id engine.ID) error {
	if b := e.spares.waiting(id); b != nil {
		if !b.lent {
			defer b.client.Close()
		}
		if err := e.launch(ctx, b.client, id); !errors.Is(err, shim.ErrGone) {
			return err
		}
	}
	err := e.startOnce(ctx, id)
	if errors.Is(err, shim.ErrGone) {
		// The monitor of the run before was just leaving.
		if err := record.AwaitFree(ctx, shim.LockPath(e.run, id)); err != nil {
			return err
		}
		err = e.startOnce(ctx, id)
	}
	return err
}

func (e *Engine) startOnce(ctx context.Context, id engine.ID) error {
	client, err := e.readyShimLocked(ctx, id)
	if err != nil {
		return err
	}
	defer client.Close()
	e.spares.waiting(id) // it is this one, if any
	return e.launch(ctx, client, id)
}

// dropFailed removes a --rm container whose start failed, so that it is gone
// when the caller learns of the failure. Where that does not work its monitor
// has it done.
func (e *Engine) dropFailed(ctx context.Context, id engine.ID) {
	if rec, err := e.readRecord(id); err == nil && rec.Host.AutoRemove {
		_ = e.remove(ctx, id)
	}
}

// readyShim returns a client of the container's monitor, which waits for the
// order to start. It spawns one unless an attach already did.
func (e *Engine) readyShim(ctx context.Context, id engine.ID) (*shim.Client, error) {
	lock, err := e.locks.Lock(ctx, record.LockContainer, string(id))
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	return e.readyShimLocked(ctx, id)
}

func (e *Engine) readyShimLocked(ctx context.Context, id engine.ID) (*shim.Client, error) {
	v, lost, err := e.look(id)
	if err == nil && lost {
		if err = e.settleLocked(id); err == nil {
			v, _, err = e.look(id)
		}
	}
	if err != nil {
		return nil, err
	}
	switch v.state {
	case engine.Running:
		return nil, engine.ErrNotModified
	case engine.Paused:
		return nil, fmt.Errorf("%w: it is paused; unpause it instead", engine.ErrConflict)
	}
	if err := v.state.Move(engine.Running); err != nil {
		return nil, err
	}
	if client := e.spares.lend(id); client != nil {
		return client, nil
	}
	if client, err := shim.Dial(ctx, e.run, id); err == nil {
		return client, nil
	}
	limits, err := e.readLimits(id)
	if err != nil {
		return nil, err
	}
	return e.spawn(ctx, v.rec, e.makeGroup(v.rec, limits))
}

// madeGroup is a container's control group, or why there is none.
type madeGroup struct {
	group *leaf.Group
	err   error
}

// hostFor is how control groups are arranged for a container.
func (e *Engine) hostFor(rec *containerRecord) (*cgroup.Host, error) {
	host, err := e.host()
	if err != nil {
		return nil, err
	}
	return host.Under(rec.Host.CgroupParent)
}

// makeGroup makes a container's control group in the background.
func (e *Engine) makeGroup(rec *containerRecord, limits *specs.LinuxResources) <-chan madeGroup {
	made := make(chan madeGroup, 1)
	go func() {
		host, err := e.hostFor(rec)
		if err != nil {
			made <- madeGroup{err: err}
			return
		}
		group, err := host.Create(string(rec.ID), limits)
		made <- madeGroup{group, err}
	}()
	return made
}

// dropGroup removes a group that is not needed after all.
func dropGroup(made <-chan madeGroup) error {
	if made == nil {
		return nil
	}
	if m := <-made; m.group != nil {
		return m.group.Delete()
	}
	return nil
}

// spawn prepares what the monitor needs of this start and starts it. The
// control group may be in the making still: the monitor needs it for the start
// only.
func (e *Engine) spawn(ctx context.Context, rec *containerRecord, made <-chan madeGroup) (*shim.Client, error) {
	id := rec.ID
	for _, name := range rec.volumeNames() {
		if err := e.volumes.Settle(ctx, name); err != nil {
			return nil, errors.Join(volumeErr("use", name, err), dropGroup(made))
		}
	}
	host, err := e.hostFor(rec)
	if err != nil {
		return nil, errors.Join(err, dropGroup(made))
	}
	planned := host.Group(string(id))
	client, err := e.beginMonitor(ctx, rec, planned)
	r := <-made
	switch {
	case r.err != nil && err == nil:
		e.spares.waiting(id)
		return nil, errors.Join(r.err, client.Dismiss(ctx), client.Close())
	case err != nil || r.err != nil:
		if r.group != nil {
			err = errors.Join(err, r.group.Delete())
		}
		return nil, errors.Join(err, r.err)
	case !reflect.DeepEqual(r.group, planned):
		// A kernel that lacks what the plan relied on.
		e.spares.waiting(id)
		if err := errors.Join(client.Dismiss(ctx), client.Close()); err != nil {
			return nil, errors.Join(err, r.group.Delete())
		}
		return e.beginMonitor(ctx, rec, r.group)
	}
	return client, nil
}

// beginMonitor writes a monitor's orders and starts it: the one that waits for
// them, or a new one.
func (e *Engine) beginMonitor(ctx context.Context, rec *containerRecord, group *leaf.Group) (*shim.Client, error) {
	id := rec.ID
	cfg, err := e.shimConfig(rec, group)
	if err != nil {
		return nil, err
	}
	if err := record.Write(e.file(id, "shim.json"), cfg, record.Volatile); err != nil {
		return nil, err
	}
	if client, err := e.spares.begin(ctx, id); client != nil || ctx.Err() != nil {
		return client, err
	}
	if err := e.makeMonitorGroup(); err != nil {
		return nil, err
	}
	return shim.Spawn(ctx, e.file(id, "shim.json"))
}

// readLimits reads from the bundle's config.json what the control group is made
// of.
func (e *Engine) readLimits(id engine.ID) (*specs.LinuxResources, error) {
	spec, err := e.readSpec(id)
	if err != nil {
		return nil, err
	}
	return spec.Linux.Resources, nil
}

// signal sends to the container's first process, through its monitor where one
// answers, else directly. forGood says that its policy is not to start it again.
func (e *Engine) signal(ctx context.Context, v *view, sig syscall.Signal, forGood bool) error {
	if !v.state.Live() {
		return notRunning(v.state)
	}
	client, err := shim.Dial(ctx, e.run, v.rec.ID)
	if err == nil {
		defer client.Close()
		send := client.Signal
		if forGood {
			send = client.Stop
		}
		err = send(ctx, int(sig))
	}
	// The monitor may be leaving just now, because the container has ended.
	if errors.Is(err, shim.ErrGone) {
		return signalDirect(v.start, sig)
	}
	return err
}

// signalDirect holds the process by descriptor before it looks at its start
// time, so that the signal cannot reach another one of the same number.
func signalDirect(s *shim.StartRecord, sig syscall.Signal) error {
	f, err := record.PidFD(s.Pid, s.PidStart)
	if err != nil {
		return fmt.Errorf("%w: its process is gone", engine.ErrConflict)
	}
	defer f.Close()
	return record.SignalFD(f, sig)
}

// Kill implements engine.ContainerLifecycle.
func (c *containers) Kill(ctx context.Context, ref, signal string) error {
	e := (*Engine)(c)
	sig, err := ParseSignal(signal, syscall.SIGKILL)
	if err != nil {
		return opErr("kill", ref, err)
	}
	v, err := e.viewOf(ref)
	if err != nil {
		return opErr("kill", ref, err)
	}
	forGood := e.endsForGood(v, sig)
	if !v.state.Live() && !(forGood && v.state == engine.Restarting) {
		return opErr("kill", ref, notRunning(v.state))
	}
	// Said before it is done: the end that it brings comes after it for everyone
	// who follows the events.
	if err := e.containerEvent(v.rec, engine.ActionKill, map[string]string{"signal": fmt.Sprint(int(sig))}); err != nil {
		return opErr("kill", ref, err)
	}
	return opErr("kill", ref, e.kill(ctx, v, sig, forGood))
}

// kill sends a signal. One that ends the container for good also takes away its
// next start, should it just have ended by itself.
func (e *Engine) kill(ctx context.Context, v *view, sig syscall.Signal, forGood bool) error {
	for {
		var err error
		if v.state == engine.Restarting {
			_, err = e.cease(ctx, v.rec.ID)
		} else {
			err = e.signal(ctx, v, sig, forGood)
		}
		if !forGood || v.rec.Host.RestartPolicy.IsNo() || err == nil && v.state.Live() || err != nil && !errors.Is(err, engine.ErrConflict) {
			return err
		}
		if v.state.Live() { // its end may have been planned around before our word came
			if _, err := e.waitExit(ctx, v); err != nil {
				return err
			}
		}
		now, err := e.view(v.rec.ID)
		if err != nil || !now.goesOn() {
			return err
		}
		v = now
	}
}

// endsForGood tells whether a signal says that its sender wants the container
// to end, so that its policy does not start it again: SIGKILL and the one that
// stop sends. After another one, such as a SIGHUP that asks it to read its
// configuration, it does. (docker takes any signal for the wish to end it.)
func (e *Engine) endsForGood(v *view, sig syscall.Signal) bool {
	own, err := ParseSignal(v.rec.Config.StopSignal, syscall.SIGTERM)
	return sig == syscall.SIGKILL || err == nil && sig == own
}

// Stop implements engine.ContainerLifecycle.
func (c *containers) Stop(ctx context.Context, ref string, opts engine.StopOptions) error {
	e := (*Engine)(c)
	v, err := e.viewOf(ref)
	if err != nil {
		return opErr("stop", ref, err)
	}
	return opErr("stop", ref, e.stop(ctx, v, opts))
}

// stop ends a container for good. Its policy may start it again between two
// looks, when its last attempt ended before this one could stop it.
func (e *Engine) stop(ctx context.Context, v *view, opts engine.StopOptions) error {
	if !v.state.Live() && v.state != engine.Restarting {
		return engine.ErrNotModified
	}
	for {
		if err := e.stopAttempt(ctx, v, opts); err != nil {
			return err
		}
		if v.rec.Host.RestartPolicy.IsNo() {
			break
		}
		now, err := e.view(v.rec.ID)
		if err != nil && !errors.Is(err, engine.ErrNotFound) {
			return err
		}
		if err != nil || !now.goesOn() {
			break
		}
		v = now
	}
	return e.containerEvent(v.rec, engine.ActionStop, nil)
}

func (e *Engine) stopAttempt(ctx context.Context, v *view, opts engine.StopOptions) error {
	if v.state == engine.Restarting {
		_, err := e.cease(ctx, v.rec.ID)
		return err
	}
	sig, err := ParseSignal(firstOf(opts.Signal, v.rec.Config.StopSignal), syscall.SIGTERM)
	if err != nil {
		return err
	}
	timeout := stopTimeout
	if t := v.rec.Config.StopTimeout; t != nil {
		timeout = time.Duration(*t) * time.Second
	}
	if opts.Timeout != nil {
		timeout = *opts.Timeout
	}
	if v.state == engine.Paused { // a frozen process cannot answer a signal
		if err := e.unpause(ctx, v); err != nil {
			return err
		}
	}
	return e.stopWithin(ctx, v, sig, timeout)
}

func (e *Engine) stopWithin(ctx context.Context, v *view, sig syscall.Signal, timeout time.Duration) error {
	if timeout != 0 {
		if err := e.signal(ctx, v, sig, true); err != nil && !errors.Is(err, engine.ErrConflict) {
			return err
		}
		wait, cancel := ctx, context.CancelFunc(func() {})
		if timeout > 0 {
			wait, cancel = context.WithTimeout(ctx, timeout)
		}
		err := e.awaitEnd(wait, v)
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
	if err := e.signal(ctx, v, syscall.SIGKILL, true); err != nil && !errors.Is(err, engine.ErrConflict) {
		return err
	}
	return e.awaitEnd(ctx, v)
}

// awaitEnd waits for the end of what was told to end. A --rm container may be
// gone before its exit status is read: it has stopped all the same.
func (e *Engine) awaitEnd(ctx context.Context, v *view) error {
	_, err := e.waitExit(ctx, v)
	if v.rec.Host.AutoRemove && errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	return err
}

// Pause implements engine.ContainerLifecycle.
func (c *containers) Pause(ctx context.Context, ref string) error {
	e := (*Engine)(c)
	v, err := e.viewOf(ref)
	if err != nil {
		return opErr("pause", ref, err)
	}
	if err := v.state.Move(engine.Paused); err != nil {
		return opErr("pause", ref, err)
	}
	return opErr("pause", ref, e.withShim(ctx, v, func(c *shim.Client) error { return c.Pause(ctx) }))
}

// Unpause implements engine.ContainerLifecycle.
func (c *containers) Unpause(ctx context.Context, ref string) error {
	e := (*Engine)(c)
	v, err := e.viewOf(ref)
	if err != nil {
		return opErr("unpause", ref, err)
	}
	if v.state != engine.Paused {
		return opErr("unpause", ref, fmt.Errorf("%w: it is %s, not paused", engine.ErrConflict, v.state))
	}
	return opErr("unpause", ref, e.unpause(ctx, v))
}

func (e *Engine) unpause(ctx context.Context, v *view) error {
	return e.withShim(ctx, v, func(c *shim.Client) error { return c.Unpause(ctx) })
}

// withShim calls the monitor of a running container. One that died is replaced
// first by one that takes the container over.
func (e *Engine) withShim(ctx context.Context, v *view, call func(*shim.Client) error) error {
	client, err := e.dial(ctx, v)
	if err != nil {
		return err
	}
	defer client.Close()
	return call(client)
}

func (e *Engine) dial(ctx context.Context, v *view) (*shim.Client, error) {
	if client, err := shim.Dial(ctx, e.run, v.rec.ID); err == nil {
		return client, nil
	}
	lock, err := e.locks.Lock(ctx, record.LockContainer, string(v.rec.ID))
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	if client, err := shim.Dial(ctx, e.run, v.rec.ID); err == nil { // somebody else was faster
		return client, nil
	}
	if !alive(v.start) {
		return nil, notRunning(engine.Exited)
	}
	return shim.Adopt(ctx, e.file(v.rec.ID, "shim.json"))
}

func (e *Engine) containerEvent(rec *containerRecord, action string, more map[string]string) error {
	attrs := rec.attributes()
	for k, v := range more {
		attrs[k] = v
	}
	_, err := e.journal.Append(engine.Event{Kind: engine.KindContainer, Action: action, ID: string(rec.ID), Attributes: attrs})
	return err
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
