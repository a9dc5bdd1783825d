package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sort"
)

const (
	indexHead  = "gantryidx\x00\x00\x00\x01\x00\x00\x00" // name and version
	indexEntry = 16
	indexEvery = 64 << 10 // bytes of segment between two entries
)

// mark is one index entry: a record with this time starts at this offset.
type mark struct {
	nano   int64
	offset int64
}

func (m mark) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(m.nano))
	return binary.LittleEndian.AppendUint64(b, uint64(m.offset))
}

// index reads the entries of one segment.
type index struct {
	f *os.File
	n int // whole entries; a torn last one does not count
}

// openIndex returns an empty index for a file that is missing or not ours.
func openIndex(path string) (*index, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &index{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	fi, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("stat index %s: %w", path, err)
	}
	head := make([]byte, len(indexHead))
	if _, err := io.ReadFull(f, head); err != nil || string(head) != indexHead {
		f.Close()
		return &index{}, nil
	}
	return &index{f: f, n: int((fi.Size() - int64(len(indexHead))) / indexEntry)}, nil
}

func (x *index) close() {
	if x.f != nil {
		x.f.Close()
	}
}

func (x *index) at(i int) (mark, error) {
	var b [indexEntry]byte
	if _, err := x.f.ReadAt(b[:], int64(len(indexHead))+int64(i)*indexEntry); err != nil {
		return mark{}, err
	}
	return mark{
		nano:   int64(binary.LittleEndian.Uint64(b[:8])),
		offset: int64(binary.LittleEndian.Uint64(b[8:])),
	}, nil
}

// before returns an offset from which a forward scan meets every record whose
// time is nano or later; 0 when the index cannot tell. An entry with the same
// time does not do: records ahead of it may share it.
func (x *index) before(nano int64) int64 {
	var failed error
	i := sort.Search(x.n, func(i int) bool {
		m, err := x.at(i)
		if err != nil {
			failed = err
			return true
		}
		return m.nano >= nano
	})
	if failed != nil || i == 0 {
		return 0
	}
	m, err := x.at(i - 1)
	if err != nil || m.offset < 0 {
		return 0
	}
	return m.offset
}
