package ociruntime_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/cgroup"
	"gantry/engine/cgroup/leaf"
	"gantry/engine/ociruntime"
)

// group makes a control group as a container gets it.
func group(t testing.TB, res *specs.LinuxResources) *leaf.Group {
	t.Helper()
	needRoot(t)
	host, err := cgroup.Detect()
	check(t, err)
	if err := host.Check(res); err != nil {
		t.Skipf("needs the controllers of the limits: %v", err)
	}
	g, err := host.Create(string(engine.NewID()), res)
	check(t, err)
	t.Cleanup(func() { check(t, g.Delete()) })
	return g
}

// in puts a container into a group, with its view of it.
func in(g *leaf.Group, res *specs.LinuxResources) func(*ociruntime.CreateOptions) {
	return func(o *ociruntime.CreateOptions) {
		o.Group, o.Spec.Linux.Resources = g, res
		o.Spec.Mounts = append(o.Spec.Mounts, specs.Mount{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: []string{"ro", "nosuid", "noexec", "nodev"}})
	}
}

// memberships are the groups of a process by controller, as leaf names them.
func memberships(t testing.TB, pid int) map[string]string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	check(t, err)
	out := map[string]string{}
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		for c := range strings.SplitSeq(f[1], ",") {
			out[c] = f[2]
		}
	}
	return out
}

func checkPlaced(t *testing.T, g *leaf.Group, pid int) {
	t.Helper()
	have := memberships(t, pid)
	for controller := range g.Dirs {
		if have[controller] != g.Path {
			t.Errorf("of controller %q the process is in %s, not %s", controller, have[controller], g.Path)
		}
	}
	own := memberships(t, os.Getpid())
	for controller, path := range own {
		if strings.HasPrefix(path, g.Path) {
			t.Errorf("of controller %q the caller is in %s", controller, path)
		}
	}
}

func TestPlacement(t *testing.T) {
	g := group(t, nil)
	dir := image(t, nil)
	c := sleeper(t, dir, in(g, nil))
	checkPlaced(t, g, c.Pid)
	p, err := ociruntime.Exec(ociruntime.ExecOptions{PidFD: c.PidFD, Process: testSpec("sleep", "100").Process, Group: g})
	check(t, err)
	checkPlaced(t, g, p.Pid)
	check(t, p.Start())
	waitFor(t, "the threads that made them to leave the group", func() bool {
		pids, err := g.Pids()
		check(t, err)
		return len(pids) == 2
	})
	check(t, g.Kill())
	if r := wait(t, p); r.signal != unix.SIGKILL {
		t.Errorf("%+v", r)
	}
	p.PidFD.Close()
}

// The container sees its own group, and cannot change it.
func TestViewOfTheGroup(t *testing.T) {
	g := group(t, nil)
	sub := map[bool]string{true: "", false: "/pids"}[len(g.Dirs) == 1]
	out := sh(t, image(t, nil), "cat /sys/fs/cgroup"+sub+"/cgroup.procs; (echo 1 > /sys/fs/cgroup"+sub+"/cgroup.procs) 2>&1 | grep -o 'Read-only'; mkdir /sys/fs/cgroup/x 2>&1 | grep -o 'Read-only'; readlink /proc/self/ns/cgroup; cat /proc/self/cgroup",
		in(g, nil))
	if !strings.HasPrefix(out, "1\n") || strings.Count(out, "Read-only\n") != 2 {
		t.Error(out)
	}
	// The cgroup namespace is rooted in the group.
	if strings.Contains(out, g.Path) || !strings.Contains(out, "0::/\n") {
		t.Errorf("paths outside of the namespace are visible: %s", out)
	}
}

func limits(pids, memory int64) *specs.LinuxResources {
	r := &specs.LinuxResources{}
	if pids != 0 {
		r.Pids = &specs.LinuxPids{Limit: &pids}
	}
	if memory != 0 {
		r.Memory = &specs.LinuxMemory{Limit: &memory}
	}
	return r
}

// The smallest limits are enough to start a program: of the runtime only the
// page tables of the forked child count against them, some 100 kB.
func TestSmallLimits(t *testing.T) {
	dir := image(t, nil)
	for name, res := range map[string]*specs.LinuxResources{"one process": limits(1, 0), "6 MB, the least that is accepted": limits(0, 6<<20)} {
		t.Run(name, func(t *testing.T) {
			g := group(t, res)
			if out := sh(t, dir, "echo started", in(g, res)); out != "started\n" {
				t.Error(out)
			}
			if res.Pids != nil {
				o := ociruntime.CreateOptions{Spec: testSpec("/bin/sh", "-c", "true | true"), Root: detach(t, dir)}
				in(g, res)(&o)
				if r := run(t, o); !strings.Contains(r.out, "can't fork") {
					t.Errorf("the limit has no effect: %+v", r)
				}
			}
		})
	}
}

// With room for two, the second may be made by exec.
func TestExecAtTheLimit(t *testing.T) {
	res := limits(2, 0)
	g := group(t, res)
	c := sleeper(t, image(t, nil), in(g, res))
	r, err := execIn(t, c, ociruntime.ExecOptions{Process: testSpec("/bin/echo", "second").Process, Group: g})
	if err != nil || r.out != "second\n" {
		t.Errorf("%+v, error %v", r, err)
	}
}

func TestCgroupMountNeedsAGroup(t *testing.T) {
	o := ociruntime.CreateOptions{Spec: testSpec("true"), Root: detach(t, image(t, nil))}
	in(nil, nil)(&o)
	if _, err := ociruntime.Create(o); err == nil || !strings.Contains(err.Error(), "control group") {
		t.Errorf("error %v", err)
	}
}

// A group that is gone makes a start fail, and nothing is left of it.
func TestGroupIsGone(t *testing.T) {
	g := &leaf.Group{Path: "/gantry/none", Dirs: map[string]string{}}
	host := group(t, nil)
	for controller, dir := range host.Dirs {
		g.Dirs[controller] = filepath.Join(dir, "none")
	}
	if _, err := ociruntime.Create(ociruntime.CreateOptions{Spec: testSpec("true"), Root: detach(t, image(t, nil)), Group: g}); err == nil {
		t.Error("created")
	}
}
