package runspec

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine"
)

// shmSize is docker's default for /dev/shm, in bytes.
const shmSize = 64 << 20

// mounts lists what is mounted: docker's defaults, the three files of the
// network's configuration, then what the user asked for, parents before their
// children. A mount of the user's replaces a default at the same place.
func mounts(in Input) ([]specs.Mount, error) {
	user, err := userMounts(in.Host)
	if err != nil {
		return nil, err
	}
	volumes, err := volumeMounts(in.Volumes)
	if err != nil {
		return nil, err
	}
	user = append(user, volumes...)
	taken := make(map[string]bool, len(user))
	for _, m := range user {
		if taken[m.Destination] {
			return nil, fmt.Errorf("%w: two mounts at %s", engine.ErrInvalid, m.Destination)
		}
		taken[m.Destination] = true
	}
	var out []specs.Mount
	for _, m := range append(shmMounts(defaultMounts(in.Host), in.Host.IpcMode), fileMounts(in.Files, in.Host.ReadonlyRootfs)...) {
		if !taken[m.Destination] {
			out = append(out, m)
		}
	}
	sort.SliceStable(user, func(i, j int) bool { return depth(user[i].Destination) < depth(user[j].Destination) })
	return append(out, user...), nil
}

func depth(p string) int {
	if p == "/" {
		return 0
	}
	return strings.Count(p, "/")
}

func defaultMounts(h engine.HostConfig) []specs.Mount {
	return []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
		{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
		{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: []string{"ro", "nosuid", "noexec", "nodev"}},
		{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", "size=" + strconv.FormatInt(cmp.Or(h.ShmSize, shmSize), 10)}},
	}
}

// fileMounts bind the container's hostname, hosts and resolv.conf over the
// image's.
func fileMounts(f Files, readonly bool) []specs.Mount {
	var out []specs.Mount
	for _, m := range [][2]string{{f.ResolvConf, "/etc/resolv.conf"}, {f.Hostname, "/etc/hostname"}, {f.Hosts, "/etc/hosts"}} {
		if m[0] == "" {
			continue
		}
		options := []string{"rbind", "rprivate"}
		if readonly {
			options = append(options, "ro")
		}
		out = append(out, specs.Mount{Destination: m[1], Type: "bind", Source: m[0], Options: options})
	}
	return out
}

func userMounts(h engine.HostConfig) ([]specs.Mount, error) {
	var out []specs.Mount
	for _, m := range h.Mounts {
		if m.Type == "volume" { // see Input.Volumes
			continue
		}
		s, err := userMount(m)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	targets := make([]string, 0, len(h.Tmpfs))
	for t := range h.Tmpfs {
		targets = append(targets, t)
	}
	sort.Strings(targets)
	for _, t := range targets {
		s, err := tmpfs(t, h.Tmpfs[t])
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// target checks a place in the container.
func target(p string) (string, error) {
	if !path.IsAbs(p) {
		return "", fmt.Errorf("%w mount target %q: it must be an absolute path in the container", engine.ErrInvalid, p)
	}
	if p = path.Clean(p); p == "/" {
		return "", fmt.Errorf("%w mount target %q: the container's root cannot be mounted over", engine.ErrInvalid, p)
	}
	return p, nil
}

var propagations = []string{"private", "rprivate", "shared", "rshared", "slave", "rslave"}

func userMount(m engine.Mount) (specs.Mount, error) {
	dest, err := target(m.Target)
	if err != nil {
		return specs.Mount{}, err
	}
	access := "rw"
	if m.ReadOnly {
		access = "ro"
	}
	switch m.Type {
	case "bind":
		if !path.IsAbs(m.Source) {
			return specs.Mount{}, fmt.Errorf("%w mount source %q: it must be an absolute path on the host", engine.ErrInvalid, m.Source)
		}
		bind, propagation := "rbind", "rprivate"
		if o := m.BindOptions; o != nil {
			if o.NonRecursive {
				bind = "bind"
			}
			propagation = cmp.Or(o.Propagation, propagation)
		}
		if !slices.Contains(propagations, propagation) {
			return specs.Mount{}, fmt.Errorf("%w mount propagation %q; there are %s", engine.ErrInvalid, propagation, strings.Join(propagations, ", "))
		}
		return specs.Mount{Destination: dest, Type: "bind", Source: path.Clean(m.Source), Options: []string{bind, access, propagation}}, nil
	case "tmpfs":
		if m.Source != "" {
			return specs.Mount{}, fmt.Errorf("%w: a tmpfs mount has no source, but %s names %q", engine.ErrInvalid, dest, m.Source)
		}
		options := []string{"nosuid", "nodev", "noexec", access}
		if o := m.Tmpfs; o != nil && o.SizeBytes > 0 {
			options = append(options, "size="+strconv.FormatInt(o.SizeBytes, 10))
		}
		mode := uint32(0o1777)
		if o := m.Tmpfs; o != nil && o.Mode != 0 {
			mode = o.Mode
		}
		options = append(options, fmt.Sprintf("mode=%o", mode))
		return specs.Mount{Destination: dest, Type: "tmpfs", Source: "tmpfs", Options: options}, nil
	}
	return specs.Mount{}, fmt.Errorf("%w mount type %q: there are bind, volume and tmpfs", engine.ErrInvalid, m.Type)
}

// tmpfsFlags may be given to --tmpfs besides size=, mode=, uid=, gid= and
// nr_inodes=.
var tmpfsFlags = []string{"exec", "noexec", "suid", "nosuid", "dev", "nodev", "ro", "rw", "noatime", "relatime", "strictatime"}

// tmpfs reads --tmpfs TARGET:OPTIONS; docker's defaults are noexec, nosuid,
// nodev and mode 1777.
func tmpfs(where, options string) (specs.Mount, error) {
	dest, err := target(where)
	if err != nil {
		return specs.Mount{}, err
	}
	list := []string{"noexec", "nosuid", "nodev"}
	mode := false
	for o := range strings.SplitSeq(options, ",") {
		key, _, hasValue := strings.Cut(o, "=")
		switch {
		case o == "":
		case slices.Contains(tmpfsFlags, o):
			list = slices.DeleteFunc(list, func(have string) bool { return have == "no"+o })
			list = append(list, o)
		case hasValue && slices.Contains([]string{"size", "mode", "uid", "gid", "nr_inodes"}, key):
			mode = mode || key == "mode"
			list = append(list, o)
		default:
			return specs.Mount{}, fmt.Errorf("%w option %q of --tmpfs %s; there are size=, mode=, uid=, gid=, nr_inodes=, %s", engine.ErrInvalid, o, dest, strings.Join(tmpfsFlags, ", "))
		}
	}
	if !mode {
		list = append(list, "mode=1777")
	}
	return specs.Mount{Destination: dest, Type: "tmpfs", Source: "tmpfs", Options: list}, nil
}
