package cli

import (
	"context"
	"os"
	"syscall"
)

// catchSignals ends ctx at SIGINT, SIGTERM or SIGHUP, so that work stops in
// order and terminals are restored. A second signal finds the default handler.
func (a *app) catchSignals(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	a.hold = func() {}
	if a.std.Notify == nil {
		return ctx, func() { cancel(nil) }
	}
	c := make(chan os.Signal, 1)
	a.std.Notify(c, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case sig := <-c:
			a.std.StopNotify(c)
			cancel(&signalError{sig})
		case <-done:
		}
	}()
	stopped := false
	stop := func() {
		if !stopped {
			stopped = true
			a.std.StopNotify(c)
			close(done)
			<-ended
		}
	}
	a.hold = stop
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// forwarded are the signals that --sig-proxy passes on. Left out are those
// that mean this process's own life: children, pipes, the runtime's SIGURG, the
// window size (resize is a call of its own) and job control.
var forwarded = []os.Signal{
	syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM,
	syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM, syscall.SIGIO, syscall.SIGPWR,
}
