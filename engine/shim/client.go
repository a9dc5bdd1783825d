package shim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/network/hostport"
	"gantry/internal/usock"
)

// Client speaks to the monitor of one container. It is safe for concurrent
// use; each request has a connection of its own. Every method returns ErrGone
// when there is no monitor (any more).
type Client struct {
	run string
	id  engine.ID

	mu   sync.Mutex
	hold *os.File // keeps a monitor that we spawned waiting for Start
}

// Dial finds the monitor of a container.
func Dial(ctx context.Context, run string, id engine.ID) (*Client, error) {
	c := &Client{run: run, id: id}
	f, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	f.Close()
	return c, nil
}

func (c *Client) dial(ctx context.Context) (*os.File, error) {
	f, err := usock.Dial(ctx, socketPath(c.run, c.id))
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ENOTDIR) {
		return nil, fmt.Errorf("%w (%w)", ErrGone, err)
	}
	return f, err
}

// Close lets go of a monitor that was spawned.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hold == nil {
		return nil
	}
	err := c.hold.Close()
	c.hold = nil
	return err
}

// Build has a monitor that was spawned by this client make the container before
// the start is asked for, which then takes little time. The control group must
// be there. A start that brings something along makes the container anew; that
// building failed is told by the start.
func (c *Client) Build() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hold != nil {
		_ = newConn(c.hold).sendJSON(kindRequest, request{Op: opBuild})
	}
}

// Start runs the container. It returns when the program has been executed; an
// error may be engine.ErrCommandNotFound or engine.ErrCommandNotExecutable.
func (c *Client) Start(ctx context.Context) error {
	_, err := c.ask(ctx, request{Op: opStart})
	return err
}

// Launch is Start with what the bundle does not say. A monitor that waits since
// before an upgrade, and would not understand it, is sent away: the error is
// ErrGone then, and the caller spawns another.
func (c *Client) Launch(ctx context.Context, l Launch) error {
	_, err := c.ask(ctx, request{Op: opLaunch, Launch: &l})
	if errors.Is(err, errOld) {
		return fmt.Errorf("%w (%w)", ErrGone, errors.Join(err, c.Dismiss(ctx)))
	}
	return err
}

// Publish has the monitor hold ports of the host, from before the start until
// after the end. It returns which they became. The error is a
// *hostport.TakenError when somebody else has one; and ErrGone as with Launch.
func (c *Client) Publish(ctx context.Context, wants []hostport.Want) ([]hostport.Port, error) {
	ans, err := c.ask(ctx, request{Op: opPublish, Ports: wants})
	switch {
	case errors.Is(err, errOld):
		return nil, fmt.Errorf("%w (%w)", ErrGone, errors.Join(err, c.Dismiss(ctx)))
	case err == nil && ans.Taken != nil:
		return nil, &hostport.TakenError{Port: *ans.Taken}
	}
	return ans.Ports, err
}

// Names says that what WriteDNS has written for a running container has changed.
func (c *Client) Names(ctx context.Context) error {
	_, err := c.ask(ctx, request{Op: opNames})
	return err
}

// Signal goes to the container's first program.
func (c *Client) Signal(ctx context.Context, sig int) error {
	_, err := c.ask(ctx, request{Op: opSignal, Signal: sig})
	return err
}

// Stop sends a signal that is to end the container, which is not started again
// by its policy then.
func (c *Client) Stop(ctx context.Context, sig int) error {
	_, err := c.ask(ctx, request{Op: opSignal, Signal: sig, Stop: true})
	return err
}

// Pause freezes the container.
func (c *Client) Pause(ctx context.Context) error {
	_, err := c.ask(ctx, request{Op: opPause})
	return err
}

// Unpause lets a frozen container run again.
func (c *Client) Unpause(ctx context.Context) error {
	_, err := c.ask(ctx, request{Op: opUnpause})
	return err
}

// Resize sets the size of the container's terminal; before Start, its first.
func (c *Client) Resize(ctx context.Context, size engine.TermSize) error {
	_, err := c.ask(ctx, request{Op: opResize, Size: size})
	return err
}

// Wait returns how the container ended, or will have ended.
func (c *Client) Wait(ctx context.Context) (engine.ExitStatus, error) {
	return c.wait(ctx, request{})
}

