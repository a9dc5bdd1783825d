package cli

import (
	"context"
	"os"
	"sync"
	"syscall"
)

// catchSignals ends ctx at SIGINT, SIGTERM or SIGHUP, so that work stops in
// order and terminals are restored, unless a conversation has them for its
// program. A second signal finds the default handler, and so does one of the
// first millisecond, in which nothing has been done.
func (a *app) catchSignals(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	a.hold = func() {}
	if a.std.Notify == nil {
		return ctx, func() { cancel(nil) }
	}
	c := make(chan os.Signal, 16)
	done, ended := make(chan struct{}), make(chan struct{})
	a.requests.caught = make(chan struct{})
	go func() {
		defer close(ended)
		a.std.Notify(c, requests...)
		close(a.requests.caught)
		for {
			select {
			case sig := <-c:
				if a.requests.pass(sig) {
					continue
				}
				a.std.StopNotify(c)
				cancel(&signalError{sig})
				return
			case <-done:
				return
			}
		}
	}()
	stop := sync.OnceFunc(func() {
		close(done)
		<-ended
	})
	a.hold = func() {
		<-a.requests.caught
		a.std.StopNotify(c)
		stop()
	}
	return ctx, func() {
		stop() // and leaves the signals caught: to give one back takes as long as to catch it
		cancel(nil)
	}
}

// passage leads signals to a conversation while there is one.
type passage struct {
	caught chan struct{} // closed when they are
	mu     sync.Mutex
	to     chan<- os.Signal // nil: there is none
}

// await returns when the requests are caught.
func (p *passage) await() {
	if p.caught != nil {
		<-p.caught
	}
}

func (p *passage) lead(to chan<- os.Signal) {
	<-p.caught
	p.mu.Lock()
	defer p.mu.Unlock()
	p.to = to
}

// pass tells whether there was a conversation. One that does not keep up misses
// signals, as a process does that has one of the same number pending.
func (p *passage) pass(sig os.Signal) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.to == nil {
		return false
	}
	select {
	case p.to <- sig:
	default:
	}
	return true
}

// requests and notices are the signals that --sig-proxy passes on. Left out are
// those that mean this process's own life: children, pipes, the runtime's
// SIGURG, the window size (resize is a call of its own) and job control. The
// requests are caught from the first moment to the last, see catchSignals.
var (
	requests = []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM}
	notices  = []os.Signal{syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM, syscall.SIGIO, syscall.SIGPWR}
)

// heard are signals for the program.
type heard struct {
	c         chan os.Signal
	listening chan struct{} // closed when the notices are caught
}

// listen begins to catch the notices while the caller does something else: each
// signal takes Go two switches between threads, all of them as long as an attach.
func (a *app) listen() *heard {
	h := &heard{c: make(chan os.Signal, 16), listening: make(chan struct{})}
	go func() {
		defer close(h.listening)
		a.std.Notify(h.c, notices...)
	}()
	return h
}
