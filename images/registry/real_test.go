package registry

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"gantry/images"
	"gantry/images/store"
)

// realRegistry starts Debian's docker-registry on a free port of loopback; it
// ends with the test.
func realRegistry(t *testing.T) (host string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host = l.Addr().String()
	l.Close()
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: %s}\n", filepath.Join(dir, "data"), host)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("docker-registry", "serve", config)
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v (Debian: docker-registry)", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	for end := time.Now().Add(20 * time.Second); ; {
		res, err := http.Get("http://" + host + "/v2/")
		if err == nil {
			res.Body.Close()
			return host
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestRealRegistry: an image of two platforms comes from a registry that is
// not ours, each platform by itself, and goes back under another name with its
// bytes unchanged.
func TestRealRegistry(t *testing.T) {
	t.Parallel()
	host := realRegistry(t)
	want := make(map[string]picture)
	both := make(map[images.Platform]picture)
	for i, arch := range []string{"amd64", "arm64"} {
		platform := images.Platform{OS: "linux", Architecture: arch}
		want[arch] = paint(t, platform, 1000+i, 200_000+i)
		both[platform] = want[arch]
	}
	tag, err := name.ParseReference(host + "/team/app:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Push(tag, combine(t, both)); err != nil {
		t.Fatal(err)
	}
	ref, err := images.ParseRef(tag.String())
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, Config{})
	for arch, p := range want {
		st := newStore(t)
		img, err := c.Pull(t.Context(), st, ref, images.Platform{OS: "linux", Architecture: arch}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if img.Platform.Architecture != arch {
			t.Errorf("platform %s, want %s", img.Platform, arch)
		}
		checkPulled(t, st, img, p)
		pushBack(t, c, st, img, host, arch)
	}
}

func pushBack(t *testing.T, c *Client, st *store.Store, img images.Image, host, tag string) {
	t.Helper()
	dst, err := images.ParseRef(host + "/other/" + tag + ":back")
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Tag(t.Context(), string(img.ID), dst); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Push(t.Context(), st, dst, nil); err != nil {
		t.Fatal(err)
	}
	got, err := c.Resolve(t.Context(), dst, img.Platform)
	if err != nil || got.Digest != img.Manifest {
		t.Fatalf("%+v, %v", got, err)
	}
	tags, err := c.Tags(t.Context(), dst)
	if err != nil || !slices.Equal(tags, []string{"back"}) {
		t.Errorf("tags %q, %v", tags, err)
	}
}
