package local_test

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gantry/engine"
	"gantry/logs"
)

// TestCopyFromContainerThatSwapsLinks: a program swaps a directory for a link to
// a path of the host while it is copied into and out of (CVE-2018-15664).
func TestCopyFromContainerThatSwapsLinks(t *testing.T) {
	e := open(t)
	out := t.TempDir()
	if err := os.WriteFile(filepath.Join(out, "secret"), []byte("of the host"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	script := "mkdir -p /t/real; echo mine >/t/real/secret; ln -s " + out + " /t/evil; echo ready;" +
		"while :; do mv -T /t/real /t/x; mv -T /t/x /t/real; mv -T /t/evil /t/x; mv -T /t/x /t/evil; done"
	res, err := e.Containers().Create(ctx, engine.CreateOptions{
		Config: engine.ContainerConfig{Image: image, Cmd: []string{"sh", "-c", script}}, Host: engine.HostConfig{NetworkMode: "none"},
	})
	if err != nil {
		t.Fatal(err)
	}
	id := string(res.ID)
	if err := e.Containers().Start(ctx, id); err != nil {
		t.Fatal(err)
	}
	for entry, err := range e.Containers().Logs(ctx, id, logs.Query{Follow: true, Tail: -1, Stdout: true, Stderr: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(entry.Line), "ready") {
			break
		}
	}
	for range 150 {
		var in, back bytes.Buffer
		tw := tar.NewWriter(&in)
		if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "planted", Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if err := tw.Close(); err != nil {
			t.Fatal(err)
		}
		_ = e.Containers().CopyTo(ctx, id, "/t/x", &in, engine.CopyToOptions{}) // it may be gone just now
		_ = e.Containers().CopyFrom(ctx, id, "/t/x/", &back)
		_ = e.Containers().CopyFrom(ctx, id, "/t/x/secret", io.MultiWriter(&back, io.Discard))
		if strings.Contains(back.String(), "of the host") {
			t.Fatal("a copy has a file of the host")
		}
	}
	if got := names(t, out); len(got) != 1 {
		t.Errorf("the host's directory has %v", got)
	}
	if err := e.Containers().Remove(context.WithoutCancel(ctx), id, engine.RemoveOptions{Force: true}); err != nil {
		t.Error(err)
	}
}
