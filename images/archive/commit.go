package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"gantry/images"
	"gantry/images/assemble"
	"gantry/images/store"
)

// CommitOptions describe the image that Commit makes over another.
type CommitOptions struct {
	Base    images.Digest // ID of the image below
	Ref     *images.Ref   // nil for an image without a name
	Config  images.Config // of the new image, before Changes
	Changes []string      // Dockerfile instructions, see Change
	Author  string
	Message string
	By      string // what made the layer, for the history
}

// Commit makes an image of the layers of another and one more, an uncompressed
// tar, and returns its ID. A nil layer adds a step of the history only.
func Commit(ctx context.Context, s *store.Store, layer io.Reader, o CommitOptions) (id images.Digest, err error) {
	for _, line := range o.Changes {
		if err := Change(&o.Config, line); err != nil {
			return "", err
		}
	}
	l, err := s.Lease(ctx)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, l.Discard(context.WithoutCancel(ctx))) }()
	base, err := s.Hold(ctx, l, string(o.Base))
	if err != nil {
		return "", fmt.Errorf("image of the container: %w", err)
	}
	below, _, err := s.Config(base.ID)
	if err != nil {
		return "", err
	}
	manifest, _, err := s.Manifest(base.Manifest)
	if err != nil {
		return "", err
	}
	config, layers := committed(below, o), slices.Clone(manifest.Layers)
	if layer != nil {
		added, err := assemble.Layer(ctx, s, l, func(w io.Writer) error {
			_, err := io.Copy(w, layer)
			return err
		})
		if err != nil {
			return "", err
		}
		layers = append(layers, assemble.Descriptor(added))
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, added.DiffID)
		config.History[len(config.History)-1].EmptyLayer = false
	}
	made, err := assemble.Image(s, l, config, layers...)
	if err != nil {
		return "", err
	}
	chain, err := store.Chain(&store.Manifest{Layers: layers}, config)
	if err != nil {
		return "", err
	}
	if err := s.Unpack(ctx, l, chain, func(int, images.Progress) {}); err != nil {
		return "", err
	}
	img, err := s.Add(ctx, store.ImageRecord{Ref: o.Ref, Manifest: made})
	return img.ID, err
}

// committed is the configuration of the new image, with the layers below.
func committed(below *images.ConfigFile, o CommitOptions) *images.ConfigFile {
	now := time.Now().UTC()
	c := *below
	c.Created, c.Author, c.Config = &now, o.Author, o.Config
	c.RootFS.DiffIDs = slices.Clone(below.RootFS.DiffIDs)
	c.History = append(slices.Clone(below.History), images.History{
		Created: &now, CreatedBy: o.By, Author: o.Author, Comment: o.Message, EmptyLayer: true,
	})
	return &c
}
