package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"gantry/images"
	"gantry/images/unpack"
)

// newPrefix begins the folders of unpackings in flight.
const newPrefix = ".new-"

// unpacking is a chain of layers on its way into layers/. It works in a folder
// named after the whole chain, whose lock makes a second process that wants the
// same image wait for the first and then find all done. Images that only share
// layers do not wait for each other: both unpack and the first to publish wins.
type unpacking struct {
	s     *Store
	lease *Lease
	open  OpenFunc
	parts []*part

	dir  string
	lock *os.File

	mu     sync.Mutex // serialises report
	report func(int, images.Progress)
}

// part is one layer of an unpacking.
type part struct {
	desc  LayerDesc
	chain images.Digest
	have  bool   // published already
	dir   string // holds fs/, and index and meta.json when it is ready

	res       *unpack.Result
	free      bool // no layer below can make a difference
	dependent bool // those below did

	// Guarded by unpacking.mu.
	state images.ProgressState
	told  time.Time
}

func (p *part) fs() string { return filepath.Join(p.dir, "fs") }

func (s *Store) newUnpacking(l *Lease, chain []LayerDesc, open OpenFunc, report func(int, images.Progress)) *unpacking {
	u := &unpacking{s: s, lease: l, open: open, report: report}
	ids := chainIDsOf(chain)
	u.dir = s.inRoot("layers", newPrefix+ids[len(ids)-1].Hex())
	for i, d := range chain {
		u.parts = append(u.parts, &part{desc: d, chain: ids[i], dir: filepath.Join(u.dir, strconv.Itoa(i))})
	}
	return u
}

// complete looks what is there and tells whether that is all.
func (u *unpacking) complete() bool {
	all, haveBelow := true, true
	var lowers []string
	for _, p := range u.parts {
		l, err := u.s.findLayer(p.chain, p.desc.DiffID)
		if errors.Is(err, images.ErrNotFound) && haveBelow {
			l, err = u.s.adopt(p.chain, p.desc.DiffID, lowers)
		}
		if p.have = err == nil; p.have {
			p.dir = l.dir
			lowers = append(lowers, p.fs())
		}
		haveBelow = haveBelow && p.have
		all = all && p.have && u.s.hasBlob(p.desc.Blob, p.desc.Size)
	}
	for i, p := range u.parts {
		if all {
			u.tell(i, images.Exists, p.desc.Size)
		}
	}
	return all
}

// missingBytes is what must still be downloaded.
func (u *unpacking) missingBytes() int64 {
	var n int64
	for _, p := range u.parts {
		if u.s.hasBlob(p.desc.Blob, p.desc.Size) {
			continue
		}
		n += p.desc.Size
		if fi, err := os.Stat(u.s.partialPath(p.desc.Blob)); err == nil {
			n -= min(fi.Size(), p.desc.Size)
		}
	}
	return n
}

