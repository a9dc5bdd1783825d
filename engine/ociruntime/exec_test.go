package ociruntime_test

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

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
	c := sleeper(t, image(t, nil))
	spec := testSpec("/bin/sh", "-c", "id; hostname; ps; cat /proc/self/status; ls -l /proc/self/fd; exit 7")
	r, err := execIn(t, c, ociruntime.ExecOptions{Process: spec.Process, User: "alice"})
	check(t, err)
	t.Log(r.out)
	if r.code != 7 || !strings.Contains(r.out, "uid=1000(alice)") {
		t.Errorf("exit code %d, output:\n%s", r.code, r.out)
	}
}
