// Package images is the vocabulary of everything that stores, moves or unpacks
// container images: references, digests, platforms, image configuration and
// progress. It holds plain values and pure functions only and imports nothing
// but the standard library, because the container monitor links it.
//
// The implementations live below it: images/store, images/registry,
// images/archive, images/unpack, images/snapshot and images/layers. None of
// them imports engine/*.
package images
