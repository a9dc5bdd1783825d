package store

import (
	"io"
	"time"

	"gantry/images"
)

// tell reports a change of state.
func (u *unpacking) tell(i int, state images.ProgressState, done int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.parts[i].state = state
	u.emit(i, done)
}

// arrived says that a blob is complete and only its unpacking goes on.
func (u *unpacking) arrived(i int) { u.tell(i, images.Unpacking, 0) }

// reportEvery bounds how often bytes are reported: more than an eye can follow,
// too little to slow the work.
const reportEvery = 50 * time.Millisecond

// count reports bytes of the state that the layer is in, now and then.
func (u *unpacking) count(i int, state images.ProgressState, done int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if p := u.parts[i]; p.state == state && time.Since(p.told) >= reportEvery {
		u.emit(i, done)
	}
}

func (u *unpacking) emit(i int, done int64) {
	p := u.parts[i]
	p.told = time.Now()
	if u.report != nil {
		u.report(i, images.Progress{ID: p.desc.Blob.Short(), Done: done, Total: p.desc.Size, State: p.state})
	}
}

// meteredReader counts the compressed bytes that were unpacked.
type meteredReader struct {
	r  io.Reader
	u  *unpacking
	i  int
	at int64
}

func (m *meteredReader) Read(b []byte) (int, error) {
	n, err := m.r.Read(b)
	m.at += int64(n)
	m.u.count(m.i, images.Unpacking, m.at)
	return n, err
}

// meteredIngest counts what arrives.
type meteredIngest struct {
	in *Ingest
	u  *unpacking
	i  int
}

func (m *meteredIngest) Write(b []byte) (int, error) {
	n, err := m.in.Write(b)
	m.u.count(m.i, images.Downloading, m.in.Offset())
	return n, err
}
