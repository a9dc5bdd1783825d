package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/cgroup/devices"
	"gantry/engine/cgroup/leaf"
)

// monitors is the name of the group that all container monitors share. The
// IDs of containers are hexadecimal, so none can have it.
const monitors = "monitors"

// Create makes a container's group with its limits and device rules. A stale
// group of the same name, left by a crash, is replaced when it is empty and
// is ErrInUse otherwise. Nothing is left behind when Create fails.
//
// Call it right before the start of the container, for each start: a group
// does not survive a reboot, and on v1 a reload of systemd removes every group
// without processes.
func (h *Host) Create(id string, res *specs.LinuxResources) (_ *leaf.Group, err error) {
	if err := validName(id); err != nil {
		return nil, fmt.Errorf("create group: %w", err)
	}
	if err := h.Check(res); err != nil {
		return nil, fmt.Errorf("create group: %w", err)
	}
	g := h.group(id)
	if h.systemd {
		if err := h.startUnit(); err != nil {
			return nil, fmt.Errorf("create group: %w", err)
		}
	}
	made := &leaf.Group{Path: g.Path, Dirs: map[string]string{}, Prune: g.Prune}
	defer func() {
		if err != nil {
			err = fmt.Errorf("create group: %w", errors.Join(err, made.Delete()))
		}
	}()
	for key, dir := range g.Dirs {
		if err := h.makeLeaf(dir, made); err != nil {
			return nil, err
		}
		made.Dirs[key] = dir
	}
	if err := h.prepare(made, res); err != nil {
		return nil, err
	}
	if err := h.apply(made, res); err != nil {
		return nil, err
	}
	return made, h.restrict(made, res)
}

// Monitors returns the group for the processes that watch over containers,
// making it when needed. It has no limits and is never deleted while one of
// them lives; Tidy removes it.
func (h *Host) Monitors() (*leaf.Group, error) {
	if h.systemd {
		if err := h.startUnit(); err != nil {
			return nil, fmt.Errorf("make group of monitors: %w", err)
		}
	}
	g := h.group(monitors)
	for _, dir := range g.Dirs {
		if err := makeDirs(dir); err != nil {
			return nil, fmt.Errorf("make group of monitors: %w", err)
		}
	}
	if err := h.prepare(g, nil); err != nil {
		return nil, fmt.Errorf("make group of monitors: %w", err)
	}
	return g, nil
}

// MonitorGroup tells where Monitors puts them.
func (h *Host) MonitorGroup() *leaf.Group { return h.group(monitors) }

// Tidy removes the monitors' group, and the parent, when they are empty. What
// systemd owns stays.
func (h *Host) Tidy() {
	for _, dir := range h.group(monitors).Dirs {
		_ = unix.Rmdir(dir)
		if !h.systemd {
			_ = unix.Rmdir(filepath.Dir(dir))
		}
	}
}

func validName(id string) error {
	if id == "" || id == "." || id == ".." || id == monitors || id == "keeper" || strings.ContainsAny(id, "/\n\x00") {
		return fmt.Errorf("%q cannot name a group: %w", id, engine.ErrInvalid)
	}
	return nil
}

// Under is the host with another parent for the groups of containers: an
// absolute one counts from the root of the hierarchies, any other from Parent.
// The monitors' group stays where it is, and so does a given parent when the last
// container leaves it: whoever gave it may have set limits there.
func (h *Host) Under(parent string) (*Host, error) {
	if parent == "" {
		return h, nil
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(parent, "/"), "/") {
		if err := validName(part); err != nil {
			return nil, fmt.Errorf("parent group %q: %w", parent, err)
		}
	}
	moved := *h
	moved.given = true
	if !strings.HasPrefix(parent, "/") {
		moved.Parent += "/" + parent
		return &moved, nil
	}
	if h.systemd && !strings.HasPrefix(parent, h.Parent+"/") {
		return nil, fmt.Errorf("parent group %q: %w: systemd takes away what none of its units owns; name one below %s, without a leading slash", parent, engine.ErrUnsupported, h.Parent)
	}
	moved.Parent = parent
	return &moved, nil
}

// Group tells where Create puts a container's group.
func (h *Host) Group(id string) *leaf.Group { return h.group(id) }

// group tells where a group goes; it need not exist. On a hybrid host the v2
// directory freezes, counts processor time and restricts devices, so that the
// v1 hierarchies for these are left out: each costs every start and exit.
func (h *Host) group(id string) *leaf.Group {
	g := &leaf.Group{Path: h.Parent + "/" + id, Dirs: map[string]string{}, Prune: !h.systemd && !h.given}
	if h.unified != "" {
		g.Dirs[leaf.Unified] = filepath.Join(h.unified, g.Path)
	}
	for c, root := range h.legacy {
		if h.wanted(c) {
			g.Dirs[c] = filepath.Join(root, g.Path)
		}
	}
	return g
}

