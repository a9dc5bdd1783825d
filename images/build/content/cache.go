package content

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// statCache remembers the sums of one tree's files by what their status said. It
// is a cache and nothing more: what cannot be read or written costs only time.
// A nil one knows nothing.
type statCache struct {
	path string
	once sync.Once
	old  map[string]record // as it was loaded; nobody changes it

	mu    sync.Mutex
	fresh map[string]record // what this tree read or found
	dirty bool
}

// record is what is known of one path.
type record struct {
	id     ident
	digest [sha256.Size]byte
	age    byte // saves since somebody asked for it
}

const (
	cacheMagic = "gantry stat cache 1\n"
	// maxAge is how many builds a path is remembered that none of them reads:
	// those of another target, say.
	maxAge = 16
	// maxCache bounds the file; a context of a million files fits.
	maxCache = 256 << 20
)

// newStatCache names the cache of a directory by its inode, which survives a
// rename of it and tells two apart that had the same path.
func newStatCache(dir string, st *unix.Stat_t) *statCache {
	return &statCache{path: filepath.Join(dir, fmt.Sprintf("%x-%x", st.Dev, st.Ino)), fresh: map[string]record{}}
}

func (c *statCache) load() {
	c.once.Do(func() {
		f, err := os.Open(c.path)
		if err != nil {
			return
		}
		defer f.Close()
		st, err := f.Stat()
		if err != nil || !st.Mode().IsRegular() || st.Size() > maxCache {
			return
		}
		b := make([]byte, st.Size())
		if _, err := f.ReadAt(b, 0); err == nil {
			c.old = decodeCache(b)
		}
	})
}

func (c *statCache) lookup(n *node) (d [sha256.Size]byte, ok bool) {
	if c == nil {
		return d, false
	}
	name := n.path()
	r, ok := c.old[name]
	if !ok || r.id != identify(&n.st) {
		return d, false
	}
	r.age = 0
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fresh[name] = r
	return r.digest, true
}

func (c *statCache) learn(n *node, digest [sha256.Size]byte) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fresh[n.path()] = record{id: identify(&n.st), digest: digest}
	c.dirty = true
}

// save replaces the file. It is not synced: its checksum tells whether it is
// whole.
func (c *statCache) save() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dirty {
		return nil
	}
	all := maps.Clone(c.fresh)
	for name, r := range c.old {
		if _, ok := all[name]; !ok && r.age < maxAge {
			r.age++
			all[name] = r
		}
	}
	if err := os.MkdirAll(filepath.Dir(c.path), 0o700); err != nil {
		return fmt.Errorf("save stat cache: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(c.path), ".new-")
	if err != nil {
		return fmt.Errorf("save stat cache: %w", err)
	}
	_, err = f.Write(encodeCache(all))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), c.path)
	}
	if err != nil {
		return fmt.Errorf("save stat cache: %w", errors.Join(err, os.Remove(f.Name())))
	}
	c.dirty = false
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encodeCache writes the paths in order, each with a record of fixed size.
func encodeCache(all map[string]record) []byte {
	b := make([]byte, 0, len(cacheMagic)+len(all)*(recordSize+48)+4)
	b = append(b, cacheMagic...)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		r := all[name]
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
		b = append(b, r.age)
		for _, v := range []uint64{
			r.id.dev, r.id.ino, r.id.mode, uint64(r.id.size),
			uint64(r.id.mtime.Sec), uint64(r.id.mtime.Nsec), uint64(r.id.ctime.Sec), uint64(r.id.ctime.Nsec),
		} {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
		b = append(b, r.digest[:]...)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

const recordSize = 1 + 8*8 + sha256.Size

// decodeCache takes the file apart; nil is what is not a whole one.
func decodeCache(b []byte) map[string]record {
	body, ok := bytes.CutPrefix(b, []byte(cacheMagic))
	if !ok || len(body) < 4 || crc32.Checksum(b[:len(b)-4], castagnoli) != binary.LittleEndian.Uint32(b[len(b)-4:]) {
		return nil
	}
	body = body[:len(body)-4]
	names := string(body) // one string that all names are parts of
	all := make(map[string]record, len(body)/(recordSize+32))
	for at := 0; at < len(body); {
		n, used := binary.Uvarint(body[at:])
		at += used
		if used <= 0 || n > uint64(len(body)-at) || len(body)-at-int(n) < recordSize {
			return nil
		}
		name := names[at : at+int(n)]
		at += int(n)
		all[name] = decodeRecord(body[at : at+recordSize])
		at += recordSize
	}
	return all
}

func decodeRecord(b []byte) record {
	r := record{age: b[0]}
	var v [8]uint64
	for i := range v {
		v[i] = binary.LittleEndian.Uint64(b[1+8*i:])
	}
	r.id = ident{
		dev: v[0], ino: v[1], mode: v[2], size: int64(v[3]),
		mtime: unix.Timespec{Sec: int64(v[4]), Nsec: int64(v[5])},
		ctime: unix.Timespec{Sec: int64(v[6]), Nsec: int64(v[7])},
	}
	copy(r.digest[:], b[1+64:])
	return r
}
