package unpack_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gantry/images/layers"
	"gantry/images/snapshot"
)

// readTree describes a directory, one line a name: type, mode, owner, size or
// device, target, content, attributes, and the first name of the file where it
// has several.
func readTree(root string) (map[string]string, error) {
	out := map[string]string{}
	first := map[[2]uint64]string{}
	err := walkSorted(root, ".", func(name, path string) error {
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return fmt.Errorf("%s is listed but: %w", name, err)
		}
		line := fmt.Sprintf("%o %d:%d", st.Mode, st.Uid, st.Gid)
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFREG:
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %d %q", st.Size, b)
		case unix.S_IFLNK:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			line += " -> " + target
		case unix.S_IFCHR, unix.S_IFBLK:
			line += fmt.Sprintf(" dev %x", st.Rdev)
		}
		line += xattrs(path)
		if st.Mode&unix.S_IFMT != unix.S_IFDIR {
			id := [2]uint64{st.Dev, st.Ino}
			if f, ok := first[id]; ok {
				line += " same as " + f
			} else {
				first[id] = name
			}
		}
		out[name] = line
		return nil
	})
	return out, err
}

func walkSorted(root, name string, visit func(name, path string) error) error {
	full := root + "/" + name // Not joined: root may be a magic link.
	if name == "." {
		full = root + "/."
	}
	if name != "." {
		if err := visit(name, full); err != nil {
			return err
		}
		if fi, err := os.Lstat(full); err != nil || !fi.IsDir() {
			return err
		}
	}
	kids, err := os.ReadDir(full)
	if err != nil {
		return err
	}
	for _, k := range kids {
		if err := walkSorted(root, filepath.Join(name, k.Name()), visit); err != nil {
			return err
		}
	}
	return nil
}

func xattrs(path string) string {
	buf := make([]byte, 4096)
	n, err := unix.Llistxattr(path, buf)
	if err != nil {
		return ""
	}
	var out []string
	for name := range bytes.SplitSeq(buf[:n], []byte{0}) {
		if len(name) == 0 || strings.HasPrefix(string(name), "trusted.overlay.") {
			continue
		}
		val := make([]byte, 4096)
		n, err := unix.Lgetxattr(path, string(name), val)
		if err != nil {
			continue
		}
		out = append(out, fmt.Sprintf(" %s=%q", name, val[:n]))
	}
	slices.Sort(out)
	return strings.Join(out, "")
}

// merged mounts the layers as a container would see them and describes that.
func (l *layered) merged() (map[string]string, error) {
	dir, err := os.MkdirTemp(l.root, "snapshot-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	d, err := snapshot.Open(l.root)
	if err != nil {
		return nil, err
	}
	if err := d.Create(dir, l.dirs); err != nil {
		return nil, err
	}
	mnt, err := d.Mount(dir, l.dirs, snapshot.MountOptions{})
	if err != nil {
		return nil, err
	}
	defer mnt.Close()
	return readTree(fmt.Sprintf("/proc/self/fd/%d", mnt.Fd()))
}

func mustMerge(tb testing.TB, l *layered) map[string]string {
	tb.Helper()
	m, err := l.merged()
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// checkIndex compares the index of a layer with its directory.
func checkIndex(dir string, x *layers.Index) error {
	want := map[string]string{}
	err := walkSorted(dir, ".", func(name, path string) error {
		var st unix.Stat_t
		err := unix.Lstat(path, &st)
		want[name] = fmt.Sprintf("%o %d:%d %d", st.Mode&0o7777, st.Uid, st.Gid, st.Mtim.Sec)
		if st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == 0 {
			want[name] = "whiteout"
		}
		return err
	})
	if err != nil {
		return err
	}
	got := map[string]string{}
	var prev string
	for _, e := range x.Entries {
		if prev != "" && layers.Compare(prev, e.Path) >= 0 {
			return fmt.Errorf("index: %q after %q", e.Path, prev)
		}
		prev = e.Path
		if e.Path == "." {
			continue
		}
		got[e.Path] = fmt.Sprintf("%o %d:%d %d", e.Mode, e.UID, e.GID, e.MTime.Unix())
		if e.Type == layers.Whiteout {
			got[e.Path] = "whiteout"
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		return fmt.Errorf("index is not what is on disk (-disk +index):\n%s", d)
	}
	return nil
}
