package snapshot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gantry/images"
	"gantry/images/snapshot/stack"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting and whiteouts need root")
	}
}

// drivers are all kinds under a root, the overlay in both its forms.
func drivers(t *testing.T, root string) map[string]*Driver {
	t.Helper()
	d, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*Driver{"copy": {facts{Kind: Copy}}}
	if d.Kind() != Overlay {
		t.Logf("no overlay on %s: %s", root, d.Reason())
		return all
	}
	all["overlay by string"] = &Driver{facts{Kind: Overlay}}
	if d.facts.Append {
		all["overlay by config"] = &Driver{facts{Kind: Overlay, Append: true}}
	}
	return all
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func mark(t *testing.T, dir string, do func(fd int) error) {
	t.Helper()
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := do(int(f.Fd())); err != nil {
		t.Fatal(err)
	}
}

// threeLayers have a whiteout, an opaque directory and special root attributes.
func threeLayers(t *testing.T, root string) []string {
	t.Helper()
	l := []string{filepath.Join(root, "l1"), filepath.Join(root, "l2"), filepath.Join(root, "l3")}
	write(t, l[0]+"/keep", "1")
	write(t, l[0]+"/gone", "1")
	write(t, l[0]+"/hidden/old", "1")
	write(t, l[0]+"/both/a", "1")
	write(t, l[1]+"/hidden/new", "2")
	write(t, l[1]+"/both/b", "2")
	write(t, l[2]+"/both/a", "3")
	mark(t, l[1], func(fd int) error { return stack.Whiteout(fd, "gone") })
	mark(t, l[1]+"/hidden", stack.SetOpaque)
	if err := os.Link(l[2]+"/both/a", l[2]+"/both/c"); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(l[2], 7, 8); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(l[2], 0o751); err != nil {
		t.Fatal(err)
	}
	return l
}

// at names a path inside a detached mount.
func at(mnt *os.File, name string) string {
	return fmt.Sprintf("/proc/self/fd/%d/%s", mnt.Fd(), name)
}

func TestSnapshot(t *testing.T) {
	needRoot(t)
	// Overlay's option string has no way to say either character.
	root := filepath.Join(t.TempDir(), `a:b,c\d=e`)
	if err := os.Mkdir(root, 0o700); err != nil {
		t.Fatal(err)
	}
	layers := threeLayers(t, root)
	for name, d := range drivers(t, root) {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(root, "c-"+strings.ReplaceAll(name, " ", "-"))
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := d.Create(dir, layers); err != nil {
				t.Fatal(err)
			}
			mnt, err := d.Mount(dir, layers, MountOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer mnt.Close()
			checkMerged(t, mnt)
			checkWritable(t, mnt)
			checkReadOnly(t, d, dir, layers)
			if err := d.Create(dir, layers); !errors.Is(err, images.ErrConflict) {
				t.Errorf("second Create: %v", err)
			}
			if n, err := d.Usage(dir); err != nil || n < 4096 {
				t.Errorf("Usage = %d, %v", n, err)
			}
			if err := d.Remove(dir); err != nil {
				t.Error(err)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
				t.Errorf("Remove left %v, %v", left, err)
			}
		})
	}
	checkNoMounts(t, root)
}

