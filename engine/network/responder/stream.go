package responder

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	// maxStreamAnswer is what the two bytes of length before a message allow.
	maxStreamAnswer = 65535
	// idle is how long a connection may be silent.
	idle = 10 * time.Second
)

// serveTCP takes connections.
func (r *Responder) serveTCP() {
	for {
		c, err := r.tcp.accept()
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil { // out of descriptors or memory: others may give some back
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if !r.admit(c) {
			c.f.Close()
		}
	}
}

// admit serves a connection, unless there are too many.
func (r *Responder) admit(c *socket) bool {
	select {
	case r.streams <- struct{}{}:
	default:
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		<-r.streams
		return false
	}
	r.conns[c] = true
	r.tasks.Go(func() {
		defer func() { <-r.streams }()
		r.serveStream(c)
		r.mu.Lock()
		delete(r.conns, c)
		r.mu.Unlock()
		c.f.Close()
	})
	return true
}

// serveStream answers one query after the other until the peer hangs up.
func (r *Responder) serveStream(c *socket) {
	for {
		c.within(idle)
		msg, err := readMessage(c.f, maxQuery)
		if err != nil {
			return
		}
		q, answer, ours := r.consider(msg, true)
		if !ours {
			if _, f := r.current(); f != nil {
				answer = f.stream(msg)
			}
			if answer == nil {
				answer = q.fail(dnsmessage.RCodeServerFailure)
			}
			c.within(idle)
		}
		if answer == nil || writeMessage(c.f, answer) != nil {
			return
		}
	}
}

var errTooLong = errors.New("message is too long")

func readMessage(r io.Reader, limit int) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(head[:]))
	if n > limit {
		return nil, errTooLong
	}
	msg := make([]byte, n)
	_, err := io.ReadFull(r, msg)
	return msg, err
}

func writeMessage(w io.Writer, msg []byte) error {
	b := binary.BigEndian.AppendUint16(make([]byte, 0, len(msg)+2), uint16(len(msg)))
	_, err := w.Write(append(b, msg...))
	return err
}
