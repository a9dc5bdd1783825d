package tartree_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"gantry/internal/tartree"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openDir(t *testing.T, dir string) *os.File {
	t.Helper()
	f, err := os.Open(dir)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func archive(t *testing.T, entries ...tar.Header) *bytes.Reader {
	t.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for _, h := range entries {
		body := h.Uname // the content, for brevity
		h.Uname = ""
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		h.Uid, h.Gid, h.Size = os.Getuid(), os.Getgid(), int64(len(body))
		must(t, tw.WriteHeader(&h))
		_, err := io.WriteString(tw, body)
		must(t, err)
	}
	must(t, tw.Close())
	return bytes.NewReader(b.Bytes())
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	must(t, filepath.WalkDir(dir, func(p string, _ os.DirEntry, err error) error {
		if rel, _ := filepath.Rel(dir, p); rel != "." {
			out = append(out, rel)
		}
		return err
	}))
	return out
}

// TestHostileArchives: whatever an archive says, it stays below the root.
func TestHostileArchives(t *testing.T) {
	for name, entries := range map[string][]tar.Header{
		"dots":               {{Name: "../../../escaped", Uname: "x"}},
		"absolute":           {{Name: "/escaped", Uname: "x"}},
		"link then file":     {{Typeflag: tar.TypeSymlink, Name: "l", Linkname: "OUT"}, {Name: "l/escaped", Uname: "x"}},
		"dots in a link":     {{Typeflag: tar.TypeSymlink, Name: "l", Linkname: "../../../../../../../../OUT"}, {Name: "l/escaped", Uname: "x"}},
		"hard link":          {{Typeflag: tar.TypeLink, Name: "h", Linkname: "OUT/secret"}, {Name: "h", Uname: "overwritten"}},
		"link as directory":  {{Typeflag: tar.TypeSymlink, Name: "l", Linkname: "OUT"}, {Typeflag: tar.TypeDir, Name: "l", Mode: 0o777}},
		"link over a file":   {{Typeflag: tar.TypeSymlink, Name: "l", Linkname: "OUT/secret"}, {Name: "l", Uname: "overwritten"}},
		"hard link to links": {{Typeflag: tar.TypeSymlink, Name: "l", Linkname: "OUT/secret"}, {Typeflag: tar.TypeLink, Name: "h", Linkname: "l"}, {Name: "h", Uname: "overwritten"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, root := t.TempDir(), t.TempDir()
			must(t, os.WriteFile(filepath.Join(out, "secret"), []byte("secret"), 0o600))
			for i := range entries {
				entries[i].Linkname = strings.ReplaceAll(entries[i].Linkname, "OUT", out)
			}
			_, _ = tartree.Extract(t.Context(), openDir(t, root), "/", archive(t, entries...), tartree.ExtractOptions{NoOwners: true})
			if got := list(t, out); !slices.Equal(got, []string{"secret"}) {
				t.Errorf("outside there is %v", got)
			}
			if b, _ := os.ReadFile(filepath.Join(out, "secret")); string(b) != "secret" {
				t.Errorf("the file outside was overwritten: %q", b)
			}
			if st, _ := os.Stat(out); st.Mode().Perm() == 0o777 {
				t.Error("the directory outside was changed")
			}
		})
	}
}

// swapping makes name in dir a directory and a link to out in turns.
func swapping(t *testing.T, dir, name, out string) (stop func()) {
	t.Helper()
	link := filepath.Join(dir, "link")
	must(t, os.MkdirAll(filepath.Join(dir, name), 0o755))
	must(t, os.Symlink(out, link))
	end := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-end:
				return
			default:
				_ = unix.Renameat2(unix.AT_FDCWD, link, unix.AT_FDCWD, filepath.Join(dir, name), unix.RENAME_EXCHANGE)
			}
		}
	})
	return func() { close(end); wg.Wait() }
}

// TestExtractWhileSwapped: a container swaps a directory for a link to a
// directory of the host.
func TestExtractWhileSwapped(t *testing.T) {
	out, root := t.TempDir(), t.TempDir()
	stop := swapping(t, root, "d", out)
	defer stop()
	dir := openDir(t, root)
	data := archive(t, tar.Header{Name: "d/sub/file", Uname: "x"}, tar.Header{Typeflag: tar.TypeDir, Name: "d/other", Mode: 0o777}, tar.Header{Name: "d/file", Uname: "y"})
	for range 300 {
		_, err := data.Seek(0, io.SeekStart)
		must(t, err)
		_, _ = tartree.Extract(t.Context(), dir, "/", data, tartree.ExtractOptions{NoOwners: true})
	}
	if got := list(t, out); len(got) != 0 {
		t.Errorf("outside there is %v", got)
	}
}