func checkMerged(t *testing.T, mnt *os.File) {
	t.Helper()
	for name, want := range map[string]string{"keep": "1", "hidden/new": "2", "both/a": "3", "both/b": "2", "both/c": "3"} {
		if got, err := os.ReadFile(at(mnt, name)); err != nil || string(got) != want {
			t.Errorf("%s = %q, %v; want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"gone", "hidden/old"} {
		if _, err := os.Lstat(at(mnt, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v, want it hidden", name, err)
		}
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(mnt.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	if st.Mode&0o7777 != 0o751 || st.Uid != 7 || st.Gid != 8 {
		t.Errorf("root has mode %o, owner %d:%d", st.Mode&0o7777, st.Uid, st.Gid)
	}
	var a, c unix.Stat_t
	if err := errors.Join(unix.Stat(at(mnt, "both/a"), &a), unix.Stat(at(mnt, "both/c"), &c)); err != nil || a.Ino != c.Ino {
		t.Errorf("hard link is broken: %v", err)
	}
}

func checkWritable(t *testing.T, mnt *os.File) {
	t.Helper()
	if err := os.WriteFile(at(mnt, "keep"), []byte("changed"), 0o644); err != nil {
		t.Error(err)
	}
	if err := os.Remove(at(mnt, "both/b")); err != nil {
		t.Error(err)
	}
	if err := os.Rename(at(mnt, "hidden/new"), at(mnt, "moved")); err != nil {
		t.Error(err)
	}
}

func checkReadOnly(t *testing.T, d *Driver, dir string, layers []string) {
	t.Helper()
	mnt, err := d.Mount(dir, layers, MountOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer mnt.Close()
	if got, err := os.ReadFile(at(mnt, "keep")); err != nil || string(got) != "changed" {
		t.Errorf("keep = %q, %v", got, err)
	}
	if err := os.WriteFile(at(mnt, "x"), nil, 0o644); !errors.Is(err, unix.EROFS) {
		t.Errorf("write to read-only mount: %v", err)
	}
}

// checkNoMounts holds for this namespace: all mounts were detached.
func checkNoMounts(t *testing.T, root string) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), filepath.Base(filepath.Dir(root))) || strings.Contains(string(b), "overlay") {
		t.Errorf("mounts were left:\n%s", b)
	}
}

func TestManyLayers(t *testing.T) {
	needRoot(t)
	root := t.TempDir()
	var layers []string
	for i := range 127 {
		dir := filepath.Join(root, fmt.Sprintf("%064d", i), "fs")
		write(t, filepath.Join(dir, fmt.Sprint(i)), "x")
		layers = append(layers, dir)
	}
	for name, d := range drivers(t, root) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := d.Create(dir, layers); err != nil {
				t.Fatal(err)
			}
			mnt, err := d.Mount(dir, layers, MountOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer mnt.Close()
			for i := range layers {
				if _, err := os.Lstat(at(mnt, fmt.Sprint(i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestVolatile(t *testing.T) {
	needRoot(t)
	root := t.TempDir()
	layers := threeLayers(t, root)
	for name, d := range drivers(t, root) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := d.Create(dir, layers); err != nil {
				t.Fatal(err)
			}
			// The second time overlayfs would refuse if the mark stayed.
			for range 2 {
				mnt, err := d.Mount(dir, layers, MountOptions{Volatile: true})
				if err != nil {
					t.Fatal(err)
				}
				write(t, at(mnt, "x"), "y")
				mnt.Close()
			}
		})
	}
}

func TestAttach(t *testing.T) {
	needRoot(t)
	root := t.TempDir()
	layers := threeLayers(t, root)
	target := filepath.Join(root, "target")
	link := filepath.Join(root, "link")
	if err := errors.Join(os.Mkdir(target, 0o755), os.Symlink(target, link)); err != nil {
		t.Fatal(err)
	}
	for name, d := range drivers(t, root) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := d.Create(dir, layers); err != nil {
				t.Fatal(err)
			}
			mnt, err := d.Mount(dir, layers, MountOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer mnt.Close()
			if err := Attach(mnt, link); err == nil {
				t.Error("attached to a symlink")
			}
			if err := Attach(mnt, target); err != nil {
				t.Fatal(err)
			}
			_, err = os.Lstat(filepath.Join(target, "keep"))
			if err := unix.Unmount(target, unix.MNT_DETACH); err != nil {
				t.Fatal(err)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// mountOn gives a file system of its own, in the test's own way: detached and
// reached by its descriptor.
func mountOn(t *testing.T, fstype string) string {
	t.Helper()
	fs, err := unix.Fsopen(fstype, unix.FSOPEN_CLOEXEC)
	if err != nil {
		t.Skipf("no %s here: %v", fstype, err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	// Overlay only takes directories of the namespace, so it is attached.
	dir := t.TempDir()
	mnt := os.NewFile(uintptr(fd), fstype)
	defer mnt.Close()
	if err := Attach(mnt, dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestRootOnTmpfs(t *testing.T) {
	needRoot(t)
	root := mountOn(t, "tmpfs")
	d, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	if d.Kind() != Overlay {
		t.Errorf("kind %s on tmpfs: %s", d.Kind(), d.Reason())
	}
}

// TestRootOnOverlay covers state inside a container: overlayfs cannot have its
// upper directory there and refuses whiteouts, so marks are private and the
// driver copies.
func TestRootOnOverlay(t *testing.T) {
	needRoot(t)
	outer := t.TempDir()
	base := filepath.Join(outer, "base")
	if err := os.Mkdir(base, 0o755); err != nil {
		t.Fatal(err)
	}
	d, err := Open(outer)
	if err != nil || d.Kind() != Overlay {
		t.Skipf("no overlay on the temporary directory: %v", err)
	}
	if err := d.Create(outer, []string{base}); err != nil {
		t.Fatal(err)
	}
	mnt, err := d.Mount(outer, []string{base}, MountOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer mnt.Close()
	root := t.TempDir()
	if err := Attach(mnt, root); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(root, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	inner, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	if inner.Kind() == Overlay || inner.Reason() == "" {
		t.Errorf("kind %s, reason %q", inner.Kind(), inner.Reason())
	}
	layers := threeLayers(t, root)
	dir := filepath.Join(root, "c")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := inner.Create(dir, layers); err != nil {
		t.Fatal(err)
	}
	copied, err := inner.Mount(dir, layers, MountOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	checkMerged(t, copied)
}

func TestOpenCaches(t *testing.T) {
	needRoot(t)
	root := t.TempDir()
	if _, err := Open(root); err != nil {
		t.Fatal(err)
	}
	known, ok := readFacts(root)
	if !ok {
		t.Fatal("no facts were kept")
	}
	known.Kind = Copy // As nobody would find here.
	if err := writeFacts(root, known); err != nil {
		t.Fatal(err)
	}
	if d, err := Open(root); err != nil || d.Kind() != Copy {
		t.Errorf("facts of this boot were not used: %v", err)
	}
	known.BootID = "another"
	if err := writeFacts(root, known); err != nil {
		t.Fatal(err)
	}
	if d, err := Open(root); err != nil || d.facts.BootID == "another" {
		t.Errorf("facts of another boot were used: %v", err)
	}
	left, err := os.ReadDir(root)
	if err != nil || len(left) != 1 {
		t.Errorf("probing left %v, %v", left, err)
	}
}

func BenchmarkMount(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Skip("mounting needs root")
	}
	root := b.TempDir()
	d, err := Open(root)
	if err != nil || d.Kind() != Overlay {
		b.Skip("no overlay here")
	}
	var layers []string
	for i := range 8 {
		dir := filepath.Join(root, fmt.Sprint(i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			b.Fatal(err)
		}
		layers = append(layers, dir)
	}
	if err := d.Create(root, layers); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		mnt, err := d.Mount(root, layers, MountOptions{})
		if err != nil {
			b.Fatal(err)
		}
		mnt.Close()
	}
}
