// Package archive carries images between the store and single files: docker
// archives (docker save), OCI image layouts in a tar, and tars of a root file
// system (docker import). The engine calls it for save, load and import.
//
// Save writes one archive that is both: its index.json makes it an OCI layout,
// its manifest.json what docker load reads, and both share the blobs.
//
// Load takes what docker, podman, skopeo, buildkit and crane write:
//
//	manifest.json with <id>/layer.tar or <hex>.tar      docker < 25, podman, crane
//	manifest.json and index.json with blobs/sha256      docker ≥ 25, gantry
//	index.json with blobs/sha256, indexes nested        skopeo oci-archive, buildkit
//
// plain or compressed. The members may come in any order, and the documents
// that give them a meaning often come last, so everything large goes straight
// into the store as a blob and everything small is kept in memory until the end
// of the tar; what turns out to be needed by no image is discarded then.
//
// The invariant: nothing from an archive is ever written under a name from the
// archive. Members are keys of a map, blobs are named by the digest of their
// bytes, and only images/unpack makes files. An image becomes known when all of
// it was verified, one image after the other.
package archive