// begin gets the lock on the folder and empties it of what a dead process left.
func (u *unpacking) begin(ctx context.Context) error {
	for {
		if err := os.Mkdir(u.dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
		f, err := os.Open(u.dir)
		if errors.Is(err, os.ErrNotExist) {
			continue // the holder before us has just removed it
		}
		if err != nil {
			return err
		}
		if err := flock(ctx, f, unix.LOCK_EX); err != nil {
			f.Close()
			return err
		}
		if named(f, u.dir) {
			u.lock = f
			break
		}
		f.Close()
	}
	left, err := os.ReadDir(u.dir)
	for _, e := range left {
		err = errors.Join(err, os.RemoveAll(filepath.Join(u.dir, e.Name())))
	}
	if err != nil {
		return errors.Join(err, u.lock.Close())
	}
	return nil
}

// end removes what was not published and lets the next one in.
func (u *unpacking) end() error {
	err := os.RemoveAll(u.dir)
	return errors.Join(err, u.lock.Close())
}

// unpackPart unpacks one layer without looking at those below it.
func (u *unpacking) unpackPart(ctx context.Context, i int, blob io.Reader, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	p := u.parts[i]
	// A second attempt starts afresh.
	if err := os.RemoveAll(p.dir); err != nil {
		return err
	}
	// The root of a layer is seen by containers' users, its parents never.
	if err := errors.Join(os.Mkdir(p.dir, 0o700), os.Mkdir(p.fs(), 0o755)); err != nil {
		return err
	}
	tar, err := unpack.Decompress(&meteredReader{blob, u, i, 0}, p.desc.MediaType)
	if err != nil {
		return fmt.Errorf("layer %s: %w", p.desc.Blob.Short(), err)
	}
	defer tar.Close()
	p.res, err = unpack.Layer(ctx, tar, unpack.Options{Rootfs: p.fs(), Limits: unpack.DefaultLimits(p.desc.Size)})
	if err != nil {
		return fmt.Errorf("layer %s: %w", p.desc.Blob.Short(), err)
	}
	if p.res.DiffID != p.desc.DiffID {
		return fmt.Errorf("layer %s: %w: it holds %s and the image's configuration says %s", p.desc.Blob.Short(), images.ErrCorrupt, p.res.DiffID, p.desc.DiffID)
	}
	return nil
}

// publish adapts the new layers to those below them, forces all to disk at once
// and gives them their names, bottom first.
func (u *unpacking) publish(ctx context.Context) error {
	var lowers []string
	fresh := false
	for _, p := range u.parts {
		if !p.have {
			if err := u.fix(ctx, p, lowers); err != nil {
				return fmt.Errorf("layer %s: %w", p.desc.Blob.Short(), err)
			}
			fresh = true
		}
		lowers = append(lowers, p.fs())
	}
	if fresh {
		if err := u.s.syncAll(); err != nil {
			return err
		}
	}
	for i, p := range u.parts {
		if !p.have {
			if err := u.name(p); err != nil {
				return fmt.Errorf("publish layer %s: %w", p.desc.DiffID.Short(), err)
			}
		}
		if p.state != images.Exists {
			u.tell(i, images.Done, p.desc.Size)
		}
	}
	return nil
}

func (u *unpacking) fix(ctx context.Context, p *part, lowers []string) error {
	p.free = isFree(p.res.Fixups)
	var err error
	p.dependent, err = unpack.Fix(ctx, p.fs(), lowers, p.res, func() (io.ReadCloser, error) { return u.again(p) })
	if err != nil {
		return err
	}
	m := layerMeta{
		V: metaVersion, DiffID: p.desc.DiffID,
		Size: p.res.Size, Entries: int64(p.res.Entries), Free: p.free,
	}
	if p.dependent {
		m.ChainID = p.chain
	}
	if err := writeJSON(filepath.Join(p.dir, "meta.json"), m); err != nil {
		return err
	}
	if !p.free && !p.dependent {
		if err := writeJSON(filepath.Join(p.dir, "fixups.json"), p.res.Fixups); err != nil {
			return err
		}
	}
	return writeFileIndex(filepath.Join(p.dir, "index"), p.res)
}

// again reads the layer's tar stream once more.
func (u *unpacking) again(p *part) (io.ReadCloser, error) {
	f, _, err := u.s.OpenBlob(p.desc.Blob)
	if err != nil {
		return nil, err
	}
	tar, err := unpack.Decompress(f, p.desc.MediaType)
	if err != nil {
		f.Close()
		return nil, err
	}
	return &stackedCloser{tar, f}, nil
}

type stackedCloser struct {
	io.ReadCloser
	below io.Closer
}

func (c *stackedCloser) Close() error {
	return errors.Join(c.ReadCloser.Close(), c.below.Close())
}

// name publishes one layer. One that the layers below changed is named after
// its chain. One that they could have changed and did not keeps its diffID, and
// a link says that it was found to be right on this chain; on another it is
// asked again (adopt), because the answer may differ there.
func (u *unpacking) name(p *part) error {
	link := u.s.inRoot("layers", chainPrefix+p.chain.Hex())
	if err := dropDangling(link); err != nil {
		return err
	}
	id := p.desc.DiffID.Hex()
	if p.dependent {
		id = chainPrefix + p.chain.Hex()
	}
	err := os.Rename(p.dir, u.s.inRoot("layers", id))
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) || errors.Is(err, unix.ENOTDIR) {
		// Another process was first, or the layer served other chains before.
		_, err = u.s.readMeta(id)
	}
	if err != nil || p.dependent || p.free {
		return err
	}
	return linkLayer(id, link)
}
