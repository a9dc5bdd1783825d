package content

import (
	"os"

	"golang.org/x/sys/unix"
)

// Selection is what was found for the sources of one step, in the order in which
// it is to be copied.
type Selection struct {
	Groups []Group

	tree  *Tree
	mount bool
}

// Group is one source, or one of the names that a pattern matched.
type Group struct {
	Source string // as written
	Name   string // its last component: what a file is called at a destination that is a directory
	Path   string // where it is in the tree, without links
	// Entries begin with the source itself. What a directory holds follows,
	// parents before children, in order of the names.
	Entries []Entry
}

// IsDir tells whether the source is a directory.
func (g *Group) IsDir() bool { return g.Entries[0].node.isDir() }

// Entry is one file, directory or whatever else has a name.
type Entry struct {
	Path string // below the group's source, "" for that itself
	// Implied is set for a directory that was not selected, but is the parent of
	// something that was.
	Implied bool

	node   *node
	owners bool // as on disk, else root
}

// Type is the S_IFMT part of the mode.
func (e *Entry) Type() uint32 { return e.node.kind() }

// Mode is permissions, set-id and sticky bits.
func (e *Entry) Mode() uint32 { return e.node.st.Mode & 0o7777 }

// Owner of the entry.
func (e *Entry) Owner() (uid, gid uint32) {
	if !e.owners {
		return 0, 0
	}
	return e.node.st.Uid, e.node.st.Gid
}

// Size of a regular file.
func (e *Entry) Size() int64 { return e.node.st.Size }

// MTime is when it was last written.
func (e *Entry) MTime() unix.Timespec { return e.node.st.Mtim }

// Link is the target of a symbolic link.
func (e *Entry) Link() string { return e.node.link }

// Device is the number of a device node.
func (e *Entry) Device() uint64 { return e.node.st.Rdev }

// Inode identifies the file among those with several names; ok is false for one
// that has a single name.
func (e *Entry) Inode() (id [2]uint64, ok bool) {
	st := &e.node.st
	return [2]uint64{st.Dev, st.Ino}, st.Nlink > 1 && !e.node.isDir()
}

// Size is the bytes of all regular files.
func (s *Selection) Size() int64 {
	var total int64
	for _, g := range s.Groups {
		for i := range g.Entries {
			if e := &g.Entries[i]; e.Type() == unix.S_IFREG {
				total += e.Size()
			}
		}
	}
	return total
}

// Len is the number of entries.
func (s *Selection) Len() int {
	n := 0
	for _, g := range s.Groups {
		n += len(g.Entries)
	}
	return n
}

// Open opens an entry and makes sure that it is still what was selected. A
// regular file can be read; anything else is an O_PATH descriptor.
func (s *Selection) Open(e *Entry) (*os.File, error) {
	flags := unix.O_RDONLY
	if e.Type() != unix.S_IFREG {
		flags = unix.O_PATH
	}
	name := e.node.path()
	f, err := s.tree.open(name, flags)
	if err != nil {
		return nil, inPath("read", name, err)
	}
	if err := s.Unchanged(e, f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Unchanged makes sure that f, which Open returned for e, is as it was when it
// was selected. Whoever has read the file asks once more.
func (s *Selection) Unchanged(e *Entry, f *os.File) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return inPath("read", e.node.path(), err)
	}
	if identify(&st) != identify(&e.node.st) {
		return changed(e.node.path())
	}
	return nil
}
