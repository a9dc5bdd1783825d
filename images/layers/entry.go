package layers

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
)

// Type is the kind of an entry.
type Type uint8

const (
	Regular Type = iota + 1
	Directory
	Symlink
	Hardlink // another name of the file at Link, which comes earlier
	Char
	Block
	FIFO
	Whiteout // hides what lower layers hold at the path
)

var typeNames = [...]string{
	Regular: "file", Directory: "directory", Symlink: "symlink", Hardlink: "hardlink",
	Char: "char", Block: "block", FIFO: "fifo", Whiteout: "whiteout",
}

func (t Type) valid() bool { return t >= Regular && t <= Whiteout }

func (t Type) String() string {
	if !t.valid() {
		return fmt.Sprintf("type(%d)", uint8(t))
	}
	return typeNames[t]
}

// Entry is one name in a layer.
type Entry struct {
	Path string // clean, relative, without leading slash; "." is the layer's root
	Type Type

	Mode  uint32 // permission, set-id and sticky bits
	UID   uint32
	GID   uint32
	Size  int64 // of a regular file and of its further hard links
	MTime time.Time
	Link  string // target of a symlink as written, or path that a hardlink shares its file with

	Major, Minor uint32 // of devices

	Opaque  bool // a directory that hides the one of the layers below
	Implied bool // a directory that only its content implies: its attributes are those of the one below

	Digest *[sha256.Size]byte // of the content of a regular file; nil when it was not computed
}

// Index lists the files of one layer, sorted by Compare.
type Index struct {
	Entries []Entry
}

// Compare orders paths so that a directory is followed by all it holds: as
// strings would be if the slash sorted before any other byte. The root, ".",
// comes first.
func Compare(a, b string) int {
	if a == b {
		return 0
	}
	if a == "." {
		return -1
	}
	if b == "." {
		return 1
	}
	n := shared(a, b)
	switch {
	case n == len(a):
		return -1
	case n == len(b):
		return 1
	case a[n] == '/':
		return -1
	case b[n] == '/':
		return 1
	}
	return int(a[n]) - int(b[n])
}

// Find returns the entry of a path, nil when the layer has none.
func (x *Index) Find(path string) *Entry {
	lo, hi := 0, len(x.Entries)
	for lo < hi {
		mid := (lo + hi) / 2
		switch c := Compare(x.Entries[mid].Path, path); {
		case c == 0:
			return &x.Entries[mid]
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return nil
}

// Size is the number of bytes that the layer's files hold, hard links counted
// once.
func (x *Index) Size() int64 {
	var n int64
	for i := range x.Entries {
		if x.Entries[i].Type == Regular {
			n += x.Entries[i].Size
		}
	}
	return n
}

// shared is the length of the common prefix.
func shared(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// checkPath refuses what no unpacked layer can hold.
func checkPath(p string) error {
	if p == "." {
		return nil
	}
	if p == "" || len(p) > maxPath || strings.IndexByte(p, 0) >= 0 {
		return fmt.Errorf("path of %d bytes", len(p))
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == "" || part == "." || part == ".." {
			return fmt.Errorf("path %q is not clean", p)
		}
	}
	return nil
}
