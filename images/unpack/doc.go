// Package unpack turns layer archives into directories and back.
//
// Layer unpacks one tar stream without knowing the layers below it, so that the
// layers of an image are unpacked in parallel while they download; in the same
// pass it computes the DiffID and the index of the layer's files. The result
// is a directory in overlay form (see images/snapshot/stack), usable as a lower
// directory of overlayfs.
//
// Most archives mean the same over any parent. What does depend on the layers
// below is noted in Result.Fixups:
//
//	a directory that the tar only implies     takes the attributes of the one below
//	the root directory, when it has no entry  likewise
//	a path through a symlink of a lower layer lands where the symlink points
//	a hard link to a file of a lower layer    needs that file
//	a whiteout of what is not there           would show up in listings
//	an opaque root directory                  overlayfs knows no such thing
//
// Fix settles these once the directories below are there. A layer that it had
// to change is called dependent and is of use only over the same parents; any
// other is shared by all images that have it.
//
//	r   := Decompress(blob)
//	res := Layer(ctx, r, Options{Rootfs: dir})          in parallel
//	dep := Fix(ctx, dir, lowers, res, again)            in order, bottom first
//
// How an archive is applied: all names are resolved in a tree that is kept in
// memory (tree.go), symlinks included, as if the archive's root were "/". The
// file system only ever sees paths that are free of symlinks and stay beneath
// the root's descriptor (openat2 with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS).
// The attributes of directories are set at the very end, because whatever is
// created in a directory changes its times, and a set-group-id bit or default
// ACL changes what is created.
//
// The invariant that a newcomer would break: nothing may act on a name from the
// archive except through tree, and nothing may be learned from the file system
// that the tree does not know already.
//
// Archives are hostile until proven otherwise: what tries to leave the root, to
// forge overlay's marks or to exhaust the host is images.ErrHostile, what makes
// no sense is images.ErrCorrupt, and either error names the entry.
package unpack
