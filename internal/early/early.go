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
	"strings"

	"gantry/engine"
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
		monitor = prepare(os.Args)
	}
}

// monitor was started ahead for a container that this process will probably run.
var monitor *shim.Early

// Monitor returns it, nil where there is none. It serves one container.
func Monitor() *shim.Early { return monitor }

// prepare starts a monitor when the command line says that a container is to
// run. It need not be right: a monitor that nobody tells to begin ends with this
// process, and where there is none it is started later.
func prepare(args []string) *shim.Early {
	if !runs(args) {
		return nil
	}
	defer calm()
	return shim.PrepareEarly(place("GANTRY_ROOT", engine.DefaultRoot), place("GANTRY_RUN", engine.DefaultRun))
}

// runs tells whether the command line begins with the verb run and leaves the
// engine's directories alone.
func runs(args []string) bool {
	if len(args) > 1 && args[1] == "container" {
		args = args[1:]
	}
	if len(args) < 3 || args[1] != "run" {
		return false
	}
	for _, a := range args[2:] {
		if strings.HasPrefix(a, "--root") || strings.HasPrefix(a, "--run") || a == "--help" || a == "-h" {
			return false
		}
	}
	return true
}

func place(variable, def string) string {
	if dir := os.Getenv(variable); dir != "" {
		return dir
	}
	return def
}
