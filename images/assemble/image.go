package assemble

import (
	"encoding/json"

	"gantry/images"
	"gantry/images/store"
)

// Image stores a configuration and the manifest that binds it to its layers, and
// returns the manifest's digest.
func Image(s *store.Store, l *store.Lease, c any, layers ...store.Descriptor) (images.Digest, error) {
	raw, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	return Manifest(s, l, raw, layers)
}

// Manifest is Image for a configuration that is bytes already.
func Manifest(s *store.Store, l *store.Lease, config []byte, layers []store.Descriptor) (images.Digest, error) {
	id, err := s.PutBlob(l, config)
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(store.Manifest{
		SchemaVersion: 2,
		MediaType:     store.MediaTypeManifest,
		Config:        store.Descriptor{MediaType: store.MediaTypeConfig, Digest: id, Size: int64(len(config))},
		Layers:        append([]store.Descriptor{}, layers...),
	})
	if err != nil {
		return "", err
	}
	return s.PutBlob(l, b)
}

// Descriptor is how a manifest names a layer.
func Descriptor(l store.LayerDesc) store.Descriptor {
	return store.Descriptor{MediaType: l.MediaType, Digest: l.Blob, Size: l.Size}
}
