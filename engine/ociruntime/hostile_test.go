package ociruntime_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/ociruntime"
)

// Images that try to lead the runtime out of the root, or to make it work on
// something else than it believes. Each must run as if it were harmless, or be
// refused; and what lies outside must not change.
func TestHostileImages(t *testing.T) {
	t.Parallel()
	up := "->" + strings.Repeat("../", 12)
	for name, files := range map[string]map[string]string{
		"dev is a link to etc":         {"dev": "->/etc"},
		"dev is a link upwards":        {"dev": up + "dev"},
		"dev is a dangling link":       {"dev": "->/not/there"},
		"dev is a link to proc":        {"dev": "->/proc"},
		"dev is a link to itself":      {"dev": "->dev"},
		"dev is a file":                {"dev": "file"},
		"proc is a link upwards":       {"proc": up + "proc"},
		"proc is a link to sys":        {"proc": "->/sys"},
		"proc is a link to dev":        {"proc": "->/dev"},
		"sys is a link upwards":        {"sys": up + "sys"},
		"etc is a link upwards":        {"etc/passwd": "-", "etc/group": "-", "etc": up + "etc"},
		"dev holds its own null":       {"dev/null": "", "dev/console": "->/etc/passwd", "dev/pts": "->/etc", "dev/ptmx": "->/etc/passwd"},
		"proc holds files":             {"proc/kcore": "x", "proc/sys": "->/etc", "proc/self/fd/": ""},
		"passwd is a link outside":     {"etc/passwd": up + "etc/shadow"},
		"passwd is a link to a device": {"etc/passwd": "->/dev/zero"},
		"passwd is a directory":        {"etc/passwd": "-", "etc/passwd/": ""},
		"work is a link upwards":       {"work": up + "tmp"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := image(t, files)
			canary := filepath.Join(filepath.Dir(dir), "canary")
			check(t, os.Mkdir(canary, 0o755))
			o := ociruntime.CreateOptions{
				Spec: testSpec("/bin/sh", "-c", "echo ran; test -c /dev/null && test -c /dev/tty && test -r /proc/self/status && echo sound"),
				Root: detach(t, dir), User: "0:0",
			}
			o.Spec.Process.Cwd = "/work/below"
			hostDev := snapshot(t, "/dev")
			r, err := tryRun(t, o)
			switch {
			case err != nil:
				t.Logf("refused: %v", err)
			case !strings.HasPrefix(r.out, "ran\n"):
				t.Errorf("%+v", r)
			default:
				t.Logf("ran: %q", r.out)
			}
			if now := snapshot(t, "/dev"); now != hostDev {
				t.Errorf("the host's /dev was %s, is %s", hostDev, now)
			}
			if _, err := os.Stat("/tmp/below"); err == nil {
				t.Error("the working directory was made on the host")
			}
		})
	}
}

func snapshot(t testing.TB, dir string) string {
	t.Helper()
	return strings.Join(names(t, dir), " ")
}

// A FIFO at /etc/passwd must not keep the runtime waiting for a writer, a
// device must not be read, and a huge file not be loaded.
func TestHostilePasswd(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(path string) error{
		"fifo":   func(p string) error { return unix.Mkfifo(p, 0o644) },
		"device": func(p string) error { return unix.Mknod(p, unix.S_IFCHR|0o644, int(unix.Mkdev(1, 5))) },
		"huge":   func(p string) error { return os.WriteFile(p, []byte("root:x:0:0::/:\n"), 0o644) },
	} {
		dir := image(t, map[string]string{"etc/passwd": "-"})
		path := filepath.Join(dir, "etc/passwd")
		check(t, make(path))
		if name == "huge" {
			check(t, os.Truncate(path, 1<<32))
		}
		if r, err := tryRun(t, ociruntime.CreateOptions{Spec: testSpec("true"), Root: detach(t, dir), User: "root"}); err == nil {
			t.Errorf("%s: ran: %+v", name, r)
		}
	}
}

