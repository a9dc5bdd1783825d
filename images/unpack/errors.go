package unpack

import (
	"fmt"

	"gantry/images"
)

func hostile(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), images.ErrHostile)
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), images.ErrCorrupt)
}

// errNotDir ends a path that goes on behind what is no directory.
var errNotDir = corrupt("not a directory")

// inEntry names the archive's entry. A PAX name may have a megabyte, so it is
// cut.
func inEntry(name string, err error) error {
	const most = 256
	if len(name) > most {
		name = name[:most] + "…"
	}
	return fmt.Errorf("unpack entry %q: %w", name, err)
}
