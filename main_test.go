package main_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"
)

// binary is the program under test, built once as users get it.
var binary string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "gantry-test")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "gantry")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w -X main.version=test", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		log.Fatalf("go build: %v\n%s", err, out)
	}
	return m.Run()
}

// TestScripts runs the scripts of testdata/scripts, each with an engine of its
// own. Besides testscript's commands they have:
//
//	image NAME    makes a busybox image NAME in the engine
//	registry      starts a registry on loopback, its address in $REGISTRY
//	until CMD…    runs gantry CMD… until it succeeds, for at most ten seconds
//	stdoutuntil RE CMD…  the same, until its output matches
func TestScripts(t *testing.T) {
	needRoot(t)
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/scripts",
		Setup: setupScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"image":    cmdImage,
			"registry": cmdRegistry,
			"until":    cmdUntil,
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
	if err := os.WriteFile(env.Getenv("GANTRY_CONFIG"), nil, 0o600); err != nil {
		return err
	}
	env.Setenv("DOCKER_CONFIG", filepath.Join(env.WorkDir, ".docker"))
	env.Setenv("HOME", env.WorkDir)
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
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		env.T().Fatal(err)
	}
	if strings.Contains(string(mounts), env.WorkDir) {
		env.T().Fatal("mounts are left below " + env.WorkDir)
	}
}

// cmdImage loads a busybox root file system as an image.
func cmdImage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: image NAME")
	}
	var archive bytes.Buffer
	ts.Check(busyboxTar(&archive))
	cmd := exec.Command(binary, "import", "-c", `CMD ["sh"]`, "-", args[0])
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

// busyboxTar writes a small root file system around the host's static busybox.
func busyboxTar(w io.Writer) error {
	const path = "/bin/busybox"
	bin, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("a static busybox is needed (Debian: busybox-static): %w", err)
	}
	list, err := exec.Command(path, "--list").Output()
	if err != nil {
		return err
	}
	tw := tar.NewWriter(w)
	add := func(h tar.Header, body []byte) {
		h.Size, h.ModTime = int64(len(body)), time.Unix(1e9, 0)
		if err == nil {
			err = tw.WriteHeader(&h)
		}
		if err == nil {
			_, err = tw.Write(body)
		}
	}
	for _, d := range []string{"bin", "etc", "root", "home", "var"} {
		add(tar.Header{Typeflag: tar.TypeDir, Name: d, Mode: 0o755}, nil)
	}
	add(tar.Header{Typeflag: tar.TypeDir, Name: "tmp", Mode: 0o1777}, nil)
	add(tar.Header{Typeflag: tar.TypeReg, Name: "bin/busybox", Mode: 0o755}, bin)
	for name := range strings.FieldsSeq(string(list)) {
		if name != "busybox" {
			add(tar.Header{Typeflag: tar.TypeLink, Name: "bin/" + name, Linkname: "bin/busybox", Mode: 0o755}, nil)
		}
	}
	add(tar.Header{Typeflag: tar.TypeReg, Name: "etc/passwd", Mode: 0o644},
		[]byte("root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000:Alice:/home/alice:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"))
	add(tar.Header{Typeflag: tar.TypeReg, Name: "etc/group", Mode: 0o644},
		[]byte("root:x:0:\nalice:x:1000:\nstaff:x:50:alice\nnogroup:x:65534:\n"))
	if err != nil {
		return err
	}
	return tw.Close()
}

// cmdRegistry starts a registry that lives as long as the script.
func cmdRegistry(ts *testscript.TestScript, neg bool, args []string) {
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	ts.Defer(srv.Close)
	ts.Setenv("REGISTRY", strings.TrimPrefix(srv.URL, "http://"))
}

// cmdUntil retries a command while what it looks for comes about by itself.
func cmdUntil(ts *testscript.TestScript, neg bool, args []string) {
	deadline := time.Now().Add(10 * time.Second)
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
