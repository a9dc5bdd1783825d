package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gantry/images"
)

// Layer is one unpacked layer.
type Layer struct {
	ID     string // its folder in layers/: what a container records and a lease names
	DiffID images.Digest
	Size   int64 // bytes of its files
	dir    string
}

// FS is the directory that overlayfs stacks.
func (l Layer) FS() string { return filepath.Join(l.dir, "fs") }

// IndexPath is the file index of the layer, to be read by layers.ReadIndex.
func (l Layer) IndexPath() string { return filepath.Join(l.dir, "index") }

// layerMeta is meta.json of a layer.
type layerMeta struct {
	V      int           `json:"v"`
	DiffID images.Digest `json:"diffID"`
	// ChainID is set when the content depends on the layers below.
	ChainID images.Digest `json:"chainID,omitempty"`
	Size    int64         `json:"size"`
	Entries int64         `json:"entries"`
	// Free layers need nothing from those below and fit on any chain. Others
	// are used through a chain-* name only, which says that they were found to
	// be right there.
	Free bool `json:"free,omitempty"`
}

const (
	metaVersion = 1
	chainPrefix = "chain-"
)

// ChainIDs returns the identity of each layer together with all below it (OCI
// image spec, config.md, "Layer ChainID").
func ChainIDs(diffIDs []images.Digest) []images.Digest {
	out := make([]images.Digest, len(diffIDs))
	for i, d := range diffIDs {
		if i == 0 {
			out[i] = d
			continue
		}
		sum := sha256.Sum256([]byte(string(out[i-1]) + " " + string(d)))
		out[i] = images.Digest("sha256:" + hex.EncodeToString(sum[:]))
	}
	return out
}

// layers finds the unpacked layers of an image, bottom first.
func (s *Store) layers(diffIDs []images.Digest) ([]Layer, error) {
	out := make([]Layer, len(diffIDs))
	for i, chain := range ChainIDs(diffIDs) {
		l, err := s.findLayer(chain, diffIDs[i])
		if err != nil {
			return nil, err
		}
		out[i] = l
	}
	return out, nil
}

// findLayer finds a layer for its place in a chain: made for this chain, found
// to be right on it, or right on any.
func (s *Store) findLayer(chain, diff images.Digest) (Layer, error) {
	id, anyChain := chainPrefix+chain.Hex(), false
	switch target, err := os.Readlink(s.inRoot("layers", id)); {
	case err == nil:
		id = target
	case errors.Is(err, os.ErrNotExist):
		id, anyChain = diff.Hex(), true
	}
	m, err := s.readMeta(id)
	if errors.Is(err, os.ErrNotExist) || err == nil && anyChain && !m.Free {
		return Layer{}, fmt.Errorf("unpacked layer %s: %w; pull or load the image again", diff.Short(), images.ErrNotFound)
	}
	if err != nil {
		return Layer{}, err
	}
	if m.DiffID != diff {
		return Layer{}, s.corruptMeta(id, fmt.Errorf("it describes %s", m.DiffID))
	}
	return Layer{ID: id, DiffID: diff, Size: m.Size, dir: s.inRoot("layers", id)}, nil
}

func (s *Store) readMeta(id string) (layerMeta, error) {
	var m layerMeta
	if !isLayerID(id) {
		return m, fmt.Errorf("%w: layers/%s is no name of a layer", images.ErrCorrupt, id)
	}
	f, err := os.Open(s.inRoot("layers", id, "meta.json"))
	if errors.Is(err, os.ErrNotExist) {
		if _, derr := os.Lstat(s.inRoot("layers", id)); derr == nil {
			return m, s.corruptMeta(id, errors.New("it is missing"))
		}
		return m, err
	}
	if err != nil {
		return m, fmt.Errorf("read layer: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return m, fmt.Errorf("read layer: %w", err)
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, s.corruptMeta(id, err)
	}
	if m.V != metaVersion {
		return m, s.corruptMeta(id, fmt.Errorf("its version is %d and this gantry reads %d", m.V, metaVersion))
	}
	return m, nil
}

func (s *Store) corruptMeta(id string, err error) error {
	dir := s.inRoot("layers", id)
	return fmt.Errorf("%w: %s: %w; remove the folder %s while none of its containers runs, then pull or load the image again",
		images.ErrCorrupt, filepath.Join(dir, "meta.json"), err, dir)
}

// isLayerID accepts <hex> and chain-<hex>, which keeps what a symbolic link or
// a container's record says inside layers/.
func isLayerID(id string) bool {
	h := strings.TrimPrefix(id, chainPrefix)
	return len(h) == 64 && isHex(h)
}

// Layers returns the unpacked layers of an image, bottom first, one for each of
// its DiffIDs.
func (s *Store) Layers(img images.Image) ([]Layer, error) {
	if len(img.DiffIDs) == 0 && img.Problem != "" {
		return nil, fmt.Errorf("image %s: %w: %s", img.ID.Short(), images.ErrCorrupt, img.Problem)
	}
	layers, err := s.layers(img.DiffIDs)
	if err != nil {
		return nil, fmt.Errorf("image %s: %w", img.ID.Short(), err)
	}
	return layers, nil
}

// LayerDirs returns the directories to stack for an image, bottom first. A
// layer that occurs twice is there once, at its upper place: overlayfs refuses
// the same directory twice (ELOOP), and what lies between cannot change the
// outcome, because the upper occurrence repeats every entry of the lower.
func (s *Store) LayerDirs(img images.Image) ([]string, error) {
	layers, err := s.Layers(img)
	if err != nil {
		return nil, err
	}
	return stack(layers), nil
}

func stack(layers []Layer) []string {
	seen := map[string]bool{}
	var topFirst []string
	for i := len(layers) - 1; i >= 0; i-- {
		if dir := layers[i].FS(); !seen[dir] {
			seen[dir] = true
			topFirst = append(topFirst, dir)
		}
	}
	for a, b := 0, len(topFirst)-1; a < b; a, b = a+1, b-1 {
		topFirst[a], topFirst[b] = topFirst[b], topFirst[a]
	}
	return topFirst
}

// LayerDir is the directory to stack for a layer ID that a container recorded.
func (s *Store) LayerDir(id string) (string, error) {
	if !isLayerID(id) {
		return "", fmt.Errorf("layer %q: %w: no name of a layer", id, images.ErrCorrupt)
	}
	dir := s.inRoot("layers", id, "fs")
	if _, err := os.Stat(dir); err != nil {
		return "", fmt.Errorf("layer %.12s: %w: %w", id, images.ErrNotFound, err)
	}
	return dir, nil
}

// LayerSizes returns the unpacked size of each layer, bottom first. What can be
// read is returned with the error for the rest.
func (s *Store) LayerSizes(img images.Image) ([]int64, error) {
	out := make([]int64, len(img.DiffIDs))
	var errs []error
	for i, chain := range ChainIDs(img.DiffIDs) {
		l, err := s.findLayer(chain, img.DiffIDs[i])
		if err != nil {
			errs = append(errs, err)
		}
		out[i] = l.Size
	}
	return out, errors.Join(errs...)
}

// LayerSize returns the unpacked size of a layer that a container recorded.
func (s *Store) LayerSize(id string) (int64, error) {
	m, err := s.readMeta(id)
	return m.Size, err
}
