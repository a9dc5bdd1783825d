// Package early turns this process into a container's monitor or its reaper
// before the heavy packages of the program initialise: those two roles run once
// per container, and must start fast and stay small.
//
// It works because packages initialise in the order of their import paths as
// soon as what they import is ready (since Go 1.21). So this package may import
// the standard library's light part, golang.org/x/sys/unix and gantry packages
// that hold to the same; its test counts what initialises before it. Whoever
// gets past it is any other role, which main picks.
package early

import (
	"os"

	"gantry/engine/ociruntime"
	"gantry/engine/shim"
)

// The one init in this program that does work.
func init() {
	if len(os.Args) == 0 {
		return
	}
	switch os.Args[0] {
	case ociruntime.InitName:
		ociruntime.InitMain()
	case shim.Name:
		shim.Main()
	}
}