// A program may make /etc/passwd a link into its procfs while it runs. What is
// regular there by its type may still wait for ever, and /proc/kmsg takes from
// the host's log what is read of it.
func TestExecReadsNoPasswdOfProcfs(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/proc/kmsg", "/proc/1/environ"} {
		c := sleeper(t, image(t, map[string]string{"etc/passwd": "->" + target}))
		done := make(chan error, 1)
		go func() {
			p, err := ociruntime.Exec(ociruntime.ExecOptions{PidFD: c.PidFD, Process: testSpec("true").Process, User: "0"})
			if err == nil {
				p.Abort()
			}
			done <- err
		}()
		select {
		case err := <-done:
			if !errors.Is(err, engine.ErrInvalid) {
				t.Errorf("%s: got %v, want ErrInvalid", target, err)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s: still reading", target)
		}
	}
}

// A link of the image may lead a mount onto the container's root. There it
// would be what programs of exec sessions get for "/", and be reached by "/..".
func TestNothingIsMountedOnTheRoot(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"dev", "proc", "sys", "data"} {
		for _, link := range []string{"/", "../..", "/tmp/.."} {
			o := ociruntime.CreateOptions{Spec: testSpec("/bin/true"), Root: detach(t, image(t, map[string]string{name: "->" + link}))}
			o.Spec.Mounts = append(o.Spec.Mounts, specs.Mount{Destination: "/data", Type: "tmpfs", Source: "tmpfs"})
			if r, err := tryRun(t, o); !errors.Is(err, engine.ErrInvalid) {
				t.Errorf("%s -> %s: got %+v, %v, want ErrInvalid", name, link, r, err)
			}
		}
	}
}

// A volume that another container changes may turn /proc into a link between
// the mount of procfs and the masks: they must go where the procfs is.
func TestMasksFollowTheMountNotThePath(t *testing.T) {
	t.Parallel()
	dir := image(t, map[string]string{"real/proc/": "", "fake/proc/timer_list": "decoy", "turn": "->real", "proc": "->turn/proc"})
	out := sh(t, dir, "cat /proc/timer_list | wc -c; rm turn; ln -s fake turn; cat /real/proc/timer_list | /bin/busybox wc -c; cat /proc/timer_list")
	if out != "0\n0\ndecoy" {
		t.Errorf("got %q", out)
	}
}

// The tests of the runtime's own files must hold whatever the container's
// umask and limits are.
func TestMountpointsBelowLinks(t *testing.T) {
	t.Parallel()
	dir := image(t, map[string]string{"a": "->/b/c", "b/": "", "x": "->y", "y": "->../../z"})
	out := sh(t, dir, "grep -c tmpfs /proc/self/mountinfo >/dev/null; stat -f -c %T /b/c/deep /z/deep", func(o *ociruntime.CreateOptions) {
		for _, dest := range []string{"/a/deep", "/x/deep"} {
			o.Spec.Mounts = append(o.Spec.Mounts, specs.Mount{Destination: dest, Type: "tmpfs", Source: "tmpfs"})
		}
	})
	if out != "tmpfs\ntmpfs\n" {
		t.Errorf("got %q", out)
	}
	if _, err := os.Stat("/z"); err == nil {
		t.Error("a mount point was made on the host")
	}
}

// What a container does to its mounts is not seen outside, nor the other way
// round.
func TestMountsStayInside(t *testing.T) {
	dir := image(t, nil)
	before, err := os.ReadFile("/proc/self/mountinfo")
	check(t, err)
	c := sleeper(t, dir)
	during, err := os.ReadFile("/proc/self/mountinfo")
	check(t, err)
	// Other tests mount things of their own at the same time, but none of them
	// what a container gets.
	for line := range strings.Lines(string(during)) {
		_, kind, _ := strings.Cut(line, " - ")
		kind, _, _ = strings.Cut(kind, " ")
		ours := strings.Contains(line, dir) || slices.Contains([]string{"proc", "sysfs", "mqueue", "devpts"}, kind)
		if ours && !strings.Contains(string(before), line) {
			t.Errorf("the host got a mount: %s", line)
		}
	}
	r, err := execIn(t, c, ociruntime.ExecOptions{Process: testSpec("/bin/cat", "/proc/self/mountinfo").Process})
	check(t, err)
	for line := range strings.Lines(r.out) {
		f := strings.Fields(line)
		if len(f) > 4 && f[3] != "/" && !strings.HasPrefix(f[4], "/proc/") && f[4] != "/" {
			t.Errorf("a part of a host's file system is visible: %s", line)
		}
		if strings.Contains(line, "shared:") || strings.Contains(line, "master:") {
			t.Errorf("a mount propagates: %s", line)
		}
	}
}
