// Package snapshot gives a container its root filesystem: a writable directory
// over the shared, read-only directories of its image's layers.
//
// Which way it does so depends on the file system under the state root, is
// found out by trying (probe.go) and shown to users as the driver's kind:
//
//	overlay  upper/ and work/ under the container, mounted over the layers
//	reflink  rootfs/ under the container, a copy that shares its blocks (FICLONE)
//	copy     rootfs/ under the container, a plain copy
//
// The latter two merge the layers themselves (copy.go) and are what is left
// where overlayfs cannot have its upper directory, above all on an overlayfs.
//
// Life of a snapshot: Create makes its directories once; Mount gives a
// detached mount of it as often as wanted, which is nowhere in the file tree
// until Attach puts it there, and is gone with its last descriptor; Remove
// deletes it.
//
// The invariant: nothing here leaves a mount in the caller's mount namespace,
// whenever the process dies, and nobody writes to upper/ behind a live mount
// (overlayfs.rst, "Changes to underlying filesystems").
//
// The package is linked into the container monitor: standard library and
// golang.org/x/sys/unix only.
package snapshot
