package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"

	"gantry/images"
)

// maxNesting bounds indexes that point at indexes.
const maxNesting = 3

// Manifest is an image as a registry describes it, for one platform. Everything
// in it is verified against its digest.
type Manifest struct {
	Ref       images.Ref
	Target    images.Digest // what the reference pointed at: the index where there is one
	Digest    images.Digest // of Raw
	MediaType string
	Raw       []byte
	Index     []byte // what Target names, nil when that is Raw

	Config    Descriptor
	ConfigRaw []byte
	Image     *images.ConfigFile
	Layers    []Descriptor // bottom first
}

// Platform of the image.
func (m *Manifest) Platform() images.Platform { return m.Image.Platform() }

// Resolve looks up what a reference means for a platform, without fetching
// layers. The zero platform is the host's.
func (c *Client) Resolve(ctx context.Context, ref images.Ref, platform images.Platform) (*Manifest, error) {
	var out *Manifest
	err := c.each(ctx, ref, nil, func(s *session) error {
		var err error
		out, err = c.resolve(ctx, s, ref, platform)
		return err
	})
	return out, err
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
	for i, ep := range all {
		var s *session
		if s, err = c.session(ctx, ep, ref.Repository, "pull"); err == nil {
			err = use(s)
		}
		if err == nil || ctx.Err() != nil || i == len(all)-1 || !servers(err) {
			return err
		}
		if warn != nil {
			warn(ep, err)
		}
	}
	return err
}

// servers tells whether an error is about what an endpoint sent or did not
// send, so that another one may do better; a full disk here is not.
func servers(err error) bool {
	var e *Error
	return errors.As(err, &e) || errors.Is(err, images.ErrCorrupt) || errors.Is(err, images.ErrPlatform) || errors.Is(err, images.ErrNotFound)
}

func (c *Client) resolve(ctx context.Context, s *session, ref images.Ref, platform images.Platform) (*Manifest, error) {
	if platform == (images.Platform{}) {
		platform = images.HostPlatform()
	}
	m := &Manifest{Ref: ref}
	if err := s.descend(ctx, m, platform); err != nil {
		return nil, err
	}
	if err := c.fetchConfig(ctx, s, m); err != nil {
		return nil, err
	}
	if have := m.Platform(); rank(&have, platform) < 0 {
		return nil, fmt.Errorf("%s: %w", ref.Familiar(), noPlatform([]Descriptor{{Platform: &have}}, platform))
	}
	return m, nil
}

// descend follows the reference through indexes down to the platform's manifest.
func (s *session) descend(ctx context.Context, m *Manifest, platform images.Platform) error {
	name, digest := m.Ref.Tag, m.Ref.Digest
	for range maxNesting {
		if digest != "" {
			name = string(digest)
		}
		raw, doc, err := s.manifest(ctx, name, digest, s.title+"/"+m.Ref.Repository+suffix(m.Ref))
		if err != nil {
			return err
		}
		m.Raw, m.Digest, m.MediaType = raw, digestOf(raw), doc.MediaType
		if m.Target == "" {
			m.Target = m.Digest
		}
		if !doc.isIndex() {
			m.Config, m.Layers = *doc.Config, doc.Layers
			return nil
		}
		if m.Index == nil {
			m.Index = raw
		}
		next, ok := choose(doc.Manifests, platform)
		if !ok {
			return fmt.Errorf("%s: %w", m.Ref.Familiar(), noPlatform(doc.Manifests, platform))
		}
		digest = next.Digest
	}
	return s.fail(images.ErrHostile, m.Ref.Familiar(), "its indexes are nested more than %d deep", maxNesting)
}

func suffix(r images.Ref) string {
	if r.Digest != "" {
		return "@" + string(r.Digest)
	}
	return ":" + r.Tag
}

// manifest gets one document by tag or digest and verifies it before it is
// parsed.
func (s *session) manifest(ctx context.Context, name string, want images.Digest, what string) ([]byte, *document, error) {
	accept := http.Header{"Accept": {ociIndex, dockerList, ociManifest, dockerManifest}}
	resp, err := s.get(ctx, "manifests/"+name, what, accept, http.StatusOK)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := s.readAll(ctx, resp.Body, maxManifest, what)
	if err != nil {
		return nil, nil, err
	}
	got := digestOf(raw)
	if want != "" && got != want {
		return nil, nil, s.fail(images.ErrCorrupt, what, "%s sent a manifest with the digest %s", s.title, got)
	}
	doc, err := parseDocument(raw, resp.Header.Get("Content-Type"))
	if err != nil {
		return nil, nil, s.about(what, err)
	}
	// After the parse, because schema 1 is signed over other bytes than it sends.
	if said, err := images.ParseDigest(resp.Header.Get("Docker-Content-Digest")); err == nil && said != got {
		return nil, nil, s.fail(images.ErrCorrupt, what, "%s announced the digest %s and sent %s", s.title, said, got)
	}
	return raw, doc, nil
}

// fetchConfig gets, verifies and parses the image configuration.
func (c *Client) fetchConfig(ctx context.Context, s *session, m *Manifest) error {
	what := fmt.Sprintf("configuration of %s", m.Ref.Familiar())
	if m.Config.Size > maxConfig {
		return s.fail(images.ErrHostile, what, "it is said to have %d bytes, more than the %d that are allowed", m.Config.Size, maxConfig)
	}
	body := s.blob(ctx, c.cfg.Patience, m.Config, 0)
	defer func() { _ = body.Close() }()
	raw, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if got := digestOf(raw); got != m.Config.Digest {
		return s.fail(images.ErrCorrupt, what, "%s sent other bytes than the manifest names (%s)", s.title, got.Short())
	}
	m.ConfigRaw = raw
	if m.Image, err = parseConfig(raw, len(m.Layers)); err != nil {
		return s.about(what, err)
	}
	return nil
}

func digestOf(b []byte) images.Digest {
	sum := sha256.Sum256(b)
	return images.Digest("sha256:" + hex.EncodeToString(sum[:]))
}
