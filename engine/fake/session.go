package fake

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"gantry/engine"
	"gantry/logs"
)

// session is an attachment to a container, or an exec. Engine.mu guards its
// fields below the blank line.
type session struct {
	e      *Engine
	c      *container
	opts   engine.AttachOptions
	stdin  *input
	exec   bool
	noEOF  bool // CloseWrite does not reach the program
	execID string

	proc   *proc // of an exec
	queue  []chunk
	ended  bool
	closed bool
	exit   engine.ExitStatus
	size   engine.TermSize
}

type chunk struct {
	stream logs.Stream
	data   []byte
}

func (cs containers) Attach(ctx context.Context, ref string, opts engine.AttachOptions) (engine.Session, error) {
	c, err := cs.e.lookup(ctx, OpAttach, "attach", ref)
	if err != nil {
		return nil, err
	}
	defer cs.e.mu.Unlock()
	s := &session{e: cs.e, c: c, opts: opts, stdin: c.stdin, noEOF: !c.detail.Config.StdinOnce}
	if opts.Logs {
		for _, entry := range c.log {
			if entry.Mark == "" {
				s.receive(entry.Stream, append(slices.Clone(entry.Line), '\n'))
			}
		}
	}
	c.sessions = append(c.sessions, s)
	cs.e.event(c, engine.ActionAttach)
	return s, nil
}

func (cs containers) Exec(ctx context.Context, ref string, opts engine.ExecOptions) (engine.Session, error) {
	c, err := cs.e.lookup(ctx, OpExec, "exec", ref)
	if err != nil {
		return nil, err
	}
	defer cs.e.mu.Unlock()
	if c.state.Status != engine.Running {
		return nil, opError("exec", "container", ref, fmt.Errorf("%w: it is %s", engine.ErrConflict, c.state.Status), "start it first")
	}
	run, err := cs.e.program(opts.Cmd)
	if err != nil {
		return nil, opError("exec", "container", ref, fmt.Errorf("%w: %s", err, strings.Join(opts.Cmd, " ")), "")
	}
	s := &session{
		e: cs.e, c: c, stdin: newInput(opts.Stdin), exec: true, size: opts.Size, execID: string(cs.e.drawID()),
		opts: engine.AttachOptions{Stdin: opts.Stdin, Stdout: !opts.Detach, Stderr: !opts.Detach},
	}
	p := &Process{
		Args: opts.Cmd, Env: mergeEnv(c.detail.Config.Env, opts.Env), Tty: opts.Tty,
		Dir: cmp.Or(opts.WorkingDir, c.detail.Config.WorkingDir), User: cmp.Or(opts.User, c.detail.Config.User),
		Stdout: &output{c: c, session: s, stream: logs.Stdout}, Stderr: &output{c: c, session: s, stream: logs.Stderr},
	}
	if p.Tty {
		p.Stderr = p.Stdout
	}
	main := c.proc
	s.proc = cs.e.launch(c, run, p, s.stdin, func(pr *proc) {
		s.ended, s.exit = true, engine.ExitStatus{Code: pr.code}
		cs.e.event(c, engine.ActionExecDie, "execID", s.execID, "exitCode", strconv.Itoa(pr.code))
	})
	// The end of a container's first process ends all others.
	kill, killed := s.proc.kill, s.proc.killed
	cs.e.wg.Go(func() {
		select {
		case <-main.killed:
			kill()
		case <-killed:
		}
	})
	cs.e.event(c, engine.ActionExec, "execID", s.execID)
	return s, nil
}

// receive queues output for Copy. The caller holds mu.
func (s *session) receive(stream logs.Stream, b []byte) {
	if !s.closed && (stream == logs.Stdout && s.opts.Stdout || stream == logs.Stderr && s.opts.Stderr) {
		s.queue = append(s.queue, chunk{stream, slices.Clone(b)})
	}
}

func (s *session) Copy(stdout, stderr io.Writer) error {
	for {
		var batch []chunk
		var last bool
		err := s.e.await(context.Background(), func() bool {
			batch, last = s.queue, s.ended || s.closed
			s.queue = nil
			return len(batch) > 0 || last
		})
		for _, c := range batch {
			w := stdout
			if c.stream == logs.Stderr {
				w = stderr
			}
			if w == nil {
				continue
			}
			if _, err := w.Write(c.data); err != nil {
				return err
			}
		}
		if err != nil || last {
			return nil
		}
	}
}

func (s *session) Write(b []byte) (int, error) {
	if !s.opts.Stdin {
		return 0, io.ErrClosedPipe
	}
	return s.stdin.Write(b)
}

func (s *session) CloseWrite() error {
	if s.opts.Stdin && !s.noEOF {
		s.stdin.Close()
	}
	return nil
}

func (s *session) Resize(_ context.Context, size engine.TermSize) error {
	s.e.mu.Lock()
	defer s.e.mu.Unlock()
	s.size = size
	s.e.event(s.c, engine.ActionResize, "height", strconv.Itoa(int(size.Height)), "width", strconv.Itoa(int(size.Width)))
	return nil
}

func (s *session) Signal(ctx context.Context, signal string) error {
	if !s.exec {
		return containers{s.e}.Kill(ctx, string(s.c.id), signal)
	}
	name, err := signalName(signal)
	if err != nil {
		return err
	}
	s.e.mu.Lock()
	defer s.e.mu.Unlock()
	s.proc.deliver(name)
	return nil
}

func (s *session) Wait(ctx context.Context) (engine.ExitStatus, error) {
	var exit engine.ExitStatus
	err := s.e.await(ctx, func() bool { exit = s.exit; return s.ended })
	return exit, err
}

func (s *session) Close() error {
	s.e.mu.Lock()
	defer s.e.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.c.sessions = slices.DeleteFunc(s.c.sessions, func(o *session) bool { return o == s })
	if !s.ended && !s.exec {
		s.e.event(s.c, engine.ActionDetach)
	}
	s.e.notify()
	return nil
}
