// Package runspec turns what a user asked for, what the image says and what
// the host offers into an OCI runtime spec. It is pure: the same input gives
// the same spec, and nothing is read from the host. engine/local calls it when
// a container is created.
//
// Defaults are docker's, so that an image behaves as it does there: 14
// capabilities, masked and read-only paths, the mounts of moby's oci package.
//
// The invariant: nothing of the caller's own environment reaches the spec
// unless an option names it.
package runspec
