package unpack_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	archiver "github.com/moby/go-archive"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// TestOracle compares layers that were unpacked by themselves, fixed and laid
// over one another, with what docker makes of the same archives when it applies
// them one after the other into one directory.
//
// Where the two differ on purpose, the generator stays away, and a test of its
// own says what gantry does:
//
//   - The root's entry: docker ignores it (TestRootEntry).
//   - A whiteout after the content it names, in one layer: docker deletes the
//     layer's own content, the specification says whiteouts concern lower
//     layers only (TestWhiteoutOrder). So whiteouts come first here.
//   - A directory's entry over a directory: docker keeps extended attributes
//     of the lower one; in an overlay the upper one's count, as they do for an
//     image that was built there. So only files have them here.
//   - A hard link to one name of several of a lower layer: overlayfs cannot
//     join the others (index=off). So only files with one name are linked to.
//   - Implied directories in a set-group-id directory: docker's inherit the
//     group, gantry's are root's like all others. So no directory has the bit.
//   - Times: docker leaves those of implied directories to the clock.
//
// Archives that docker refuses are skipped: it refuses relative symlinks that
// lead out of the root, which gantry ends at the root, as a kernel does.
func TestOracle(t *testing.T) {
	needRoot(t)
	rapid.Check(t, func(rt *rapid.T) {
		work, err := os.MkdirTemp("", "oracle-")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(work)
		seq := work + "/seq"
		ours := &layered{root: work + "/layers"}
		if err := os.Mkdir(seq, 0o755); err != nil {
			rt.Fatal(err)
		}
		if err := os.Mkdir(ours.root, 0o700); err != nil {
			rt.Fatal(err)
		}
		for range rapid.IntRange(2, 4).Draw(rt, "layers") {
			entries := drawLayer(rt, seq)
			tarball := archive(rt, entries...)
			next := work + "/next"
			if err := oracleApply(seq, next, tarball); err != nil {
				os.RemoveAll(next)
				continue
			}
			if err := ours.add(tarball); err != nil {
				rt.Fatalf("docker takes what gantry refuses: %v\n%s", err, list(entries))
			}
			rt.Logf("layer (depends %v):\n%s", ours.deps[len(ours.deps)-1], list(entries))
			if err := os.RemoveAll(seq); err != nil {
				rt.Fatal(err)
			}
			if err := os.Rename(next, seq); err != nil {
				rt.Fatal(err)
			}
			compareWithOracle(rt, ours, seq)
		}
	})
}

func compareWithOracle(rt *rapid.T, ours *layered, seq string) {
	want, err := readTree(seq)
	if err != nil {
		rt.Fatal(err)
	}
	got, err := ours.merged()
	if err != nil {
		rt.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		rt.Fatalf("trees differ (-docker +gantry):\n%s", d)
	}
	top := len(ours.dirs) - 1
	if err := checkIndex(ours.dirs[top], ours.res[top].Index); err != nil {
		rt.Fatal(err)
	}
}

// oracleApply makes next a copy of seq with the layer applied by docker's code.
func oracleApply(seq, next string, tarball []byte) error {
	if out, err := exec.Command("cp", "-a", seq, next).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	_, err := archiver.ApplyUncompressedLayer(next, bytes.NewReader(tarball), &archiver.TarOptions{})
	return err
}

// drawLayer draws a layer over the tree that is there: whiteouts first, then a
// few entries among few names, so that they collide.
func drawLayer(rt *rapid.T, seq string) []hdr {
	var out []hdr
	for range rapid.IntRange(0, 3).Draw(rt, "whiteouts") {
		name := drawName(rt)
		if rapid.IntRange(0, 3).Draw(rt, "opaque") == 0 {
			out = append(out, hdr{Name: name + "/.wh..wh..opq"})
		} else {
			out = append(out, hdr{Name: path.Join(path.Dir(name), ".wh."+path.Base(name))})
		}
	}
	for range rapid.IntRange(1, 6).Draw(rt, "entries") {
		out = append(out, drawEntry(rt, seq, out))
	}
	return out
}

func drawName(rt *rapid.T) string {
	part := rapid.SampledFrom([]string{"a", "b", "c", "d-e"})
	parts := rapid.SliceOfN(part, 1, 3).Draw(rt, "name")
	return strings.Join(parts, "/")
}

func drawEntry(rt *rapid.T, seq string, before []hdr) hdr {
	h := hdr{
		Name: drawName(rt),
		Mode: int64(rapid.SampledFrom([]int{0o644, 0o755, 0o1777, 0o4755, 0o700, 0o2750}).Draw(rt, "mode")),
		Uid:  rapid.SampledFrom([]int{0, 0, 1000}).Draw(rt, "uid"),
		Gid:  rapid.SampledFrom([]int{0, 0, 33}).Draw(rt, "gid"),
	}
	switch rapid.SampledFrom([]string{"dir", "dir", "file", "file", "file", "symlink", "symlink", "link", "fifo", "dev"}).Draw(rt, "type") {
	case "dir":
		h.Name += "/"
		h.Mode &^= 0o2000
	case "file":
		h.Size = int64(rapid.IntRange(0, 9).Draw(rt, "size"))
		if rapid.IntRange(0, 4).Draw(rt, "xattr") == 0 {
			h.PAXRecords = map[string]string{"SCHILY.xattr.user.k": "v"}
		}
	case "symlink":
		h.Typeflag = tar.TypeSymlink
		h.Linkname = rapid.SampledFrom([]string{"", "/", "../", "../../"}).Draw(rt, "to") + drawName(rt)
	case "link":
		target := drawTarget(rt, seq, before)
		if target == "" {
			break
		}
		h.Typeflag, h.Linkname = tar.TypeLink, target
	case "fifo":
		h.Typeflag = tar.TypeFifo
	case "dev":
		h.Typeflag, h.Devmajor, h.Devminor = tar.TypeChar, 1, 3
	}
	return h
}

// drawTarget picks something to link to: an earlier file of the layer or a
// lower one with a single name.
func drawTarget(rt *rapid.T, seq string, before []hdr) string {
	var all []string
	for _, h := range before {
		if h.Typeflag != tar.TypeDir && !strings.HasSuffix(h.Name, "/") && !strings.Contains(h.Name, ".wh.") {
			all = append(all, h.Name)
		}
	}
	_ = walkSorted(seq, ".", func(name, full string) error {
		var st unix.Stat_t
		if err := unix.Lstat(full, &st); err == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR && st.Nlink == 1 {
			all = append(all, name)
		}
		return nil
	})
	if len(all) == 0 {
		return ""
	}
	slices.Sort(all)
	return rapid.SampledFrom(all).Draw(rt, "target")
}

func list(entries []hdr) string {
	var b strings.Builder
	for _, h := range entries {
		fmt.Fprintf(&b, "  %c %-14s %o %d:%d %s %d\n", max(h.Typeflag, ' '), h.Name, h.Mode, h.Uid, h.Gid, h.Linkname, h.Size)
	}
	return b.String()
}
