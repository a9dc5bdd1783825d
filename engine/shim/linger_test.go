package shim_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine/shim"
)

// TestLingers: the monitor of a --rm container puts off the unmounting, but not
// that of what belongs to others; in the end it holds nothing.
func TestLingers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		remove bool
		bind   bool
		want   bool
	}{
		{"kept", false, false, false},
		{"removed with its end", true, false, true},
		{"with a directory of the host", true, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			b := newBox(t, sh("read x"), interactive(false), func(c *shim.Config, spec *specs.Spec) {
				c.AutoRemove = tt.remove
				if tt.bind {
					spec.Mounts = append(spec.Mounts, specs.Mount{Destination: "/mnt", Type: "bind", Source: dir, Options: []string{"rbind"}})
				}
			})
			c := b.built()
			p := b.attach(c, everything)
			must(t, c.Start(b.ctx()))
			st, err := c.Status(b.ctx())
			must(t, err)
			ns, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(st.Pid), "ns/mnt"))
			must(t, err)
			if got := holds(t, st.ShimPid, ns); got != tt.want {
				t.Errorf("the monitor holds the mounts: %v, want %v", got, tt.want)
			}
			p.send("end\n")
			p.end()
			eventually(t, "the monitor to let go", func() bool { return !holds(t, st.ShimPid, ns) })
			if tt.remove {
				b.finished()
			}
		})
	}
}

// holds tells whether a process that is alive has a file open, by its name in
// /proc.
func holds(t *testing.T, pid int, name string) bool {
	t.Helper()
	fds, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "fd/*"))
	must(t, err)
	for _, fd := range fds {
		if got, err := os.Readlink(fd); err == nil && got == name {
			return true
		}
	}
	return false
}
