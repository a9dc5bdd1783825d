package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"gantry/images"
)

// Lease protects blobs and layers from every process's collection until it is
// released or its process dies. It is a file of lines "blob sha256:…" and
// "layer ID"; its flock tells that somebody still wants it.
type Lease struct {
	s *Store

	mu   sync.Mutex
	f    *os.File        // guarded by mu; nil after Release
	held map[string]bool // guarded by mu; lines that the file has
	put  []images.Digest // guarded by mu; blobs that did not exist before
}

// Lease takes an empty lease. The caller must Release it.
func (s *Store) Lease(ctx context.Context) (*Lease, error) {
	// Between making the file and locking it a collection would take it for
	// one left behind; the shared lock keeps collections out.
	unlock, err := s.lockIndex(ctx, unix.LOCK_SH)
	if err != nil {
		return nil, fmt.Errorf("take lease: %w", err)
	}
	defer unlock()
	f, err := os.CreateTemp(s.inRun("leases"), "")
	if err != nil {
		return nil, fmt.Errorf("take lease: %w", err)
	}
	if err := flock(ctx, f, unix.LOCK_EX); err != nil {
		os.Remove(f.Name())
		f.Close()
		return nil, fmt.Errorf("take lease: %w", err)
	}
	return &Lease{s: s, f: f, held: map[string]bool{}}, nil
}

// Blob protects a blob that exists or will be made.
func (l *Lease) Blob(d images.Digest) error { return l.hold("blob", string(d)) }

// Layer protects a layer by its ID in layers/.
func (l *Lease) Layer(id string) error { return l.hold("layer", id) }

// Release ends the protection. It may be called more than once.
func (l *Lease) Release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return
	}
	os.Remove(l.f.Name())
	l.f.Close()
	l.f = nil
}

// hold adds one line. The shared index lock is what makes the order "lease,
// then look" safe: a collection that runs now either ended before, and the look
// finds nothing, or starts after and reads the line.
func (l *Lease) hold(kind, id string) error {
	l.mu.Lock()
	known := l.held[kind+" "+id]
	l.mu.Unlock()
	if known {
		return nil
	}
	unlock, err := l.s.lockIndex(context.Background(), unix.LOCK_SH)
	if err != nil {
		return err
	}
	defer unlock()
	return l.note(kind, id)
}

// note is hold for callers that have the index lock.
func (l *Lease) note(kind, id string) error {
	line := kind + " " + id
	if strings.ContainsAny(id, "\n/") {
		return fmt.Errorf("lease %q: not the name of a %s", id, kind)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return errors.New("lease: used after its release")
	}
	if l.held[line] {
		return nil
	}
	if _, err := l.f.WriteString(line + "\n"); err != nil {
		return fmt.Errorf("lease %s: %w", id, err)
	}
	l.held[line] = true
	return nil
}

// made remembers a blob that this lease's holder brought into the store.
func (l *Lease) made(d images.Digest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.put = append(l.put, d)
}

// Discard releases the lease and removes the blobs that came with it and that
// nothing else needs: what is left of a load that failed, or what an archive
// held beyond the images that were asked for.
func (l *Lease) Discard(ctx context.Context) error {
	l.mu.Lock()
	candidates := make(map[string]bool, len(l.put))
	for _, d := range l.put {
		candidates[d.Hex()] = true
	}
	l.mu.Unlock()
	l.Release()
	if len(candidates) == 0 {
		return nil
	}
	return l.s.collectBlobs(ctx, candidates)
}

// liveLeases reads what live leases hold and removes the stale ones. The caller
// holds the index lock exclusively, so no lease is being made or extended.
func (s *Store) liveLeases(k *keepSet) error {
	entries, err := os.ReadDir(s.inRun("leases"))
	if err != nil {
		return fmt.Errorf("read leases: %w", err)
	}
	for _, e := range entries {
		if err := s.readLease(filepath.Join(s.inRun("leases"), e.Name()), k); err != nil {
			return fmt.Errorf("read lease: %w", err)
		}
	}
	return nil
}

func (s *Store) readLease(path string, k *keepSet) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // released meanwhile, which needs no lock
	}
	if err != nil {
		return err
	}
	defer f.Close()
	stale, err := tryFlock(f, unix.LOCK_EX)
	if err != nil {
		return err
	}
	if stale {
		return ignoreAbsent(os.Remove(path)) // its holder may just have done so
	}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		kind, id, _ := strings.Cut(lines.Text(), " ")
		switch kind {
		case "blob":
			k.blobs[images.Digest(id).Hex()] = true
		case "layer":
			k.layers[id] = true
		}
	}
	return lines.Err()
}
