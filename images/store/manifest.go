package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gantry/images"
)

// Media types of what the store keeps (OCI image spec, media-types.md, and the
// docker formats that it descends from).
const (
	MediaTypeIndex        = "application/vnd.oci.image.index.v1+json"
	MediaTypeManifest     = "application/vnd.oci.image.manifest.v1+json"
	MediaTypeConfig       = "application/vnd.oci.image.config.v1+json"
	MediaTypeLayer        = "application/vnd.oci.image.layer.v1.tar"
	MediaTypeLayerGzip    = "application/vnd.oci.image.layer.v1.tar+gzip"
	MediaTypeLayerZstd    = "application/vnd.oci.image.layer.v1.tar+zstd"
	MediaTypeDockerList   = "application/vnd.docker.distribution.manifest.list.v2+json"
	MediaTypeDockerImage  = "application/vnd.docker.distribution.manifest.v2+json"
	MediaTypeDockerConfig = "application/vnd.docker.container.image.v1+json"
	mediaTypeDockerLayer  = "application/vnd.docker.image.rootfs.diff.tar"
)

// MaxManifest bounds manifests, indexes and configurations: what registries
// accept (4 MiB), far above what images have.
const MaxManifest = 4 << 20

// maxLayers is far above what overlayfs stacks (500), so it refuses nonsense
// only.
const maxLayers = 4096