func (h *Host) wanted(controller string) bool {
	switch controller {
	case "name=systemd":
		// By this hierarchy systemd knows whose process it is, and kills at logout.
		return h.booted
	case "cpuacct", "devices", "freezer":
		return h.unified == ""
	}
	return true
}

// makeDirs makes a directory and those above it, while the last containers of
// others may remove the same ones.
func makeDirs(dir string) error {
	var err error
	for range 100 {
		// What was there a moment ago, or was just made, may be gone again.
		if err = os.MkdirAll(dir, 0o755); !errors.Is(err, os.ErrExist) && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return err
}

// makeLeaf makes one directory. The parent may be removed at any moment by
// the last container that leaves it, so a missing one is made again.
func (h *Host) makeLeaf(dir string, made *leaf.Group) error {
	for range 100 {
		err := os.Mkdir(dir, 0o755)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, os.ErrNotExist):
			if err := makeDirs(filepath.Dir(dir)); err != nil {
				return permission(err)
			}
		case errors.Is(err, os.ErrExist):
			for _, other := range made.Dirs {
				if other == dir {
					return nil // controllers that are mounted together
				}
			}
			stale := &leaf.Group{Path: made.Path, Dirs: map[string]string{"stale": dir}}
			if pids, _ := stale.Pids(); len(pids) > 0 {
				return fmt.Errorf("%s holds %d processes: %w", dir, len(pids), engine.ErrInUse)
			}
			if err := stale.Delete(); err != nil {
				return err
			}
		default:
			return permission(err)
		}
	}
	return fmt.Errorf("make %s: removed as fast as it is made: %w", dir, engine.ErrConflict)
}

// permission gives a refusal its class: no root, or a read-only mount as
// containers get it.
func permission(err error) error {
	if errors.Is(err, os.ErrPermission) || errors.Is(err, unix.EROFS) {
		return fmt.Errorf("%w: %w", engine.ErrPermission, err)
	}
	return err
}

// prepare readies the directories for processes: controllers on v2, the
// processors and memory nodes of v1's cpuset, which are empty at first and
// make every join fail with ENOSPC.
func (h *Host) prepare(g *leaf.Group, res *specs.LinuxResources) error {
	if h.unified != "" {
		if err := h.enable(h.Parent, h.needed(res)); err != nil {
			return err
		}
	}
	if _, ok := g.Dirs["cpuset"]; ok {
		return inheritCpuset(h.legacy["cpuset"], g.Path)
	}
	return nil
}

// inheritCpuset copies cpus and mems from parent to child wherever a group on
// the path has none.
func inheritCpuset(root, path string) error {
	for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
		if _, err := inherit(root, path, name); err != nil {
			return fmt.Errorf("inherit cpuset: %w", err)
		}
	}
	return nil
}

// inherit reads a setting of the group, from the bottom up, so that a path of
// which only the last group is new takes two reads.
func inherit(root, path, name string) (string, error) {
	file := filepath.Join(root, path, name)
	value, err := leaf.ReadFile(file)
	value = strings.TrimSpace(value)
	if err != nil || value != "" || path == "/" {
		return value, err
	}
	if value, err = inherit(root, filepath.Dir(path), name); err != nil {
		return "", err
	}
	return value, write(file, value)
}

// restrict applies device rules. None means that devices are not controlled.
func (h *Host) restrict(g *leaf.Group, res *specs.LinuxResources) error {
	if res == nil || len(res.Devices) == 0 {
		return nil
	}
	rules, err := devices.Parse(res.Devices)
	if err != nil {
		return fmt.Errorf("%w: %w", err, engine.ErrInvalid)
	}
	rules = append(rules, devices.Standard()...)
	if dir, ok := g.Dirs["devices"]; ok {
		return devices.ApplyLegacy(dir, rules)
	}
	err = devices.Attach(g.Dirs[leaf.Unified], rules)
	root, ok := h.legacy["devices"]
	if err == nil || !ok {
		return err
	}
	// A hybrid host whose kernel lacks CONFIG_CGROUP_BPF.
	dir := filepath.Join(root, g.Path)
	if err := h.makeLeaf(dir, g); err != nil {
		return err
	}
	g.Dirs["devices"] = dir
	return devices.ApplyLegacy(dir, rules)
}
