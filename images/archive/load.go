package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"gantry/images"
	"gantry/images/assemble"
	"gantry/images/store"
	"gantry/images/unpack"
)

// candidate is an image of an archive.
type candidate struct {
	manifest images.Digest
	target   images.Digest // the index that it was chosen from, if any
	refs     []images.Ref
}

// Load brings the images of an archive into the store and returns them in the
// archive's order. Of a multi-platform image the one for platform is taken; the
// zero Platform stands for the host's or, when there is one only, that. A single
// image is loaded whatever its platform. report may be nil; its calls are
// serialised. On an error the images that were returned are there, whole.
func Load(ctx context.Context, s *store.Store, r io.Reader, platform images.Platform, report func(images.Progress)) (out []images.Image, err error) {
	l, err := s.Lease(ctx)
	if err != nil {
		return nil, fmt.Errorf("load images: %w", err)
	}
	defer func() {
		// Also when ctx has ended: what was stored for nothing goes.
		err = errors.Join(err, l.Discard(context.WithoutCancel(ctx)))
	}()
	plain, err := unpack.Decompress(r, "")
	if err != nil {
		return nil, fmt.Errorf("load images: %w", err)
	}
	defer plain.Close()
	m, err := readMembers(ctx, s, l, plain, report)
	if err != nil {
		return nil, fmt.Errorf("load images: %w", err)
	}
	found, err := m.candidates(ctx, platform)
	if err != nil {
		return nil, fmt.Errorf("load images: %w", err)
	}
	for _, c := range found {
		img, err := m.load(ctx, c)
		if err != nil {
			return out, fmt.Errorf("load image %s: %w", c.label(), err)
		}
		out = slices.DeleteFunc(out, func(o images.Image) bool { return o.ID == img.ID })
		out = append(out, img)
	}
	return out, nil
}

func (c candidate) label() string {
	if len(c.refs) > 0 {
		return c.refs[0].Familiar()
	}
	return c.manifest.Short()
}

// candidates reads the documents. Where both kinds are, index.json decides,
// because it keeps the manifests' digests, and manifest.json adds names.
func (m *members) candidates(ctx context.Context, platform images.Platform) ([]candidate, error) {
	docker, err := m.dockerManifests()
	if err != nil {
		return nil, err
	}
	_, err = m.document("index.json")
	switch {
	case err == nil:
		return m.layout(platform, docker)
	case len(docker) > 0:
		return m.dockerImages(ctx, docker)
	}
	return nil, errors.New("it holds neither a manifest.json (docker save) nor an index.json (OCI layout); a tar of a root file system is for gantry import")
}

func (m *members) dockerManifests() ([]dockerManifest, error) {
	b, err := m.document("manifest.json")
	if errors.Is(err, images.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []dockerManifest
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, fmt.Errorf("read manifest.json: %w: %w", images.ErrCorrupt, err)
	}
	return list, nil
}

// dockerImages makes manifests for images that came without one.
func (m *members) dockerImages(ctx context.Context, list []dockerManifest) ([]candidate, error) {
	var out []candidate
	for _, d := range list {
		c, err := m.dockerImage(ctx, d)
		if err != nil {
			return nil, fmt.Errorf("image with the configuration %q: %w", d.Config, err)
		}
		out = append(out, c)
	}
	return out, nil
}

func (m *members) dockerImage(ctx context.Context, d dockerManifest) (candidate, error) {
	raw, err := m.document(d.Config)
	if err != nil {
		return candidate{}, err
	}
	config, err := store.ParseConfig(raw)
	if err != nil {
		return candidate{}, err
	}
	if len(config.RootFS.DiffIDs) != len(d.Layers) {
		return candidate{}, fmt.Errorf("%w: manifest.json lists %d layers and the configuration %d", images.ErrCorrupt, len(d.Layers), len(config.RootFS.DiffIDs))
	}
	var layers []store.Descriptor
	for _, name := range d.Layers {
		l, err := m.layer(ctx, name)
		if err != nil {
			return candidate{}, err
		}
		if l.MediaType == "" { // under blobs/, where only manifests tell
			if l.MediaType, err = m.sniff(l); err != nil {
				return candidate{}, err
			}
		}
		layers = append(layers, l)
	}
	manifest, err := assemble.Manifest(m.s, m.lease, raw, layers)
	if err != nil {
		return candidate{}, err
	}
	refs, err := parseTags(d.RepoTags)
	return candidate{manifest: manifest, refs: refs}, err
}

func parseTags(tags []string) ([]images.Ref, error) {
	var refs []images.Ref
	for _, t := range tags {
		r, err := images.ParseRef(t)
		if err != nil {
			return nil, err
		}
		refs = append(refs, r.WithTag(r.Tag))
	}
	return refs, nil
}

// load unpacks an image and makes it known under its names.
func (m *members) load(ctx context.Context, c candidate) (images.Image, error) {
	man, _, err := m.s.Manifest(c.manifest)
	if err != nil {
		return images.Image{}, err
	}
	config, _, err := m.s.Config(man.Config.Digest)
	if err != nil {
		return images.Image{}, err
	}
	chain, err := store.Chain(man, config)
	if err != nil {
		return images.Image{}, err
	}
	if err := m.s.Unpack(ctx, m.lease, chain, func(_ int, p images.Progress) { m.tell(p) }); err != nil {
		return images.Image{}, err
	}
	refs := []*images.Ref{nil}
	if len(c.refs) > 0 {
		refs = nil
		for i := range c.refs {
			refs = append(refs, &c.refs[i])
		}
	}
	var img images.Image
	for _, r := range refs {
		if img, err = m.s.Add(ctx, store.ImageRecord{Ref: r, Manifest: c.manifest, Target: c.target}); err != nil {
			return images.Image{}, err
		}
	}
	m.tell(images.Progress{ID: img.ID.Short(), Text: c.label(), State: images.Done, Done: 1, Total: 1})
	return img, nil
}
