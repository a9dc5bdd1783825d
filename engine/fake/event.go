package fake

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"gantry/engine"
)

// Emit records an event as if the engine had done what it says.
func (e *Engine) Emit(ev engine.Event) engine.Seq {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.emit(ev)
}

// emit is Emit for callers that hold mu.
func (e *Engine) emit(ev engine.Event) engine.Seq {
	e.lastSeq++
	ev.Seq = e.lastSeq
	if ev.Time.IsZero() {
		ev.Time = time.Now().UTC()
	}
	e.events = append(e.events, ev)
	e.notify()
	return ev.Seq
}

// Forget drops the journal up to and including seq, as rotation does. A Watch
// after an earlier event then lags.
func (e *Engine) Forget(seq engine.Seq) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.oldestSeq = max(e.oldestSeq, min(seq, e.lastSeq))
	e.events = slices.DeleteFunc(e.events, func(ev engine.Event) bool { return ev.Seq <= e.oldestSeq })
}

// Watch yields events; see engine.Engine.
func (e *Engine) Watch(ctx context.Context, opts engine.WatchOptions) iter.Seq2[engine.Event, error] {
	return func(yield func(engine.Event, error) bool) {
		if err := e.enter(ctx, OpWatch); err != nil {
			yield(engine.Event{}, err)
			return
		}
		if !opts.Until.IsZero() {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, opts.Until)
			defer cancel()
		}
		after, ok := e.watchStart(opts)
		if !ok {
			yield(engine.Event{}, engine.ErrLagged)
			return
		}
		for {
			batch, err := e.nextEvents(ctx, after)
			for _, ev := range batch {
				after = ev.Seq
				if !opts.Until.IsZero() && ev.Time.After(opts.Until) {
					return
				}
				if (opts.Since.IsZero() || !ev.Time.Before(opts.Since)) && matchEvent(ev, opts.Filters) && !yield(ev, nil) {
					return
				}
			}
			if err != nil {
				if opts.Until.IsZero() || time.Now().Before(opts.Until) {
					yield(engine.Event{}, err)
				}
				return
			}
		}
	}
}

// watchStart finds the event after which a Watch begins; false when the
// journal no longer reaches that far back.
func (e *Engine) watchStart(opts engine.WatchOptions) (engine.Seq, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case opts.After > 0:
		return opts.After, opts.After >= e.oldestSeq
	case !opts.Since.IsZero() || !opts.Until.IsZero() && opts.Until.Before(time.Now()):
		return e.oldestSeq, true
	default:
		return e.lastSeq, true
	}
}

// nextEvents returns what came after seq, waiting for the first. What is there
// is handed out even when ctx has ended: an Until in the past still replays.
func (e *Engine) nextEvents(ctx context.Context, after engine.Seq) ([]engine.Event, error) {
	var batch []engine.Event
	collect := func() bool {
		i, _ := slices.BinarySearchFunc(e.events, after+1, func(ev engine.Event, s engine.Seq) int { return int(ev.Seq) - int(s) })
		batch = slices.Clone(e.events[i:])
		return len(batch) > 0
	}
	err := e.await(ctx, collect)
	return batch, err
}

func matchEvent(ev engine.Event, filters engine.Filters) bool {
	for key, values := range filters {
		ok := slices.ContainsFunc(values, func(v string) bool { return matchEventField(ev, key, v) })
		if key == "label" {
			ok = matchLabels(ev.Attributes, values)
		}
		if !ok {
			return false
		}
	}
	return true
}

func matchEventField(ev engine.Event, key, value string) bool {
	switch key {
	case "type":
		return string(ev.Kind) == value
	case "event":
		return ev.Action == value
	case "container":
		return ev.Kind == engine.KindContainer && (strings.HasPrefix(ev.ID, value) || ev.Attributes["name"] == value)
	case "volume":
		return ev.Kind == engine.KindVolume && ev.ID == value
	case "network":
		return ev.Kind == engine.KindNetwork && (strings.HasPrefix(ev.ID, value) || ev.Attributes["name"] == value)
	case "image":
		return ev.Kind == engine.KindImage && (ev.ID == value || ev.Attributes["name"] == value) ||
			ev.Attributes["image"] == value
	}
	return false
}

// matchLabels: every "key" or "key=value" must be there.
func matchLabels(labels map[string]string, want []string) bool {
	for _, w := range want {
		key, value, hasValue := strings.Cut(w, "=")
		got, ok := labels[key]
		if !ok || hasValue && got != value {
			return false
		}
	}
	return true
}

// event records a container's event. The caller holds mu.
func (e *Engine) event(c *container, action string, extra ...string) {
	attrs := maps.Clone(c.detail.Config.Labels)
	if attrs == nil {
		attrs = map[string]string{}
	}
	attrs["name"], attrs["image"] = c.name, c.detail.Config.Image
	for i := 0; i+1 < len(extra); i += 2 {
		attrs[extra[i]] = extra[i+1]
	}
	e.emit(engine.Event{Kind: engine.KindContainer, Action: action, ID: string(c.id), Attributes: attrs})
}
