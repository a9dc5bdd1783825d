package cli

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-units"

	"gantry/engine"
)

var propagations = []string{"private", "rprivate", "shared", "rshared", "slave", "rslave"}

// parseVolume reads -v [SOURCE:]TARGET[:OPTIONS]. A source that is no path is a
// volume's name; without a source the mount has none, which is an anonymous
// volume. As in docker a missing path is made, and a relative one that begins
// with a dot is taken from the working directory.
func parseVolume(s string) (engine.Mount, error) {
	bad := func(format string, args ...any) (engine.Mount, error) {
		return engine.Mount{}, fmt.Errorf("volume %q: "+format, append([]any{s}, args...)...)
	}
	parts := strings.Split(s, ":")
	if len(parts) > 3 || slices.Contains(parts, "") {
		return bad("want TARGET, SOURCE:TARGET or SOURCE:TARGET:OPTIONS")
	}
	if len(parts) == 1 {
		return checkTarget(engine.Mount{Type: "volume", Target: parts[0]})
	}
	m := engine.Mount{Type: "bind", Source: parts[0], Target: parts[1]}
	switch {
	case strings.HasPrefix(m.Source, "."):
		abs, err := filepath.Abs(m.Source)
		if err != nil {
			return bad("%w", err)
		}
		m.Source = abs
	case !filepath.IsAbs(m.Source):
		if engine.CheckName(m.Source) != nil {
			return bad("%q is no name of a volume (2 or more of letters, digits, _ . -), and a directory is given with an absolute path or one that begins with ./", m.Source)
		}
		m.Type, m.Mode = "volume", "z"
	}
	if m.Type == "bind" {
		bindOptions(&m).CreateMountpoint = true
	}
	if len(parts) == 3 {
		m.Mode = parts[2]
		for opt := range strings.SplitSeq(parts[2], ",") {
			if err := volumeOption(&m, opt); err != nil {
				return bad("%w", err)
			}
		}
	}
	return checkTarget(m)
}

func volumeOption(m *engine.Mount, opt string) error {
	switch opt {
	case "ro", "readonly":
		m.ReadOnly = true
	case "rw":
		m.ReadOnly = false
	case "cached", "delegated", "consistent":
		// These mean something on macOS only.
	case "nocopy":
		if m.Type == "volume" { // of a directory nothing is copied anyway
			volumeOptions(m).NoCopy = true
		}
	case "U":
		m.Chown = true
	case "z", "Z":
		if _, err := os.Stat("/sys/fs/selinux/enforce"); err == nil {
			return fmt.Errorf("option %s: relabelling for SELinux is not available yet", opt)
		}
	default:
		if !slices.Contains(propagations, opt) {
			return fmt.Errorf("unknown option %q; want ro, rw, nocopy, U, z or one of %s", opt, strings.Join(propagations, ", "))
		}
		if m.Type == "volume" {
			return fmt.Errorf("option %s: propagation is for directories of the host, not for volumes", opt)
		}
		m.BindOptions.Propagation = opt
	}
	return nil
}

func checkTarget(m engine.Mount) (engine.Mount, error) {
	if !path.IsAbs(m.Target) || path.Clean(m.Target) == "/" {
		return m, fmt.Errorf("mount target %q: want an absolute path in the container other than /", m.Target)
	}
	m.Target = path.Clean(m.Target)
	return m, nil
}

// parseMount reads --mount type=…,source=…,target=….
func parseMount(s string) (engine.Mount, error) {
	bad := func(format string, args ...any) (engine.Mount, error) {
		return engine.Mount{}, fmt.Errorf("mount %q: "+format, append([]any{s}, args...)...)
	}
	fields, err := csv.NewReader(strings.NewReader(s)).Read()
	if err != nil {
		return bad("%w", err)
	}
	m := engine.Mount{Type: "volume"} // docker's default
	for _, field := range fields {
		if err := mountField(&m, field); err != nil {
			return bad("%w", err)
		}
	}
	if err := checkMount(&m); err != nil {
		return bad("%w", err)
	}
	return checkTarget(m)
}

// checkMount refuses what does not go with the type of a mount.
func checkMount(m *engine.Mount) error {
	switch {
	case m.Type != "bind" && m.Type != "tmpfs" && m.Type != "volume":
		return fmt.Errorf("unknown type %q; want bind, volume or tmpfs", m.Type)
	case m.Target == "":
		return errors.New("target is missing")
	case m.Type == "bind" && m.Source == "":
		return errors.New("source is missing")
	case m.Type == "tmpfs" && m.Source != "":
		return errors.New("a tmpfs has no source")
	case m.Type != "tmpfs" && m.Tmpfs != nil:
		return errors.New("tmpfs options are for type=tmpfs")
	case m.Type != "bind" && m.BindOptions != nil:
		return errors.New("bind options are for type=bind")
	case m.Type != "volume" && m.Volume != nil:
		return errors.New("volume options are for type=volume")
	case m.Type == "bind" && !filepath.IsAbs(m.Source):
		return fmt.Errorf("source %q: want an absolute path, or one that begins with ./", m.Source)
	case m.Type == "volume" && m.Source != "":
		return engine.CheckName(m.Source)
	}
	return nil
}

