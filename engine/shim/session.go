package shim

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
)

// session is an attach or an exec, seen from its client.
type session struct {
	client *Client
	conn   *conn
	exec   string // "" for an attach

	reading chan struct{} // closed when Copy was called
	read    chan struct{} // closed when it has ended
	exited  chan struct{} // closed when it has read the status
	status  engine.ExitStatus
}

var _ engine.Session = (*session)(nil)

func (c *Client) session(ctx context.Context, req request) (engine.Session, error) {
	cn, ans, err := c.open(ctx, req)
	if err != nil {
		return nil, err
	}
	cn.in.r = bufio.NewReaderSize(cn.f, maxData)
	return &session{client: c, conn: cn, exec: ans.Exec,
		reading: make(chan struct{}), read: make(chan struct{}), exited: make(chan struct{})}, nil
}

// Copy implements engine.Session. Notices about lost output go to stderr.
func (s *session) Copy(stdout, stderr io.Writer) error {
	close(s.reading)
	defer close(s.read)
	for {
		k, b, err := s.conn.in.next()
		if errors.Is(err, os.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read output: %w", gone(err))
		}
		switch k {
		case kindStdout:
			_, err = stdout.Write(b)
		case kindStderr:
			_, err = stderr.Write(b)
		case kindNotice:
			_, err = fmt.Fprintf(stderr, "gantry: %s\n", b)
		case kindExit:
			return s.end(b)
		default:
			err = fmt.Errorf("read output: %w: frame of kind %d", errProtocol, k)
		}
		if err != nil {
			return err
		}
	}
}

func (s *session) end(b []byte) error {
	var st engine.ExitStatus
	if err := json.Unmarshal(b, &st); err != nil {
		return fmt.Errorf("read exit status: %w: %w", errProtocol, err)
	}
	s.status = st
	close(s.exited)
	return nil
}

// Write implements io.Writer: it sends to standard input.
func (s *session) Write(p []byte) (int, error) {
	sent := 0
	for sent < len(p) {
		n := min(len(p)-sent, maxData)
		if err := s.conn.send(appendFrame(nil, kindStdin, p[sent:sent+n])); err != nil {
			return sent, fmt.Errorf("send input: %w", gone(err))
		}
		sent += n
	}
	return sent, nil
}

// CloseWrite implements engine.Session.
func (s *session) CloseWrite() error {
	if err := s.conn.send(appendFrame(nil, kindStdinEnd, nil)); err != nil {
		return fmt.Errorf("end input: %w", gone(err))
	}
	return nil
}

// Resize implements engine.Session.
func (s *session) Resize(ctx context.Context, size engine.TermSize) error {
	_, err := s.client.ask(ctx, request{Op: opResize, Exec: s.exec, Size: size})
	return err
}

// Signal implements engine.Session.
func (s *session) Signal(ctx context.Context, name string) error {
	sig, err := parseSignal(name)
	if err != nil {
		return err
	}
	_, err = s.client.ask(ctx, request{Op: opSignal, Exec: s.exec, Signal: sig})
	return err
}

// copyTime is how long Wait believes that Copy is about to be called.
const copyTime = time.Second

// Wait implements engine.Session. The monitor takes no more questions once the
// exit is on record, and tells it to those who read their session to the end:
// so Wait asks, and listens to Copy as well.
func (s *session) Wait(ctx context.Context) (engine.ExitStatus, error) {
	select {
	case <-s.exited:
		return s.status, nil
	default:
	}
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := s.whenExited(cancel)
	defer stop()
	st, err := s.client.wait(asking, request{Exec: s.exec})
	if err == nil || ctx.Err() != nil {
		return st, err
	}
	select {
	case <-s.reading:
	case <-time.After(copyTime):
		return st, err
	}
	select {
	case <-s.read:
	case <-ctx.Done():
		return engine.ExitStatus{}, ctx.Err()
	}
	select {
	case <-s.exited:
		return s.status, nil
	default:
		return st, err
	}
}

// whenExited calls f once Copy has read the status, unless it is stopped.
func (s *session) whenExited(f func()) (stop func()) {
	stopped := make(chan struct{})
	go func() {
		select {
		case <-s.exited:
			f()
		case <-stopped:
		}
	}()
	return func() { close(stopped) }
}

// Close implements engine.Session: it detaches.
func (s *session) Close() error {
	return errors.Join(s.conn.f.Close(), s.client.Close())
}

// Real-time signals as programs see them: glibc keeps the first two.
const (
	rtMin = 34
	rtMax = 64
)

// parseSignal reads "TERM", "SIGTERM", "15", "RTMIN+1" and "RTMAX-1".
func parseSignal(s string) (int, error) {
	if n, err := strconv.Atoi(s); err == nil && n > 0 && n <= rtMax {
		return n, nil
	}
	name := strings.TrimPrefix(strings.ToUpper(s), "SIG")
	if n := unix.SignalNum("SIG" + name); n != 0 {
		return int(n), nil
	}
	for prefix, base := range map[string]int{"RTMIN": rtMin, "RTMAX": rtMax} {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		n := 0
		if rest != "" {
			var err error
			if n, err = strconv.Atoi(rest); err != nil {
				break
			}
		}
		if base+n >= rtMin && base+n <= rtMax {
			return base + n, nil
		}
	}
	return 0, fmt.Errorf("%w signal %q", engine.ErrInvalid, s)
}
