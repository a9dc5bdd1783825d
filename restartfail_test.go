package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestRestartFails: what keeps a container from being started again is told,
// and once it is out of the way the container runs.
func TestRestartFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gantry("run", "-d", "--name", "cc", "--restart", "always", "box", "false")
	w.has("cc", "restarting")
	layers, aside := filepath.Join(w.root, "layers"), filepath.Join(w.root, "layers.aside")
	if err := os.Rename(layers, aside); err != nil {
		t.Fatal(err)
	}
	told := func() string { return w.gantry("inspect", "-f", "{{.State.Status}} {{.State.Error}}", "cc") }
	w.eventually("what is wrong", func() bool { return strings.HasPrefix(told(), "restarting ") && strings.Contains(told(), "layers") })
	os.RemoveAll(layers) // made anew, and empty
	if err := os.Rename(aside, layers); err != nil {
		t.Fatal(err)
	}
	before := w.starts("cc")
	w.eventually("another start", func() bool { return w.starts("cc") > before })
	w.has("cc", "restarting")
	w.eventually("an end that tells nothing of it", func() bool { return told() == "restarting" })
}

// TestRestartOnFullDisk: a container that crashes while its end cannot be put on
// record is started again when there is room.
func TestRestartOnFullDisk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onSmallDisk()
	up := filepath.Join(t.TempDir(), "up")
	w.gantry("run", "-d", "--name", "cc", "--restart", "always", "-v", filepath.Dir(up)+":/srv", "box", "sh", "-c",
		"test -e /srv/up && exec sleep 1000; while test ! -e /srv/down; do sleep 0.05; done; exit 3")
	fill := filepath.Join(w.root, "fill")
	if out, _ := exec.Command("dd", "if=/dev/zero", "of="+fill, "bs=4k").CombinedOutput(); !strings.Contains(string(out), "No space left") {
		t.Fatalf("the disk is not full: %s", out)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(up), "down"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.eventually("its end", func() bool { return strings.HasPrefix(w.gantry("inspect", "-f", "{{.State.Status}}", "cc"), "exited") })
	if err := os.WriteFile(up, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
	w.has("cc", "running")
	w.gantry("rm", "-f", "cc")
}

// onSmallDisk moves the world to a file system of 8 MB until the test ends.
func (w *world) onSmallDisk() {
	w.t.Helper()
	dir := filepath.Join(w.t.TempDir(), "small")
	if err := os.Mkdir(dir, 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		w.t.Fatal(err)
	}
	root, env := w.root, w.env
	w.t.Cleanup(func() {
		w.removeAll()
		w.root, w.env = root, env
		w.eventually("the end of all that uses the disk", func() bool { return unix.Unmount(dir, 0) == nil })
	})
	w.root = filepath.Join(dir, "root")
	w.env = append(slices.Clone(env), "GANTRY_ROOT="+w.root)
	var archive bytes.Buffer
	if err := busyboxTar(&archive); err != nil {
		w.t.Fatal(err)
	}
	cmd := w.command(binary, "import", "-c", `CMD ["sh"]`, "-", "box")
	cmd.Stdin = &archive
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("import: %v\n%s", err, out)
	}
}

// TestRestartKilledAtEachStep kills whoever makes a system call for the nth time
// while a container is started again: the process that waits, gantry-finish, and
// the new monitor. The next command goes on where that one was.
func TestRestartKilledAtEachStep(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Fatal("needs strace")
	}
	w := newWorld(t)
	most := 4
	if testing.Short() {
		most = 1
	}
	killed := 0
	for _, step := range steps {
		for n := 1; n <= most; n++ {
			id := w.gantry("run", "-d", "--name", "cc", "--restart", "on-failure:1", "box", "false")
			w.has("cc", "exited")
			w.eventually("the end of its monitors", func() bool { return len(w.processes()) == 0 })
			w.plan(id, 20*time.Millisecond)
			hit := w.cutAt(step, n, id)
			if hit {
				killed++
			}
			at := fmt.Sprintf("after a kill at %s %d", step, n)
			w.assertConsistent(at)
			// Its only restart came about, and is the last.
			w.eventually("the end "+at, func() bool {
				return w.gantry("inspect", "-f", "{{.State.Status}} {{.RestartCount}}", "cc") == "exited 1" && w.attempt(id) >= 3
			})
			w.gantry("rm", "-f", "cc")
			if t.Failed() {
				return
			}
			if !hit {
				break
			}
		}
	}
	t.Logf("killed %d times", killed)
	if killed == 0 {
		t.Error("it was never killed")
	}
}

// cutAt has a container with a plan started again under strace, which kills
// whoever makes a system call for the nth time, and lets go of all others then:
// what comes in the place of the dead would meet the same end, for ever.
func (w *world) cutAt(step string, n int, id string) (hit bool) {
	w.t.Helper()
	trace := filepath.Join(w.t.TempDir(), "trace")
	cmd := w.command("strace", "-I1", "-f", "-q", "-o", trace, "-e", "trace="+step, "-e", "signal=KILL",
		"-e", fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", step, n), binary, "ps", "-a")
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	w.eventually("a kill, or the end of the restart", func() bool {
		b, _ := os.ReadFile(trace)
		hit = strings.Contains(string(b), "+++ killed by SIGKILL")
		return hit || w.attempt(id) >= 3
	})
	_ = cmd.Process.Signal(unix.SIGTERM) // it may have ended by itself
	<-ended
	return hit
}

// plan has a container that has ended started again soon, as its policy would
// for the first time.
func (w *world) plan(id string, in time.Duration) {
	w.t.Helper()
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		w.t.Fatal(err)
	}
	path := filepath.Join(w.root, "containers", id, "exit.json")
	b, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(b, &members); err != nil {
		w.t.Fatal(err)
	}
	set := func(name string, v any) {
		if members[name], err = json.Marshal(v); err != nil {
			w.t.Fatal(err)
		}
	}
	set("due", time.Now().Add(in).UTC())
	set("bootID", strings.TrimSpace(string(boot)))
	set("again", map[string]any{"count": 1, "delay": in})
	delete(members, "v") // which comes first
	if b, err = json.Marshal(members); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, append([]byte(`{"v":1,`), b[1:]...), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// attempt is the number of the last start that has ended.
func (w *world) attempt(id string) int {
	b, err := os.ReadFile(filepath.Join(w.root, "containers", id, "exit.json"))
	if err != nil {
		return 0
	}
	var x struct{ Attempt int }
	if err := json.Unmarshal(b, &x); err != nil {
		w.t.Error(err)
	}
	return x.Attempt
}
