package ociruntime_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/ociruntime"
)

// sleeper is a running container, ended with the test.
func sleeper(t testing.TB, dir string, change ...func(*ociruntime.CreateOptions)) *ociruntime.Process {
	t.Helper()
	o := ociruntime.CreateOptions{Spec: testSpec("/bin/sleep", "1000"), Root: detach(t, dir)}
	for _, c := range change {
		c(&o)
	}
	p, err := ociruntime.Create(o)
	check(t, err)
	check(t, p.Start())
	t.Cleanup(func() {
		unix.PidfdSendSignal(int(p.PidFD.Fd()), unix.SIGKILL, nil, 0)
		wait(t, p)
		p.PidFD.Close()
	})
	return p
}

// execIn runs a further program in a container.
func execIn(t testing.TB, c *ociruntime.Process, o ociruntime.ExecOptions) (result, error) {
	t.Helper()
	pr, pw, err := os.Pipe()
	check(t, err)
	defer pr.Close()
	o.PidFD, o.Stdout, o.Stderr = c.PidFD, pw, pw
	p, err := ociruntime.Exec(o)
	pw.Close()
	if err != nil {
		return result{}, err
	}
	return finish(t, p, pr)
}

func TestExec(t *testing.T) {
	t.Parallel()
	c := sleeper(t, image(t, nil))
	spec := testSpec("/bin/sh", "-c", "id; hostname; pwd; echo $HOME; ps -o pid,comm | grep sleep; exit 7")
	spec.Process.Cwd = "/tmp"
	r, err := execIn(t, c, ociruntime.ExecOptions{Process: spec.Process, User: "alice"})
	check(t, err)
	want := "uid=1000(alice) gid=1000(alice) groups=10(wheel),44(video),1000(alice)\nbox\n/tmp\n/home/alice\n    1 sleep\n"
	if r.code != 7 || r.out != want {
		t.Errorf("exit code %d, got:\n%s\nwant:\n%s", r.code, r.out, want)
	}
}

// Exec is in the container's namespaces, all of them, and as confined as the
// first process.
func TestExecIsConfined(t *testing.T) {
	t.Parallel()
	c := sleeper(t, image(t, nil))
	spec := testSpec("/bin/sh", "-c", `for n in mnt pid net ipc uts cgroup; do test $(readlink /proc/1/ns/$n) = $(readlink /proc/self/ns/$n) || echo differs $n; done
		exec cat /proc/self/status`)
	spec.Process.NoNewPrivileges = true
	// To read the links of pid 1 takes its capabilities, which exec has too.
	r, err := execIn(t, c, ociruntime.ExecOptions{Process: spec.Process, Seccomp: defaultFilter(t, spec)})
	check(t, err)
	if strings.Contains(r.out, "differs") {
		t.Error(r.out)
	}
	for field, want := range map[string]string{"CapEff": testCapMask, "CapBnd": testCapMask, "CapInh": "0000000000000000", "Seccomp": "2", "NoNewPrivs": "1"} {
		if got := status(t, r.out, field); got != want {
			t.Errorf("%s is %s, want %s", field, got, want)
		}
	}
}

func TestExecErrors(t *testing.T) {
	t.Parallel()
	c := sleeper(t, image(t, map[string]string{"plain": "x"}))
	for name, test := range map[string]struct {
		args []string
		cwd  string
		user string
		want error
	}{
		"not found":      {[]string{"nothing"}, "/", "", engine.ErrCommandNotFound},
		"not executable": {[]string{"/plain"}, "/", "", engine.ErrCommandNotExecutable},
		"no directory":   {[]string{"true"}, "/missing", "", os.ErrNotExist},
		"no user":        {[]string{"true"}, "/", "nobody", engine.ErrInvalid},
	} {
		spec := testSpec(test.args...)
		spec.Process.Cwd = test.cwd
		if _, err := execIn(t, c, ociruntime.ExecOptions{Process: spec.Process, User: test.user}); !errors.Is(err, test.want) {
			t.Errorf("%s: error %v, want %v", name, err, test.want)
		}
	}
}

func TestExecAfterTheEnd(t *testing.T) {
	t.Parallel()
	p, err := ociruntime.Create(ociruntime.CreateOptions{Spec: testSpec("true"), Root: detach(t, image(t, nil))})
	check(t, err)
	defer p.PidFD.Close()
	check(t, p.Start())
	wait(t, p)
	if _, err := ociruntime.Exec(ociruntime.ExecOptions{PidFD: p.PidFD, Process: testSpec("true").Process}); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("error %v", err)
	}
}

// Many at once, as front ends do, while the caller's own threads go on: no
// thread of the caller may end up in a container.
func TestManyAtOnce(t *testing.T) {
	dir := image(t, nil)
	want, err := os.Readlink("/proc/self/ns/mnt")
	check(t, err)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			c := sleeper(t, dir)
			for range 3 {
				r, err := execIn(t, c, ociruntime.ExecOptions{Process: testSpec("/bin/echo", "hello").Process})
				if err != nil || r.out != "hello\n" {
					t.Errorf("%+v, error %v", r, err)
				}
			}
		})
	}
	wg.Wait()
	waitFor(t, "threads to leave", func() bool {
		tasks, err := os.ReadDir("/proc/self/task")
		check(t, err)
		return !slices.ContainsFunc(tasks, func(e os.DirEntry) bool {
			ns, err := os.Readlink("/proc/self/task/" + e.Name() + "/ns/mnt")
			return err == nil && ns != want
		})
	})
}