// mountField reads one key=value of --mount into m.
func mountField(m *engine.Mount, field string) error {
	key, value, hasValue := strings.Cut(field, "=")
	key = strings.ToLower(key)
	var err error
	switch key {
	case "readonly", "ro":
		m.ReadOnly, err = mountFlag(key, value, hasValue)
		return err
	case "volume-nocopy":
		volumeOptions(m).NoCopy, err = mountFlag(key, value, hasValue)
		return err
	case "bind-create-src":
		bindOptions(m).CreateMountpoint, err = mountFlag(key, value, hasValue)
		return err
	}
	if !hasValue || value == "" {
		return fmt.Errorf("%q: want key=value", field)
	}
	switch key {
	case "type":
		m.Type = strings.ToLower(value)
	case "volume-subpath", "volume-driver", "volume-label", "volume-opt":
		err = volumeField(volumeOptions(m), key, value)
	case "source", "src":
		if m.Source = value; strings.HasPrefix(value, ".") {
			m.Source, err = filepath.Abs(value)
		}
	case "target", "dst", "destination":
		m.Target = value
	case "bind-propagation":
		if bindOptions(m).Propagation = strings.ToLower(value); !slices.Contains(propagations, m.BindOptions.Propagation) {
			err = fmt.Errorf("bind-propagation: want one of %s", strings.Join(propagations, ", "))
		}
	case "bind-recursive":
		err = bindRecursive(bindOptions(m), value)
	case "consistency": // means something on macOS only
	case "tmpfs-size":
		tmpfsOptions(m).SizeBytes, err = units.RAMInBytes(value)
	case "tmpfs-mode":
		var mode uint64
		mode, err = strconv.ParseUint(value, 8, 32)
		tmpfsOptions(m).Mode = uint32(mode)
	default:
		err = fmt.Errorf("unknown key %q; want type, source, target, readonly, bind-propagation, bind-recursive, bind-create-src, volume-nocopy, volume-subpath, volume-label, volume-driver, volume-opt, tmpfs-size or tmpfs-mode", key)
	}
	return err
}

// mountFlag is a key that may stand without a value.
func mountFlag(key, value string, hasValue bool) (bool, error) {
	if !hasValue {
		return true, nil
	}
	on, err := strconv.ParseBool(value)
	if err != nil {
		return false, fmt.Errorf("%s: want true or false, got %q", key, value)
	}
	return on, nil
}

func bindOptions(m *engine.Mount) *engine.BindOptions {
	if m.BindOptions == nil {
		m.BindOptions = &engine.BindOptions{}
	}
	return m.BindOptions
}

func volumeOptions(m *engine.Mount) *engine.VolumeOptions {
	if m.Volume == nil {
		m.Volume = &engine.VolumeOptions{}
	}
	return m.Volume
}

// volumeField reads the keys of --mount that describe a volume.
func volumeField(o *engine.VolumeOptions, key, value string) error {
	name, text, _ := strings.Cut(value, "=")
	driver := func() *engine.DriverConfig {
		if o.DriverConfig == nil {
			o.DriverConfig = &engine.DriverConfig{}
		}
		return o.DriverConfig
	}
	switch key {
	case "volume-subpath":
		if !filepath.IsLocal(value) {
			return fmt.Errorf("volume-subpath %q: want a relative path within the volume", value)
		}
		o.Subpath = value
	case "volume-driver":
		driver().Name = value
	case "volume-label":
		if o.Labels == nil {
			o.Labels = map[string]string{}
		}
		o.Labels[name] = text
	case "volume-opt":
		d := driver()
		if d.Options == nil {
			d.Options = map[string]string{}
		}
		d.Options[name] = text
	}
	return nil
}

func tmpfsOptions(m *engine.Mount) *engine.TmpfsOptions {
	if m.Tmpfs == nil {
		m.Tmpfs = &engine.TmpfsOptions{}
	}
	return m.Tmpfs
}

func bindRecursive(b *engine.BindOptions, value string) error {
	switch value {
	case "enabled":
	case "disabled":
		b.NonRecursive = true
	default:
		return fmt.Errorf("bind-recursive: want enabled or disabled, got %q", value)
	}
	return nil
}

// parseTmpfs reads --tmpfs TARGET[:OPTIONS].
func parseTmpfs(s string) (target, options string, err error) {
	target, options, _ = strings.Cut(s, ":")
	if !path.IsAbs(target) || path.Clean(target) == "/" {
		return "", "", fmt.Errorf("tmpfs %q: want an absolute path in the container other than /", s)
	}
	return path.Clean(target), options, nil
}
