package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"gantry/images"
	"gantry/images/store"
)

// Push uploads the image that ref names in the store to ref's registry: the
// blobs that are missing there, then the manifest, byte for byte as it is
// stored, so that the digest stays what it is. It returns that digest.
func (c *Client) Push(ctx context.Context, s *store.Store, ref images.Ref, report func(images.Progress)) (images.Digest, error) {
	if ref.Tag == "" || ref.Digest != "" {
		return "", fmt.Errorf("push %s: an image is pushed to a tag; give it one with gantry tag", ref.Familiar())
	}
	r := newReporter(report)
	defer r.close()
	digest, err := c.push(ctx, s, ref, r)
	if err != nil {
		return "", fmt.Errorf("push %s: %w", ref.Familiar(), err)
	}
	r.set(images.Progress{Text: string(digest), State: images.Done})
	return digest, nil
}

func (c *Client) push(ctx context.Context, s *store.Store, ref images.Ref, r *reporter) (images.Digest, error) {
	lease, err := s.Lease(ctx)
	if err != nil {
		return "", err
	}
	defer lease.Release()
	img, err := s.Hold(ctx, lease, ref.String())
	if err != nil {
		return "", err
	}
	m, raw, err := s.Manifest(img.Manifest)
	if err != nil {
		return "", err
	}
	u, err := c.uploader(ctx, ref, img)
	if err != nil {
		return "", err
	}
	u.store, u.report = s, r
	if err := u.blobs(ctx, m, c.cfg.Parallel); err != nil {
		return "", err
	}
	if err := u.manifest(ctx, ref.Tag, document{raw, m.MediaType}); err != nil {
		return "", err
	}
	// From now on the image has a name by digest in that repository.
	if _, err := s.Add(ctx, store.ImageRecord{Ref: &ref, Manifest: img.Manifest, Target: img.Manifest}); err != nil {
		return "", fmt.Errorf("it was pushed as %s, but not noted: %w", img.Manifest, err)
	}
	return img.Manifest, nil
}

// blobs uploads what the manifest refers to, each blob once, the largest first:
// it decides how long the push takes.
func (u *uploader) blobs(ctx context.Context, m *store.Manifest, parallel int) error {
	all := append([]store.Descriptor{m.Config}, m.Layers...)
	slices.SortStableFunc(all, func(a, b store.Descriptor) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), strings.Compare(string(a.Digest), string(b.Digest)))
	})
	all = slices.CompactFunc(all, func(a, b store.Descriptor) bool { return a.Digest == b.Digest })
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for _, d := range all {
		u.report.set(images.Progress{ID: d.Digest.Short(), Total: d.Size, State: images.Waiting})
	}
	for _, d := range all {
		g.Go(func() error { return u.blob(ctx, d) })
	}
	return g.Wait()
}

// An uploader puts the parts of one image into one repository.
type uploader struct {
	*session
	patience Patience
	store    *store.Store
	report   *reporter
	source   name.Reference // a repository of the registry that has the layers already, or nil
}

// uploader opens a session that may push. Where the store knows that the image
// came from another repository of the same registry, it may also read that one,
// so that the registry can take the layers from there (distribution-spec,
// "Mounting a blob from another repository").
func (c *Client) uploader(ctx context.Context, ref images.Ref, img images.Image) (*uploader, error) {
	ep, err := c.endpoint(ref.Registry)
	if err != nil {
		return nil, err
	}
	u := &uploader{patience: c.cfg.Patience}
	if from, ok := mountSource(ref, img); ok {
		reg, err := ep.registry()
		if err != nil {
			return nil, err
		}
		source := reg.Repo(from)
		u.session, err = c.session(ctx, ep, ref.Repository, transport.PushScope, source.Scope(transport.PullScope))
		if err == nil {
			u.source = source.Tag("latest") // any reference does: only the repository counts
			return u, nil
		}
		// A token server may refuse the whole request for the wish to read
		// another repository; without it the push is only slower.
	}
	u.session, err = c.session(ctx, ep, ref.Repository, transport.PushScope)
	return u, err
}

