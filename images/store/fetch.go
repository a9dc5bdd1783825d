package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"gantry/images"
)

// maxDownloads is docker's default: more streams from one registry rarely bring
// more bytes.
const maxDownloads = 3

// copyBuffer is large enough that system calls do not show.
const copyBuffer = 256 << 10

// OpenFunc opens the blob of layer i from an offset on. Retrying a broken stream
// is its reader's business.
type OpenFunc func(ctx context.Context, i int, offset int64) (io.ReadCloser, error)

// Fetch brings a chain of layers (bottom first) into the store, blobs and
// unpacked directories. What is there is not fetched again, what came in part is
// continued, and each byte passes once:
//
//	open ──► Ingest ──► ROOT/ingest/<hex> ──► Follow ──► decompress ──► unpack
//	          sha256      (page cache)                     layers/.new-*
//
// so that layers are unpacked while they arrive. Nothing gets its final name
// before blob digest and diffID match. report may be nil; its calls are
// serialised.
func (s *Store) Fetch(ctx context.Context, l *Lease, chain []LayerDesc, open OpenFunc, report func(i int, p images.Progress)) error {
	if len(chain) == 0 {
		return nil
	}
	err := s.fetch(ctx, l, chain, open, report)
	if err != nil {
		return s.explainSpace(fmt.Errorf("store layers: %w", err))
	}
	return nil
}

// Unpack is Fetch for blobs that are in the store already.
func (s *Store) Unpack(ctx context.Context, l *Lease, chain []LayerDesc, report func(i int, p images.Progress)) error {
	return s.Fetch(ctx, l, chain, nil, report)
}

func (s *Store) fetch(ctx context.Context, l *Lease, chain []LayerDesc, open OpenFunc, report func(int, images.Progress)) (err error) {
	if err := s.leaseChain(l, chain); err != nil {
		return err
	}
	u := s.newUnpacking(l, chain, open, report)
	if u.complete() {
		return nil
	}
	if err := u.begin(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, u.end()) }()
	if u.complete() { // another process did it while we waited
		return nil
	}
	if err := s.checkSpace(u.missingBytes()); err != nil {
		return err
	}
	if err := u.run(ctx); err != nil {
		return err
	}
	return u.publish(ctx)
}

// leaseChain protects blobs and layers, under both names that a layer can have.
func (s *Store) leaseChain(l *Lease, chain []LayerDesc) error {
	unlock, err := s.lockIndex(context.Background(), unix.LOCK_SH)
	if err != nil {
		return err
	}
	defer unlock()
	for i, id := range chainIDsOf(chain) {
		err := errors.Join(
			l.note("blob", string(chain[i].Blob)),
			l.note("layer", chainPrefix+id.Hex()),
			l.note("layer", chain[i].DiffID.Hex()))
		if err != nil {
			return err
		}
	}
	return nil
}

func chainIDsOf(chain []LayerDesc) []images.Digest {
	diffs := make([]images.Digest, len(chain))
	for i, l := range chain {
		diffs[i] = l.DiffID
	}
	return ChainIDs(diffs)
}

// run downloads and unpacks in parallel, lower layers first. Downloads have
// slots of their own: a layer that is still being unpacked keeps nobody from
// downloading.
func (u *unpacking) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	downloads := make(chan struct{}, maxDownloads)
	unpacks := make(chan struct{}, max(maxDownloads, runtime.GOMAXPROCS(0)))
	for i, p := range u.parts {
		if p.have && u.s.hasBlob(p.desc.Blob, p.desc.Size) {
			u.tell(i, images.Exists, p.desc.Size)
			continue
		}
		u.tell(i, images.Waiting, 0)
		select {
		case downloads <- struct{}{}:
		case <-ctx.Done():
			return g.Wait()
		}
		g.Go(func() error {
			done := sync.OnceFunc(func() { <-downloads })
			defer done()
			return u.part(ctx, i, unpacks, done)
		})
	}
	return g.Wait()
}

// part brings in one layer. A blob from earlier that turns out to be damaged is
// fetched once more.
func (u *unpacking) part(ctx context.Context, i int, unpacks chan struct{}, downloaded func()) error {
	p := u.parts[i]
	local := u.s.hasBlob(p.desc.Blob, p.desc.Size)
	err := u.attempt(ctx, i, unpacks, downloaded)
	if err == nil || !local || ctx.Err() != nil {
		return err
	}
	if verr := u.s.VerifyBlob(ctx, p.desc.Blob); !errors.Is(verr, images.ErrCorrupt) || u.open == nil {
		return errors.Join(err, verr)
	}
	if err := u.s.discardBlob(p.desc.Blob); err != nil {
		return err
	}
	return u.attempt(ctx, i, unpacks, func() {})
}

// attempt downloads and unpacks at the same time. Whichever fails first ends
// the other, and its error is the one that counts.
func (u *unpacking) attempt(ctx context.Context, i int, unpacks chan struct{}, downloaded func()) error {
	p := u.parts[i]
	in, err := u.s.Ingest(ctx, u.lease, p.desc.Blob, p.desc.Size)
	if err != nil {
		return err
	}
	defer in.Close()
	if p.have {
		return u.download(ctx, i, in)
	}
	src, err := in.Follow()
	if err != nil {
		return err
	}
	defer src.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// A follower waits for bytes, not for a context.
	defer context.AfterFunc(ctx, func() { in.fail(context.Cause(ctx)) })()
	var unpacking sync.WaitGroup
	unpacking.Go(func() {
		if err := u.unpackPart(ctx, i, src, unpacks); err != nil {
			cancel(err)
		}
	})
	if err := u.download(ctx, i, in); err != nil {
		cancel(err)
	} else {
		downloaded()
		u.arrived(i)
	}
	unpacking.Wait()
	return context.Cause(ctx)
}

// download fills the ingest and gives the blob its name.
func (u *unpacking) download(ctx context.Context, i int, in *Ingest) error {
	p := u.parts[i]
	if at := in.Offset(); at < p.desc.Size {
		if u.open == nil {
			return fmt.Errorf("layer blob %s: %w", p.desc.Blob, images.ErrNotFound)
		}
		body, err := u.open(ctx, i, at)
		if err != nil {
			return err
		}
		defer body.Close()
		u.tell(i, images.Downloading, at)
		_, err = io.CopyBuffer(&meteredIngest{in, u, i}, onlyReader{body}, make([]byte, copyBuffer))
		if err != nil {
			return err
		}
	}
	return in.Commit()
}

// onlyReader hides WriterTo, which would choose its own, smaller buffer.
type onlyReader struct{ io.Reader }
