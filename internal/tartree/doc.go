// Package tartree writes directory trees as tar streams and takes them in again,
// for gantry cp, export and commit.
//
// The trees may be those of a container that runs and is hostile: it may swap a
// directory for a link between any two system calls. So both directions work by
// descriptors. Writer opens every entry by the descriptor of its directory and
// the entry's name without following it, looks at what it has opened, and opens
// that again for reading. Extract resolves the directory of every entry with
// openat2 and RESOLVE_IN_ROOT, for which links and ".." end at the root.
//
// The invariant: nothing here uses a path that the kernel may resolve outside of
// the root's descriptor.
package tartree
