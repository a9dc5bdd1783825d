package registry

import (
	"encoding/json"
	"mime"
	"slices"

	"gantry/images"
)

// Media types of OCI's image-spec (media-types.md) and docker's registry API.
const (
	ociIndex          = "application/vnd.oci.image.index.v1+json"
	ociManifest       = "application/vnd.oci.image.manifest.v1+json"
	ociImageConfig    = "application/vnd.oci.image.config.v1+json"
	dockerList        = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerManifest    = "application/vnd.docker.distribution.manifest.v2+json"
	dockerImageConfig = "application/vnd.docker.container.image.v1+json"
	schema1           = "application/vnd.docker.distribution.manifest.v1+json"
	schema1Signed     = "application/vnd.docker.distribution.manifest.v1+prettyjws"
)

// layerTypes are the layers that can be unpacked.
var layerTypes = []string{
	"application/vnd.oci.image.layer.v1.tar",
	"application/vnd.oci.image.layer.v1.tar+gzip",
	"application/vnd.oci.image.layer.v1.tar+zstd",
	"application/vnd.docker.image.rootfs.diff.tar",
	"application/vnd.docker.image.rootfs.diff.tar.gzip",
	"application/vnd.docker.image.rootfs.diff.tar.zstd",
}

// foreignTypes are layers that the registry does not hold itself: their bytes
// would come from URLs inside the manifest (CVE-2020-15157).
var foreignTypes = []string{
	"application/vnd.docker.image.rootfs.foreign.diff.tar",
	"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
	"application/vnd.oci.image.layer.nondistributable.v1.tar",
	"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
	"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
}

// Descriptor points at content (OCI image-spec, descriptor.md).
type Descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      images.Digest     `json:"digest"`
	Size        int64             `json:"size"`
	URLs        []string          `json:"urls,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Platform    *images.Platform  `json:"platform,omitempty"`
}

// A document is a manifest or an index: which of the two, kind tells.
type document struct {
	SchemaVersion int             `json:"schemaVersion"`
	MediaType     string          `json:"mediaType"`
	ArtifactType  string          `json:"artifactType"`
	Config        *Descriptor     `json:"config"`
	Layers        []Descriptor    `json:"layers"`
	Manifests     []Descriptor    `json:"manifests"`
	FSLayers      json.RawMessage `json:"fsLayers"` // schema 1
}

// parseDocument reads bytes whose digest is already verified where one is
// known. header is the Content-Type they came with, which is only a claim.
//
// A document that is both a manifest and an index, or whose media types
// contradict each other, means different images to different readers and is
// refused (CVE-2021-41190).
func parseDocument(raw []byte, header string) (*document, error) {
	var d document
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, refuse(images.ErrCorrupt, "the manifest does not parse: %v", err)
	}
	claimed, _, _ := mime.ParseMediaType(header)
	if d.SchemaVersion == 1 || len(d.FSLayers) > 0 || claimed == schema1 || claimed == schema1Signed {
		return nil, refuse(images.ErrUnsupported, "the image has the obsolete manifest format schema 1, which nothing verifies; push it again with a current tool")
	}
	isImage, isIndex := d.Config != nil || d.Layers != nil, d.Manifests != nil
	if isImage == isIndex {
		return nil, refuse(images.ErrHostile, "the document is not clearly a manifest or an index")
	}
	for _, mt := range []string{claimed, d.MediaType} {
		if known, index := isKnown(mt); known && index != isIndex {
			return nil, refuse(images.ErrHostile, "the document says that it is %s, but its content says otherwise", mt)
		}
	}
	if d.MediaType == "" {
		// OCI's documents may leave it out; docker's never do.
		if known, _ := isKnown(claimed); known {
			d.MediaType = claimed
		} else if isIndex {
			d.MediaType = ociIndex
		} else {
			d.MediaType = ociManifest
		}
	} else if known, _ := isKnown(d.MediaType); !known {
		return nil, refuse(images.ErrUnsupported, "%s is not a kind of image manifest", d.MediaType)
	}
	return &d, d.check()
}

func isKnown(mediaType string) (known, index bool) {
	switch mediaType {
	case ociIndex, dockerList:
		return true, true
	case ociManifest, dockerManifest:
		return true, false
	}
	return false, false
}

func (d *document) isIndex() bool { return d.Manifests != nil }

// check validates every descriptor, so that what comes after may use digests as
// file names and sizes as limits (CVE-2024-3727).
func (d *document) check() error {
	all := slices.Concat(d.Manifests, d.Layers)
	if !d.isIndex() {
		if d.Config == nil {
			return refuse(images.ErrCorrupt, "the manifest has no configuration")
		}
		all = append(all, *d.Config)
	}
	for _, desc := range all {
		if _, err := images.ParseDigest(string(desc.Digest)); err != nil {
			return refuse(images.ErrCorrupt, "%v", err)
		}
		if desc.Size < 0 {
			return refuse(images.ErrCorrupt, "%s has the size %d", desc.Digest.Short(), desc.Size)
		}
	}
	if d.isIndex() {
		return nil
	}
	return d.checkImage()
}

// checkImage tells images from the other artifacts that registries hold.
func (d *document) checkImage() error {
	if mt := d.Config.MediaType; mt != ociImageConfig && mt != dockerImageConfig {
		if d.ArtifactType != "" {
			mt = d.ArtifactType
		}
		return refuse(images.ErrUnsupported, "this is not a container image but %q", mt)
	}
	for _, l := range d.Layers {
		switch {
		case slices.Contains(foreignTypes, l.MediaType):
			return refuse(images.ErrHostile, "layer %s is to be fetched from elsewhere (%s); gantry takes layers from the registry only", l.Digest.Short(), l.MediaType)
		case !slices.Contains(layerTypes, l.MediaType):
			return refuse(images.ErrUnsupported, "layer %s has the unknown type %q", l.Digest.Short(), l.MediaType)
		case l.Size == 0:
			return refuse(images.ErrCorrupt, "layer %s is said to be empty", l.Digest.Short())
		}
	}
	return nil
}

// parseConfig reads a verified image configuration and holds it against its
// manifest.
func parseConfig(raw []byte, layers int) (*images.ConfigFile, error) {
	var f images.ConfigFile
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, refuse(images.ErrCorrupt, "the image configuration does not parse: %v", err)
	}
	if n := len(f.RootFS.DiffIDs); n != layers {
		return nil, refuse(images.ErrCorrupt, "the manifest has %d layers, the configuration %d", layers, n)
	}
	for _, d := range f.RootFS.DiffIDs {
		if _, err := images.ParseDigest(string(d)); err != nil {
			return nil, refuse(images.ErrCorrupt, "layer identity: %v", err)
		}
	}
	return &f, nil
}
