package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/images"
)

// ImageRecord is an image to be added: its blobs and layers are in the store.
type ImageRecord struct {
	Ref      *images.Ref   // nil for an image without a name
	Manifest images.Digest // of one platform
	Target   images.Digest // what Ref stands for in its registry (an index or the manifest); empty when it never was in one
}

// Add makes an image known under a name, which it takes from the image that had
// it, and returns when that is on disk. The image must be complete. Adding what
// is there already changes nothing, or sets its Target.
func (s *Store) Add(ctx context.Context, r ImageRecord) (images.Image, error) {
	next, err := s.newEntry(r)
	if err != nil {
		return images.Image{}, fmt.Errorf("add image: %w", err)
	}
	// Everything that the entry will promise reaches the disk before it.
	if err := s.settle(); err != nil {
		return images.Image{}, fmt.Errorf("add image: %w", s.explainSpace(err))
	}
	var img images.Image
	err = s.updateIndex(ctx, func(x *index) error {
		// Again, now that no collection can run: a caller without a lease gets
		// an error, not an image with holes.
		if err := s.checkComplete(r.Manifest); err != nil {
			return err
		}
		s.put(x, next)
		img = s.describe(next, s.siblings(x, s.id(next)))
		return nil
	})
	if err != nil {
		return images.Image{}, fmt.Errorf("add image: %w", err)
	}
	return img, nil
}

func (s *Store) newEntry(r ImageRecord) (*entry, error) {
	m, b, err := s.Manifest(r.Manifest)
	if err != nil {
		return nil, err
	}
	c, _, err := s.Config(m.Config.Digest)
	if err != nil {
		return nil, err
	}
	p := c.Platform()
	e := &entry{desc: Descriptor{MediaType: m.MediaType, Digest: r.Manifest, Size: int64(len(b)), Platform: &p}}
	e.annotate(annID, string(m.Config.Digest))
	if r.Ref == nil {
		return e, nil
	}
	// A name that cannot be read again would make the whole index unreadable.
	if _, err := images.ParseRef(r.Ref.String()); err != nil {
		return nil, err
	}
	if r.Ref.Tag != "" {
		e.annotate(annName, r.Ref.WithTag(r.Ref.Tag).String())
	}
	target := r.Target
	if target == "" {
		target = r.Ref.Digest
	}
	if target != "" {
		e.annotate(annRepoDigest, r.Ref.WithDigest(target).String())
	}
	return e, nil
}

// checkComplete looks for everything that an image consists of.
func (s *Store) checkComplete(manifest images.Digest) error {
	m, _, err := s.Manifest(manifest)
	if err != nil {
		return err
	}
	c, _, err := s.Config(m.Config.Digest)
	if err != nil {
		return err
	}
	for _, l := range m.Layers {
		if !s.hasBlob(l.Digest, l.Size) {
			return fmt.Errorf("layer blob %s: %w", l.Digest, images.ErrNotFound)
		}
	}
	_, err = s.layers(c.RootFS.DiffIDs)
	return err
}

// put adds an entry in the place of the one that had its name and of nameless
// ones of the same image.
func (s *Store) put(x *index, next *entry) {
	id := s.id(next)
	if name := next.name(); name != "" {
		for _, e := range x.good() {
			if e.name() == name {
				inherit(next, e)
				s.unname(x, e, id)
			}
		}
	}
	x.remove(func(e *entry) bool {
		if s.id(e) != id || e.name() != "" {
			return false
		}
		inherit(next, e)
		return e.repoDigest() == "" || e.repoDigest() == next.repoDigest() || e.repository() == next.repository()
	})
	if next.name() == "" && next.repoDigest() == "" && len(s.siblings(x, id)) > 0 {
		return // the image is known already, under better names
	}
	x.entries = append(x.entries, next)
}

// inherit keeps the repo digest that an image had under its repository when the
// new entry brings none.
func inherit(next, old *entry) {
	if next.repoDigest() == "" && old.repoDigest() != "" && next.desc.Digest == old.desc.Digest && next.repository() == old.repository() {
		next.annotate(annRepoDigest, old.repoDigest())
	}
}

// unname takes its name from an entry. An image that thereby loses its last
// name stays as a dangling one, unless it is about to be added again as keep.
func (s *Store) unname(x *index, e *entry, keep images.Digest) {
	id := s.id(e)
	if id == keep || len(s.siblings(x, id)) > 1 {
		x.remove(func(o *entry) bool { return o == e })
		return
	}
	e.annotate(annName, "")
}

// Tag gives an image another name, which it takes from the image that had it.
func (s *Store) Tag(ctx context.Context, src string, dst images.Ref) error {
	if dst.Tag == "" || dst.Digest != "" {
		return fmt.Errorf("tag image %q: %s: want a name with a tag and without a digest", src, dst.Familiar())
	}
	err := s.updateIndex(ctx, func(x *index) error {
		e, all, err := s.find(x, src)
		if err != nil {
			return err
		}
		if e.name() == dst.String() {
			return nil
		}
		next := &entry{desc: e.desc}
		next.annotate(annName, dst.String())
		next.annotate(annID, string(s.id(e)))
		next.annotate(annRepoDigest, repoDigestIn(all, dst.Name()))
		s.put(x, next)
		return nil
	})
	if err != nil {
		return fmt.Errorf("tag image: %w", err)
	}
	return nil
}

