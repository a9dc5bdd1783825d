package runspec

import (
	"fmt"
	"path/filepath"

	"github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine"
)

// Volume is a volume of the container, made and resolved. HostConfig.Mounts of
// the type "volume" are not looked at.
type Volume struct {
	Source      string // directory on the host
	Destination string
	Subpath     string
	ReadOnly    bool
}

func volumeMounts(volumes []Volume) ([]specs.Mount, error) {
	out := make([]specs.Mount, 0, len(volumes))
	for _, v := range volumes {
		dest, err := target(v.Destination)
		if err != nil {
			return nil, err
		}
		options := []string{"rbind", "rprivate", "rw"}
		if v.ReadOnly {
			options[2] = "ro"
		}
		if v.Subpath != "" {
			if err := CheckSubpath(v.Subpath); err != nil {
				return nil, err
			}
			options = append(options, engine.SubpathOption+v.Subpath)
		}
		out = append(out, specs.Mount{Destination: dest, Type: "bind", Source: v.Source, Options: options})
	}
	return out, nil
}

// CheckSubpath wants a relative path that stays below its volume.
func CheckSubpath(p string) error {
	if !filepath.IsLocal(p) {
		return fmt.Errorf("%w volume subpath %q: it must be a relative path within the volume", engine.ErrInvalid, p)
	}
	return nil
}
