package unpack_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gantry/images/layers"
	"gantry/images/unpack"
)

// capability is cap_net_raw+p. tmpfs takes it, but user attributes only since
// Linux 6.6.
const capability = "\x00\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// TestFixups is the table of all that a layer can want from those below, as a
// container sees it in the end. A directory's line is "mode owner".
func TestFixups(t *testing.T) {
	needRoot(t)
	t.Parallel()
	const dir = "40755 0:0"
	empty := func(owner string) string { return "100644 " + owner + ` 0 ""` }
	link := func(name, to string) hdr { return hdr{Name: name, Typeflag: tar.TypeSymlink, Linkname: to} }
	hard := func(name, to string) hdr { return hdr{Name: name, Typeflag: tar.TypeLink, Linkname: to} }
	for _, c := range []struct {
		name   string
		layers [][]hdr
		want   map[string]string
		deps   []bool
	}{
		{
			name:   "an implied directory is as below",
			layers: [][]hdr{{{Name: "tmp/", Mode: 0o1777, Gid: 3}}, {{Name: "tmp/f"}}},
			want:   map[string]string{"tmp": "41777 0:3", "tmp/f": empty("0:0")},
			deps:   []bool{false, true},
		}, {
			name:   "an implied directory is nothing special below",
			layers: [][]hdr{{{Name: "usr/"}}, {{Name: "usr/f"}}},
			want:   map[string]string{"usr": dir, "usr/f": empty("0:0")},
			deps:   []bool{false, false},
		}, {
			name:   "an implied directory has attributes below",
			layers: [][]hdr{{{Name: "d/", PAXRecords: map[string]string{"SCHILY.xattr.security.capability": capability}}}, {{Name: "d/f"}}},
			want:   map[string]string{"d": dir + fmt.Sprintf(" security.capability=%q", capability), "d/f": empty("0:0")},
			deps:   []bool{false, true},
		}, {
			name:   "a path goes through a lower symlink",
			layers: [][]hdr{{{Name: "usr/lib/"}, link("lib", "usr/lib")}, {{Name: "lib/foo.so"}}},
			want: map[string]string{"lib": "120777 0:0 -> usr/lib", "usr": dir, "usr/lib": dir,
				"usr/lib/foo.so": empty("0:0")},
			deps: []bool{false, true},
		}, {
			name:   "a path goes through an absolute lower symlink to nothing",
			layers: [][]hdr{{link("run", "/var/run")}, {{Name: "run/lock/f"}}},
			want: map[string]string{"run": "120777 0:0 -> /var/run", "var": dir, "var/run": dir,
				"var/run/lock": dir, "var/run/lock/f": empty("0:0")},
			deps: []bool{false, true},
		}, {
			name:   "a directory replaces a lower symlink, then takes files",
			layers: [][]hdr{{{Name: "usr/lib/old"}, link("lib", "usr/lib")}, {{Name: "lib/"}, {Name: "lib/f"}}},
			want:   map[string]string{"lib": dir, "lib/f": empty("0:0"), "usr": dir, "usr/lib": dir, "usr/lib/old": empty("0:0")},
			deps:   []bool{false, false},
		}, {
			name:   "a hard link to a lower file",
			layers: [][]hdr{{{Name: "a/f", Size: 3, Uid: 5}}, {hard("b/g", "a/f")}},
			want: map[string]string{"a": dir, "a/f": `100644 0:0 3 "012"`, "b": dir,
				"b/g": `100644 0:0 3 "012" same as a/f`},
			deps: []bool{false, true},
		}, {
			name:   "a hard link to a lower file, through a lower symlink",
			layers: [][]hdr{{{Name: "a/f", Size: 3}, link("l", "a")}, {hard("l/g", "l/f")}},
			want: map[string]string{"a": dir, "a/f": `100644 0:0 3 "012"`, "l": "120777 0:0 -> a",
				"a/g": `100644 0:0 3 "012" same as a/f`},
			deps: []bool{false, true},
		}, {
			name:   "a whiteout of what is there, and of what is not",
			layers: [][]hdr{{{Name: "a/f"}, {Name: "a/g"}}, {{Name: "a/.wh.f"}, {Name: "b/.wh.f"}, {Name: ".wh.x"}}},
			want:   map[string]string{"a": dir, "a/g": empty("0:0"), "b": dir},
			deps:   []bool{false, true},
		}, {
			name:   "a whiteout before its directory",
			layers: [][]hdr{{{Name: "d/old"}}, {{Name: ".wh.d"}, {Name: "d/"}, {Name: "d/new"}}},
			want:   map[string]string{"d": dir, "d/new": empty("0:0")},
			deps:   []bool{false, false},
		}, {
			name:   "a whiteout after its directory",
			layers: [][]hdr{{{Name: "d/old"}}, {{Name: "d/"}, {Name: "d/new"}, {Name: ".wh.d"}}},
			want:   map[string]string{"d": dir, "d/new": empty("0:0")},
			deps:   []bool{false, false},
		}, {
			name:   "a whiteout before its directory, which is implied",
			layers: [][]hdr{{{Name: "d/", Mode: 0o700}, {Name: "d/old"}}, {{Name: ".wh.d"}, {Name: "d/new"}}},
			want:   map[string]string{"d": dir, "d/new": empty("0:0")},
			deps:   []bool{false, false},
		}, {
			name:   "a whiteout after its directory, which is implied",
			layers: [][]hdr{{{Name: "d/", Mode: 0o700}, {Name: "d/old"}}, {{Name: "d/new"}, {Name: ".wh.d"}}},
			want:   map[string]string{"d": dir, "d/new": empty("0:0")},
			deps:   []bool{false, false},
		}, {
			name:   "a whiteout of a directory and of a file in it",
			layers: [][]hdr{{{Name: "d/f"}}, {{Name: "d/.wh.f"}, {Name: ".wh.d"}}},
			want:   map[string]string{},
			deps:   []bool{false, false},
		}, {
			name:   "a whiteout after its file",
			layers: [][]hdr{{{Name: "f", Uid: 1}}, {{Name: "f", Uid: 2}, {Name: ".wh.f"}}},
			want:   map[string]string{"f": empty("2:0")},
			deps:   []bool{false, false},
		}, {
			name:   "an opaque whiteout after what it keeps",
			layers: [][]hdr{{{Name: "d/sub/old"}, {Name: "d/old"}}, {{Name: "d/sub/new"}, {Name: "d/.wh..wh..opq"}}},
			want:   map[string]string{"d": dir, "d/sub": dir, "d/sub/new": empty("0:0")},
			deps:   []bool{false, false},
		}, {
			name:   "an opaque whiteout keeps the directory itself",
			layers: [][]hdr{{{Name: "d/", Mode: 0o700, Uid: 9}, {Name: "d/old"}}, {{Name: "d/.wh..wh..opq"}}},
			want:   map[string]string{"d": "40700 9:0"},
			deps:   []bool{false, true},
		}, {
			name:   "an opaque whiteout through a lower symlink",
			layers: [][]hdr{{{Name: "d/old"}, link("l", "d")}, {{Name: "l/.wh..wh..opq"}}},
			want:   map[string]string{"d": dir, "l": "120777 0:0 -> d"},
			deps:   []bool{false, true},
		}, {
			name: "an opaque root",
			layers: [][]hdr{{{Name: "a/f"}, {Name: "b"}, {Name: "c/f"}},
				{{Name: ".wh..wh..opq"}, {Name: "c/g"}, {Name: "d"}}},
			want: map[string]string{"c": dir, "c/g": empty("0:0"), "d": empty("0:0")},
			deps: []bool{false, true},
		}, {
			name:   "a file in a directory and back",
			layers: [][]hdr{{{Name: "d/old"}}, {{Name: "d/x"}, {Name: "d"}, {Name: "d/"}, {Name: "d/new"}}},
			want:   map[string]string{"d": dir, "d/new": empty("0:0")},
			deps:   []bool{false, false},
		}, {
			name: "three layers, the middle one dependent",
			layers: [][]hdr{{{Name: "usr/lib/a"}, link("lib", "usr/lib")},
				{{Name: "lib/b"}}, {{Name: "usr/lib/.wh.b"}, {Name: "lib/.wh.a"}, {Name: "lib/c"}}},
			want: map[string]string{"lib": "120777 0:0 -> usr/lib", "usr": dir, "usr/lib": dir, "usr/lib/c": empty("0:0")},
			deps: []bool{false, true, true},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := &layered{root: t.TempDir()}
			for i, entries := range c.layers {
				if err := l.add(archive(t, entries...)); err != nil {
					t.Fatalf("layer %d: %v", i, err)
				}
				if err := checkIndex(l.dirs[i], l.res[i].Index); err != nil {
					t.Errorf("layer %d: %v", i, err)
				}
			}
			if d := cmp.Diff(c.want, mustMerge(t, l)); d != "" {
				t.Errorf("merged (-want +got):\n%s", d)
			}
			if d := cmp.Diff(c.deps, l.deps); d != "" {
				t.Errorf("depends (-want +got):\n%s", d)
			}
		})
	}
}

