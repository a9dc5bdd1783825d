package unpack

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"gantry/images/layers"
	"gantry/images/snapshot/stack"
)

// node is a name in the layer's tree. A whiteout has no inode.
type node struct {
	name   string
	parent *node // nil for the root
	ino    *inode
	kids   map[string]*node

	opaque  bool // a directory that hides what lies below it
	implied bool // a directory without an entry of its own
	fresh   bool // a directory that the layer deleted below and then made anew

	depth   int
	pathLen int
}

// inode is what the names of a hard link group share.
type inode struct {
	typ          layers.Type
	attr         stack.Attr
	size         int64
	link         string // target of a symlink
	major, minor uint32
	digest       *[32]byte
	indexed      string // path under which the index has it
}

func (n *node) isDir() bool      { return n.ino != nil && n.ino.typ == layers.Directory }
func (n *node) isSymlink() bool  { return n.ino != nil && n.ino.typ == layers.Symlink }
func (n *node) isWhiteout() bool { return n.ino == nil }

// hides tells whether nothing of the lower layers shows in the directory. It
// looks at the parents each time because an opaque whiteout may come after
// what it covers.
func (n *node) hides() bool {
	for ; n != nil; n = n.parent {
		if n.opaque {
			return true
		}
	}
	return false
}

// path is relative to the root, "." for the root itself.
func (n *node) path() string {
	if n.parent == nil {
		return "."
	}
	var parts []string
	for ; n.parent != nil; n = n.parent {
		parts = append(parts, n.name)
	}
	slices.Reverse(parts)
	return strings.Join(parts, "/")
}

// within tells whether n is dir or lies below it.
func (n *node) within(dir *node) bool {
	for ; n != nil; n = n.parent {
		if n == dir {
			return true
		}
	}
	return false
}

// adopt hangs a new name into the tree. This is the one place where nodes come
// into being, so the bounds of names and paths are checked here, after symlinks
// have been followed.
func (n *node) adopt(name string, ino *inode, depth int) (*node, error) {
	k := &node{name: name, parent: n, ino: ino, depth: n.depth + 1, pathLen: n.pathLen + 1 + len(name)}
	switch {
	case len(name) > maxName:
		return nil, hostile("a name of %d bytes", len(name))
	case strings.HasPrefix(name, whiteoutPrefix):
		return nil, hostile("whiteout %q reached through a symlink", name)
	case k.depth > depth:
		return nil, hostile("path of more than %d components", depth)
	case k.pathLen > maxPath:
		return nil, hostile("path of more than %d bytes", maxPath)
	}
	if n.kids == nil {
		n.kids = map[string]*node{}
	}
	n.kids[name] = k
	return k, nil
}

// sorted returns the children in the order of the index.
func (n *node) sorted() []*node {
	kids := make([]*node, 0, len(n.kids))
	for _, k := range n.kids {
		kids = append(kids, k)
	}
	slices.SortFunc(kids, func(a, b *node) int { return strings.Compare(a.name, b.name) })
	return kids
}

// maxLinks is the kernel's bound on symlinks in one path (namei.h, MAXSYMLINKS).
const maxLinks = 40

// walk follows a path from the root through directories and symlinks, as the
// kernel would if the root were "/". find returns the child of a directory; nil
// ends the walk without an error.
func walk(root *node, dir string, find func(*node, string) (*node, error)) (*node, error) {
	cur, links := root, 0
	todo := push(nil, dir)
	for len(todo) > 0 {
		name := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if name == "" || name == "." {
			continue
		}
		if name == ".." {
			if cur.parent != nil {
				cur = cur.parent
			}
			continue
		}
		next, err := find(cur, name)
		if err != nil || next == nil {
			return nil, err
		}
		switch {
		case next.isDir():
			cur = next
		case next.isSymlink():
			if links++; links > maxLinks {
				return nil, hostile("more than %d symlinks on the way", maxLinks)
			}
			if path.IsAbs(next.ino.link) {
				cur = root
			}
			todo = push(todo, next.ino.link)
		default:
			return nil, fmt.Errorf("%q is %w", path.Join(cur.path(), name), errNotDir)
		}
	}
	return cur, nil
}

// push puts the components of p onto a stack, the first one on top.
func push(todo []string, p string) []string {
	parts := strings.Split(p, "/")
	slices.Reverse(parts)
	return append(todo, parts...)
}
