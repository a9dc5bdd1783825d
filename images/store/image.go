package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gantry/images"
)

// maxDescribed bounds what a long-lived process remembers of images.
const maxDescribed = 4096

// describedImage is what a manifest digest determines once and for all, so that
// a list that is shown again and again costs one read of index.json.
type describedImage struct {
	img images.Image // without names
}

// List returns all images, one per ID, in the order of index.json. An image
// that cannot be used is listed with its Problem. It takes no lock.
func (s *Store) List(ctx context.Context) ([]images.Image, error) {
	x, err := s.lookIndex()
	if err != nil {
		return nil, err
	}
	groups := map[images.Digest][]*entry{}
	var order []images.Digest
	for _, e := range x.good() {
		id := s.id(e)
		if groups[id] == nil {
			order = append(order, id)
		}
		groups[id] = append(groups[id], e)
	}
	out := make([]images.Image, 0, len(order))
	for _, id := range order {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		out = append(out, s.describe(groups[id][0], groups[id]))
	}
	return out, nil
}

// Resolve finds an image by its name, its ID (sha256:… or an unambiguous
// prefix), or a digest (of its manifest or of the index that it was chosen
// from). It returns images.ErrNotFound or images.ErrAmbiguous. It takes no lock
// and protects nothing: see Hold. A damaged image is found, with its Problem.
func (s *Store) Resolve(_ context.Context, ref string) (images.Image, error) {
	x, err := s.lookIndex()
	if err != nil {
		return images.Image{}, err
	}
	e, all, err := s.find(x, ref)
	if err != nil {
		return images.Image{}, err
	}
	return s.describe(e, all), nil
}

// describe makes the image of an entry; all are the entries of that image.
func (s *Store) describe(e *entry, all []*entry) images.Image {
	img := s.immutable(e)
	img.Target = e.target()
	if img.Target == "" {
		img.Target = img.Manifest
	}
	for _, o := range all {
		if ref, err := images.ParseRef(o.name()); err == nil {
			img.Tags = append(img.Tags, ref.Familiar())
		}
		if ref, err := images.ParseRef(o.repoDigest()); err == nil {
			img.RepoDigests = append(img.RepoDigests, ref.Familiar())
		}
	}
	slices.Sort(img.RepoDigests)
	img.RepoDigests = slices.Compact(img.RepoDigests)
	return img
}

// immutable describes what the entry's digest determines.
func (s *Store) immutable(e *entry) images.Image {
	s.mu.Lock()
	d, ok := s.described[e.desc.Digest]
	s.mu.Unlock()
	if ok {
		return d.img
	}
	img, err := s.read(e)
	if err != nil {
		img.Problem = err.Error()
		return img
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.described) >= maxDescribed {
		clear(s.described)
	}
	s.described[e.desc.Digest] = describedImage{img}
	return img
}

// read fills an image from its blobs and layers, as far as it gets.
func (s *Store) read(e *entry) (images.Image, error) {
	img := images.Image{ID: s.id(e), Manifest: e.desc.Digest}
	if p := e.desc.Platform; p != nil {
		img.Platform = p.Normalize()
	}
	m, _, err := s.Manifest(e.desc.Digest)
	if err == nil {
		for _, l := range m.Layers {
			img.Download += l.Size
		}
	}
	c, _, cerr := s.Config(img.ID)
	if cerr != nil {
		return img, errors.Join(err, cerr)
	}
	if c.Created != nil {
		img.Created = *c.Created
	}
	img.Platform = c.Platform()
	img.Labels = c.Config.Labels
	img.DiffIDs = c.RootFS.DiffIDs
	sizes, serr := s.LayerSizes(img)
	for _, n := range sizes {
		img.Size += n
	}
	return img, errors.Join(err, serr)
}

// Manifest reads a manifest and the bytes that its digest covers.
func (s *Store) Manifest(d images.Digest) (*Manifest, []byte, error) {
	b, err := s.ReadBlob(d, MaxManifest)
	if err != nil {
		return nil, nil, missing(err, "manifest")
	}
	m, err := ParseManifest(b, "")
	return m, b, err
}

// Config reads an image configuration by the image's ID.
func (s *Store) Config(id images.Digest) (*images.ConfigFile, []byte, error) {
	b, err := s.ReadBlob(id, MaxManifest)
	if err != nil {
		return nil, nil, missing(err, "configuration")
	}
	c, err := ParseConfig(b)
	return c, b, err
}

// missing turns the absence of what an image consists of into damage: its
// entry promised it.
func missing(err error, what string) error {
	if errors.Is(err, images.ErrNotFound) {
		return fmt.Errorf("%w: the image's %s is gone (%v); pull or load the image again", images.ErrCorrupt, what, err)
	}
	return err
}

// Hold resolves an image and protects all of it by the lease in one step, so
// that no collection comes between. It is the way to use an image for anything
// that takes longer than a look.
func (s *Store) Hold(ctx context.Context, l *Lease, ref string) (images.Image, error) {
	return s.holdImage(ctx, l, ref)
}
