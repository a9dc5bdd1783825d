// Package detach finds the key sequence with which a user leaves a container's
// terminal without ending its program (ctrl-p ctrl-q by default) in the bytes
// that come from the keyboard.
//
// The invariant: bytes that turn out not to be the sequence reach the program
// unchanged and in order, and none of the sequence's own bytes does. A prefix
// of the sequence is held back until the next key decides, as in docker.
package detach

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Default is the sequence when none is configured.
const Default = "ctrl-p,ctrl-q"

// ErrDetached is what Read returns when the sequence was typed.
var ErrDetached = errors.New("detached")

// Parse reads a sequence in docker's syntax: keys with commas between them,
// each a single character or "ctrl-" with a letter or one of @ [ \ ] ^ _.
func Parse(keys string) ([]byte, error) {
	var seq []byte
	for key := range strings.SplitSeq(keys, ",") {
		b, ok := parseKey(key)
		if !ok {
			return nil, fmt.Errorf("detach keys %q: %q is not a key; want a character or ctrl- with a letter or one of @ [ \\ ] ^ _, for instance %s", keys, key, Default)
		}
		seq = append(seq, b)
	}
	return seq, nil
}

func parseKey(key string) (byte, bool) {
	if len(key) == 1 {
		return key[0], true
	}
	c, ok := strings.CutPrefix(strings.ToLower(key), "ctrl-")
	if !ok || len(c) != 1 {
		return 0, false
	}
	switch k := c[0]; {
	case k >= 'a' && k <= 'z':
		return k - 'a' + 1, true
	case k == '@':
		return 0, true
	case k >= '[' && k <= '_':
		return k - 'A' + 1, true
	}
	return 0, false
}

// Reader passes on what it reads until the sequence comes.
type Reader struct {
	r     io.Reader
	seq   []byte
	held  int    // how much of seq has been typed and held back
	ready []byte // to be passed on
	err   error  // after ready
}

// NewReader looks for seq, as Parse returned it, in r. An empty seq is never
// found.
func NewReader(r io.Reader, seq []byte) *Reader { return &Reader{r: r, seq: seq} }

func (d *Reader) Read(p []byte) (int, error) {
	if len(d.seq) == 0 {
		return d.r.Read(p)
	}
	if len(p) == 0 {
		return 0, nil
	}
	for len(d.ready) == 0 && d.err == nil {
		n, err := d.r.Read(p)
		d.scan(p[:n])
		if d.err == nil && err != nil {
			d.release() // nothing more decides what was held back
			d.err = err
		}
	}
	n := copy(p, d.ready)
	d.ready = d.ready[n:]
	if n == 0 {
		return 0, d.err
	}
	return n, nil
}

// scan moves typed bytes to ready, and stops at the end of the sequence: what
// was typed after it belongs to nobody.
func (d *Reader) scan(typed []byte) {
	for _, b := range typed {
		if b == d.seq[d.held] {
			if d.held++; d.held == len(d.seq) {
				d.held, d.err = 0, ErrDetached
				return
			}
			continue
		}
		d.mismatch(b)
	}
}

// mismatch releases what can no longer begin the sequence. With seq "aab" and
// "aaa" typed, the last two may still begin it.
func (d *Reader) mismatch(b byte) {
	typed := append(bytes.Clone(d.seq[:d.held]), b)
	d.held = 0
	for n := min(len(typed), len(d.seq)-1); n > 0; n-- {
		if bytes.Equal(typed[len(typed)-n:], d.seq[:n]) {
			d.held = n
			break
		}
	}
	d.ready = append(d.ready, typed[:len(typed)-d.held]...)
}

func (d *Reader) release() {
	d.ready = append(d.ready, d.seq[:d.held]...)
	d.held = 0
}
