package local_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"gantry/engine"
	"gantry/engine/jobs"
	"gantry/engine/local"
	_ "gantry/internal/early" // this binary is its own monitor
)

// TestMain lets the test binary play the roles that gantry re-executes itself
// in.
func TestMain(m *testing.M) {
	switch os.Args[0] {
	case local.FinishName:
		if err := local.FinishMain(context.Background(), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case jobs.Role:
		os.Exit(2)
	case frontEndName:
		playFrontEnd(os.Args[1], os.Args[2])
		os.Exit(2)
	}
	os.Exit(m.Run())
}

// image is what the tests run.
const image = "test/box:1"

// open makes an engine with state of its own and an image. Its runtime
// directory is short because a socket's path is. What a test leaves is removed.
func open(t *testing.T) *local.Engine {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: containers are made of namespaces, mounts and control groups")
	}
	run, err := os.MkdirTemp("", "gl")
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.MkdirTemp("", "gl")
	if err != nil {
		t.Fatal(err)
	}
	e := reopen(t, root, run)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		list, err := e.Containers().List(ctx, engine.ListOptions{All: true})
		if err != nil {
			t.Errorf("list what is left: %v", err)
		}
		for _, c := range list.Items {
			if err := e.Containers().Remove(ctx, string(c.ID), engine.RemoveOptions{Force: true}); err != nil {
				t.Errorf("remove what is left: %v", err)
			}
		}
		// A process that finishes the removal of a --rm container may be at work
		// still, and writes until it finds that there is nothing to do.
		for _, dir := range []string{root, run} {
			for os.RemoveAll(dir) != nil && ctx.Err() == nil {
				time.Sleep(20 * time.Millisecond)
			}
		}
	})
	if _, err := e.Images().Import(t.Context(), engine.ImportOptions{Input: boxTar(t), Ref: image, Changes: []string{`CMD ["sh"]`}}); err != nil {
		t.Fatal(err)
	}
	return e
}

func reopen(t *testing.T, root, run string) *local.Engine {
	t.Helper()
	e, err := local.Open(local.Options{Root: root, Run: run, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// boxTar is a root file system around the host's static busybox.
func boxTar(t *testing.T) *bytes.Reader {
	t.Helper()
	const path = "/bin/busybox"
	bin, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("a static busybox is needed (Debian: busybox-static): %v", err)
	}
	applets, err := exec.Command(path, "--list").Output()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	tw := tar.NewWriter(&out)
	add := func(h tar.Header, body []byte) {
		h.Size = int64(len(body))
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{"bin", "etc", "root", "tmp"} {
		add(tar.Header{Typeflag: tar.TypeDir, Name: d, Mode: 0o755}, nil)
	}
	add(tar.Header{Typeflag: tar.TypeReg, Name: "bin/busybox", Mode: 0o755}, bin)
	for name := range strings.FieldsSeq(string(applets)) {
		if name != "busybox" {
			add(tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/" + name, Linkname: "busybox", Mode: 0o777}, nil)
		}
	}
	add(tar.Header{Typeflag: tar.TypeReg, Name: "etc/passwd", Mode: 0o644}, []byte("root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n"))
	add(tar.Header{Typeflag: tar.TypeReg, Name: "etc/group", Mode: 0o644}, []byte("root:x:0:\nalice:x:1000:\n"))
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(out.Bytes())
}
