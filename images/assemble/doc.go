// Package assemble puts images together: it turns the tar stream of a changed
// file system into a layer, and layers and a configuration into an image.
// Commits, imports and loads share it; it decides how layers are
// compressed, and nobody else does.
//
// The invariant: the same tar gives the same blob, today and on another machine.
// The blob of a layer depends on the compressor's level and block size, so that
// these are constants here and no options.
package assemble