// Descriptor refers to content (OCI image spec, descriptor.md).
type Descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       images.Digest     `json:"digest"`
	Size         int64             `json:"size"`
	URLs         []string          `json:"urls,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Platform     *images.Platform  `json:"platform,omitempty"`
}

// Manifest is an image manifest of one platform (manifest.md).
type Manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType,omitempty"`
	ArtifactType  string            `json:"artifactType,omitempty"`
	Config        Descriptor        `json:"config"`
	Layers        []Descriptor      `json:"layers"`
	Subject       *Descriptor       `json:"subject,omitempty"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// Index lists manifests, usually one per platform (image-index.md).
type Index struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType,omitempty"`
	Manifests     []Descriptor      `json:"manifests"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// IsIndex tells whether a media type is that of an index or manifest list.
func IsIndex(mediaType string) bool {
	return mediaType == MediaTypeIndex || mediaType == MediaTypeDockerList
}

// IsManifest tells whether a media type is that of one platform's manifest.
func IsManifest(mediaType string) bool {
	return mediaType == MediaTypeManifest || mediaType == MediaTypeDockerImage
}

// ParseManifest reads and checks an image manifest. contentType is the media
// type that its transport claimed, "" when there was none.
func ParseManifest(b []byte, contentType string) (*Manifest, error) {
	mediaType, err := checkDocument(b, contentType, false)
	if err != nil {
		return nil, fmt.Errorf("parse manifest: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("parse manifest: %w: %w", images.ErrCorrupt, err)
	}
	m.MediaType = mediaType
	if len(m.Layers) > maxLayers {
		return nil, fmt.Errorf("parse manifest: %w: it lists %d layers", images.ErrHostile, len(m.Layers))
	}
	for _, d := range append([]Descriptor{m.Config}, m.Layers...) {
		if err := d.check(); err != nil {
			return nil, fmt.Errorf("parse manifest: %w", err)
		}
	}
	return &m, nil
}

// ParseIndex reads and checks an index or manifest list.
func ParseIndex(b []byte, contentType string) (*Index, error) {
	mediaType, err := checkDocument(b, contentType, true)
	if err != nil {
		return nil, fmt.Errorf("parse index: %w", err)
	}
	var x Index
	if err := json.Unmarshal(b, &x); err != nil {
		return nil, fmt.Errorf("parse index: %w: %w", images.ErrCorrupt, err)
	}
	x.MediaType = mediaType
	for _, d := range x.Manifests {
		if err := d.check(); err != nil {
			return nil, fmt.Errorf("parse index: %w", err)
		}
	}
	return &x, nil
}

// checkDocument refuses documents that can be read both as a manifest and as an
// index, and those whose own media type contradicts the transport's: the same
// digest would then mean different images to different readers
// (CVE-2021-41190).
func checkDocument(b []byte, contentType string, wantIndex bool) (string, error) {
	if len(b) > MaxManifest {
		return "", fmt.Errorf("%w: it has %d bytes, more than %d", images.ErrHostile, len(b), MaxManifest)
	}
	var probe struct {
		SchemaVersion int             `json:"schemaVersion"`
		MediaType     string          `json:"mediaType"`
		Config        json.RawMessage `json:"config"`
		Layers        json.RawMessage `json:"layers"`
		Manifests     json.RawMessage `json:"manifests"`
		FSLayers      json.RawMessage `json:"fsLayers"`
	}
	if err := json.Unmarshal(b, &probe); err != nil {
		return "", fmt.Errorf("%w: %w", images.ErrCorrupt, err)
	}
	isIndex := probe.Manifests != nil
	isManifest := probe.Config != nil || probe.Layers != nil
	switch {
	case probe.SchemaVersion == 1 || probe.FSLayers != nil:
		return "", errors.New("it is of schema 1, which is obsolete; rebuild or push the image again with a current tool")
	case isIndex && isManifest:
		return "", fmt.Errorf("%w: it is a manifest and an index at once", images.ErrHostile)
	case isIndex != wantIndex || !isIndex && !isManifest:
		return "", fmt.Errorf("%w: it is not %s", images.ErrCorrupt, kindName(wantIndex))
	}
	mediaType := probe.MediaType
	if mediaType == "" {
		mediaType = contentType
	}
	if mediaType == "" {
		mediaType = map[bool]string{true: MediaTypeIndex, false: MediaTypeManifest}[wantIndex]
	}
	if contentType != "" && mediaType != contentType && (IsIndex(contentType) || IsManifest(contentType)) {
		return "", fmt.Errorf("%w: it calls itself %s and was sent as %s", images.ErrHostile, mediaType, contentType)
	}
	if wantIndex && !IsIndex(mediaType) || !wantIndex && !IsManifest(mediaType) {
		return "", fmt.Errorf("media type %q is not %s", mediaType, kindName(wantIndex))
	}
	return mediaType, nil
}

func kindName(index bool) string {
	if index {
		return "an image index"
	}
	return "an image manifest"
}

func (d Descriptor) check() error {
	if _, err := images.ParseDigest(string(d.Digest)); err != nil {
		return err
	}
	if d.Size < 0 {
		return fmt.Errorf("%w: %s has the size %d", images.ErrHostile, d.Digest, d.Size)
	}
	return nil
}

// LayerDesc is one layer of a chain: its blob and the digest of what the blob
// holds when it is uncompressed.
type LayerDesc struct {
	DiffID    images.Digest
	Blob      images.Digest
	MediaType string
	Size      int64 // of the blob
}

// Chain pairs the layers of a manifest with the diffIDs of its configuration,
// bottom first.
func Chain(m *Manifest, c *images.ConfigFile) ([]LayerDesc, error) {
	if len(m.Layers) != len(c.RootFS.DiffIDs) {
		return nil, fmt.Errorf("read image: %w: the manifest has %d layers and its configuration %d diff_ids",
			images.ErrCorrupt, len(m.Layers), len(c.RootFS.DiffIDs))
	}
	chain := make([]LayerDesc, len(m.Layers))
	for i, l := range m.Layers {
		if !isLayer(l.MediaType) {
			return nil, fmt.Errorf("read image: layer %s has the media type %q; it is no container image or needs a newer gantry", l.Digest.Short(), l.MediaType)
		}
		if _, err := images.ParseDigest(string(c.RootFS.DiffIDs[i])); err != nil {
			return nil, fmt.Errorf("read image configuration: %w: %w", images.ErrCorrupt, err)
		}
		chain[i] = LayerDesc{DiffID: c.RootFS.DiffIDs[i], Blob: l.Digest, MediaType: l.MediaType, Size: l.Size}
	}
	return chain, nil
}

// isLayer accepts tar layers in every compression; foreign (non-distributable)
// ones are ordinary layers once their bytes are here.
func isLayer(mediaType string) bool {
	base := strings.TrimSuffix(mediaType, "+gzip")
	base = strings.TrimSuffix(base, ".gzip")
	base = strings.TrimSuffix(base, "+zstd")
	base = strings.TrimSuffix(base, ".zstd")
	return slices.Contains([]string{
		MediaTypeLayer, mediaTypeDockerLayer,
		"application/vnd.oci.image.layer.nondistributable.v1.tar",
		"application/vnd.docker.image.rootfs.foreign.diff.tar",
	}, base)
}

// ParseConfig reads an image configuration.
func ParseConfig(b []byte) (*images.ConfigFile, error) {
	if len(b) > MaxManifest {
		return nil, fmt.Errorf("parse image configuration: %w: it has %d bytes", images.ErrHostile, len(b))
	}
	var c images.ConfigFile
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("parse image configuration: %w: %w", images.ErrCorrupt, err)
	}
	if len(c.RootFS.DiffIDs) > maxLayers {
		return nil, fmt.Errorf("parse image configuration: %w: it lists %d layers", images.ErrHostile, len(c.RootFS.DiffIDs))
	}
	for _, d := range c.RootFS.DiffIDs {
		if _, err := images.ParseDigest(string(d)); err != nil {
			return nil, fmt.Errorf("parse image configuration: %w: %w", images.ErrCorrupt, err)
		}
	}
	return &c, nil
}