func mountSource(ref images.Ref, img images.Image) (repository string, ok bool) {
	for _, known := range slices.Concat(img.RepoDigests, img.Tags) {
		r, err := images.ParseRef(known)
		if err == nil && r.Registry == ref.Registry && r.Repository != ref.Repository {
			return r.Repository, true
		}
	}
	return "", false
}

// blob uploads one blob, unless the registry has it, and tries again from its
// beginning when that fails for a reason that may pass.
func (u *uploader) blob(ctx context.Context, d store.Descriptor) error {
	what := "blob " + d.Digest.Short()
	l := &layer{ctx: ctx, uploader: u, desc: d}
	var upload v1.Layer = l
	if u.source != nil {
		upload = &remote.MountableLayer{Layer: l, Reference: u.source}
	}
	err := u.retry(ctx, what, func() error { return remote.WriteLayer(u.repo, upload, u.options(ctx)...) })
	end := images.Progress{ID: d.Digest.Short(), Done: d.Size, Total: d.Size, State: images.Exists}
	switch {
	case err != nil:
		end.State, end.Text, end.Done = images.Failed, err.Error(), 0
	case l.sent.Load():
		end.State = images.Done
	}
	u.report.set(end)
	return err
}

// manifest makes the tag point at the image; with it the push becomes visible.
func (u *uploader) manifest(ctx context.Context, tag string, d document) error {
	return u.retry(ctx, "", func() error { return remote.Put(u.repo.Tag(tag), d, u.options(ctx)...) })
}

// options leave the repetition to us: ggcr's own sleeps without looking at the
// context.
func (u *uploader) options(ctx context.Context) []remote.Option {
	return []remote.Option{
		remote.WithContext(ctx),
		remote.WithTransport(u.http.Transport),
		remote.WithRetryBackoff(remote.Backoff{Steps: 1}),
	}
}

func (u *uploader) retry(ctx context.Context, what string, do func() error) error {
	for try := 1; ; try++ {
		err := u.explain(ctx, do(), what)
		if err == nil || permanent(err) || try >= u.patience.Attempts {
			return err
		}
		if err := u.patience.wait(ctx, try, 0); err != nil {
			return err
		}
	}
}

// A document is a manifest as ggcr wants to have it.
type document struct {
	raw       []byte
	mediaType string
}

func (d document) RawManifest() ([]byte, error)        { return d.raw, nil }
func (d document) MediaType() (types.MediaType, error) { return types.MediaType(d.mediaType), nil }

// A layer is a stored blob as ggcr wants to have it. Every opening starts a new
// attempt, whose progress begins anew.
type layer struct {
	*uploader
	ctx  context.Context
	desc store.Descriptor
	sent atomic.Bool // it was read, so the registry did not have it
}

func (l *layer) Digest() (v1.Hash, error)             { return v1.NewHash(string(l.desc.Digest)) }
func (l *layer) Size() (int64, error)                 { return l.desc.Size, nil }
func (l *layer) MediaType() (types.MediaType, error)  { return types.MediaType(l.desc.MediaType), nil }
func (l *layer) DiffID() (v1.Hash, error)             { return v1.Hash{}, errors.ErrUnsupported }
func (l *layer) Uncompressed() (io.ReadCloser, error) { return nil, errors.ErrUnsupported }

func (l *layer) Compressed() (io.ReadCloser, error) {
	f, size, err := l.store.OpenBlob(l.desc.Digest)
	if err != nil {
		return nil, err
	}
	if size != l.desc.Size {
		_ = f.Close()
		return nil, fmt.Errorf("%w: blob %s has %d bytes, its manifest says %d; pull the image again", images.ErrCorrupt, l.desc.Digest.Short(), size, l.desc.Size)
	}
	l.sent.Store(true)
	return &sending{ReadCloser: f, layer: l}, nil
}

// sending reports how much of a blob has gone to the network.
type sending struct {
	io.ReadCloser
	*layer
	done int64
}

func (s *sending) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx)
	}
	n, err := s.ReadCloser.Read(p)
	s.done += int64(n)
	s.report.set(images.Progress{ID: s.desc.Digest.Short(), Done: s.done, Total: s.desc.Size, State: images.Uploading})
	return n, err
}
