package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"gantry/images"
	"gantry/images/store"
)

// maxNesting bounds indexes that point at indexes.
const maxNesting = 3

// Resolved is an image as a registry describes it, for one platform. Everything
// in it is verified against its digest.
type Resolved struct {
	Ref    images.Ref
	Target images.Digest // what the reference pointed at: the index where there is one
	Index  []byte        // the bytes of Target, nil when those are Raw

	Digest   images.Digest // of Raw
	Raw      []byte
	Manifest *store.Manifest // Raw, parsed

	ConfigRaw []byte
	Config    *images.ConfigFile // ConfigRaw, parsed
	Layers    []store.LayerDesc  // bottom first
}

// Platform of the image.
func (m *Resolved) Platform() images.Platform { return m.Config.Platform() }

// Resolve looks up what a reference means for a platform, without fetching
// layers. The zero platform is the host's.
func (c *Client) Resolve(ctx context.Context, ref images.Ref, platform images.Platform) (*Resolved, error) {
	var out *Resolved
	err := c.each(ctx, ref, nil, func(s *session) error {
		var err error
		out, err = c.resolve(ctx, s, ref, platform)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", ref.Familiar(), err)
	}
	return out, nil
}

// each tries the endpoints of a reference until one serves it. warn hears of a
// mirror that failed; the last endpoint's error is the answer, as it is the
// registry itself.
func (c *Client) each(ctx context.Context, ref images.Ref, warn func(ep endpoint, err error), use func(*session) error) error {
	if err := checkRef(ref); err != nil {
		return err
	}
	all, err := c.endpoints(ref.Registry)
	if err != nil {
		return err
	}
	var passed []string
	for _, ep := range all {
		var s *session
		if s, err = c.session(ctx, ep, ref.Repository, transport.PullScope); err == nil {
			err = use(s)
		}
		if err == nil || ctx.Err() != nil || !ep.mirror || !servers(err) {
			break
		}
		passed = append(passed, fmt.Sprintf("mirror %s: %v", ep.title, err))
		if warn != nil {
			warn(ep, err)
		}
	}
	if err != nil && len(passed) > 0 {
		return fmt.Errorf("%w (before that, %s)", err, strings.Join(passed, "; "))
	}
	return err
}

// servers tells whether an error is about what an endpoint sent or did not
// send, so that another one may do better; a full disk here is not.
func servers(err error) bool {
	var e *Error
	return errors.As(err, &e) || errors.Is(err, images.ErrCorrupt) || errors.Is(err, images.ErrPlatform) || errors.Is(err, images.ErrNotFound)
}

func (c *Client) resolve(ctx context.Context, s *session, ref images.Ref, platform images.Platform) (*Resolved, error) {
	if platform == (images.Platform{}) {
		platform = images.HostPlatform()
	}
	m := &Resolved{Ref: ref}
	if err := s.descend(ctx, m, platform); err != nil {
		return nil, err
	}
	if err := c.fetchConfig(ctx, s, m); err != nil {
		return nil, err
	}
	if have := m.Platform(); rank(&have, platform) < 0 {
		return nil, noPlatform([]store.Descriptor{{Platform: &have}}, platform)
	}
	return m, nil
}

// descend follows the reference through indexes down to the platform's manifest.
func (s *session) descend(ctx context.Context, m *Resolved, platform images.Platform) error {
	name, digest := m.Ref.Tag, m.Ref.Digest
	for range maxNesting {
		if digest != "" {
			name = string(digest)
		}
		raw, manifest, index, err := s.manifest(ctx, name, digest)
		if err != nil {
			return err
		}
		m.Raw, m.Digest = raw, store.DigestOf(raw)
		if m.Target == "" {
			m.Target = m.Digest
		}
		if manifest != nil {
			m.Manifest = manifest
			return nil
		}
		if m.Index == nil {
			m.Index = raw
		}
		next, ok := choose(index.Manifests, platform)
		if !ok {
			return noPlatform(index.Manifests, platform)
		}
		digest = next.Digest
	}
	return s.fail(images.ErrHostile, "", "its indexes are nested more than %d deep", maxNesting)
}

// manifest gets one document by tag or digest and verifies it before it is
// parsed.
func (s *session) manifest(ctx context.Context, name string, want images.Digest) ([]byte, *store.Manifest, *store.Index, error) {
	resp, err := s.get(ctx, "manifests/"+name, "", http.Header{"Accept": acceptable}, http.StatusOK)
	if err != nil {
		return nil, nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := s.readAll(ctx, resp.Body, store.MaxManifest, "")
	if err != nil {
		return nil, nil, nil, err
	}
	got := store.DigestOf(raw)
	if want != "" && got != want {
		return nil, nil, nil, s.fail(images.ErrCorrupt, "", "%s sent a manifest with the digest %s", s.title, got)
	}
	manifest, index, err := parseDocument(raw, resp.Header.Get("Content-Type"))
	if err != nil {
		return nil, nil, nil, s.about("", err)
	}
	// After the parse, because schema 1 is signed over other bytes than it sends.
	if said, err := images.ParseDigest(resp.Header.Get("Docker-Content-Digest")); err == nil && said != got {
		return nil, nil, nil, s.fail(images.ErrCorrupt, "", "%s announced the digest %s and sent %s", s.title, said, got)
	}
	return raw, manifest, index, nil
}

// fetchConfig gets, verifies and parses the image configuration.
func (c *Client) fetchConfig(ctx context.Context, s *session, m *Resolved) error {
	const what = "image configuration"
	desc := m.Manifest.Config
	if desc.Size > store.MaxManifest {
		return s.fail(images.ErrHostile, what, "it is said to have %d bytes, more than the %d that are allowed", desc.Size, store.MaxManifest)
	}
	body := s.blob(ctx, c.cfg.Patience, desc.Digest, desc.Size, 0)
	defer func() { _ = body.Close() }()
	raw, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if got := store.DigestOf(raw); got != desc.Digest {
		return s.fail(images.ErrCorrupt, what, "%s sent other bytes than the manifest names (%s)", s.title, got.Short())
	}
	m.ConfigRaw = raw
	if m.Config, err = store.ParseConfig(raw); err == nil {
		m.Layers, err = store.Chain(m.Manifest, m.Config)
	}
	return s.about(what, classified(err))
}