// TestRootEntry follows the root's attributes up the layers.
func TestRootEntry(t *testing.T) {
	needRoot(t)
	t.Parallel()
	l := newLayered(t,
		archive(t, hdr{Name: "./", Mode: 0o750, Uid: 4, Gid: 5}, hdr{Name: "a"}),
		archive(t, hdr{Name: "b"}),
		archive(t, hdr{Name: "./"}, hdr{Name: "c"}),
		archive(t, hdr{Name: "d"}),
	)
	want := []string{"750 4:5", "750 4:5", "755 0:0", "755 0:0"}
	for i, dir := range l.dirs {
		var st unix.Stat_t
		if err := unix.Stat(dir, &st); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%o %d:%d", st.Mode&0o7777, st.Uid, st.Gid); got != want[i] {
			t.Errorf("root of layer %d is %s, want %s", i, got, want[i])
		}
	}
	if d := cmp.Diff([]bool{false, true, false, false}, l.deps); d != "" {
		t.Errorf("depends (-want +got):\n%s", d)
	}
}

// TestAttributes checks what the comparison with docker cannot: times,
// capabilities, and that a directory's times survive its content.
func TestAttributes(t *testing.T) {
	needRoot(t)
	t.Parallel()
	old := time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC)
	pax := func(name, v string) map[string]string { return map[string]string{"SCHILY.xattr." + name: v} }
	long := strings.Repeat("long/", 30) + strings.Repeat("n", 200)
	root := newLayered(t, archive(t,
		hdr{Name: "d/", ModTime: old, Mode: 0o2775, Gid: 7},
		hdr{Name: "d/ping", Mode: 0o4755, Uid: 3, ModTime: old, Format: tar.FormatPAX, PAXRecords: pax("security.capability", capability)},
		hdr{Name: "d/sub/f", ModTime: old.Add(987654321), Format: tar.FormatPAX},
		hdr{Name: "d/link", Typeflag: tar.TypeSymlink, Linkname: strings.Repeat("t", 300), ModTime: old, Uid: 8},
		hdr{Name: long, Format: tar.FormatGNU, Size: 5},
		hdr{Name: "blk", Typeflag: tar.TypeBlock, Devmajor: 259, Devminor: 70000, Mode: 0o660},
		hdr{Name: "pipe", Typeflag: tar.TypeFifo, Mode: 0o622},
		hdr{Name: "uid", Uid: 1 << 31},
		hdr{Name: "hard", Typeflag: tar.TypeLink, Linkname: "d/ping", Mode: 0o4755, Uid: 3, ModTime: old},
	)).dirs[0]
	stat := func(name string) (st unix.Stat_t) {
		t.Helper()
		if err := unix.Lstat(filepath.Join(root, name), &st); err != nil {
			t.Error(err)
		}
		return st
	}
	for _, name := range []string{"d", "d/ping", "d/link"} {
		st := stat(name)
		if got := time.Unix(st.Mtim.Unix()); st.Mtim.Sec != old.Unix() {
			t.Errorf("%s is of %v, want %v", name, got, old)
		}
	}
	if st := stat("d/ping"); st.Mode&0o7777 != 0o4755 || st.Nlink != 2 || st.Uid != 3 || st.Gid != 0 {
		t.Errorf("d/ping: mode %o, %d links, owner %d:%d", st.Mode, st.Nlink, st.Uid, st.Gid)
	}
	buf := make([]byte, 64)
	if n, err := unix.Getxattr(root+"/d/ping", "security.capability", buf); err != nil || string(buf[:n]) != capability {
		t.Errorf("capability is %x, %v", buf[:max(n, 0)], err)
	}
	if st := stat("d/sub/f"); st.Gid != 0 {
		t.Errorf("d/sub/f took group %d from its directory", st.Gid)
	} else if st.Mtim.Nsec != 987654321 {
		t.Errorf("d/sub/f lost its nanoseconds: %d", st.Mtim.Nsec)
	}
	if st := stat("blk"); st.Mode != unix.S_IFBLK|0o660 || unix.Major(st.Rdev) != 259 || unix.Minor(st.Rdev) != 70000 {
		t.Errorf("blk: mode %o, device %x", st.Mode, st.Rdev)
	}
	if st := stat("uid"); st.Uid != 1<<31 {
		t.Errorf("uid: %d", st.Uid)
	}
	if st := stat("pipe"); st.Mode != unix.S_IFIFO|0o622 {
		t.Errorf("pipe: mode %o", st.Mode)
	}
	stat(long)
}

