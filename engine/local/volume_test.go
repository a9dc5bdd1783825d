package local_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"gantry/engine"
	"gantry/engine/local"
)

// trickyImage has a directory with content, links that lead to it and out of
// the root, and a VOLUME.
const trickyImage = "test/tricky:1"

func importTricky(t *testing.T, e *local.Engine) {
	t.Helper()
	var out bytes.Buffer
	tw := tar.NewWriter(&out)
	for _, h := range []tar.Header{
		{Typeflag: tar.TypeDir, Name: "srv/data", Mode: 0o750, Uid: 42, Gid: 43},
		{Typeflag: tar.TypeReg, Name: "srv/data/file", Mode: 0o604, Uid: 44, Gid: 45},
		{Typeflag: tar.TypeSymlink, Name: "srv/data/out", Linkname: "/etc"},
		{Typeflag: tar.TypeSymlink, Name: "link", Linkname: "/srv/data"},
		{Typeflag: tar.TypeSymlink, Name: "escape", Linkname: "../../../../../../../../etc"},
		{Typeflag: tar.TypeReg, Name: "true", Mode: 0o755},
		{Typeflag: tar.TypeDir, Name: "vol", Mode: 0o700, Uid: 9},
	} {
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := e.Images().Import(t.Context(), engine.ImportOptions{Input: &out, Ref: trickyImage, Changes: []string{`CMD ["/true"]`, "VOLUME /vol"}})
	if err != nil {
		t.Fatal(err)
	}
}

func createWith(t *testing.T, e *local.Engine, mounts ...engine.Mount) (engine.ContainerDetail, error) {
	t.Helper()
	res, err := e.Containers().Create(t.Context(), engine.CreateOptions{
		Config: engine.ContainerConfig{Image: trickyImage}, Host: engine.HostConfig{NetworkMode: "none", Mounts: mounts},
	})
	if err != nil {
		return engine.ContainerDetail{}, err
	}
	return e.Containers().Inspect(t.Context(), string(res.ID))
}

func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestCopyUp(t *testing.T) {
	e := open(t)
	importTricky(t, e)
	for target, want := range map[string]int{
		"/srv/data": 2, // file, out
		"/link":     2, // the same through a link
		"/escape":   0, // the host's /etc must not come; the image has none
		"/nosuch":   0,
	} {
		d, err := createWith(t, e, engine.Mount{Type: "volume", Target: target})
		if err != nil {
			t.Fatal(err)
		}
		dir := d.Mounts[0].Source
		if got := names(t, dir); len(got) != want {
			t.Errorf("%s: the volume has %v, want %d entries", target, got, want)
			continue
		}
		if want == 0 {
			continue
		}
		st, err := os.Stat(dir)
		if err != nil || st.Mode().Perm() != 0o750 {
			t.Errorf("%s: %v %v", target, st.Mode(), err)
		}
		if to, err := os.Readlink(filepath.Join(dir, "out")); to != "/etc" {
			t.Errorf("%s: link %q %v", target, to, err)
		}
	}
	d, err := createWith(t, e, engine.Mount{Type: "volume", Target: "/srv/data", Volume: &engine.VolumeOptions{NoCopy: true}})
	if err != nil {
		t.Fatal(err)
	}
	if got := names(t, d.Mounts[0].Source); len(got) != 0 {
		t.Errorf("with nocopy the volume has %v", got)
	}
	if d.Mounts[1].Destination != "/vol" || d.Mounts[1].Type != "volume" {
		t.Errorf("the image's VOLUME: %+v", d.Mounts[1])
	}
	if st, err := os.Stat(d.Mounts[1].Source); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("an empty directory gives its attributes: %v %v", st.Mode(), err)
	}
}

// TestCopyUpAtOnce makes containers with one volume side by side.
func TestCopyUpAtOnce(t *testing.T) {
	e := open(t)
	importTricky(t, e)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			d, err := createWith(t, e, engine.Mount{Type: "volume", Source: "shared", Target: "/srv/data"})
			if err != nil {
				t.Error(err)
				return
			}
			if got := names(t, d.Mounts[0].Source); len(got) != 2 {
				t.Errorf("the volume has %v", got)
			}
		})
	}
	wg.Wait()
}

// TestFailedCreationLeavesNoVolume: anonymous volumes go with it, a named one
// stays as in docker.
func TestFailedCreationLeavesNoVolume(t *testing.T) {
	e := open(t)
	importTricky(t, e)
	_, err := createWith(t, e, engine.Mount{Type: "volume", Source: "named", Target: "/a"}, engine.Mount{Type: "volume", Source: "named", Target: "/b", Volume: &engine.VolumeOptions{
		DriverConfig: &engine.DriverConfig{Name: "nosuch"},
	}}, engine.Mount{Type: "volume", Target: "/c"})
	if !errors.Is(err, engine.ErrUnsupported) {
		t.Fatalf("create: %v", err)
	}
	_, err = createWith(t, e, engine.Mount{Type: "volume", Target: "/true"})
	if !errors.Is(err, engine.ErrInvalid) {
		t.Fatalf("create over a file: %v", err)
	}
	list, err := e.Volumes().List(t.Context(), engine.VolumeListOptions{})
	if err != nil || len(list.Items) != 1 || list.Items[0].Name != "named" {
		t.Errorf("volumes that are left: %+v %v", list.Items, err)
	}
}

// TestRemovalTakesVolumesAfterKill: a removal with volumes that was cut short
// takes them when it is repeated by somebody who knows nothing of them.
func TestRemovalTakesVolumesAfterKill(t *testing.T) {
	e := open(t)
	importTricky(t, e)
	d, err := createWith(t, e)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.MarkRemoval(d.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Containers().Prune(context.Background(), engine.PruneOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Volumes().Inspect(t.Context(), d.Mounts[0].Name); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("the anonymous volume is left: %v", err)
	}
}
