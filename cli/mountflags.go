package cli

import (
	"encoding/csv"
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

// parseVolume reads -v SOURCE:TARGET[:OPTIONS]. As in docker a missing source
// is made, and a relative one that begins with a dot is taken from the working
// directory.
func parseVolume(s string) (engine.Mount, error) {
	bad := func(format string, args ...any) (engine.Mount, error) {
		return engine.Mount{}, fmt.Errorf("volume %q: "+format, append([]any{s}, args...)...)
	}
	parts := strings.Split(s, ":")
	if len(parts) == 1 {
		return bad("anonymous volumes are not available yet; want SOURCE:TARGET with a path of the host")
	}
	if len(parts) > 3 || slices.Contains(parts, "") {
		return bad("want SOURCE:TARGET or SOURCE:TARGET:OPTIONS")
	}
	m := engine.Mount{Type: "bind", Source: parts[0], Target: parts[1], BindOptions: &engine.BindOptions{CreateMountpoint: true}}
	switch {
	case strings.HasPrefix(m.Source, "."):
		abs, err := filepath.Abs(m.Source)
		if err != nil {
			return bad("%w", err)
		}
		m.Source = abs
	case !filepath.IsAbs(m.Source):
		return bad("named volumes are not available yet; want an absolute path of the host, or one that begins with ./")
	}
	if len(parts) == 3 {
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
	case "cached", "delegated", "consistent", "nocopy":
		// These mean something on macOS or for named volumes only.
	case "z", "Z":
		if _, err := os.Stat("/sys/fs/selinux/enforce"); err == nil {
			return fmt.Errorf("option %s: relabelling for SELinux is not available yet", opt)
		}
	default:
		if !slices.Contains(propagations, opt) {
			return fmt.Errorf("unknown option %q; want ro, rw or one of %s", opt, strings.Join(propagations, ", "))
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
	switch {
	case m.Type == "volume":
		return bad("type=volume is not available yet; want type=bind or type=tmpfs")
	case m.Type != "bind" && m.Type != "tmpfs":
		return bad("unknown type %q; want bind or tmpfs", m.Type)
	case m.Target == "":
		return bad("target is missing")
	case m.Type == "bind" && m.Source == "":
		return bad("source is missing")
	case m.Type == "tmpfs" && m.Source != "":
		return bad("a tmpfs has no source")
	case m.Type == "bind" && m.Tmpfs != nil:
		return bad("tmpfs options are for type=tmpfs")
	case m.Type == "tmpfs" && m.BindOptions != nil:
		return bad("bind options are for type=bind")
	case m.Type == "bind" && !filepath.IsAbs(m.Source):
		return bad("source %q: want an absolute path, or one that begins with ./", m.Source)
	}
	return checkTarget(m)
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
		err = fmt.Errorf("unknown key %q; want type, source, target, readonly, bind-propagation, bind-recursive, bind-create-src, tmpfs-size or tmpfs-mode", key)
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
