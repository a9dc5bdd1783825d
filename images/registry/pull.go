package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"gantry/images"
	"gantry/images/store"
)

// Pull brings an image for one platform (the zero platform is the host's) into
// the store and gives it the name ref. Layers that the store has are not
// fetched; those of an earlier pull that broke are continued.
//
// A mirror that fails, at whichever step, is reported as a failed part of the
// work and the next endpoint goes on from what has arrived.
func (c *Client) Pull(ctx context.Context, s *store.Store, ref images.Ref, platform images.Platform, report func(images.Progress)) (images.Image, error) {
	r := newReporter(report)
	defer r.close()
	r.set(images.Progress{Text: ref.Familiar(), State: images.Resolving})
	var img images.Image
	err := c.each(ctx, ref, r.passedOver, func(from *session) error {
		m, err := c.resolve(ctx, from, ref, platform)
		if err != nil {
			return err
		}
		p := &puller{client: c, from: from, store: s, image: m, report: r, told: map[int]bool{}}
		img, err = p.run(ctx)
		return err
	})
	if err != nil {
		return images.Image{}, err
	}
	r.set(images.Progress{Text: string(img.Target), State: images.Done})
	return img, nil
}

// passedOver tells that an endpoint failed and another one is asked.
func (r *reporter) passedOver(ep endpoint, err error) {
	r.set(images.Progress{
		ID:    "mirror " + ep.title,
		Text:  fmt.Sprintf("mirror %s is passed over: %v", ep.title, err),
		State: images.Failed,
	})
}

// A puller moves one resolved image from one endpoint into the store.
type puller struct {
	client *Client
	from   *session
	store  *store.Store
	image  *Resolved
	report *reporter
	told   map[int]bool // layers that the store spoke of; only Fetch's calls and rest use it
}

func (p *puller) run(ctx context.Context) (img images.Image, err error) {
	// The lease keeps other processes' collections away from what has arrived
	// until the image's name protects it.
	lease, err := p.store.Lease(ctx)
	if err != nil {
		return images.Image{}, err
	}
	defer func() {
		// What came before the disk was full would keep it full.
		if errors.Is(err, syscall.ENOSPC) {
			err = errors.Join(err, lease.Discard(context.WithoutCancel(ctx)))
		}
		lease.Release()
	}()
	for _, b := range [][]byte{p.image.Raw, p.image.ConfigRaw} {
		if _, err := p.store.PutBlob(lease, b); err != nil {
			return images.Image{}, err
		}
	}
	p.report.set(images.Progress{Text: p.image.Ref.Familiar(), State: images.Downloading})
	if err := p.store.Fetch(ctx, lease, p.image.Layers, p.open, p.progress); err != nil {
		return images.Image{}, err
	}
	p.rest()
	return p.store.Add(ctx, store.ImageRecord{Ref: &p.image.Ref, Manifest: p.image.Digest, Target: p.image.Target})
}

// open begins the download of layer i at an offset, once one of the client's
// few slots is free.
func (p *puller) open(ctx context.Context, i int, offset int64) (io.ReadCloser, error) {
	select {
	case p.client.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	l := p.image.Layers[i]
	return &download{
		blobReader: p.from.blob(ctx, p.client.cfg.Patience, l.Blob, l.Size, offset),
		slots:      p.client.slots,
	}, nil
}

func (p *puller) progress(i int, s images.Progress) {
	p.told[i] = true
	p.report.set(s)
}

// rest reports the layers about which the store said nothing, as it had them.
func (p *puller) rest() {
	for i, l := range p.image.Layers {
		if !p.told[i] {
			p.report.set(images.Progress{ID: l.Blob.Short(), Done: l.Size, Total: l.Size, State: images.Exists})
		}
	}
}

// A download holds one of the client's slots until it is closed.
type download struct {
	*blobReader
	slots chan struct{} // nil after Close
}

func (d *download) Close() error {
	if d.slots != nil {
		<-d.slots
		d.slots = nil
	}
	return d.blobReader.Close()
}
