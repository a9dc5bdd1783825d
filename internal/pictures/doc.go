// Command pictures makes the pictures of the documentation: it runs the real
// program with its demo on a virtual terminal, presses the keys that each
// picture's scene names, and draws what is on the screen (internal/vt/svg).
//
//	sudo go run ./internal/pictures [-gantry bin/gantry] [-mirror HOST] [SCENE...]
//
// It works in mount and host name namespaces of its own, so that the paths and
// names in the pictures are those of any machine, and nothing that it makes is
// left behind or mixed with the user's containers.
package main
