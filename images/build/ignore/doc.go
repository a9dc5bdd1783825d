// Package ignore reads .dockerignore files and tells what they leave out of a
// build context.
//
// It decides about names only, one after the other and parents first, because
// what a pattern says of a directory holds for all below it unless a later
// exception takes it back. Who walks the tree keeps the State of each directory
// and asks Reaches before it gives up on one that is left out.
//
// The invariant: what matches is moby/patternmatcher's finding, never our own;
// Reaches may only be wrong by saying yes.
package ignore
