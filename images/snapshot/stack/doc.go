// Package stack reads directories in overlay form that lie on one another, as
// overlayfs would show them, without mounting anything: unpack asks it what
// the layers below hold, and the copying snapshot drivers merge a root
// filesystem with it.
//
// Overlay form is what overlayfs keeps in its layers (kernel
// Documentation/filesystems/overlayfs.rst): a deleted name is a character
// device 0:0, a directory that hides the one below has the extended attribute
// trusted.overlay.opaque. Where the file system under the state root refuses
// these marks, because it is an overlayfs itself, gantry writes private ones
// (see marks.go); every reader here understands both.
//
// The invariant: all access goes by file descriptors of the layer roots and by
// paths that hold no symlink, so nothing here can be led out of a layer.
//
// The package is linked into the container monitor: standard library and
// golang.org/x/sys/unix only.
package stack
