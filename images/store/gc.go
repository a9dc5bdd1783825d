package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gantry/images"
	"gantry/images/trash"
)

// keepPartials is how long the blob of a broken download waits to be continued.
const keepPartials = 24 * time.Hour

// Used is what containers need: the IDs of their layers and images.
type Used struct {
	Layers map[string]bool
	Images map[images.Digest]bool
}

// GCOptions control a collection.
type GCOptions struct {
	// Used tells what containers need. It is called under the index lock, so
	// that what it has not seen cannot have come into being through Hold. Nil
	// leaves all layers alone.
	Used func() (Used, error)
	// Without treats these images as if they had been removed, to learn what
	// that would bring.
	Without []images.Digest
	// DryRun only reports.
	DryRun bool
}

// Report tells what a collection removed or would remove.
type Report struct {
	Blobs    []string // digests
	Layers   []string // layer IDs
	Partials []string // digests of downloads that nobody continued
	Bytes    int64    // on disk, of all of them
}

// GC removes blobs and layers that no image, live lease or container needs, and
// what dead processes left. When an image cannot be read nothing is removed,
// because nobody knows what it needs; the error says which image and how to
// settle it.
//
// What goes is renamed into trash/ under the lock and deleted after it, so that
// others wait for renames only, however large the layers are.
func (s *Store) GC(ctx context.Context, o GCOptions) (Report, error) {
	c := &collection{s: s, dryRun: o.DryRun}
	err := s.collect(ctx, o, c)
	if !o.DryRun {
		err = errors.Join(err, trash.Empty(ctx, s.root))
	}
	if err != nil {
		return c.report, fmt.Errorf("collect garbage: %w", err)
	}
	return c.report, nil
}

func (s *Store) collect(ctx context.Context, o GCOptions, c *collection) error {
	unlock, err := s.lockIndex(ctx, unix.LOCK_EX)
	if err != nil {
		return err
	}
	defer unlock()
	k, err := s.keep(o)
	if err != nil {
		return err
	}
	if err := s.sweepBlobs(c, k, nil); err != nil {
		return err
	}
	if o.Used != nil {
		if err := s.sweepLayers(c, k); err != nil {
			return err
		}
	}
	return s.sweepPartials(c)
}

// collectBlobs collects the blobs among candidates, by hexadecimal digest.
func (s *Store) collectBlobs(ctx context.Context, candidates map[string]bool) error {
	c := &collection{s: s}
	unlock, err := s.lockIndex(ctx, unix.LOCK_EX)
	if err != nil {
		return err
	}
	k, err := s.keep(GCOptions{})
	if err == nil {
		err = s.sweepBlobs(c, k, candidates)
	}
	unlock()
	return errors.Join(err, trash.Empty(ctx, s.root))
}

// keepSet is what must stay: blobs by hexadecimal digest, layers by ID.
type keepSet struct {
	blobs  map[string]bool
	layers map[string]bool
}

func newKeepSet() *keepSet {
	return &keepSet{blobs: map[string]bool{}, layers: map[string]bool{}}
}

// keep gathers what images, leases and containers need.
func (s *Store) keep(o GCOptions) (*keepSet, error) {
	x, err := s.readIndex()
	if err != nil {
		return nil, err
	}
	if bad := x.problems(); len(bad) > 0 {
		return nil, errors.Join(bad...)
	}
	without := map[images.Digest]bool{}
	for _, id := range o.Without {
		without[id] = true
	}
	k := newKeepSet()
	for _, e := range x.entries {
		if without[s.id(e)] {
			continue
		}
		if err := s.needs(e, k); err != nil {
			return nil, fmt.Errorf("what image %s needs is not known (remove it with gantry rmi, or pull it again): %w", e.label(s), err)
		}
	}
	if err := s.liveLeases(k); err != nil {
		return nil, err
	}
	if o.Used == nil {
		return k, nil
	}
	used, err := o.Used()
	if err != nil {
		return nil, err
	}
	for id := range used.Layers {
		k.layers[id] = true
	}
	for id := range used.Images {
		k.blobs[id.Hex()] = true
	}
	return k, nil
}

// label is how a person would name the entry's image.
func (e *entry) label(s *Store) string {
	if e.name() != "" {
		return familiar(e.name())
	}
	return s.id(e).Short()
}

