package archive

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"gantry/images"
	"gantry/images/assemble"
	"gantry/images/store"
)

// ImportOptions describe the image that Import makes.
type ImportOptions struct {
	Ref      *images.Ref // nil for an image without a name
	Message  string      // the comment of its history
	Source   string      // where the tar comes from, for the comment where there is no message
	Changes  []string    // Dockerfile instructions, see Change
	Platform images.Platform
	Created  time.Time // now when it is zero
	Report   func(images.Progress)
}

// Import makes an image of one layer from the tar of a root file system, plain
// or compressed, and returns its ID.
func Import(ctx context.Context, s *store.Store, r io.Reader, o ImportOptions) (id images.Digest, err error) {
	config, err := importConfig(o)
	if err != nil {
		return "", fmt.Errorf("import image: %w", err)
	}
	l, err := s.Lease(ctx)
	if err != nil {
		return "", fmt.Errorf("import image: %w", err)
	}
	defer func() { err = errors.Join(err, l.Discard(context.WithoutCancel(ctx))) }()
	img, err := importLayer(ctx, s, l, r, config, o)
	if err != nil {
		return "", fmt.Errorf("import image: %w", err)
	}
	return img.ID, nil
}

func importConfig(o ImportOptions) (*images.ConfigFile, error) {
	if o.Platform == (images.Platform{}) {
		o.Platform = images.HostPlatform()
	}
	if o.Created.IsZero() {
		o.Created = time.Now()
	}
	p, created := o.Platform.Normalize(), o.Created.UTC()
	c := &images.ConfigFile{Created: &created, OS: p.OS, Architecture: p.Architecture, Variant: p.Variant}
	c.RootFS.Type = "layers"
	comment := o.Message
	if comment == "" {
		comment = "Imported from " + cmp.Or(o.Source, "-")
	}
	c.History = []images.History{{Created: &created, Comment: comment}}
	for _, line := range o.Changes {
		if err := Change(&c.Config, line); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func importLayer(ctx context.Context, s *store.Store, l *store.Lease, r io.Reader, c *images.ConfigFile, o ImportOptions) (images.Image, error) {
	br := bufio.NewReaderSize(reader{ctx, r}, 64<<10)
	if _, err := br.Peek(1); err != nil {
		return images.Image{}, fmt.Errorf("the tar is empty: %w", err)
	}
	m := &members{s: s, lease: l, report: o.Report}
	layer, err := assemble.Store(ctx, s, l, br, func(w io.Writer, r io.Reader) error { return m.copy(w, r, "layer", 0, 0) })
	if err != nil {
		return images.Image{}, err
	}
	diff, err := assemble.DiffID(ctx, s, layer)
	if err != nil {
		return images.Image{}, err
	}
	c.RootFS.DiffIDs = []images.Digest{diff}
	manifest, err := assemble.Image(s, l, c, layer)
	if err != nil {
		return images.Image{}, err
	}
	chain := []store.LayerDesc{{DiffID: diff, Blob: layer.Digest, MediaType: layer.MediaType, Size: layer.Size}}
	if err := s.Unpack(ctx, l, chain, func(_ int, p images.Progress) { m.tell(p) }); err != nil {
		return images.Image{}, err
	}
	return s.Add(ctx, store.ImageRecord{Ref: o.Ref, Manifest: manifest})
}
