package unpack

// Whiteouts concern the layers below and never what the layer itself holds,
// whatever the order in the archive (layer.md, "Whiteouts" and "Opaque
// Whiteout"). A directory that so far only whiteouts have implied is not
// something that the layer holds: tools that write both foo/.wh.bar and .wh.foo
// mean that foo is gone.

// hide is an opaque whiteout: the directory shows nothing of the layers below.
func (u *unpacker) hide(dir *node) error {
	for name, k := range dir.kids {
		if !k.isDir() || k.holds() {
			continue
		}
		if err := u.clear(dir, name); err != nil {
			return err
		}
		delete(dir.kids, name)
	}
	if !dir.hides() {
		dir.opaque = true
	}
	return nil
}

// delete is a whiteout of one name.
func (u *unpacker) delete(parent *node, name string) error {
	old := parent.kids[name]
	switch {
	case old == nil && parent.hides(), old != nil && old.isWhiteout():
		return nil
	case old != nil && old.isDir() && old.holds():
		old.fresh = true
		return u.hide(old)
	case old != nil && !old.isDir():
		return nil
	}
	if err := u.clear(parent, name); err != nil {
		return err
	}
	_, err := parent.adopt(name, nil, u.opts.Limits.Depth)
	return err
}

// holds tells whether the layer has an entry for the node or anything in it.
func (n *node) holds() bool {
	if n.isWhiteout() {
		return false
	}
	if !n.implied {
		return true
	}
	for _, k := range n.kids {
		if k.holds() {
			return true
		}
	}
	return false
}