// repoDigestIn finds the digest by which an image is known in a repository.
func repoDigestIn(all []*entry, repository string) string {
	for _, e := range all {
		if strings.HasPrefix(e.repoDigest(), repository+"@") {
			return e.repoDigest()
		}
	}
	return ""
}

// Untag takes a name away. The image stays, without a name when it was the
// last.
func (s *Store) Untag(ctx context.Context, ref images.Ref) error {
	err := s.updateIndex(ctx, func(x *index) error {
		e := x.findName(ref)
		if e == nil {
			return fmt.Errorf("%q: %w", ref.Familiar(), images.ErrNotFound)
		}
		if e.name() == "" {
			return nil // known by digest only: there is nothing to take
		}
		s.unname(x, e, "")
		return nil
	})
	if err != nil {
		return fmt.Errorf("untag image: %w", err)
	}
	return nil
}

// RemoveImage forgets an image and all its names. Its blobs and layers go with
// the next GC that finds them needed by nothing else.
func (s *Store) RemoveImage(ctx context.Context, id images.Digest) error {
	_, err := s.Remove(ctx, string(id), RemoveOptions{Force: true})
	return err
}

// RemoveOptions say what a removal must respect.
type RemoveOptions struct {
	// Force removes an image that several names or a stopped container refer
	// to.
	Force bool
	// InUse tells whether a container was made from the image: its name, and
	// whether it runs. It is called under the index lock, so that none can be
	// made meanwhile by who uses Hold. Nil means that none was.
	InUse func(images.Image) (container string, running bool, err error)
}

// Removed tells what a removal did.
type Removed struct {
	Image    images.Image // as it was
	Untagged []string     // familiar names and repo digests
	Deleted  bool         // the image itself is gone; else it lost a name only
}

// Remove follows docker's rules: a name is taken away; the last name takes the
// image along; an ID that several names point at, or that a container was made
// from, needs Force; what a running container was made from is never removed.
// Blobs and layers go with the next GC.
func (s *Store) Remove(ctx context.Context, ref string, o RemoveOptions) (Removed, error) {
	var r Removed
	err := s.updateIndex(ctx, func(x *index) error {
		e, all, err := s.find(x, ref)
		if err != nil {
			return err
		}
		r.Image = s.describe(e, all)
		named := x.nameOf(ref) == e
		if named && len(r.Image.Tags) > 1 {
			r.Untagged = []string{familiar(e.name())}
			s.unname(x, e, "")
			return nil
		}
		if err := mayRemove(r.Image, named, o); err != nil {
			return err
		}
		r.Untagged = append(append([]string(nil), r.Image.Tags...), r.Image.RepoDigests...)
		r.Deleted = true
		x.remove(func(o *entry) bool { return s.id(o) == r.Image.ID })
		return nil
	})
	if err != nil {
		return Removed{}, err
	}
	return r, nil
}

// nameOf returns the entry that ref names by a tag, nil when ref is an ID or a
// digest.
func (x *index) nameOf(ref string) *entry {
	r, err := images.ParseRef(ref)
	if err != nil || r.Digest != "" {
		return nil
	}
	return x.findName(r)
}

func mayRemove(img images.Image, named bool, o RemoveOptions) error {
	if !named && len(img.Tags) > 1 && !o.Force {
		return fmt.Errorf("%w: %s has several names: %s; remove them one by one, or force it",
			images.ErrConflict, img.ID.Short(), strings.Join(img.Tags, ", "))
	}
	if o.InUse == nil {
		return nil
	}
	container, running, err := o.InUse(img)
	switch {
	case err != nil:
		return err
	case running:
		return fmt.Errorf("%w: container %s runs from %s; stop and remove the container first", images.ErrInUse, container, img.ID.Short())
	case container != "" && !o.Force:
		return fmt.Errorf("%w: container %s was made from %s; remove the container first, or force it", images.ErrInUse, container, img.ID.Short())
	}
	return nil
}

func familiar(full string) string {
	if r, err := images.ParseRef(full); err == nil {
		return r.Familiar()
	}
	return full
}

// holdImage is Hold.
func (s *Store) holdImage(ctx context.Context, l *Lease, ref string) (images.Image, error) {
	unlock, err := s.lockIndex(ctx, unix.LOCK_SH)
	if err != nil {
		return images.Image{}, fmt.Errorf("hold image: %w", err)
	}
	defer unlock()
	x, err := s.readIndex()
	if err != nil {
		return images.Image{}, err
	}
	e, all, err := s.find(x, ref)
	if err != nil {
		return images.Image{}, err
	}
	k := newKeepSet()
	if err := s.needs(e, k); err != nil {
		return images.Image{}, fmt.Errorf("hold image %q: %w", ref, err)
	}
	var errs []error
	for hex := range k.blobs {
		errs = append(errs, l.note("blob", "sha256:"+hex))
	}
	for id := range k.layers {
		errs = append(errs, l.note("layer", id))
	}
	return s.describe(e, all), errors.Join(errs...)
}
