package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/internal/detach"
)

// talk is a conversation between this process's streams and a program's.
type talk struct {
	sess   engine.Session
	stdin  bool
	stdout bool
	stderr bool
	tty    bool
	keys   []byte // detach sequence, looked for when stdin is a terminal in raw mode
	proxy  bool   // pass signals on
	heard  *heard // with proxy: the signals, when somebody listens already
	signal func(ctx context.Context, signal string) error
}

// errDetached ends a conversation that its user left.
var errDetached = detach.ErrDetached

// checkTerminal refuses -it without a terminal: the program would believe that
// somebody types.
func (a *app) checkTerminal(stdin, tty bool) error {
	if stdin && tty && !isTerminal(a.std.In) {
		return withHint(errors.New("the input device is not a TTY"), "leave -t out when input comes from a pipe or a file")
	}
	return nil
}

// converse copies until the program's output ends, the user detaches
// (errDetached), or ctx ends. begin is called once the terminal is set up and
// signals are caught: it starts the program. The terminal is restored in every
// case, a panic in any of the goroutines included.
//
//	keyboard ──> detach.Reader ──> Session.Write ──> program
//	screen   <────────────────── Session.Copy  <── program
//	SIGWINCH ──> Session.Resize        other signals ──> signal
func (a *app) converse(ctx context.Context, t talk, begin func(context.Context) error) error {
	a.requests.await() // one that comes while the terminal is raw must not leave it so
	restore := func() {}
	if t.tty && t.stdin && isTerminal(a.std.In) {
		var err error
		if restore, err = makeRaw(a.std.In); err != nil {
			return err
		}
	}
	defer restore()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := a.proxySignals(ctx, t, cancel, restore)
	defer stop()

	output := make(chan error, 1)
	go guard(restore, func() { output <- t.copyOut(a) })
	if err := begin(ctx); err != nil {
		t.sess.Close()
		<-output
		return err
	}
	stopResize := a.followSize(ctx, t)
	defer stopResize()
	detached := make(chan error, 1)
	if t.stdin {
		in := a.std.In
		if t.tty && isTerminal(in) {
			in = detach.NewReader(in, t.keys)
		}
		// Nobody waits for this goroutine: a read from a terminal cannot be
		// interrupted, and the process ends soon after.
		go guard(restore, func() {
			if err := t.copyIn(in); errors.Is(err, detach.ErrDetached) {
				detached <- err
			}
		})
	}
	select {
	case err := <-output:
		return err
	case err := <-detached:
		t.sess.Close()
		<-output
		return err
	case <-ctx.Done():
		t.sess.Close()
		return context.Cause(ctx)
	}
}

// guard restores the terminal before a panic prints over it.
func guard(restore func(), f func()) {
	defer func() {
		if r := recover(); r != nil {
			restore()
			panic(r)
		}
	}()
	f()
}

func (t talk) copyOut(a *app) error {
	stdout, stderr := io.Discard, io.Discard
	if t.stdout {
		stdout = a.std.Out
	}
	if t.stderr {
		stderr = a.std.Err
	}
	return t.sess.Copy(stdout, stderr)
}

func (t talk) copyIn(in io.Reader) error {
	_, err := io.Copy(onlyWriter{t.sess}, in)
	if errors.Is(err, detach.ErrDetached) {
		return err
	}
	// A write that failed also ends the output, which is where it is told.
	return t.sess.CloseWrite()
}

// onlyWriter keeps io.Copy from looking for more methods.
type onlyWriter struct{ io.Writer }

// proxySignals passes signals on to the program, or, without a proxy, ends the
// conversation. The third request to end is for this process, as in docker: the
// program may not listen.
func (a *app) proxySignals(ctx context.Context, t talk, cancel context.CancelCauseFunc, restore func()) (stop func()) {
	if a.std.Notify == nil || !t.proxy {
		return func() {}
	}
	if t.heard == nil {
		t.heard = a.listen()
	}
	c := t.heard.c
	a.requests.lead(c) // from here on a signal is the program's
	<-t.heard.listening
	done, ended := make(chan struct{}), make(chan struct{})
	go guard(restore, func() {
		defer close(ended)
		asked := 0
		for {
			select {
			case sig := <-c:
				if sig == syscall.SIGINT || sig == syscall.SIGTERM {
					asked++
				}
				if asked == 3 {
					cancel(&signalError{sig})
					continue
				}
				if n, ok := sig.(syscall.Signal); ok {
					// The program may have ended meanwhile.
					_ = t.signal(ctx, unix.SignalName(n))
				}
			case <-done:
				return
			}
		}
	})
	return func() {
		a.requests.lead(nil)
		close(done)
		<-ended
		time.AfterFunc(time.Second, func() { a.std.StopNotify(c) }) // as a rule this process has ended by then
	}
}

// followSize gives the program's terminal the size of ours, now and whenever
// that changes.
func (a *app) followSize(ctx context.Context, t talk) (stop func()) {
	if !t.tty {
		return func() {}
	}
	a.resize(ctx, t.sess)
	if a.std.Notify == nil {
		return func() {}
	}
	c := make(chan os.Signal, 1)
	a.std.Notify(c, syscall.SIGWINCH)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-c:
				a.resize(ctx, t.sess)
			case <-done:
				return
			}
		}
	}()
	return func() {
		a.std.StopNotify(c)
		close(done)
		<-ended
	}
}

// resize is best effort: a program that has ended has no size.
func (a *app) resize(ctx context.Context, sess engine.Session) {
	if size := a.size(); size != (engine.TermSize{}) {
		_ = sess.Resize(ctx, size)
	}
}

func (a *app) size() engine.TermSize {
	for _, stream := range []any{a.std.Out, a.std.In} {
		if cols, rows, ok := terminalSize(stream); ok {
			return engine.TermSize{Width: uint16(cols), Height: uint16(rows)}
		}
	}
	return engine.TermSize{}
}

// exitWith turns the end of a program into the end of this process.
func exitWith(status engine.ExitStatus) error {
	if status.Error != "" {
		return &exitError{code: status.Code, err: fmt.Errorf("exit status of the container: %s", status.Error)}
	}
	if status.Code != 0 {
		return &exitError{code: status.Code}
	}
	return nil
}
