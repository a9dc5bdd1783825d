package main_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"gantry/engine"
)

// TestScripts runs the scripts of testdata/scripts, each with an engine of its
// own. Besides testscript's commands they have:
//
//	image NAME [CHANGE]...
//	              makes a busybox image NAME in the engine
//	mounted TYPE OPTIONS DIR
//	              mounts a file system for the time of the script
//	multi NAME ARCH...
//	              puts an index of busybox images into the registry; /etc/arch
//	              tells them apart
//	registry      starts a registry on loopback, its address in $REGISTRY; one
//	              that cuts every layer short is at $CUT, until $WORK/mended is
//	              there
//	until CMD…    runs gantry CMD… until it succeeds
func TestScripts(t *testing.T) {
	needRoot(t)
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/scripts",
		Setup: setupScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"image":    cmdImage,
			"mounted":  cmdMounted,
			"multi":    cmdMulti,
			"registry": cmdRegistry,
			"until":    cmdUntil,
		},
		Condition: func(cond string) (bool, error) {
			name, ok := strings.CutPrefix(cond, "env:")
			if !ok {
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			return os.Getenv(name) != "", nil
		},
		RequireExplicitExec: true,
	})
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: containers are made of namespaces, mounts and control groups")
	}
}

// setupScript gives a script its own state. The runtime directory is short,
// because a socket's path has 108 bytes.
func setupScript(env *testscript.Env) error {
	run, err := os.MkdirTemp("", "gtr")
	if err != nil {
		return err
	}
	env.Setenv("GANTRY_ROOT", filepath.Join(env.WorkDir, ".state"))
	env.Setenv("GANTRY_RUN", run)
	env.Setenv("GANTRY_CONFIG", filepath.Join(env.WorkDir, ".config.toml"))
	if err := os.WriteFile(env.Getenv("GANTRY_CONFIG"), []byte(withoutNetwork), 0o600); err != nil {
		return err
	}
	env.Setenv("DOCKER_CONFIG", filepath.Join(env.WorkDir, ".docker"))
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("GANTRY_TEST_REGISTRY", os.Getenv("GANTRY_TEST_REGISTRY"))
	env.Setenv("PATH", filepath.Dir(binary)+":"+os.Getenv("PATH"))
	env.Defer(func() {
		teardown(env)
		os.RemoveAll(run)
	})
	return nil
}

// teardown removes what a script left running and fails it for what survives
// that.
func teardown(env *testscript.Env) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	gantry := func(args ...string) string {
		cmd := exec.CommandContext(ctx, binary, args...)
		cmd.Env = env.Vars
		out, _ := cmd.Output()
		return string(out)
	}
	if ids := strings.Fields(gantry("ps", "-aq", "--no-trunc")); len(ids) > 0 {
		gantry(append([]string{"rm", "-f"}, ids...)...)
	}
	if left := gantry("ps", "-aq"); left != "" {
		env.T().Fatal("containers are left that cannot be removed: " + left)
	}
	// The monitor of a --rm container has them removed after its end was told.
	for left := bridgesOf(filepath.Join(env.WorkDir, ".state")); len(left) > 0; left = bridgesOf(filepath.Join(env.WorkDir, ".state")) {
		select {
		case <-ctx.Done():
			env.T().Fatal("bridges are left: " + strings.Join(left, " "))
		case <-time.After(10 * time.Millisecond):
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		env.T().Fatal(err)
	}
	if strings.Contains(string(mounts), env.WorkDir) {
		env.T().Fatal("mounts are left below " + env.WorkDir)
	}
}

// bridgesOf are the bridges on the host of the networks below a state directory.
func bridgesOf(state string) (left []string) {
	dirs, _ := filepath.Glob(filepath.Join(state, "networks", strings.Repeat("?", 64)))
	for _, dir := range dirs {
		name := "gt-" + engine.ID(filepath.Base(dir)).Short()
		if _, err := os.Lstat(filepath.Join("/sys/class/net", name)); err == nil {
			left = append(left, name)
		}
	}
	return left
}

