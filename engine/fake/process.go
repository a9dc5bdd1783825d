package fake

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"time"

	"gantry/engine"
)

// Program is what a container, or an exec, runs. It returns its exit code.
// ctx ends when the process is killed; what the program returns then is not
// looked at. Like process 1 of a real container it meets no signal by default:
// a program that wants to end on SIGTERM receives it from Process.Signals.
type Program func(ctx context.Context, p *Process) int

// Process is a running program's world.
type Process struct {
	Args           []string
	Env            []string
	Dir            string
	User           string
	Tty            bool
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	signals        chan string
}

// Signals delivers the names of signals ("SIGTERM"); SIGKILL and SIGSTOP never
// come.
func (p *Process) Signals() <-chan string { return p.signals }

// Program registers the program of a command word, for instance "nginx".
func (e *Engine) Program(name string, run Program) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.programs[name] = run
}

// program finds the program of a command. The caller holds mu.
func (e *Engine) program(args []string) (Program, error) {
	if len(args) == 0 {
		return nil, engine.ErrInvalid
	}
	name := args[0][strings.LastIndexByte(args[0], '/')+1:]
	if run, ok := e.programs[name]; ok {
		return run, nil
	}
	if strings.HasPrefix(args[0], "/etc/") {
		return nil, engine.ErrCommandNotExecutable
	}
	return nil, engine.ErrCommandNotFound
}

// Idle runs until it is told to end and then returns 128+n.
func Idle(ctx context.Context, p *Process) int {
	for {
		select {
		case <-ctx.Done():
			return 137
		case s := <-p.Signals():
			switch s {
			case "SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM":
				return 128 + int(signalNumbers[s])
			}
		}
	}
}

// Lines returns a program that prints lines at a pace and then is Idle.
func Lines(pace time.Duration, lines ...string) Program {
	return func(ctx context.Context, p *Process) int {
		for _, line := range lines {
			if _, err := io.WriteString(p.Stdout, line+"\n"); err != nil || sleep(ctx, pace) != nil {
				return 1
			}
		}
		return Idle(ctx, p)
	}
}

// input is the standard input of a process: an unbounded pipe.
type input struct {
	mu     sync.Mutex // guards the rest
	buf    bytes.Buffer
	closed bool
	wake   chan struct{} // closed and replaced at every change
}

func newInput(open bool) *input { return &input{closed: !open, wake: make(chan struct{})} }

func (in *input) Write(b []byte) (int, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return 0, io.ErrClosedPipe
	}
	in.buf.Write(b)
	in.wakeAll()
	return len(b), nil
}

func (in *input) Close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	in.wakeAll()
}

func (in *input) wakeAll() {
	close(in.wake)
	in.wake = make(chan struct{})
}

func (in *input) Read(b []byte) (int, error) {
	for {
		in.mu.Lock()
		if in.buf.Len() > 0 {
			n, err := in.buf.Read(b)
			in.mu.Unlock()
			return n, err
		}
		closed, wake := in.closed, in.wake
		in.mu.Unlock()
		if closed {
			return 0, io.EOF
		}
		<-wake
	}
}
