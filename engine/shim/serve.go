package shim

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"gantry/engine"
	"gantry/internal/usock"
	"gantry/logs"
)

// accept serves until the socket is closed.
func (s *shim) accept() {
	for {
		f, err := s.socket.Accept()
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil { // out of descriptors or memory: others may give some back
			fmt.Fprintln(os.Stderr, err)
			time.Sleep(100 * time.Millisecond)
			continue
		}
		go s.serve(f)
	}
}

// serve answers the request of one connection. Whatever a peer sends concerns
// its own connection only.
func (s *shim) serve(f *os.File) {
	defer f.Close()
	uid, err := usock.PeerUID(f)
	if err != nil || uid != 0 && uid != uint32(os.Getuid()) {
		return // the socket's mode keeps others out; this is the second lock
	}
	c := newConn(f)
	f.SetDeadline(time.Now().Add(handshakeTime))
	var h hello
	if c.receive(kindHello, &h) != nil {
		return
	}
	if c.sendJSON(kindHello, hello{V: Version}) != nil {
		return
	}
	var req request
	if err := c.receive(kindRequest, &req); err != nil {
		if errors.Is(err, errProtocol) {
			c.sendJSON(kindFailure, failureOf(err))
		}
		return
	}
	f.SetDeadline(time.Time{})
	if err := s.enter(); err != nil {
		c.sendJSON(kindFailure, failureOf(err))
		return
	}
	defer s.leave()
	if err := s.handle(c, &req); err != nil {
		c.sendJSON(kindFailure, failureOf(err))
	}
}

// handle runs a request and sends its answer, unless it fails.
func (s *shim) handle(c *conn, req *request) error {
	switch req.Op {
	case opAttach:
		return s.attach(c, req)
	case opExec:
		return s.exec(c, req)
	}
	ans, err := s.act(c, req)
	if err != nil {
		return err
	}
	c.sendJSON(kindAnswer, ans)
	return nil
}

// act runs a request that one answer ends.
func (s *shim) act(c *conn, req *request) (ans answer, err error) {
	switch req.Op {
	case opStatus:
		ans.Status = s.status()
	case opStart:
		err = s.launch(Launch{})
	case opLaunch:
		if req.Launch == nil {
			return ans, fmt.Errorf("%w: launch without orders", errProtocol)
		}
		err = s.launch(*req.Launch)
	case opPublish:
		ans, err = s.hold(req.Ports)
	case opNames:
		err = s.names()
	case opDismiss:
		err = s.dismiss()
	case opPause:
		err = s.pause()
	case opUnpause:
		err = s.unpause()
	case opSignal:
		err = s.signal(req)
	case opResize:
		err = s.resize(req)
	case opWait:
		ans.Exit, err = s.wait(c, req)
	default:
		err = fmt.Errorf("%w request %q (this monitor speaks version %d)", engine.ErrUnsupported, req.Op, Version)
	}
	return ans, err
}

func (s *shim) signal(req *request) error {
	if req.Exec == "" {
		if req.Stop {
			s.mu.Lock()
			s.stopped = true
			s.mu.Unlock()
		}
		return s.signalFirst(req.Signal)
	}
	x, err := s.execution(req.Exec)
	if err != nil {
		return err
	}
	return x.program.signal(req.Signal)
}

func (s *shim) resize(req *request) error {
	if req.Exec != "" {
		x, err := s.execution(req.Exec)
		if err != nil {
			return err
		}
		return x.program.resize(req.Size)
	}
	if !s.cfg.Tty {
		return fmt.Errorf("resize: %w without a terminal", engine.ErrUnsupported)
	}
	s.mu.Lock()
	s.size = req.Size
	p := s.program
	s.mu.Unlock()
	if p == nil {
		return nil // the start will use it
	}
	return p.resize(req.Size)
}

// wait blocks until the end, or until the peer has gone.
func (s *shim) wait(c *conn, req *request) (*engine.ExitStatus, error) {
	done := s.ended
	var x *execution
	if req.Exec != "" {
		var err error
		if x, err = s.execution(req.Exec); err != nil {
			return nil, err
		}
		done = x.done
	} else if err := s.attempts(req.Attempt); err != nil {
		return nil, err
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		c.in.next() // nothing but the end can come
	}()
	select {
	case <-gone:
		return nil, io.EOF
	case <-done:
	}
	c.f.SetReadDeadline(past)
	<-gone
	if x != nil {
		return &x.status, nil
	}
	return &s.exit, nil
}

// attempts tells whether the attempt of that number is this monitor's. Who asks
// saw it run: if nothing was started here, the next one is still to come.
func (s *shim) attempts(n int) error {
	if n == 0 {
		return nil
	}
	s.first()
	s.mu.Lock()
	own := s.start.Attempt
	s.mu.Unlock()
	if own == n || own == 0 && s.exited() {
		return nil
	}
	return fmt.Errorf("%w: this monitor is not that of start %d of the container", engine.ErrConflict, n)
}

// attach streams the container's output until the end, and its peer's input
// until the peer has gone.
func (s *shim) attach(c *conn, req *request) error {
	if req.Attach == nil {
		return fmt.Errorf("%w: attach without options", errProtocol)
	}
	hail, err := appendJSON(nil, kindAnswer, answer{})
	if err != nil {
		return err
	}
	a := newAttacher(c, s.out, req.Attach.Stdout, req.Attach.Stderr)
	if s.out.attach(a, hail, req.Attach.Logs) != nil {
		return nil // the peer has gone
	}
	defer s.out.detach(a)
	if req.Attach.Removes {
		s.promised()
		defer s.broken()
	}
	s.publish(engine.ActionAttach, nil)
	in := s.input
	if !req.Attach.Stdin {
		in = nil
	}
	// A terminal has no end of input of its own.
	s.receive(c, in, s.cfg.StdinOnce && !s.cfg.Tty)
	select {
	case <-s.ended:
		if req.Attach.Removes {
			awaitEnd(c)
		}
	default:
		s.publish(engine.ActionDetach, nil)
	}
	return nil
}

// awaitEnd waits until the peer has closed the connection, on which it has
// been told everything.
func awaitEnd(c *conn) {
	c.f.SetReadDeadline(time.Time{}) // chase.run sets one
	io.Copy(io.Discard, c.f)
}

// receive takes the peer's input until its connection ends.
func (s *shim) receive(c *conn, in *input, ends bool) {
	for {
		k, b, err := c.in.next()
		switch {
		case err != nil:
			return
		case in == nil:
		case k == kindStdin:
			in.write(b, func() bool { return hungUp(c) })
		case k == kindStdinEnd && ends:
			in.end()
		}
	}
}

// exec runs a program and streams it to its peer. When that goes, the program
// goes on without input and audience.
func (s *shim) exec(c *conn, req *request) error {
	if req.Program == nil {
		return fmt.Errorf("%w: exec without a program", errProtocol)
	}
	x, err := s.execute(req.Program)
	if err != nil {
		return err
	}
	c.sendJSON(kindAnswer, answer{Exec: x.id})
	received := make(chan struct{})
	go func() {
		defer close(received)
		tty := req.Program.Tty
		s.receive(c, x.input, !tty)
		if !tty {
			x.input.end()
		}
	}()
	detached := req.Program.Detach
	st := x.run(func(stream logs.Stream, frame []byte) {
		putHead(frame, streamKind(stream))
		if !detached {
			c.send(frame) // fails when the peer has gone: then it is read for nobody
		}
	})
	s.finished(x, st)
	c.sendJSON(kindExit, st)
	c.f.SetReadDeadline(past)
	<-received
	return nil
}
