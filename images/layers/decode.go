package layers

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"math"
	"slices"
	"time"

	"gantry/images"
)

// ReadIndex reads an encoded index into memory. What does not parse, is out of
// bounds or out of order is images.ErrCorrupt.
func ReadIndex(r io.Reader) (*Index, error) {
	x := &Index{}
	for e, err := range Scan(r) {
		if err != nil {
			return nil, err
		}
		x.Entries = append(x.Entries, e)
	}
	return x, nil
}

// Scan reads an encoded index entry by entry. The checksum stands at the end,
// so what was yielded is certain only once the sequence has ended without an
// error. It never holds more than one entry.
func Scan(r io.Reader) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		d := &decoder{r: bufio.NewReaderSize(r, 64<<10)}
		if err := d.header(); err != nil {
			yield(Entry{}, corrupt(err))
			return
		}
		for {
			e, err := d.entry()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(Entry{}, corrupt(err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

func corrupt(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read layer index: %w: %w", images.ErrCorrupt, err)
}

type decoder struct {
	r     *bufio.Reader
	raw   []byte // what was read since the last sum
	crc   uint32
	prev  string
	count uint64
	err   error // the first failure; later reads return zeros
}

func (d *decoder) header() error {
	if got := d.bytes(len(magic)); d.err == nil && string(got) != magic {
		return errors.New("not a layer index")
	}
	if v := d.uint(math.MaxUint32); d.err == nil && v != version {
		return fmt.Errorf("version %d, only %d is known", v, version)
	}
	return d.err
}

// entry returns io.EOF bare after the last one.
func (d *decoder) entry() (Entry, error) {
	typ := Type(d.byte())
	if d.err != nil {
		return Entry{}, corruptEOF(d.err)
	}
	if typ == 0 {
		return Entry{}, d.trailer()
	}
	if d.count++; d.count > maxEntries {
		return Entry{}, fmt.Errorf("more than %d entries", maxEntries)
	}
	e := Entry{Type: typ}
	flags := d.byte()
	if flags&^flagsKnown != 0 {
		return Entry{}, fmt.Errorf("unknown flags %#x", flags)
	}
	e.Opaque, e.Implied = flags&flagOpaque != 0, flags&flagImplied != 0
	e.Path = d.path()
	e.Mode = uint32(d.uint(0o7777))
	e.UID = uint32(d.uint(math.MaxUint32))
	e.GID = uint32(d.uint(math.MaxUint32))
	sec := d.int()
	e.MTime = time.Unix(sec, int64(d.uint(maxNanos)))
	d.fields(&e)
	if flags&flagDigest != 0 {
		e.Digest = new([digestSize]byte)
		copy(e.Digest[:], d.bytes(digestSize))
	}
	if d.err != nil {
		return Entry{}, corruptEOF(d.err)
	}
	return e, d.accept(&e)
}

// fields reads what only some types have.
func (d *decoder) fields(e *Entry) {
	switch e.Type {
	case Regular:
		e.Size = int64(d.uint(math.MaxInt64))
	case Hardlink:
		e.Size = int64(d.uint(math.MaxInt64))
		e.Link = d.string(maxPath)
	case Symlink:
		e.Link = d.string(maxPath)
	case Char, Block:
		e.Major = uint32(d.uint(math.MaxUint32))
		e.Minor = uint32(d.uint(math.MaxUint32))
	}
}

func (d *decoder) accept(e *Entry) error {
	d.sum()
	if err := e.check(); err != nil {
		return err
	}
	if d.prev != "" && Compare(d.prev, e.Path) >= 0 {
		return fmt.Errorf("%q does not sort after %q", e.Path, d.prev)
	}
	d.prev = e.Path
	return nil
}

func (d *decoder) path() string {
	n := d.uint(uint64(len(d.prev)))
	return d.prev[:n] + d.string(maxPath-n)
}

// trailer checks count and checksum and that nothing follows.
func (d *decoder) trailer() error {
	n := d.uint(math.MaxUint64)
	d.sum()
	want := d.crc
	sum := d.bytes(4)
	if d.err != nil {
		return corruptEOF(d.err)
	}
	if n != d.count {
		return fmt.Errorf("%d entries where %d were announced", d.count, n)
	}
	if binary.LittleEndian.Uint32(sum) != want {
		return errors.New("checksum does not match")
	}
	if _, err := d.r.ReadByte(); err != io.EOF {
		return errors.New("data after the end")
	}
	return io.EOF
}

// corruptEOF keeps a torn file apart from the end of the sequence.
func corruptEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

func (d *decoder) byte() byte {
	if d.err != nil {
		return 0
	}
	b, err := d.r.ReadByte()
	if err != nil {
		d.fail(err)
		return 0
	}
	d.raw = append(d.raw, b)
	return b
}

// sum takes what was read into the checksum, once per entry because a call for
// each byte would be most of the work.
func (d *decoder) sum() {
	d.crc = crc32.Update(d.crc, castagnoli, d.raw)
	d.raw = d.raw[:0]
}

// bytes reads n bytes, which stay valid until the next sum; callers bound n.
func (d *decoder) bytes(n int) []byte {
	at := len(d.raw)
	d.raw = slices.Grow(d.raw, n)[:at+n]
	b := d.raw[at:]
	if d.err == nil {
		_, err := io.ReadFull(d.r, b)
		d.err = err
	}
	if d.err != nil {
		clear(b)
	}
	return b
}

func (d *decoder) uint(limit uint64) uint64 {
	var v uint64
	for shift := 0; shift < 64; shift += 7 {
		b := d.byte()
		if shift == 63 && b > 1 {
			break
		}
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			if v > limit {
				d.fail(fmt.Errorf("number %d is above %d", v, limit))
				return 0
			}
			return v
		}
	}
	d.fail(errors.New("number of more than 64 bits"))
	return 0
}

func (d *decoder) int() int64 {
	u := d.uint(math.MaxUint64)
	return int64(u>>1) ^ -int64(u&1)
}

func (d *decoder) string(limit uint64) string {
	n := d.uint(limit)
	return string(d.bytes(int(n)))
}
