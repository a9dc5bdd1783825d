package unpack_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gantry/images"
	"gantry/images/unpack"
	"gantry/testdata/hostile"
)

// cage is a layer's root with a canary beside it.
func cage(tb testing.TB) (root string, check func()) {
	tb.Helper()
	outside := tb.TempDir()
	canary := filepath.Join(outside, hostile.Canary)
	if err := os.WriteFile(canary, []byte("alive"), 0o600); err != nil {
		tb.Fatal(err)
	}
	var before unix.Stat_t
	if err := unix.Lstat(outside, &before); err != nil {
		tb.Fatal(err)
	}
	root = filepath.Join(outside, "root")
	if err := os.Mkdir(root, 0o700); err != nil {
		tb.Fatal(err)
	}
	return root, func() {
		tb.Helper()
		b, err := os.ReadFile(canary)
		var st, dir unix.Stat_t
		err = errors.Join(err, unix.Lstat(canary, &st), unix.Lstat(outside, &dir))
		if err != nil || string(b) != "alive" || st.Nlink != 1 || st.Mode&0o7777 != 0o600 || st.Uid != 0 {
			tb.Errorf("the canary has suffered: %q, mode %o, %d links, %v", b, st.Mode, st.Nlink, err)
		}
		if dir.Mode != before.Mode || dir.Uid != before.Uid {
			tb.Errorf("the directory above the root has changed: mode %o", dir.Mode)
		}
		if names, err := os.ReadDir(outside); err != nil || len(names) != 2 {
			tb.Errorf("beside the root are %v, %v", names, err)
		}
	}
}

func TestHostile(t *testing.T) {
	needRoot(t)
	t.Parallel()
	for _, c := range hostile.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			root, check := cage(t)
			defer check()
			_, _, err := unpackOver(root, nil, c.Tar)
			switch c.Want {
			case hostile.Refused:
				if !errors.Is(err, images.ErrHostile) {
					t.Errorf("%s: got %v, want it refused as hostile", c.Why, err)
				}
			case hostile.Broken:
				if !errors.Is(err, images.ErrCorrupt) {
					t.Errorf("%s: got %v, want it refused as corrupt", c.Why, err)
				}
			case hostile.Contained:
				if err != nil {
					t.Fatalf("%s: got %v, want it contained", c.Why, err)
				}
			}
			for _, p := range c.Paths {
				if _, err := os.Lstat(filepath.Join(root, p)); err != nil {
					t.Errorf("%s: %v", c.Why, err)
				}
			}
		})
	}
}

// TestHostileOverLower has the trap in a lower layer: a symlink there leads out
// of the root when it is followed on the host.
func TestHostileOverLower(t *testing.T) {
	needRoot(t)
	t.Parallel()
	lower := newLayered(t, archive(t,
		hdr{Name: "up", Typeflag: tar.TypeSymlink, Linkname: "../.."},
		hdr{Name: "abs", Typeflag: tar.TypeSymlink, Linkname: "/etc"},
		hdr{Name: "file"},
	)).dirs
	for _, c := range []struct {
		name    string
		entries []hdr
		want    error
		path    string
	}{
		{"write up", []hdr{{Name: "up/" + hostile.Canary}}, nil, hostile.Canary},
		{"write absolute", []hdr{{Name: "abs/passwd"}}, nil, "etc/passwd"},
		{"delete up", []hdr{{Name: "up/.wh." + hostile.Canary}}, nil, ""},
		{"empty up", []hdr{{Name: "up/.wh..wh..opq"}}, nil, ""},
		{"link up", []hdr{{Name: "h", Typeflag: tar.TypeLink, Linkname: "up/" + hostile.Canary}}, images.ErrCorrupt, ""},
		{"link absolute", []hdr{{Name: "h", Typeflag: tar.TypeLink, Linkname: "abs/hostname"}}, images.ErrCorrupt, ""},
		{"file as parent", []hdr{{Name: "file/x"}}, images.ErrCorrupt, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			root, check := cage(t)
			defer check()
			_, _, err := unpackOver(root, lower, archive(t, c.entries...))
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if _, err := os.Lstat(filepath.Join(root, c.path)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	needRoot(t)
	t.Parallel()
	many := make([]hdr, 11)
	for i := range many {
		many[i] = hdr{Name: fmt.Sprint(i)}
	}
	for _, c := range []struct {
		name   string
		tar    []byte
		limits unpack.Limits
		say    string
	}{
		{"entries", archive(t, many...), unpack.Limits{Entries: 10}, "10 entries"},
		{"same name again", archive(t, hdr{Name: "a"}, hdr{Name: "a"}, hdr{Name: "a"}), unpack.Limits{Entries: 2}, "2 entries"},
		{"bytes", archive(t, hdr{Name: "a", Size: 60}, hdr{Name: "b", Size: 60}), unpack.Limits{Bytes: 100}, "100 bytes"},
		{"stream", archive(t, hdr{Name: "a", Size: 1 << 20}), unpack.Limits{Stream: 1 << 19}, "bytes of archive"},
		{"behind the end", append(archive(t, hdr{Name: "a"}), make([]byte, 1<<20)...), unpack.Limits{Stream: 1 << 19}, "bytes of archive"},
		{"depth", archive(t, hdr{Name: "a/b/c/d"}), unpack.Limits{Depth: 3}, "3 components"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := unpack.Layer(context.Background(), bytes.NewReader(c.tar), unpack.Options{Rootfs: t.TempDir(), Limits: c.limits})
			if !errors.Is(err, images.ErrHostile) || !strings.Contains(err.Error(), c.say) {
				t.Errorf("got %v, want hostile with %q", err, c.say)
			}
		})
	}
}

// TestErrorsNameEntry keeps a name of a megabyte out of messages.
func TestErrorsNameEntry(t *testing.T) {
	needRoot(t)
	t.Parallel()
	long := "../" + strings.Repeat("x", 1<<16)
	_, err := unpack.Layer(context.Background(), bytes.NewReader(archive(t, hdr{Name: long})), unpack.Options{Rootfs: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), `"../xxx`) || len(err.Error()) > 500 {
		t.Errorf("message of %d bytes: %.100v", len(err.Error()), err)
	}
}

// FuzzLayer unpacks whatever comes over a layer with symlinks, in a cage.
func FuzzLayer(f *testing.F) {
	if os.Geteuid() != 0 {
		f.Skip("owners, devices and overlay's marks need root")
	}
	for _, c := range hostile.Cases() {
		if len(c.Tar) < 64<<10 && c.Name != "sparse" {
			f.Add(c.Tar)
		}
	}
	lower := newLayered(f, archive(f,
		hdr{Name: "up", Typeflag: tar.TypeSymlink, Linkname: "../.."},
		hdr{Name: "d/f"},
	)).dirs
	f.Fuzz(func(t *testing.T, tarball []byte) {
		root, check := cage(t)
		defer check()
		ctx := context.Background()
		limits := unpack.Limits{Entries: 100, Stream: 1 << 20, Bytes: 1 << 20, Depth: 20}
		res, err := unpack.Layer(ctx, bytes.NewReader(tarball), unpack.Options{Rootfs: root, Limits: limits})
		if err != nil {
			return
		}
		if _, err := unpack.Fix(ctx, root, lower, res, again(tarball)); err != nil {
			return
		}
		if err := checkIndex(root, res.Index); err != nil {
			t.Error(err)
		}
	})
}
