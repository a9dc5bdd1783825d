package volume

import (
	"fmt"
	"os"
	"path"
	"strings"

	"gantry/engine"
)

// checkOptions takes the options of docker's local driver: a directory of the
// host (type=none, device=DIR, o=bind), or a file system to be mounted.
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
		_, err := mountPlan(o)
		return err
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

// bindDevice is the directory of a volume that lies elsewhere, and needs no
// mount of its own: there are no options that only a mount can have.
func bindDevice(o map[string]string) string {
	kind, bind := o["type"], false
	for word := range strings.SplitSeq(o["o"], ",") {
		switch word {
		case "bind", "rbind":
			bind = true
		case "", "rw", "defaults":
		default:
			return ""
		}
	}
	if !bind || kind != "" && kind != "none" && kind != "bind" {
		return ""
	}
	return o["device"]
}
