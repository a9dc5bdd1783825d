package local

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"gantry/engine"
	"gantry/engine/shim"
	"gantry/logs"
	"gantry/logs/journal"
)

// Attach implements engine.ContainerStreams. A created container gets its
// monitor here, so that the first byte of a later start is not missed.
func (c *containers) Attach(ctx context.Context, ref string, opts engine.AttachOptions) (engine.Session, error) {
	e := (*Engine)(c)
	id, err := e.find(ref)
	if err != nil {
		return nil, opErr("attach to", ref, err)
	}
	session, err := e.attach(ctx, id, opts)
	if errors.Is(err, shim.ErrGone) {
		// Its monitor was just leaving: because the container ended or is being
		// removed, which the second look tells, or for want of clients.
		session, err = e.attach(ctx, id, opts)
	}
	return session, opErr("attach to", ref, err)
}

func (e *Engine) attach(ctx context.Context, id engine.ID, opts engine.AttachOptions) (engine.Session, error) {
	if v, err := e.view(id); err == nil && v.state == engine.Restarting {
		return nil, restarting()
	}
	client, err := e.readyShim(ctx, id)
	if errors.Is(err, engine.ErrNotModified) {
		var v *view
		if v, err = e.view(id); err == nil {
			client, err = e.dial(ctx, v)
		}
	}
	if err != nil {
		return nil, err
	}
	session, err := client.Attach(ctx, opts)
	if err != nil {
		return nil, errors.Join(e.whyGone(id, err), client.Close())
	}
	return session, nil
}

// Exec implements engine.ContainerStreams.
func (c *containers) Exec(ctx context.Context, ref string, opts engine.ExecOptions) (engine.Session, error) {
	e := (*Engine)(c)
	session, err := e.exec(ctx, ref, opts)
	return session, opErr("exec in", ref, err)
}

func (e *Engine) exec(ctx context.Context, ref string, opts engine.ExecOptions) (engine.Session, error) {
	if len(opts.Cmd) == 0 {
		return nil, fmt.Errorf("%w: there is no command", engine.ErrInvalid)
	}
	v, err := e.viewOf(ref)
	if err != nil {
		return nil, err
	}
	if v.state == engine.Paused {
		return nil, &engine.OpError{Op: "exec in", Kind: "container", ID: v.rec.Name, Err: fmt.Errorf("%w: it is paused", engine.ErrConflict), Hint: "unpause it first"}
	}
	if !v.state.Live() {
		return nil, notRunning(v.state)
	}
	client, err := e.dial(ctx, v)
	if err != nil {
		return nil, err
	}
	session, err := client.Exec(ctx, opts)
	if err != nil {
		return nil, errors.Join(e.whyGone(v.rec.ID, err), client.Close())
	}
	return session, nil
}

// whyGone says what became of a container whose monitor left during a request:
// that it has ended or was removed tells more than that nobody answers.
func (e *Engine) whyGone(id engine.ID, err error) error {
	if !errors.Is(err, shim.ErrGone) {
		return err
	}
	v, verr := e.view(id)
	switch {
	case verr != nil:
		return verr
	case v.state.Live() || v.state == engine.Created:
		return err
	}
	return notRunning(v.state)
}

// Logs implements engine.ContainerStreams.
func (c *containers) Logs(ctx context.Context, ref string, q logs.Query) iter.Seq2[logs.Entry, error] {
	e := (*Engine)(c)
	return func(yield func(logs.Entry, error) bool) {
		for entry, err := range e.logs(ctx, ref, q) {
			if !yield(entry, opErr("read the log of", ref, err)) {
				return
			}
		}
	}
}

func (e *Engine) logs(ctx context.Context, ref string, q logs.Query) iter.Seq2[logs.Entry, error] {
	return func(yield func(logs.Entry, error) bool) {
		v, err := e.viewOf(ref)
		if err != nil {
			yield(logs.Entry{}, err)
			return
		}
		if v.rec.Host.LogConfig.Type == engine.LogNone {
			yield(logs.Entry{}, fmt.Errorf("%w: it was made with --log-driver none, so its output is kept nowhere; attach to it to see what comes", engine.ErrUnsupported))
			return
		}
		r, err := journal.Open(e.file(v.rec.ID, "log"))
		if errors.Is(err, engine.ErrNotFound) && !q.Follow {
			return // never started: an empty log
		}
		if err != nil {
			yield(logs.Entry{}, err)
			return
		}
		var marks []engine.Event
		if q.Marks {
			if marks, err = e.lifecycle(ctx, v.rec, q); err != nil {
				yield(logs.Entry{}, err)
				return
			}
		}
		ended := func() bool { return e.ended(v.rec.ID) }
		emit := func(entry logs.Entry, err error) bool {
			for err == nil && len(marks) > 0 && marks[0].Time.Before(entry.Time) {
				if !yield(markEntry(marks[0]), nil) {
					return false
				}
				marks = marks[1:]
			}
			entry.Source = v.rec.Name
			return yield(entry, err)
		}
		for entry, err := range r.Entries(ctx, q, ended) {
			if !emit(entry, err) {
				return
			}
		}
		for _, m := range marks {
			if !yield(markEntry(m), nil) {
				return
			}
		}
	}
}

// ended tells a follower that no more lines will come: the container is gone
// or has ended. One that was only created may still start.
func (e *Engine) ended(id engine.ID) bool {
	v, err := e.view(id)
	if err != nil {
		return true
	}
	return !v.state.Live() && v.state != engine.Created && v.state != engine.Restarting
}

// lifecycle reads the container's own events up to now, for the marks between
// lines.
func (e *Engine) lifecycle(ctx context.Context, rec *containerRecord, q logs.Query) ([]engine.Event, error) {
	opts := engine.WatchOptions{Since: rec.Created.Add(-time.Second), Until: time.Now(),
		Filters: containerEvents(rec.ID, engine.ActionStart, engine.ActionDie, engine.ActionOOM, engine.ActionPause, engine.ActionUnpause)}
	if !q.Since.IsZero() {
		opts.Since = q.Since
	}
	if !q.Until.IsZero() && q.Until.Before(opts.Until) {
		opts.Until = q.Until
	}
	var out []engine.Event
	for ev, err := range e.journal.Watch(ctx, opts) {
		if err != nil {
			return nil, err
		}
		out = append(out, ev)
	}
	return out, nil
}

func markEntry(ev engine.Event) logs.Entry {
	text := map[string]string{
		engine.ActionStart: "started", engine.ActionOOM: "out of memory", engine.ActionPause: "paused", engine.ActionUnpause: "unpaused",
	}[ev.Action]
	if ev.Action == engine.ActionDie {
		text = "exited " + ev.Attributes["exitCode"]
		if n, _ := strconv.Atoi(ev.Attributes["exitCode"]); n == 137 && ev.Attributes["oomKilled"] == "true" {
			text += " (OOM killed)"
		}
	}
	return logs.Entry{Time: ev.Time, Mark: text, Source: ev.Attributes["name"]}
}

// Watch implements engine.Engine.
func (e *Engine) Watch(ctx context.Context, opts engine.WatchOptions) iter.Seq2[engine.Event, error] {
	return e.journal.Watch(ctx, opts)
}
