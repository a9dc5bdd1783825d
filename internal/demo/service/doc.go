// Package service is the program inside the containers of gantry's demo: small
// services that write logs in several formats and use a little of the
// processor, of memory and of the disk, in a rhythm, so that a workbench has
// something to show. They talk to nobody: they have no network.
//
// What they tell fits together all the same, because all follow one clock:
// once a minute the store is slow, and then web answers with errors and the
// queue tries again (story.go).
//
// It is a role of gantry's own binary, so that the demo's image needs nothing
// but that one file, and it runs before anything heavy initialises
// (internal/early). The invariant: it imports the standard library without what
// internal/early's test forbids, and uses at most a seventh of a core in total.
package service
