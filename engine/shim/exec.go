package shim

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"gantry/engine"
	"gantry/engine/ociruntime"
	"gantry/logs"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// keptExecs is how many ended exec sessions are remembered, for those who ask
// for the exit code of one that they were not attached to.
const keptExecs = 64

// execution is an exec session. Its output is not logged: it goes to the one
// peer that began it, and to nobody once that has gone. Its program waits for
// a slow peer as for the reader of a pipe.
type execution struct {
	id      string
	program *program
	input   *input
	sources []*source
	done    chan struct{} // closed when status is set
	status  engine.ExitStatus
}

func (x *execution) over() bool {
	select {
	case <-x.done:
		return true
	default:
		return false
	}
}

// execute starts a program in the container for somebody who asked for it.
func (s *shim) execute(o *engine.ExecOptions) (*execution, error) {
	x, err := s.prepare(o)
	if err != nil {
		return nil, err
	}
	s.keep(x)
	for _, action := range []string{engine.ActionExecCreate, engine.ActionExec} {
		s.publish(action+": "+toldCommand(o.Cmd), map[string]string{"execID": x.id})
	}
	return x, nil
}

// toldCommand is what events tell of a command: all of it, unless it is longer
// than anybody would read there.
func toldCommand(argv []string) string {
	const most = 4096
	text := strings.Join(argv, " ")
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// prepare starts a program in the container. Its output waits until it is run.
func (s *shim) prepare(o *engine.ExecOptions) (*execution, error) {
	state, spec, first := s.first()
	switch {
	case state == engine.Paused:
		return nil, fmt.Errorf("%w: the container is paused", engine.ErrConflict)
	case state != engine.Running:
		return nil, fmt.Errorf("%w: the container is not running", engine.ErrConflict)
	case len(o.Cmd) == 0:
		return nil, fmt.Errorf("%w: there is no command", engine.ErrInvalid)
	}
	process, err := execProcess(spec, o)
	if err != nil {
		return nil, err
	}
	pidfd, err := first.handle()
	if err != nil {
		return nil, err
	}
	defer pidfd.Close()
	opts := ociruntime.ExecOptions{PidFD: pidfd, Process: process, User: o.User, Group: s.group(), Console: o.Tty, Size: o.Size, Capabilities: spec.Process.Capabilities}
	if o.User == "" {
		opts.User, opts.Groups = s.cfg.User, s.cfg.Groups
	}
	if !o.Privileged {
		if err := s.confine(spec, &opts); err != nil {
			return nil, err
		}
	}
	x := &execution{id: string(engine.NewID()), done: make(chan struct{})}
	if err := x.begin(opts, o.Stdin); err != nil {
		return nil, err
	}
	return x, nil
}

// confine puts the container's filter on the program.
func (s *shim) confine(spec *specs.Spec, opts *ociruntime.ExecOptions) (err error) {
	if opts.Seccomp, err = readFilter(s.cfg, spec); err != nil || spec.Linux.Seccomp == nil {
		return err
	}
	opts.SeccompFlags, err = ociruntime.SeccompFlags(spec.Linux.Seccomp.Flags)
	return err
}

// execProcess is the container's first process with other arguments.
func execProcess(spec *specs.Spec, o *engine.ExecOptions) (*specs.Process, error) {
	p := *spec.Process
	p.Args = o.Cmd
	p.Terminal = o.Tty
	p.ConsoleSize = nil
	p.Env = slices.Clone(p.Env)
	for _, kv := range o.Env {
		key, _, ok := strings.Cut(kv, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("%w environment entry %q: it needs a name and =", engine.ErrInvalid, kv)
		}
		p.Env = slices.DeleteFunc(p.Env, func(old string) bool { return strings.HasPrefix(old, key+"=") })
		p.Env = append(p.Env, kv)
	}
	if o.WorkingDir != "" {
		p.Cwd = o.WorkingDir
	}
	if o.Privileged {
		p.NoNewPrivileges = false
		p.ApparmorProfile = ""
		caps := allCapabilities()
		p.Capabilities = &specs.LinuxCapabilities{Bounding: caps, Permitted: caps, Effective: caps}
	}
	return &p, nil
}

// begin makes the streams and starts the program.
func (x *execution) begin(opts ociruntime.ExecOptions, stdin bool) (err error) {
	var ours, theirs [3]*os.File
	defer func() {
		closeAll(theirs[:])
		if err != nil {
			closeAll(ours[:])
		}
	}()
	for i := range ours {
		if opts.Console || i == 0 && !stdin {
			continue
		}
		if ours[i], theirs[i], err = pipe(i > 0); err != nil {
			return err
		}
	}
	opts.Stdin, opts.Stdout, opts.Stderr = theirs[0], theirs[1], theirs[2]
	p, err := ociruntime.Exec(opts)
	if err != nil {
		return err
	}
	// Only a program that runs has the process that it will have.
	if err = p.Start(); err != nil {
		return err
	}
	if x.program, err = adoptChild(p); err != nil {
		p.Abort()
		return err
	}
	return x.connect(ours, stdin)
}

// connect wires the streams of a program that runs.
func (x *execution) connect(ours [3]*os.File, stdin bool) error {
	if con := x.program.console; con != nil {
		w, err := dup(con)
		if err != nil {
			return err
		}
		if ours[0] = w; !stdin {
			w.Close()
		}
		x.sources = []*source{newSource(con, logs.Stdout, true)}
	} else {
		x.sources = []*source{newSource(ours[1], logs.Stdout, false), newSource(ours[2], logs.Stderr, false)}
	}
	if stdin {
		x.input = newInput()
		x.input.connect(ours[0])
	}
	return nil
}

// run sees the program to its end and sends its output to sink meanwhile.
func (x *execution) run(sink func(logs.Stream, []byte)) engine.ExitStatus {
	for _, src := range x.sources {
		go src.pump(sink)
	}
	st := x.program.wait()
	x.input.drop()
	for _, src := range x.sources {
		src.finish()
	}
	x.program.close()
	x.status = st
	close(x.done)
	return st
}

// keep remembers an execution and forgets ended ones beyond keptExecs.
func (s *shim) keep(x *execution) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.execs[x.id] = x
	var oldest *execution
	over := 0
	for _, old := range s.execs {
		if old.over() {
			over++
			if oldest == nil || old.status.At.Before(oldest.status.At) {
				oldest = old
			}
		}
	}
	if over > keptExecs {
		delete(s.execs, oldest.id)
	}
}

func (s *shim) execution(id string) (*execution, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, ok := s.execs[id]
	if !ok {
		return nil, fmt.Errorf("exec session %s: %w", id, engine.ErrNotFound)
	}
	return x, nil
}

// finished tells of the end of an exec session.
func (s *shim) finished(x *execution, st engine.ExitStatus) {
	s.publish(engine.ActionExecDie, map[string]string{"execID": x.id, "exitCode": strconv.Itoa(st.Code)})
}