// cmdImage loads a busybox root file system as an image.
func cmdImage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: image NAME [CHANGE]...")
	}
	var archive bytes.Buffer
	ts.Check(busyboxTar(&archive))
	argv := []string{"import", "-c", `CMD ["sh"]`}
	for _, change := range args[1:] {
		argv = append(argv, "-c", change)
	}
	cmd := exec.Command(binary, append(argv, "-", args[0])...)
	cmd.Env = environ(ts)
	cmd.Stdin = &archive
	if out, err := cmd.CombinedOutput(); err != nil {
		ts.Fatalf("import %s: %v\n%s", args[0], err, out)
	}
}

func environ(ts *testscript.TestScript) []string {
	var env []string
	for _, k := range []string{"GANTRY_ROOT", "GANTRY_RUN", "GANTRY_CONFIG", "DOCKER_CONFIG", "HOME", "PATH"} {
		env = append(env, k+"="+ts.Getenv(k))
	}
	return env
}

// cmdMounted mounts a file system and takes it away at the end, whatever still
// uses it.
func cmdMounted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: mounted TYPE OPTIONS DIR")
	}
	dir := ts.MkAbs(args[2])
	ts.Check(os.MkdirAll(dir, 0o755))
	if err := unix.Mount(args[0], dir, args[0], 0, args[1]); err != nil {
		ts.Fatalf("mount %s: %v", args[0], err)
	}
	ts.Defer(func() { unix.Unmount(dir, unix.MNT_DETACH) })
}

// cmdRegistry starts a registry that lives as long as the script.
func cmdRegistry(ts *testscript.TestScript, neg bool, args []string) {
	whole := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	start := func(name string, h http.Handler) {
		srv := httptest.NewServer(h)
		ts.Defer(srv.Close)
		ts.Setenv(name, strings.TrimPrefix(srv.URL, "http://"))
	}
	start("REGISTRY", whole)
	mended := ts.MkAbs("mended")
	start("CUT", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := os.Stat(mended)
		if err != nil && r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
			w = &cutter{ResponseWriter: w, left: 100_000}
		}
		whole.ServeHTTP(w, r)
	}))
}

// cmdMulti makes the index with the registry's own library, so that nothing of
// gantry's pushing is in it.
func cmdMulti(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: multi NAME ARCH...")
	}
	var index v1.ImageIndex = empty.Index
	for _, arch := range args[1:] {
		var archive bytes.Buffer
		ts.Check(busyboxTar(&archive))
		layers := []v1.Layer{static.NewLayer(archive.Bytes(), types.OCIUncompressedLayer), static.NewLayer(oneFile(ts, "etc/arch", arch), types.OCIUncompressedLayer)}
		img, err := mutate.AppendLayers(empty.Image, layers...)
		ts.Check(err)
		cfg, err := img.ConfigFile()
		ts.Check(err)
		cfg.OS, cfg.Architecture = "linux", arch
		img, err = mutate.ConfigFile(img, cfg)
		ts.Check(err)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	ref, err := name.ParseReference(args[0])
	ts.Check(err)
	ts.Check(remote.WriteIndex(ref, index))
}

func oneFile(ts *testscript.TestScript, path, text string) []byte {
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	ts.Check(tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: path, Mode: 0o644, Size: int64(len(text))}))
	_, err := tw.Write([]byte(text))
	ts.Check(err)
	ts.Check(tw.Close())
	return b.Bytes()
}

// cutter drops the connection after so many bytes.
type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(b []byte) (int, error) {
	if len(b) > c.left {
		c.ResponseWriter.Write(b[:c.left])
		c.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= len(b)
	return c.ResponseWriter.Write(b)
}

// cmdUntil retries a command while what it looks for comes about by itself.
func cmdUntil(ts *testscript.TestScript, neg bool, args []string) {
	deadline := time.Now().Add(patience)
	for {
		cmd := exec.Command(binary, args...)
		cmd.Env = environ(ts)
		out, err := cmd.CombinedOutput()
		if (err == nil) != neg {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("until gantry %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
