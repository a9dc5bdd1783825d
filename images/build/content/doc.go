// Package content tells what the inputs of a build step are by what is in them:
// files of the build context, of another stage or of an image.
//
// A Tree reads a directory behind its descriptor, directory by directory as far
// as somebody asks, and leaves out what an ignore file names. Select takes the
// sources of COPY, ADD or a bind mount from it. The Selection has a digest of
// names, types, modes, owners, link targets, extended attributes and bytes, and
// never of times, and opens each file for whoever copies it.
//
//	t := content.Open(dir, content.Options{...})
//	s := t.Select(ctx, content.Request{Sources: []string{"src/*.go"}})
//	s.Digest(ctx)       the cache key's part; reads what the stat cache does not know
//
// No path leads out of the tree: names are resolved among the nodes that were
// read, as if the root were "/", and the kernel only gets paths free of links,
// beneath the root's descriptor.
//
// The invariant: a digest is that of bytes which were there, unchanged, while
// they were read and when they were copied. A file that changes meanwhile is
// ErrChanged, which names it; the stat cache never vouches for a file that could
// change without its times showing it.
package content
