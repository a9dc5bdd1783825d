package local_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gantry/engine"
	"gantry/engine/local"
)

// outputOf runs a command in a container of an image and returns what it
// printed, and the container, which stays.
func outputOf(t *testing.T, e *local.Engine, image string, cmd ...string) (out string, id engine.ID) {
	t.Helper()
	res, err := e.Containers().Create(t.Context(), engine.CreateOptions{Config: engine.ContainerConfig{Image: image, Cmd: cmd}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := e.Containers().Attach(t.Context(), string(res.ID), engine.AttachOptions{Stdout: true, Stderr: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := e.Containers().Start(t.Context(), string(res.ID)); err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	if err := s.Copy(&all, &all); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(all.String()), res.ID
}

// under lists what is below a directory.
func under(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, _ fs.DirEntry, err error) error {
		if name != "." {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestMountPointsAreShared: a container makes none for itself, and cannot
// change those of others.
func TestMountPointsAreShared(t *testing.T) {
	t.Parallel()
	e := open(t)
	if out, _ := outputOf(t, e, image, "sh", "-c", "chmod 700 /etc && echo 192.0.2.1 mine >>/etc/hosts && stat -c %a /etc && grep -c mine /etc/hosts"); out != "700\n1" {
		t.Errorf("a container that changes them prints %q", out)
	}
	out, id := outputOf(t, e, image, "sh", "-c", "grep -c mine /etc/hosts; stat -c %a /etc; cat /etc/hostname; ls -d /proc/1 /sys/kernel /dev/null")
	if want := "0\n755\n" + id.Short() + "\n/dev/null\n/proc/1\n/sys/kernel"; out != want {
		t.Errorf("the next one prints %q, want %q", out, want)
	}
	if left := under(t, filepath.Join(e.Root(), "containers", string(id), "upper")); len(left) != 0 {
		t.Errorf("it made %q", left)
	}
	if got := strings.Join(under(t, filepath.Join(e.Root(), "skeleton")), " "); got != "dev etc etc/hostname etc/hosts etc/resolv.conf proc sys" {
		t.Errorf("the mount points are %s", got)
	}
	for _, name := range []string{"hosts", "hostname", "resolv.conf"} {
		if fi, err := os.Stat(filepath.Join(e.Root(), "skeleton/etc", name)); err != nil || fi.Size() != 0 {
			t.Errorf("%s: %v, %v", name, fi, err)
		}
	}
}

// TestMountPointsOfTheImage: what an image has in their place counts.
func TestMountPointsOfTheImage(t *testing.T) {
	t.Parallel()
	e := open(t)
	for name, h := range map[string][]tar.Header{
		"links":     {{Typeflag: tar.TypeDir, Name: "etc", Mode: 0o711}, {Typeflag: tar.TypeSymlink, Name: "etc/hosts", Linkname: "/dev/null"}},
		"moved":     {{Typeflag: tar.TypeDir, Name: "usr/etc", Mode: 0o711}, {Typeflag: tar.TypeSymlink, Name: "etc", Linkname: "usr/etc"}},
		"nothing":   nil,
		"whiteouts": {{Typeflag: tar.TypeDir, Name: "etc", Mode: 0o711}, {Typeflag: tar.TypeReg, Name: "etc/.wh.hosts"}, {Typeflag: tar.TypeReg, Name: ".wh.sys"}},
	} {
		t.Run(name, func(t *testing.T) {
			ref := "test/" + name + ":1"
			if _, err := e.Images().Import(t.Context(), engine.ImportOptions{Input: tinyTar(t, h), Ref: ref}); err != nil {
				t.Fatal(err)
			}
			out, _ := outputOf(t, e, ref, "/bin/busybox", "sh", "-c", "/bin/busybox grep -c localhost /etc/hosts; /bin/busybox ls -d /proc/1 /sys/kernel /dev/null; /bin/busybox stat -c %a /etc/")
			mode := "711"
			if h == nil {
				mode = "755"
			}
			if want := "2\n/dev/null\n/proc/1\n/sys/kernel\n" + mode; out != want {
				t.Errorf("it prints %q, want %q", out, want)
			}
		})
	}
}

// tinyTar holds the host's static busybox and the entries.
func tinyTar(t *testing.T, entries []tar.Header) *bytes.Reader {
	t.Helper()
	bin, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	tw := tar.NewWriter(&out)
	errs := []error{tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "bin/busybox", Mode: 0o755, Size: int64(len(bin))})}
	_, err = tw.Write(bin)
	errs = append(errs, err)
	for _, h := range entries {
		errs = append(errs, tw.WriteHeader(&h))
	}
	if err := errors.Join(append(errs, tw.Close())...); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(out.Bytes())
}
