// Package early turns this process into a container's monitor, its reaper or a
// service of the demo before the heavy packages of the program initialise:
// those roles run once per container, and must start fast and stay small.
//
// It works because of all packages whose imports are ready the first by import
// path initialises next (since Go 1.21): "gantry/…" comes before "github.com/…".
// So this package and all that it imports must need nothing that comes late in
// that order, or the packages of others get their turn before: of the standard
// library not even path/filepath. Its test knows which, and counts what
// initialises before it. Whoever gets past it is any other role; main picks it.
package early

import (
	"os"

	"gantry/engine/ociruntime"
	"gantry/engine/shim"
	"gantry/internal/demo/service"
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
	default:
		service.Dispatch(os.Args)
	}
}
