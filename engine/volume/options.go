package volume

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"gantry/engine"
)

// checkOptions takes the options of docker's local driver, as far as they put
// the volume into a directory of the host: type=none, device=DIR, o=bind.
func checkOptions(o map[string]string) error {
	for key := range o {
		if key != "type" && key != "device" && key != "o" {
			return fmt.Errorf("%w volume option %q: there are type, device and o", engine.ErrInvalid, key)
		}
	}
	if len(o) == 0 {
		return nil
	}
	dir := bindDevice(o)
	if dir == "" {
		return fmt.Errorf("%w volume options: only o=bind with device=DIRECTORY can be had; for a file system of another kind mount it on the host and name the directory", engine.ErrUnsupported)
	}
	if !path.IsAbs(dir) {
		return fmt.Errorf("%w volume option device=%s: want an absolute path", engine.ErrInvalid, dir)
	}
	fi, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("%w volume option device=%s: %w", engine.ErrInvalid, dir, err)
	}
	if !fi.IsDir() {
		return fmt.Errorf("%w volume option device=%s: it is not a directory", engine.ErrInvalid, dir)
	}
	return nil
}

// bindDevice is the directory of a volume that lies elsewhere.
func bindDevice(o map[string]string) string {
	words := strings.Split(o["o"], ",")
	kind := o["type"]
	if (kind != "" && kind != "none" && kind != "bind") || !slices.Contains(words, "bind") && !slices.Contains(words, "rbind") {
		return ""
	}
	return o["device"]
}
