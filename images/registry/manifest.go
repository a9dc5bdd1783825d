package registry

import (
	"encoding/json"
	"errors"
	"mime"
	"slices"

	"gantry/images"
	"gantry/images/store"
)

// Media types of the obsolete manifests (distribution's manifest-v2-1.md).
const (
	schema1       = "application/vnd.docker.distribution.manifest.v1+json"
	schema1Signed = "application/vnd.docker.distribution.manifest.v1+prettyjws"
)

// acceptable is what a request for a manifest asks for.
var acceptable = []string{
	store.MediaTypeIndex, store.MediaTypeDockerList, store.MediaTypeManifest, store.MediaTypeDockerImage,
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

// parseDocument reads a manifest or an index, exactly one of which comes back.
// The digest of raw is verified by now where one is known. header is the
// Content-Type that it came with, which is only a claim: the store's parsers
// refuse documents that contradict it or that can be read as both.
func parseDocument(raw []byte, header string) (*store.Manifest, *store.Index, error) {
	var probe struct {
		SchemaVersion int             `json:"schemaVersion"`
		FSLayers      json.RawMessage `json:"fsLayers"`
		Manifests     json.RawMessage `json:"manifests"`
	}
	if err := json.Unmarshal(raw, &probe); err != nil {
		return nil, nil, refuse(images.ErrCorrupt, "the manifest does not parse: %v", err)
	}
	claimed, _, _ := mime.ParseMediaType(header)
	if probe.SchemaVersion == 1 || probe.FSLayers != nil || claimed == schema1 || claimed == schema1Signed {
		return nil, nil, refuse(images.ErrUnsupported, "the image has the obsolete manifest format schema 1, whose content nothing verifies; push it again with a current tool")
	}
	if !slices.Contains(acceptable, claimed) {
		claimed = "" // some file servers know no better than application/json
	}
	if probe.Manifests != nil {
		x, err := store.ParseIndex(raw, claimed)
		return nil, x, classified(err)
	}
	m, err := store.ParseManifest(raw, claimed)
	if err != nil {
		return nil, nil, classified(err)
	}
	return m, nil, checkImage(m)
}

// classified gives the errors of the store's parsers their class.
func classified(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, images.ErrHostile):
		return refuse(images.ErrHostile, "%v", err)
	}
	return refuse(images.ErrCorrupt, "%v", err)
}

// checkImage tells images from the other artifacts that registries hold, and
// refuses layers that are to be fetched from elsewhere.
func checkImage(m *store.Manifest) error {
	if mt := m.Config.MediaType; mt != store.MediaTypeConfig && mt != store.MediaTypeDockerConfig {
		if m.ArtifactType != "" {
			mt = m.ArtifactType
		}
		return refuse(images.ErrUnsupported, "this is not a container image but %q", mt)
	}
	for _, l := range m.Layers {
		if slices.Contains(foreignTypes, l.MediaType) {
			return refuse(images.ErrUnsupported, "layer %s is to be fetched from elsewhere (%s); gantry takes layers from the registry only", l.Digest.Short(), l.MediaType)
		}
	}
	return nil
}