// WaitAttempt waits for the end of the attempt of that number. A monitor that
// is there for another one says so with ErrConflict.
func (c *Client) WaitAttempt(ctx context.Context, n int) (engine.ExitStatus, error) {
	return c.wait(ctx, request{Attempt: n})
}

func (c *Client) wait(ctx context.Context, req request) (engine.ExitStatus, error) {
	req.Op = opWait
	ans, err := c.ask(ctx, req)
	if err == nil && ans.Exit == nil {
		err = fmt.Errorf("wait: %w: there is no exit status", errProtocol)
	}
	if err != nil {
		return engine.ExitStatus{}, err
	}
	return *ans.Exit, nil
}

// Status describes the monitor.
func (c *Client) Status(ctx context.Context) (Status, error) {
	ans, err := c.ask(ctx, request{Op: opStatus})
	if err == nil && ans.Status == nil {
		err = fmt.Errorf("status: %w: there is none", errProtocol)
	}
	if err != nil {
		return Status{}, err
	}
	return *ans.Status, nil
}

// Dismiss makes a monitor leave that waits for Start. One whose container runs
// refuses with engine.ErrConflict.
func (c *Client) Dismiss(ctx context.Context) error {
	_, err := c.ask(ctx, request{Op: opDismiss})
	return err
}

// Attach connects to the container's standard streams. Before Start it misses
// nothing. The session owns the client.
func (c *Client) Attach(ctx context.Context, opts engine.AttachOptions) (engine.Session, error) {
	return c.session(ctx, request{Op: opAttach, Attach: &opts})
}

// Exec runs a further program in the container. The session owns the client.
func (c *Client) Exec(ctx context.Context, opts engine.ExecOptions) (engine.Session, error) {
	return c.session(ctx, request{Op: opExec, Program: &opts})
}

// ask makes a request that one answer ends.
func (c *Client) ask(ctx context.Context, req request) (answer, error) {
	conn, ans, err := c.open(ctx, req)
	if err != nil {
		return answer{}, err
	}
	return ans, conn.f.Close()
}

// open makes a request and reads its answer.
func (c *Client) open(ctx context.Context, req request) (*conn, answer, error) {
	f, err := c.dial(ctx)
	if err != nil {
		return nil, answer{}, err
	}
	cn := newConn(f)
	stop := context.AfterFunc(ctx, func() { f.SetDeadline(past) })
	ans, err := cn.converse(req)
	if !stop() && ctx.Err() != nil {
		err = ctx.Err() // the deadline stays, so the connection is of no use
	}
	if err != nil {
		f.Close()
		return nil, answer{}, err
	}
	return cn, ans, nil
}

func (c *conn) converse(req request) (answer, error) {
	b, err := appendJSON(nil, kindHello, hello{V: Version})
	if err == nil {
		b, err = appendJSON(b, kindRequest, req)
	}
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", req.Op, err)
	}
	var h hello
	var ans answer
	if err = c.send(b); err == nil {
		if err = c.receive(kindHello, &h); err == nil {
			err = c.answer(&ans)
		}
	}
	if errors.Is(err, engine.ErrUnsupported) && (req.Op == opLaunch || req.Op == opPublish) && h.V < launchVersion {
		err = errOld
	}
	return ans, gone(err)
}

// answer reads an answer, or the failure in its place.
func (c *conn) answer(ans *answer) error {
	k, b, err := c.in.next()
	switch {
	case err != nil:
		return err
	case k == kindFailure:
		var f failure
		if err := json.Unmarshal(b, &f); err != nil {
			return fmt.Errorf("%w: %w", errProtocol, err)
		}
		return f.err()
	case k != kindAnswer:
		return fmt.Errorf("%w: frame of kind %d instead of an answer", errProtocol, k)
	}
	if err := json.Unmarshal(b, ans); err != nil {
		return fmt.Errorf("%w: %w", errProtocol, err)
	}
	return nil
}

// gone maps the end of a connection to what it means.
func gone(err error) error {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, unix.EPIPE, unix.ECONNRESET} {
		if errors.Is(err, end) {
			return fmt.Errorf("%w (%w)", ErrGone, err)
		}
	}
	return err
}
