package local

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/runspec"
)

// mappedDevices are the devices of the host that a container is given: each
// named node, or every node below a named directory. A link is followed, as in
// docker, and the node that it leads to gets the name in the container.
func mappedDevices(list []engine.DeviceMapping) ([]runspec.Device, error) {
	var out []runspec.Device
	for _, m := range list {
		access := cmp.Or(m.CgroupPermissions, "rwm")
		if err := runspec.CheckAccess(access); err != nil {
			return nil, err
		}
		real, err := filepath.EvalSymlinks(m.PathOnHost)
		if err != nil {
			return nil, fmt.Errorf("%w device %s: %w", engine.ErrInvalid, m.PathOnHost, err)
		}
		found, err := devicesBelow(real, cmp.Or(m.PathInContainer, m.PathOnHost), access)
		if err != nil {
			return nil, fmt.Errorf("device %s: %w", m.PathOnHost, err)
		}
		out = append(out, found...)
	}
	return out, nil
}

func devicesBelow(top, inside, access string) (out []runspec.Device, err error) {
	fi, err := os.Stat(top)
	if err != nil {
		return nil, err
	}
	if !fi.IsDir() {
		d, err := deviceAt(top)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: it is no device", engine.ErrInvalid)
		}
		d.Path = path.Clean(inside)
		return []runspec.Device{{LinuxDevice: d, Access: access}}, err
	}
	err = filepath.WalkDir(top, func(p string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || e.Type()&fs.ModeDevice == 0 {
			return err
		}
		d, err := deviceAt(p)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		d.Path = path.Join(inside, strings.TrimPrefix(p, top))
		out = append(out, runspec.Device{LinuxDevice: d, Access: access})
		return err
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("%w: there are no devices in it", engine.ErrInvalid)
	}
	return out, err
}

// blockNumbers is runspec.BlockNumbers of this host.
func blockNumbers(path string) (major, minor int64, err error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0, 0, fmt.Errorf("%w block device: %w", engine.ErrInvalid, &os.PathError{Op: "stat", Path: path, Err: err})
	}
	if st.Mode&unix.S_IFMT != unix.S_IFBLK {
		return 0, 0, fmt.Errorf("%w block device %s: it is none", engine.ErrInvalid, path)
	}
	return int64(unix.Major(uint64(st.Rdev))), int64(unix.Minor(uint64(st.Rdev))), nil
}