// TestDropped: attributes of the host's policy are left out and counted.
func TestDropped(t *testing.T) {
	needRoot(t)
	t.Parallel()
	pax := map[string]string{"SCHILY.xattr.security.selinux": "x", "SCHILY.xattr.user.k": "v"}
	l := newLayered(t, archive(t, hdr{Name: "a", PAXRecords: pax}, hdr{Name: "b", PAXRecords: pax}))
	if n := l.res[0].Dropped["security.selinux"]; n != 2 {
		t.Errorf("dropped %v", l.res[0].Dropped)
	}
}

// TestSparse: a hole in the archive is a hole on disk.
func TestSparse(t *testing.T) {
	needRoot(t)
	t.Parallel()
	// PAX 1.0: the map stands before the data; here 4 bytes at 8 MiB of 16 MiB.
	const size, at = 16 << 20, 8 << 20
	table := fmt.Sprintf("1\n%d\n4\n", at)
	content := append([]byte(table), make([]byte, 512-len(table))...)
	content = append(content, "data"...)
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	// Go's writer refuses the real keys, so they are put in afterwards.
	h := &tar.Header{Typeflag: tar.TypeReg, Name: "GNUSparseFile.0/f", Size: int64(len(content)), Mode: 0o644, PAXRecords: map[string]string{
		"XXX.sparse.major": "1", "XXX.sparse.minor": "0", "XXX.sparse.name": "f", "XXX.sparse.realsize": fmt.Sprint(size),
	}}
	if err := errors.Join(tw.WriteHeader(h), second(tw.Write(content)), tw.Close()); err != nil {
		t.Fatal(err)
	}
	tarball := bytes.ReplaceAll(buf.Bytes(), []byte("XXX.sparse"), []byte("GNU.sparse"))
	root := newLayered(t, tarball).dirs[0]
	b, err := os.ReadFile(root + "/f")
	if err != nil || len(b) != size || string(b[at:at+4]) != "data" || !allZero(b[:at]) || !allZero(b[at+4:]) {
		t.Errorf("content of %d bytes is wrong: %v", len(b), err)
	}
	var st unix.Stat_t
	if err := unix.Stat(root+"/f", &st); err != nil || st.Blocks > 64 {
		t.Errorf("takes %d blocks, %v", st.Blocks, err)
	}
}

