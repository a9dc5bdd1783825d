// Package record keeps the engine's state in small files: versioned JSON
// records that are replaced as a whole, locks between processes, the index of
// unique names, and the facts that tell one process or boot from another.
// There is no daemon, so every gantry process reads and writes them itself.
//
// It is not a database: it has no transactions over several records. What must
// change together with an event goes through engine/events, Commit.
//
// Invariant: a record is never changed in place. Writers make a new file next
// to it and rename, so a reader needs no lock and sees one version or the
// other. A lock file, on the other hand, is never renamed or unlinked: the lock
// sits on the inode, and two inodes would be two locks.
//
// # Order of locks
//
//	restart < index < container < image < network < anything else < journal
//
// Whoever holds a lock takes only locks further right, and of one kind in
// ascending order of id. Test binaries, and programs under GANTRY_DEBUG=locks,
// panic when the order is broken.
//
// The container monitor links this package: it imports the standard library
// without net, and golang.org/x/sys/unix.
package record
