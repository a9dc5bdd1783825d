package main_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience bounds every wait for what must come: long, because an emulated
// machine is ten times slower, and only paid for by what is broken.
const patience = 2 * time.Minute

// world is an engine's state of its own, used through the program alone.
type world struct {
	t         *testing.T
	root, run string
	env       []string
}

// newWorld makes a world with the image box. At the end of the test nothing of
// it may be left: see assertEmpty.
func newWorld(t *testing.T) *world {
	t.Helper()
	needRoot(t)
	// Short, because a socket's path has 108 bytes.
	run, err := os.MkdirTemp("", "gtw")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	w := &world{t: t, root: filepath.Join(dir, "root"), run: run}
	config := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(config, []byte(withoutNetwork), 0o600); err != nil {
		t.Fatal(err)
	}
	w.env = []string{
		"GANTRY_ROOT=" + w.root, "GANTRY_RUN=" + w.run, "GANTRY_CONFIG=" + config, "HOME=" + dir,
		"DOCKER_CONFIG=" + filepath.Join(dir, "docker"), "PATH=" + os.Getenv("PATH"), "TERM=xterm-256color",
	}
	t.Cleanup(func() {
		w.removeAll()
		w.try("container", "prune", "-f") // also what killed processes left
		w.assertEmpty()
		os.RemoveAll(run)
	})
	var archive bytes.Buffer
	if err := busyboxTar(&archive); err != nil {
		t.Fatal(err)
	}
	cmd := w.command(binary, "import", "-c", `CMD ["sh"]`, "-", "box")
	cmd.Stdin = &archive
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("import: %v\n%s", err, out)
	}
	return w
}

func (w *world) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = w.env
	return cmd
}

// result is how a run of the program ended.
type result struct {
	out, err string
	code     int
}

// try runs the program, whatever comes of it.
func (w *world) try(args ...string) result {
	w.t.Helper()
	return w.finish(w.command(binary, args...))
}

func (w *world) finish(cmd *exec.Cmd) result {
	w.t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	err := cmd.Wait()
	if !stop() {
		w.t.Errorf("%q hung", cmd.Args)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	return result{strings.TrimSpace(out.String()), strings.TrimSpace(errs.String()), cmd.ProcessState.ExitCode()}
}

// gantry runs the program, which must succeed, and returns what it printed.
func (w *world) gantry(args ...string) string {
	w.t.Helper()
	r := w.try(args...)
	if r.code != 0 {
		w.t.Fatalf("gantry %s: exit code %d\n%s%s", strings.Join(args, " "), r.code, r.out, r.err)
	}
	return r.out
}

// state is a container's, as inspect tells it.
func (w *world) state(name string) string {
	w.t.Helper()
	return w.gantry("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", name)
}

// eventually waits until a condition holds.
func (w *world) eventually(what string, holds func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			w.t.Fatalf("in vain waited for: %s", what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// removeAll removes every container.
func (w *world) removeAll() {
	w.t.Helper()
	if ids := strings.Fields(w.try("ps", "-aq", "--no-trunc").out); len(ids) > 0 {
		if r := w.try(append([]string{"rm", "-f"}, ids...)...); r.code != 0 {
			w.t.Errorf("rm -f of what is left: exit code %d\n%s", r.code, r.err)
		}
	}
	if r := w.try("ps", "-a"); r.code != 0 || strings.Count(r.out, "\n") != 0 || r.err != "" {
		w.t.Errorf("containers cannot be removed: %s%s", r.out, r.err)
	}
}

// assertEmpty checks that no process, mount, control group, name or file of a
// container is left in this world.
func (w *world) assertEmpty() {
	w.t.Helper()
	// A monitor answers before it leaves.
	deadline := time.Now().Add(patience)
	left := w.left()
	for len(left) > 0 && time.Now().Before(deadline) {
		<-time.After(20 * time.Millisecond)
		left = w.left()
	}
	for _, l := range left {
		w.t.Error("left behind:", l)
	}
}

func (w *world) left() []string {
	var left []string
	for _, dir := range []string{filepath.Join(w.root, "containers"), filepath.Join(w.root, "trash"), filepath.Join(w.root, "names"), filepath.Join(w.run, "c")} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			left = append(left, err.Error())
		}
		for _, e := range entries {
			left = append(left, filepath.Join(dir, e.Name()))
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), w.root) || strings.Contains(string(mounts), w.run) {
		left = append(left, fmt.Sprintf("a mount: %v", err))
	}
	for _, p := range w.processes() {
		left = append(left, fmt.Sprintf("process %d: %s", p.pid, p.cmdline))
	}
	return left
}

// process is one of the host.
type process struct {
	pid     int
	cmdline string
}

// processes are those that speak of this world in their command line: front
// ends, monitors and their helpers.
func (w *world) processes() []process {
	var found []process
	for _, pid := range pids() {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil {
			continue
		}
		if line := strings.ReplaceAll(string(b), "\x00", " "); strings.Contains(line, w.root) || strings.Contains(line, w.run) {
			found = append(found, process{pid, line})
		}
	}
	return found
}

func pids() []int {
	entries, _ := os.ReadDir("/proc")
	var all []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			all = append(all, pid)
		}
	}
	return all
}

// groups are the control groups of containers, in every hierarchy.
func groups(ids ...string) []string {
	var found []string
	filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			for _, id := range ids {
				if strings.Contains(d.Name(), id) {
					found = append(found, path)
				}
			}
		}
		return nil
	})
	return found
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

// withoutNetwork is the configuration of tests that are not about networks: a
// bridge for each of their containers would tell nothing and take its time.
const withoutNetwork = "[network]\ndefault = \"none\"\n"
