package hostmount_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"gantry/engine/volume/hostmount"
)

func newPlace(t *testing.T) hostmount.Place {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it mounts")
	}
	dir := t.TempDir()
	p := hostmount.Place{Run: filepath.Join(dir, "run"), Volume: "vol", Target: filepath.Join(dir, "_data")}
	must(t, os.Mkdir(p.Target, 0o755))
	t.Cleanup(func() { must(t, p.Clear(nobody)) })
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func nobody(string) bool { return false }

func running(ids ...string) func(string) bool {
	return func(id string) bool { return slices.Contains(ids, id) }
}

func (c check) mounted(want bool) {
	c.t.Helper()
	if got, err := hostmount.Mounted(c.p.Target); err != nil || got != want {
		c.t.Errorf("mounted: %v, %v; want %v", got, err, want)
	}
}

type check struct {
	t *testing.T
	p hostmount.Place
}

var memory = hostmount.Mount{Type: "tmpfs", Source: "tmpfs", Data: "size=64k", Flags: unix.MS_NODEV}

func TestFirstMountsLastUnmounts(t *testing.T) {
	p := newPlace(t)
	c := check{t, p}
	must(t, p.Hold(memory, "a", nobody))
	c.mounted(true)
	must(t, os.WriteFile(p.Target+"/f", nil, 0o600))
	must(t, p.Hold(memory, "b", running("a")))
	if _, err := os.Lstat(p.Target + "/f"); err != nil {
		t.Error("the second has another file system: ", err)
	}
	must(t, p.Hold(memory, "b", running("a", "b"))) // again, after a start that failed
	must(t, p.Drop("a"))
	must(t, p.Drop("a"))
	c.mounted(true)
	must(t, p.Drop("b"))
	c.mounted(false)
	if left, err := os.ReadDir(filepath.Join(p.Run, "volumes")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestDeadClaims: what killed containers have left is neither kept nor used.
func TestDeadClaims(t *testing.T) {
	p := newPlace(t)
	c := check{t, p}
	must(t, p.Hold(memory, "dead", nobody))
	must(t, os.WriteFile(p.Target+"/old", nil, 0o600))
	must(t, p.Hold(memory, "a", running("a")))
	if _, err := os.Lstat(p.Target + "/old"); err == nil {
		t.Error("it goes on with the file system of a dead container")
	}
	must(t, p.Hold(memory, "b", running("a")))
	must(t, p.Clear(running("b")))
	c.mounted(true)
	must(t, p.Clear(nobody))
	c.mounted(false)
}

// TestMountThatFails leaves neither a claim nor a mount, and keeps those of
// others.
func TestMountThatFails(t *testing.T) {
	p := newPlace(t)
	if err := p.Hold(hostmount.Mount{Type: "nosuchfs", Source: "x"}, "a", nobody); err == nil {
		t.Fatal("it was mounted")
	}
	check{t, p}.mounted(false)
	if _, err := os.Lstat(filepath.Join(p.Run, "volumes", "vol")); err == nil {
		t.Error("a claim is left")
	}
}

// TestTargetIsNoLink: a directory that was exchanged for a link is not followed.
func TestTargetIsNoLink(t *testing.T) {
	p := newPlace(t)
	other := t.TempDir()
	must(t, os.Remove(p.Target))
	must(t, os.Symlink(other, p.Target))
	if err := p.Hold(memory, "a", nobody); err == nil {
		t.Error("it was mounted through a link")
	}
	if on, err := hostmount.Mounted(other); err != nil || on {
		t.Errorf("the link's target is a mount point: %v, %v", on, err)
	}
}

// TestBusyMount: somebody on the host who looks into the volume cannot keep it
// mounted, and one mount upon another is taken off as well.
func TestBusyMount(t *testing.T) {
	p := newPlace(t)
	must(t, p.Hold(memory, "a", nobody))
	must(t, os.WriteFile(p.Target+"/f", nil, 0o600))
	f, err := os.Open(p.Target + "/f")
	must(t, err)
	defer f.Close()
	must(t, unix.Mount("tmpfs", p.Target, "tmpfs", 0, ""))
	must(t, p.Drop("a"))
	check{t, p}.mounted(false)
}

// TestBindWithOptions: they hold, although a bind alone takes its source's.
func TestBindWithOptions(t *testing.T) {
	p := newPlace(t)
	src := t.TempDir()
	must(t, p.Hold(hostmount.Mount{Type: "none", Source: src, Flags: unix.MS_BIND | unix.MS_RDONLY}, "a", nobody))
	if err := os.WriteFile(p.Target+"/f", nil, 0o600); err == nil {
		t.Error("it can be written to")
	}
}
