package fake

import (
	"bytes"
	"context"
	"io"
	"iter"
	"slices"
	"time"

	"gantry/engine"
	"gantry/logs"
)

// output is one output stream of a program: into the container's log and to
// its attachments, or to the session of an exec.
type output struct {
	c       *container
	proc    *proc
	session *session // of an exec
	stream  logs.Stream
}

func (o *output) Write(b []byte) (int, error) {
	e := o.c.e
	// A paused program stands still at its next system call.
	if err := e.await(context.Background(), func() bool { return o.c.state.Status != engine.Paused || o.gone() }); err != nil {
		return 0, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if o.gone() {
		return 0, io.ErrClosedPipe
	}
	if o.session != nil {
		o.session.receive(o.stream, b)
	} else {
		o.c.capture(o.stream, b)
	}
	e.notify()
	return len(b), nil
}

func (o *output) gone() bool {
	if o.session != nil {
		return o.session.ended
	}
	return o.proc.ended || o.c.proc != o.proc
}

// capture logs what a stream printed, line by line, and hands it to the
// attachments as it came. The caller holds mu.
func (c *container) capture(stream logs.Stream, b []byte) {
	for _, s := range c.sessions {
		s.receive(stream, b)
	}
	rest := append(c.partial[stream], b...)
	for {
		line, after, ok := bytes.Cut(rest, []byte{'\n'})
		if !ok {
			break
		}
		c.append(stream, line)
		rest = after
	}
	c.partial[stream] = slices.Clone(rest)
}

// flush logs lines that never got their newline.
func (c *container) flush() {
	for _, stream := range []logs.Stream{logs.Stdout, logs.Stderr} {
		if len(c.partial[stream]) > 0 {
			c.append(stream, c.partial[stream])
			c.partial[stream] = nil
		}
	}
}

func (c *container) append(stream logs.Stream, line []byte) {
	c.log = append(c.log, logs.Entry{Time: c.logTime(), Stream: stream, Line: slices.Clone(line), Source: c.name})
}

func (c *container) mark(text string) {
	c.log = append(c.log, logs.Entry{Time: c.logTime(), Source: c.name, Mark: text})
}

// logTime never runs backwards.
func (c *container) logTime() time.Time {
	now := time.Now().UTC()
	if n := len(c.log); n > 0 && now.Before(c.log[n-1].Time) {
		return c.log[n-1].Time
	}
	return now
}

// Log appends a line to a container's log and shows it to its attachments, as
// if its program had printed it.
func (e *Engine) Log(ref string, stream logs.Stream, line string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, err := e.find("log", ref)
	if err != nil {
		return err
	}
	c.capture(stream, []byte(line+"\n"))
	e.notify()
	return nil
}

func (cs containers) Logs(ctx context.Context, ref string, q logs.Query) iter.Seq2[logs.Entry, error] {
	return func(yield func(logs.Entry, error) bool) {
		c, err := cs.e.lookup(ctx, OpLogs, "read logs of", ref)
		if err != nil {
			yield(logs.Entry{}, err)
			return
		}
		next := c.tail(q)
		cs.e.mu.Unlock()
		for {
			var batch []logs.Entry
			var last bool
			err := cs.e.await(ctx, func() bool {
				batch = slices.Clone(c.log[next:])
				last = !q.Follow || !c.state.Status.Live()
				return len(batch) > 0 || last
			})
			for i, entry := range batch {
				entry.Pos = place(next + i)
				if beyond(q, entry) {
					return
				}
				if wanted(q, entry) && !yield(entry, nil) {
					return
				}
			}
			next += len(batch)
			if err != nil {
				yield(logs.Entry{}, err)
				return
			}
			if last {
				return
			}
		}
	}
}

// place of the i-th entry of a log.
func place(i int) logs.Pos { return logs.Pos{Segment: 1, Offset: int64(i)} }

// beyond tells that neither the entry nor what follows it is chosen.
func beyond(q logs.Query, entry logs.Entry) bool {
	return !q.Until.IsZero() && entry.Time.After(q.Until) || q.Before.Known() && !entry.Pos.Before(q.Before)
}

func wanted(q logs.Query, entry logs.Entry) bool {
	if entry.Time.Before(q.Since) || !q.After.Before(entry.Pos) {
		return false
	}
	if entry.Mark != "" {
		return q.Marks
	}
	return entry.Stream == logs.Stdout && q.Stdout || entry.Stream == logs.Stderr && q.Stderr
}

// tail is the index of the first of the last q.Tail entries that are wanted.
func (c *container) tail(q logs.Query) int {
	if q.Tail < 0 {
		return 0
	}
	left := q.Tail
	for i, entry := range slices.Backward(c.log) {
		entry.Pos = place(i)
		if beyond(q, entry) || entry.Mark != "" || !wanted(q, entry) {
			continue
		}
		if left == 0 {
			return i + 1
		}
		left--
	}
	return 0
}

// SetSample scripts what Stats yields for a container at a moment.
func (e *Engine) SetSample(ref string, sample func(time.Time) engine.Sample) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, err := e.find("script", ref)
	if err != nil {
		return err
	}
	c.sample = sample
	return nil
}

// SetHost scripts what Host tells at a moment.
func (e *Engine) SetHost(host func(time.Time) engine.HostSample) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.host = host
}

// Host implements engine.HostReader.
func (e *Engine) Host(context.Context) (engine.HostSample, error) {
	e.mu.Lock()
	host := e.host
	e.mu.Unlock()
	if host == nil {
		return engine.HostSample{}, opError("read", "host", "", engine.ErrUnsupported, "")
	}
	now := time.Now().UTC()
	s := host(now)
	s.Time = now
	return s, nil
}

// constantSample is a container that uses half a core and 64 MiB.
func constantSample(at time.Time) engine.Sample {
	return engine.Sample{
		CPU:    engine.CPUSample{Usage: uint64(at.UnixNano()) / 2, Online: 4},
		Memory: engine.MemSample{Usage: 64 << 20, Raw: 80 << 20, Cache: 16 << 20, Limit: 8 << 30},
		PIDs:   3,
		IO:     engine.IOSample{ReadBytes: 12_300_000, WriteBytes: 4096},
	}
}

func (cs containers) Stats(ctx context.Context, ref string, opts engine.StatsOptions) iter.Seq2[engine.Sample, error] {
	return func(yield func(engine.Sample, error) bool) {
		c, err := cs.e.lookup(ctx, OpStats, "read stats of", ref)
		if err != nil {
			yield(engine.Sample{}, err)
			return
		}
		cs.e.mu.Unlock()
		for {
			cs.e.mu.Lock()
			live, sample, id, name := c.state.Status.Live(), c.sample, c.id, c.name
			cs.e.mu.Unlock()
			if !live {
				return
			}
			now := time.Now().UTC()
			s := sample(now)
			s.ID, s.Name, s.Time = id, name, now
			if !yield(s, nil) || opts.Interval == 0 && !opts.Pulled {
				return
			}
			if opts.Pulled {
				if ctx.Err() != nil {
					return
				}
				continue
			}
			if err := sleep(ctx, opts.Interval); err != nil {
				yield(engine.Sample{}, err)
				return
			}
		}
	}
}
