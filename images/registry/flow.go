package registry

import (
	"context"
	"errors"
	"io"
	"time"
)

// A flow is the body of an answer, which must not stand still: a server that
// sends nothing for too long is as good as gone.
type flow struct {
	body     io.ReadCloser
	ctx      context.Context // of the request
	stop     context.CancelCauseFunc
	stall    time.Duration
	watchdog *time.Timer // runs only while a Read waits
}

// newFlow takes over the body, and the context with which it was asked for.
func newFlow(ctx context.Context, stop context.CancelCauseFunc, body io.ReadCloser, stall time.Duration) *flow {
	f := &flow{body: body, ctx: ctx, stop: stop, stall: stall}
	f.watchdog = time.AfterFunc(stall, func() { stop(errStalled) })
	f.watchdog.Stop()
	return f
}

func (f *flow) Read(p []byte) (int, error) {
	f.watchdog.Reset(f.stall)
	n, err := f.body.Read(p)
	f.watchdog.Stop()
	if err != nil && errors.Is(context.Cause(f.ctx), errStalled) {
		err = errStalled
	}
	return n, err
}

// Close frees the connection.
func (f *flow) Close() error {
	f.watchdog.Stop()
	f.stop(nil)
	return f.body.Close()
}