// needs adds all that an image consists of.
func (s *Store) needs(e *entry, k *keepSet) error {
	m, _, err := s.Manifest(e.desc.Digest)
	if err != nil {
		return err
	}
	k.blobs[e.desc.Digest.Hex()] = true
	k.blobs[e.target().Hex()] = true
	k.blobs[m.Config.Digest.Hex()] = true
	for _, l := range m.Layers {
		k.blobs[l.Digest.Hex()] = true
	}
	c, _, err := s.Config(m.Config.Digest)
	if err != nil {
		return err
	}
	for i, chain := range ChainIDs(c.RootFS.DiffIDs) {
		k.layers[chainPrefix+chain.Hex()] = true
		if l, err := s.findLayer(chain, c.RootFS.DiffIDs[i]); err == nil {
			k.layers[l.ID] = true
		} else {
			k.layers[c.RootFS.DiffIDs[i].Hex()] = true // damaged, perhaps repairable
		}
	}
	return nil
}

// collection is one run of the collector.
type collection struct {
	s      *Store
	dryRun bool
	report Report
}

// sweepBlobs moves unneeded blobs to the trash; of candidates only, when they
// are given. Files that have no digest for a name are somebody else's.
func (s *Store) sweepBlobs(c *collection, k *keepSet, candidates map[string]bool) error {
	entries, err := os.ReadDir(s.inRoot("blobs", "sha256"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		if len(name) != 64 || !isHex(name) || k.blobs[name] || candidates != nil && !candidates[name] {
			continue
		}
		path := s.inRoot("blobs", "sha256", name)
		if fi, err := os.Stat(path); err == nil {
			c.report.Bytes += fi.Size()
		}
		if err := c.trash(path); err != nil {
			return err
		}
		c.report.Blobs = append(c.report.Blobs, "sha256:"+name)
	}
	return nil
}

// sweepLayers moves unneeded layers and the remains of dead unpackings to the
// trash.
func (s *Store) sweepLayers(c *collection, k *keepSet) error {
	entries, err := os.ReadDir(s.inRoot("layers"))
	if err != nil {
		return err
	}
	// Links first: a crash in between must not leave one to a layer that is
	// gone. (Such a link would do no harm, the layer counts as absent.)
	for _, links := range []bool{true, false} {
		for _, e := range entries {
			if isLink := e.Type()&os.ModeSymlink != 0; isLink != links {
				continue
			}
			if err := s.sweepLayer(c, k, e.Name(), links); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) sweepLayer(c *collection, k *keepSet, name string, link bool) error {
	path := s.inRoot("layers", name)
	switch {
	case strings.HasPrefix(name, newPrefix):
		return c.deadUnpacking(path)
	case !isLayerID(name) || k.layers[name]:
		return nil
	case link:
		return c.trash(path)
	}
	if m, err := s.readMeta(name); err == nil {
		c.report.Bytes += m.Size
	}
	c.report.Layers = append(c.report.Layers, name)
	return c.trash(path)
}

// deadUnpacking collects an unpacking whose process is gone.
func (c *collection) deadUnpacking(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return ignoreAbsent(err)
	}
	defer f.Close()
	if dead, err := tryFlock(f, unix.LOCK_EX); err != nil || !dead {
		return err
	}
	return c.trash(path)
}

// partial collects a partial blob or spool whose writer is gone.
func (c *collection) partial(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return ignoreAbsent(err)
	}
	defer f.Close()
	if dead, err := tryFlock(f, unix.LOCK_EX); err != nil || !dead {
		return err
	}
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	name := filepath.Base(path)
	resumable := len(name) == 64 && isHex(name)
	if resumable && time.Since(fi.ModTime()) < keepPartials {
		return nil
	}
	c.report.Bytes += fi.Size()
	if resumable {
		c.report.Partials = append(c.report.Partials, "sha256:"+name)
	}
	return c.trash(path)
}

// trash takes a path out of the store under a name that cannot collide.
func (c *collection) trash(path string) error {
	if c.dryRun {
		return nil
	}
	name := filepath.Base(path) + "-" + strconv.FormatUint(rand.Uint64(), 36)
	return ignoreAbsent(os.Rename(path, c.s.inRoot("trash", name)))
}

func ignoreAbsent(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
