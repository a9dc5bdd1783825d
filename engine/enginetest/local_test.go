package enginetest_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "gantry/internal/early"

	"gantry/engine"
	"gantry/engine/enginetest"
	"gantry/engine/local"
)

// TestMain also is what containers re-execute: the roles of the program.
func TestMain(m *testing.M) {
	switch os.Args[0] {
	case local.FinishName:
		if err := local.FinishMain(context.Background(), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestLocal runs the suite over the embedded engine.
func TestLocal(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: containers are made of namespaces, mounts and control groups")
	}
	root := busyboxTar(t)
	enginetest.Run(t, func(t *testing.T) engine.Engine {
		// The runtime directory is short, because a socket's path has 108 bytes.
		run, err := os.MkdirTemp("", "gt")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(run) })
		e, err := local.Open(local.Options{Root: filepath.Join(t.TempDir(), "root"), Run: filepath.Join(run, "run")})
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.Images().Import(t.Context(), engine.ImportOptions{
			Input: bytes.NewReader(root), Ref: "busybox", Changes: []string{`CMD ["sh"]`, "ENV PATH=/bin"},
		})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}, enginetest.Options{Image: "busybox"})
}

// busyboxTar is a root file system around the host's static busybox.
func busyboxTar(t *testing.T) []byte {
	t.Helper()
	path, err := exec.LookPath("busybox")
	if err != nil {
		t.Skip("needs a static busybox (Debian: busybox-static)")
	}
	bin, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	applets, err := exec.Command(path, "--list").Output()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	add := func(h tar.Header, body []byte) {
		h.Size, h.ModTime = int64(len(body)), time.Unix(1e9, 0)
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"bin/", "etc/", "tmp/", "proc/", "sys/", "dev/"} {
		add(tar.Header{Name: dir, Typeflag: tar.TypeDir, Mode: 0o755}, nil)
	}
	add(tar.Header{Name: "bin/busybox", Mode: 0o755}, bin)
	add(tar.Header{Name: "etc/passwd", Mode: 0o644}, []byte("root:x:0:0::/:/bin/sh\n"))
	for name := range strings.FieldsSeq(string(applets)) {
		if name != "busybox" {
			add(tar.Header{Name: "bin/" + name, Typeflag: tar.TypeSymlink, Linkname: "busybox", Mode: 0o777}, nil)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