// TestWriteWhileSwapped is the same for reading.
func TestWriteWhileSwapped(t *testing.T) {
	out, root := t.TempDir(), t.TempDir()
	must(t, os.WriteFile(filepath.Join(out, "secret"), []byte("secret"), 0o600))
	stop := swapping(t, root, "d", out)
	defer stop()
	dir := openDir(t, root)
	for range 300 {
		var b bytes.Buffer
		w := tartree.NewWriter(t.Context(), &b)
		if err := errors.Join(w.Contents(dir, ""), w.Close()); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "secret\x00") || strings.Contains(b.String(), "/secret") {
			t.Fatal("the archive has what lies outside")
		}
	}
}

func TestRoundTrip(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	at := func(name string) string { return filepath.Join(from, name) }
	must(t, os.MkdirAll(at("dir/sub"), 0o750))
	must(t, os.WriteFile(at("dir/file"), []byte("content"), 0o640))
	must(t, os.Chmod(at("dir/file"), 0o640|os.ModeSetgid))
	must(t, os.Link(at("dir/file"), at("dir/sub/hard")))
	must(t, os.Symlink("../elsewhere", at("dir/link")))
	must(t, unix.Mkfifo(at("dir/pipe"), 0o600)) // opening it would block for ever
	must(t, unix.Setxattr(at("dir/file"), "user.kept", []byte("yes"), 0))
	sparse, err := os.Create(at("dir/sparse"))
	must(t, err)
	must(t, sparse.Truncate(8<<20))
	_, err = sparse.WriteAt([]byte("end"), 8<<20-3)
	must(t, errors.Join(err, sparse.Close()))
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	must(t, err)
	defer unix.Close(fd)
	wd, err := os.Getwd()
	must(t, err)
	must(t, os.Chdir(at("dir"))) // a socket's path is short
	must(t, unix.Bind(fd, &unix.SockaddrUnix{Name: "socket"}))
	must(t, os.Chdir(wd))

	var b bytes.Buffer
	w := tartree.NewWriter(t.Context(), &b)
	f, err := tartree.OpenEntry(openDir(t, from), "dir")
	must(t, err)
	defer f.Close()
	must(t, errors.Join(w.Tree(f, "dir"), w.Close()))
	_, err = tartree.Extract(t.Context(), openDir(t, to), "/", &b, tartree.ExtractOptions{NoOwners: os.Geteuid() != 0})
	must(t, err)

	want := []string{"dir", "dir/file", "dir/link", "dir/pipe", "dir/sparse", "dir/sub", "dir/sub/hard"}
	if got := list(t, to); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for _, name := range want {
		var a, c unix.Stat_t
		must(t, errors.Join(unix.Lstat(at(name), &a), unix.Lstat(filepath.Join(to, name), &c)))
		if a.Mode != c.Mode || a.Size != c.Size && a.Mode&unix.S_IFMT != unix.S_IFDIR || a.Mtim.Sec != c.Mtim.Sec || a.Nlink != c.Nlink {
			t.Errorf("%s: %o %d %d %d, was %o %d %d %d", name, c.Mode, c.Size, c.Mtim.Sec, c.Nlink, a.Mode, a.Size, a.Mtim.Sec, a.Nlink)
		}
		if name == "dir/sparse" && c.Blocks > 64 {
			t.Errorf("the sparse file takes %d blocks", c.Blocks)
		}
	}
	val := make([]byte, 8)
	if n, err := unix.Getxattr(filepath.Join(to, "dir/file"), "user.kept", val); err != nil || string(val[:n]) != "yes" {
		t.Errorf("attribute: %v", err)
	}
}

func TestKeepTypes(t *testing.T) {
	for name, test := range map[string]struct {
		make  func(dir string) error
		entry tar.Header
	}{
		"file over directory": {func(d string) error { return os.Mkdir(d, 0o755) }, tar.Header{Name: "x", Uname: "y"}},
		"directory over file": {func(d string) error { return os.WriteFile(d, nil, 0o600) }, tar.Header{Typeflag: tar.TypeDir, Name: "x", Mode: 0o755}},
	} {
		root := t.TempDir()
		must(t, test.make(filepath.Join(root, "x")))
		_, err := tartree.Extract(t.Context(), openDir(t, root), "/", archive(t, test.entry), tartree.ExtractOptions{KeepTypes: true, NoOwners: true})
		if err == nil || !strings.Contains(err.Error(), "cannot overwrite") {
			t.Errorf("%s: %v", name, err)
		}
		_, err = tartree.Extract(t.Context(), openDir(t, root), "/", archive(t, test.entry), tartree.ExtractOptions{NoOwners: true})
		if err != nil {
			t.Errorf("%s, allowed: %v", name, err)
		}
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := tartree.Extract(ctx, openDir(t, t.TempDir()), "/", archive(t, tar.Header{Name: "x"}), tartree.ExtractOptions{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("extract: %v", err)
	}
}
