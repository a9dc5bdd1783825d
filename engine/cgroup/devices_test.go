package cgroup_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine/cgroup"
	"gantry/engine/cgroup/devices"
	"gantry/engine/cgroup/leaf"
)

func char(major, minor int64, access string, allow bool) specs.LinuxDeviceCgroup {
	return specs.LinuxDeviceCgroup{Allow: allow, Type: "c", Major: &major, Minor: &minor, Access: access}
}

func parse(t *testing.T, rules ...specs.LinuxDeviceCgroup) devices.Set {
	t.Helper()
	s, err := devices.Parse(rules)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// opens tells what a process of the group gets when it opens a device.
func opens(t *testing.T, g *leaf.Group, flags int, path string) string {
	t.Helper()
	return startIn(t, g, fmt.Sprintf("open %d %s", flags, path)).line(t)
}

const (
	opened = "<nil>"
	denied = "operation not permitted"
)

// apply enforces a set without the standard devices that Create adds.
func apply(t *testing.T, g *leaf.Group, s devices.Set) {
	t.Helper()
	var err error
	if dir, ok := g.Dirs["devices"]; ok {
		err = devices.ApplyLegacy(dir, s)
	} else {
		err = devices.Attach(g.Dirs[leaf.Unified], s)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The rule "c 1:5 r" must not let a process write: a filter that is content
// with any requested bit does.
func TestReadRuleRefusesWriting(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		g := create(t, h, nil)
		apply(t, g, parse(t, specs.LinuxDeviceCgroup{}, char(1, 5, "r", true)))
		for flags, want := range map[int]string{unix.O_RDONLY: opened, unix.O_WRONLY: denied, unix.O_RDWR: denied} {
			if got := opens(t, g, flags, "/dev/zero"); got != want {
				t.Errorf("open(/dev/zero, %#x) = %s, want %s", flags, got, want)
			}
		}
		if got := opens(t, g, unix.O_RDONLY, "/dev/null"); got != denied {
			t.Errorf("open(/dev/null) = %s, want %s", got, denied)
		}
	})
}

func TestDeviceRulesAreReplaced(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		g := create(t, h, nil)
		all := specs.LinuxDeviceCgroup{Allow: true, Type: "a", Major: ptr[int64](-1), Minor: ptr[int64](-1), Access: "rwm"}
		for i, step := range []struct {
			set  devices.Set
			want string
		}{
			{parse(t, specs.LinuxDeviceCgroup{}), denied},
			{parse(t, char(1, 5, "rw", true)), opened},
			{parse(t, char(1, 5, "r", true)), denied},
			{parse(t, all), opened},
			{parse(t, all, char(1, 5, "w", false)), denied},
			{parse(t, all, char(1, 5, "w", false), char(1, 5, "rw", true)), opened},
			{parse(t), denied},
		} {
			apply(t, g, step.set)
			if got := opens(t, g, unix.O_RDWR, "/dev/zero"); got != step.want {
				t.Errorf("step %d: open(/dev/zero, O_RDWR) = %s, want %s", i, got, step.want)
			}
		}
	})
}

func TestCreateRestrictsDevices(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		memDevice := filepath.Join(t.TempDir(), "kmsg")
		if err := unix.Mknod(memDevice, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 11))); err != nil {
			t.Fatal(err)
		}
		if f, err := os.Open(memDevice); err != nil {
			t.Skipf("devices cannot be opened here: %v", err)
		} else {
			f.Close()
		}
		g := create(t, h, &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{{Access: "rwm"}}})
		if got := opens(t, g, unix.O_RDWR, "/dev/null"); got != opened {
			t.Errorf("open(/dev/null) = %s, want %s", got, opened)
		}
		if got := opens(t, g, unix.O_RDONLY, memDevice); got != denied {
			t.Errorf("open(kmsg) = %s, want %s", got, denied)
		}
		err := h.Update(g, &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{{Access: "rwm"}, char(1, 11, "r", true)}})
		if err != nil {
			t.Fatal(err)
		}
		if got := opens(t, g, unix.O_RDONLY, memDevice); got != opened {
			t.Errorf("open(kmsg) after it was allowed = %s, want %s", got, opened)
		}
	})
}

// The verifier must take long programs, and each jump must reach.
func TestManyDeviceRules(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		if h.Mode == cgroup.V1 {
			return // no programs there
		}
		g := create(t, h, nil)
		var set devices.Set
		for i := range int64(300) {
			set = append(set, devices.Rule{Type: 'c', Major: 300 + i%7, Minor: i, Access: devices.Access(1 + i%7), Allow: i%3 > 0})
		}
		apply(t, g, append(set, parse(t, char(1, 5, "rw", true))...))
		if got := opens(t, g, unix.O_RDWR, "/dev/zero"); got != opened {
			t.Errorf("open(/dev/zero) = %s, want %s", got, opened)
		}
	})
}
