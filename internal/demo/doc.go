// Package demo makes and removes an app of five containers to look at, without
// a network: its image holds nothing but gantry's own binary, a role of which
// is the program in the containers (internal/demo/service).
//
// The command line and the workbench call it, with whatever engine they have.
//
// The invariant: it touches only what carries its label. Containers with that
// label are the demo; everything else is the user's, also when it has one of
// the demo's names or runs the demo's image.
package demo
