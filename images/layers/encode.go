package layers

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
)

// The encoding of an index, all integers unsigned LEB128 unless said
// otherwise:
//
//	magic   "gantry-index\n"
//	version 1
//	entry*  each:
//	    type          1 byte, 1..8
//	    flags         1 byte
//	    shared        bytes of the path that equal those of the entry before
//	    rest          length, then the rest of the path
//	    mode uid gid
//	    mtime         seconds (signed), nanoseconds
//	    size          Regular and Hardlink
//	    link          length, bytes: Symlink and Hardlink
//	    major minor   Char and Block
//	    digest        32 bytes, when the flag says so
//	end     0
//	count   number of entries
//	crc     4 bytes, little endian: CRC-32C of everything before
//
// The path is cut where it equals the one before because sorted paths share
// most of it: an index takes about 25 bytes a file.
const (
	magic   = "gantry-index\n"
	version = 1

	flagOpaque  = 1 << 0
	flagImplied = 1 << 1
	flagDigest  = 1 << 2
	flagsKnown  = flagOpaque | flagImplied | flagDigest
)

// Bounds of what is read, and so of what is written.
const (
	maxPath    = 4095    // limits.h, PATH_MAX without its NUL
	maxEntries = 1 << 21 // twice what unpack takes from a layer
	maxNanos   = 1e9 - 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// WriteTo writes the encoded index. The entries must be sorted.
func (x *Index) WriteTo(w io.Writer) (int64, error) {
	e := &encoder{w: bufio.NewWriterSize(w, 64<<10), crc: crc32.New(castagnoli)}
	e.bytes([]byte(magic))
	e.uint(version)
	for i := range x.Entries {
		if err := e.entry(&x.Entries[i]); err != nil {
			return e.n, err
		}
	}
	e.bytes([]byte{0})
	e.uint(uint64(len(x.Entries)))
	sum := binary.LittleEndian.AppendUint32(nil, e.crc.Sum32())
	e.bytes(sum)
	if e.err == nil {
		e.err = e.w.Flush()
	}
	if e.err != nil {
		return e.n, fmt.Errorf("write layer index: %w", e.err)
	}
	return e.n, nil
}

type encoder struct {
	w    *bufio.Writer
	crc  hash.Hash32
	prev string
	buf  []byte
	n    int64
	err  error
}

func (e *encoder) entry(x *Entry) error {
	if err := x.check(); err != nil {
		return fmt.Errorf("write layer index: %w", err)
	}
	if e.prev != "" && Compare(e.prev, x.Path) >= 0 {
		return fmt.Errorf("write layer index: %q does not sort after %q", x.Path, e.prev)
	}
	b := append(e.buf[:0], byte(x.Type), x.flags())
	n := shared(e.prev, x.Path)
	b = binary.AppendUvarint(b, uint64(n))
	b = appendString(b, x.Path[n:])
	b = binary.AppendUvarint(b, uint64(x.Mode))
	b = binary.AppendUvarint(b, uint64(x.UID))
	b = binary.AppendUvarint(b, uint64(x.GID))
	b = binary.AppendVarint(b, x.MTime.Unix())
	b = binary.AppendUvarint(b, uint64(x.MTime.Nanosecond()))
	switch x.Type {
	case Regular:
		b = binary.AppendUvarint(b, uint64(x.Size))
	case Hardlink:
		b = binary.AppendUvarint(b, uint64(x.Size))
		b = appendString(b, x.Link)
	case Symlink:
		b = appendString(b, x.Link)
	case Char, Block:
		b = binary.AppendUvarint(b, uint64(x.Major))
		b = binary.AppendUvarint(b, uint64(x.Minor))
	}
	if x.Digest != nil {
		b = append(b, x.Digest[:]...)
	}
	e.buf, e.prev = b, x.Path
	e.bytes(b)
	return nil
}

func (x *Entry) flags() byte {
	var f byte
	if x.Opaque {
		f |= flagOpaque
	}
	if x.Implied {
		f |= flagImplied
	}
	if x.Digest != nil {
		f |= flagDigest
	}
	return f
}

// check holds for everything that is written or read.
func (x *Entry) check() error {
	if err := checkPath(x.Path); err != nil {
		return err
	}
	switch {
	case !x.Type.valid():
		return fmt.Errorf("%q has unknown %v", x.Path, x.Type)
	case x.Mode > 0o7777:
		return fmt.Errorf("%q has mode %#o", x.Path, x.Mode)
	case x.Size < 0:
		return fmt.Errorf("%q has size %d", x.Path, x.Size)
	case len(x.Link) > maxPath:
		return fmt.Errorf("%q has a link of %d bytes", x.Path, len(x.Link))
	case x.Path == "." && x.Type != Directory:
		return fmt.Errorf("the root is a %v", x.Type)
	case (x.Opaque || x.Implied) && x.Type != Directory:
		return fmt.Errorf("%q is a %v with the flags of a directory", x.Path, x.Type)
	}
	if x.Type == Hardlink {
		return checkPath(x.Link)
	}
	return nil
}

func (e *encoder) uint(v uint64) { e.bytes(binary.AppendUvarint(nil, v)) }

func (e *encoder) bytes(b []byte) {
	if e.err != nil {
		return
	}
	e.crc.Write(b)
	n, err := e.w.Write(b)
	e.n += int64(n)
	e.err = err
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

const digestSize = sha256.Size