func second(_ int, err error) error { return err }

func allZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// TestDiffID covers what stands behind the end of the archive.
func TestDiffID(t *testing.T) {
	needRoot(t)
	t.Parallel()
	for _, tarball := range [][]byte{
		archive(t, hdr{Name: "f", Size: 1 << 20}),
		append(archive(t, hdr{Name: "f"}), make([]byte, 123456)...),
		nil, // An empty stream is an empty archive to tar, and to docker.
	} {
		var seen int64
		res, err := unpack.Layer(context.Background(), bytes.NewReader(tarball), unpack.Options{
			Rootfs: t.TempDir(), Digests: true, Progress: func(n int64) { seen = n },
		})
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("sha256:%x", sha256.Sum256(tarball)); string(res.DiffID) != want {
			t.Errorf("DiffID %s, want %s", res.DiffID, want)
		}
		if seen != int64(len(tarball)) || res.Stream != seen {
			t.Errorf("progress %d, stream %d, want %d", seen, res.Stream, len(tarball))
		}
		if e := res.Index.Find("f"); e != nil {
			if want := sha256.Sum256(body(e.Size)); e.Digest == nil || *e.Digest != want {
				t.Errorf("digest of content is wrong")
			}
		}
	}
}

// TestSourceFails passes on the error of whoever delivers the bytes, and a
// context's cause, instead of what tar makes of the fragment.
func TestSourceFails(t *testing.T) {
	needRoot(t)
	t.Parallel()
	broken := errors.New("connection reset")
	half := archive(t, hdr{Name: "f", Size: 1 << 20})[:1<<19]
	r := io.MultiReader(bytes.NewReader(half), errReader{broken})
	_, err := unpack.Layer(context.Background(), r, unpack.Options{Rootfs: t.TempDir()})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(broken)
	_, err = unpack.Layer(ctx, bytes.NewReader(half), unpack.Options{Rootfs: t.TempDir()})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want the context's cause", err)
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// TestReplayIsVerified: the archive of the second pass must be that of the
// first.
func TestReplayIsVerified(t *testing.T) {
	needRoot(t)
	t.Parallel()
	lower := newLayered(t, archive(t, hdr{Name: "f"})).dirs
	dir := t.TempDir()
	ctx := context.Background()
	tarball := archive(t, hdr{Name: "g", Typeflag: tar.TypeLink, Linkname: "f"})
	res, err := unpack.Layer(ctx, bytes.NewReader(tarball), unpack.Options{Rootfs: dir})
	if err != nil || res.Fixups.Replay != "f" || res.Index != nil {
		t.Fatalf("result %+v, %v", res, err)
	}
	if _, err := unpack.Fix(ctx, dir, lower, res, again(archive(t, hdr{Name: "evil"}))); err == nil {
		t.Error("another archive was taken")
	}
}

// TestIndexTypes has one of each.
func TestIndexTypes(t *testing.T) {
	needRoot(t)
	t.Parallel()
	l := newLayered(t,
		archive(t, hdr{Name: "gone"}, hdr{Name: "op/x"}),
		archive(t, hdr{Name: "d/f", Size: 3}, hdr{Name: "d/g", Typeflag: tar.TypeLink, Linkname: "d/f"},
			hdr{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "d"}, hdr{Name: ".wh.gone"}, hdr{Name: "op/"}, hdr{Name: "op/.wh..wh..opq"},
			hdr{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}))
	var got []string
	for _, e := range l.res[1].Index.Entries {
		got = append(got, fmt.Sprint(e.Path, " ", e.Type, " ", e.Size, " ", e.Link, " ", e.Implied, e.Opaque))
	}
	want := []string{
		". directory 0  true false", "d directory 0  true false", "d/f file 3  false false",
		"d/g hardlink 3 d/f false false", "gone whiteout 0  false false", "l symlink 0 d false false",
		"null char 0  false false", "op directory 0  false true",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("index (-want +got):\n%s", d)
	}
	if l.res[1].Size != 3 {
		t.Errorf("size %d, want 3", l.res[1].Size)
	}
	var buf bytes.Buffer
	if _, err := l.res[1].Index.WriteTo(&buf); err != nil {
		t.Fatal(err)
	}
	back, err := layers.ReadIndex(&buf)
	if err != nil || len(back.Entries) != len(want) {
		t.Errorf("reading back: %v", err)
	}
}
