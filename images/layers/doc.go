// Package layers holds what gantry knows of a layer without unpacking or
// mounting it: the index of its files, written on the way through unpack and
// read by the layer view.
//
// Everything here is pure: no file system, no network, only values and
// streams. An index is input like any other, because whoever can write the
// state root or hand over an archive can change it; so reading is bounded and
// checks each field.
//
// The invariant: the entries of an index are sorted by Compare, each path
// once. A directory therefore comes right before everything below it, and two
// indexes are compared by walking both once.
package layers
