package archive

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"gantry/images"
	"gantry/images/store"
)

// Annotations of index.json: containerd and docker ≥ 25 read the first, the
// OCI specification knows the second.
const (
	annContainerdName = "io.containerd.image.name"
	annRefName        = "org.opencontainers.image.ref.name"
)

// Item is an image to save under some of its names, or under none.
type Item struct {
	Image images.Image
	Refs  []images.Ref
}

// dockerManifest is an element of manifest.json.
type dockerManifest struct {
	Config   string   `json:"Config"`
	RepoTags []string `json:"RepoTags"`
	Layers   []string `json:"Layers"`
}

// Save writes images as one tar. Blobs that they share are written once, as
// they are in the store (compressed), and verified on the way. report is told
// how far each layer is, all of them before the first is written; nil: nobody
// wants to know.
func Save(ctx context.Context, s *store.Store, items []Item, w io.Writer, report func(images.Progress)) error {
	l, err := s.Lease(ctx)
	if err != nil {
		return fmt.Errorf("save images: %w", err)
	}
	defer l.Release()
	if report == nil {
		report = func(images.Progress) {}
	}
	out := &saver{ctx: ctx, s: s, tar: tar.NewWriter(w), report: report, written: map[images.Digest]bool{}, repositories: map[string]map[string]string{}}
	if err := out.blobFolders(); err != nil {
		return fmt.Errorf("save images: %w", err)
	}
	for _, it := range items {
		// By manifest: the same image may be there with differently compressed
		// layers.
		if _, err := s.Hold(ctx, l, string(it.Image.Manifest)); err != nil {
			return fmt.Errorf("save image %s: %w", it.Image.ID.Short(), err)
		}
		if err := out.announce(it); err != nil {
			return fmt.Errorf("save image %s: %w", it.Image.ID.Short(), err)
		}
	}
	for _, it := range items {
		if err := out.image(it); err != nil {
			return fmt.Errorf("save image %s: %w", it.Image.ID.Short(), err)
		}
	}
	if err := out.documents(); err != nil {
		return fmt.Errorf("save images: %w", err)
	}
	return nil
}

type saver struct {
	ctx     context.Context // of the one call of Save
	s       *store.Store
	tar     *tar.Writer
	report  func(images.Progress)
	written map[images.Digest]bool

	manifests    []store.Descriptor           // of index.json
	docker       []dockerManifest             // of manifest.json
	repositories map[string]map[string]string // name, tag: the topmost layer, for docker < 1.10
}

func blobName(d images.Digest) string { return "blobs/sha256/" + d.Hex() }

func (v *saver) blobFolders() error {
	for _, dir := range []string{"blobs/", "blobs/sha256/"} {
		h := &tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755, ModTime: time.Unix(0, 0)}
		if err := v.tar.WriteHeader(h); err != nil {
			return err
		}
	}
	return nil
}

// announce tells how much there is to write, so that what is done is a part of
// something.
func (v *saver) announce(it Item) error {
	m, _, err := v.s.Manifest(it.Image.Manifest)
	if err != nil {
		return err
	}
	for _, l := range m.Layers {
		v.report(images.Progress{ID: l.Digest.Short(), Total: l.Size, State: images.Waiting})
	}
	return nil
}

func (v *saver) image(it Item) error {
	m, raw, err := v.s.Manifest(it.Image.Manifest)
	if err != nil {
		return err
	}
	_, config, err := v.s.Config(m.Config.Digest)
	if err != nil {
		return err
	}
	d := dockerManifest{Config: blobName(m.Config.Digest), RepoTags: []string{}}
	top := ""
	for _, l := range m.Layers {
		if err := v.layer(l); err != nil {
			return err
		}
		d.Layers = append(d.Layers, blobName(l.Digest))
		top = l.Digest.Hex()
	}
	if err := v.small(m.Config.Digest, config); err != nil {
		return err
	}
	if err := v.small(it.Image.Manifest, raw); err != nil {
		return err
	}
	platform := it.Image.Platform
	desc := store.Descriptor{MediaType: m.MediaType, Digest: it.Image.Manifest, Size: int64(len(raw)), Platform: &platform}
	for _, r := range it.Refs {
		named := desc
		named.Annotations = map[string]string{annContainerdName: r.WithTag(r.Tag).String(), annRefName: r.Tag}
		v.manifests = append(v.manifests, named)
		d.RepoTags = append(d.RepoTags, r.WithTag(r.Tag).Familiar())
		if v.repositories[r.FamiliarName()] == nil {
			v.repositories[r.FamiliarName()] = map[string]string{}
		}
		v.repositories[r.FamiliarName()][r.Tag] = top
	}
	if len(it.Refs) == 0 {
		v.manifests = append(v.manifests, desc)
	}
	v.docker = append(v.docker, d)
	return nil
}

// layer copies a layer's blob. Its bytes are hashed: a damaged blob must not
// become a damaged archive, found out on another machine.
func (v *saver) layer(l store.Descriptor) error {
	if v.written[l.Digest] {
		return nil
	}
	f, size, err := v.s.OpenBlob(l.Digest)
	if err != nil {
		return err
	}
	defer f.Close()
	if size != l.Size {
		return fmt.Errorf("%w: %s has %d bytes and the manifest says %d; remove that file, then pull or load the image again",
			images.ErrCorrupt, f.Name(), size, l.Size)
	}
	if err := v.header(blobName(l.Digest), size); err != nil {
		return err
	}
	h := sha256.New()
	told := images.Progress{ID: l.Digest.Short(), Total: size, State: images.Writing}
	in := counted{reader{v.ctx, f}, func(n int) {
		told.Done += int64(n)
		v.report(told)
	}}
	if _, err := io.Copy(io.MultiWriter(v.tar, h), in); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != l.Digest.Hex() {
		return fmt.Errorf("%w: %s does not match its digest; remove that file, then pull or load the image again", images.ErrCorrupt, f.Name())
	}
	v.written[l.Digest] = true
	told.State = images.Done
	v.report(told)
	return nil
}

func (v *saver) small(d images.Digest, b []byte) error {
	if v.written[d] {
		return nil
	}
	v.written[d] = true
	return v.file(blobName(d), b)
}

func (v *saver) file(name string, b []byte) error {
	if err := v.header(name, int64(len(b))); err != nil {
		return err
	}
	_, err := v.tar.Write(b)
	return err
}

// header has no time of its own, so that saving twice gives the same bytes.
func (v *saver) header(name string, size int64) error {
	return v.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: time.Unix(0, 0)})
}

// documents ends the archive with what gives the blobs a meaning.
func (v *saver) documents() error {
	if err := v.file("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`)); err != nil {
		return err
	}
	index := store.Index{SchemaVersion: 2, MediaType: store.MediaTypeIndex, Manifests: v.manifests}
	for _, d := range []struct {
		name string
		v    any
	}{{"index.json", index}, {"manifest.json", v.docker}, {"repositories", v.repositories}} {
		b, err := json.Marshal(d.v)
		if err != nil {
			return err
		}
		if err := v.file(d.name, append(b, '\n')); err != nil {
			return err
		}
	}
	return v.tar.Close()
}

// counted tells what was read of r.
type counted struct {
	r    io.Reader
	read func(n int)
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.read(n)
	return n, err
}

// reader stops when its context ends.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (c reader) Read(p []byte) (int, error) {
	if err := context.Cause(c.ctx); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
