package cgroup_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gantry/engine/cgroup"
	"gantry/engine/cgroup/leaf"
)

// In a container of its own cgroup namespace the processes are in the root of
// what is mounted, and have to make room before controllers pass below it.
func TestEngineInsideContainer(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		if h.Mode != cgroup.V2 {
			return // v1 lets a group have processes and children with limits
		}
		g := create(t, h, ptr(memory(256*mib, 256*mib)))
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		const script = `read x; exec unshare --cgroup --mount sh -c 'mount -t tmpfs none /run && umount /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && echo go | "$0"' "$0"`
		c := start(t, "/bin/sh", []string{"-c", script, self}, "nest")
		if err := g.Join(c.Process.Pid); err != nil {
			t.Fatal(err)
		}
		c.release(t)
		if got := c.line(t); got != "<nil>" {
			t.Error(got)
		}
	})
}

// nest is the engine inside.
func nest() error {
	h, err := cgroup.Detect()
	if err != nil {
		return err
	}
	g, err := h.Create("inner", ptr(memory(64*mib, 64*mib)))
	if err != nil {
		return err
	}
	limit, err := os.ReadFile(filepath.Join(g.Dirs[leaf.Unified], "memory.max"))
	if err == nil && strings.TrimSpace(string(limit)) != "67108864" {
		err = fmt.Errorf("memory.max is %s", limit)
	}
	own, readErr := os.ReadFile("/proc/self/cgroup")
	if readErr == nil && strings.TrimSpace(string(own)) != "0::/init" {
		readErr = fmt.Errorf("the engine is in %s", own)
	}
	return errors.Join(err, readErr, g.Delete())
}
