package shim_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/network/netns"
	"gantry/engine/shim"
	"gantry/internal/usock"
)

// makeNetns makes a network namespace as a front end does: it is there as long
// as this process has it open. The path is good for another process.
func makeNetns(t testing.TB) (*os.File, string) {
	t.Helper()
	ns, err := netns.New()
	must(t, err)
	t.Cleanup(func() { ns.Close() })
	return ns, netns.Path(ns)
}

// netnsName is what /proc shows of a namespace: net:[INODE].
func netnsName(t testing.TB, ns *os.File) string {
	t.Helper()
	name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", ns.Fd()))
	must(t, err)
	return name
}

// TestLaunchInNamespace: the container's programs and those of exec are in the
// namespace that the start brought along, whose loopback device is up, also
// after its maker has let go of it.
func TestLaunchInNamespace(t *testing.T) {
	t.Parallel()
	const look = "readlink /proc/self/ns/net; cat /sys/class/net/lo/flags"
	b := newBox(t, sh(look+"; exec sleep 1000"), func(_ *shim.Config, spec *specs.Spec) {
		spec.Mounts = append(spec.Mounts, specs.Mount{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"ro"}})
	})
	ns, path := makeNetns(t)
	want := netnsName(t, ns) + "\n0x9\n"
	c := b.spawn()
	p := b.attach(c, everything)
	must(t, c.Launch(b.ctx(), shim.Launch{Netns: path}))
	must(t, ns.Close())
	p.expect(want)
	x := b.exec(c, engine.ExecOptions{Cmd: sh(look)})
	if st := x.end(); st.Code != 0 || x.out.String() != want {
		t.Errorf("exec ended with %+v in %q, want %q", st, x.out.String(), want)
	}
	b.killMonitor()
	c = b.adopt()
	x = b.exec(c, engine.ExecOptions{Cmd: sh(look)})
	if st := x.end(); st.Code != 0 || x.out.String() != want {
		t.Errorf("exec by the next monitor ended with %+v in %q, want %q", st, x.out.String(), want)
	}
	_, path = makeNetns(t) // while the first is there: its number is given again
	must(t, c.Signal(b.ctx(), int(unix.SIGKILL)))
	b.wait(c)

	// The next start has a namespace of its own.
	b.monitorDied()
	b.regroup()
	c = b.spawn()
	p = b.attach(c, everything)
	must(t, c.Launch(b.ctx(), shim.Launch{Netns: path}))
	p.expect("net:[")
	if strings.Contains(p.out.String(), want) {
		t.Error("the second start is in the namespace of the first")
	}
	must(t, c.Signal(b.ctx(), int(unix.SIGKILL)))
	b.wait(c)
	b.monitorDied()
}

// TestLaunchRefuses: a path that is no network namespace is a start that
// failed, with the reason on record.
func TestLaunchRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path string
		want error
	}{
		"file":              {"/proc/self/status", engine.ErrInvalid},
		"another namespace": {"/proc/self/ns/uts", engine.ErrInvalid},
		"nothing":           {"/proc/self/fd/9999", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, sh("exit 0"))
			client := b.spawn()
			err := client.Launch(b.ctx(), shim.Launch{Netns: c.path})
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.path) {
				t.Errorf("Launch: %v", err)
			}
			if x, err := b.exit(); err != nil || !x.NeverRan || !strings.Contains(x.Error, c.path) {
				t.Errorf("exit.json %+v, %v", x, err)
			}
		})
	}
}

// TestLaunchForHostNetwork: a namespace must not be dropped in silence by a
// spec that is for the host's network.
func TestLaunchForHostNetwork(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("exit 0"), func(_ *shim.Config, spec *specs.Spec) {
		spec.Linux.Namespaces = slices.DeleteFunc(spec.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == specs.NetworkNamespace })
	})
	_, path := makeNetns(t)
	if err := b.spawn().Launch(b.ctx(), shim.Launch{Netns: path}); !errors.Is(err, engine.ErrInvalid) {
		t.Errorf("Launch: %v, want ErrInvalid", err)
	}
}

// TestLaunchByOldMonitor plays a monitor of version 1 that waits since before
// an upgrade. It is sent away, not left to start the container in an empty
// namespace.
func TestLaunchByOldMonitor(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("exit 0"))
	must(t, os.MkdirAll(b.runFile(""), 0o700))
	l, err := usock.Listen(b.runFile("shim.sock"))
	must(t, err)
	defer l.Close()
	heard := make(chan string, 8)
	go func() {
		for {
			f, err := l.Accept()
			if err != nil {
				return
			}
			heard <- oldMonitor(f)
			f.Close()
		}
	}()
	c, err := shim.Dial(b.ctx(), b.cfg.Run, b.cfg.ID)
	must(t, err)
	if err := c.Launch(b.ctx(), shim.Launch{Netns: "/proc/1/ns/net"}); !errors.Is(err, shim.ErrGone) {
		t.Errorf("Launch: %v, want ErrGone", err)
	}
	var got []string
	for len(got) < 2 {
		if s := <-heard; s != "" { // a Dial says nothing
			got = append(got, s)
		}
	}
	if !strings.Contains(got[0], `"op":"launch"`) || !strings.Contains(got[1], `"op":"dismiss"`) {
		t.Errorf("the monitor was asked for %q", got)
	}
}

// oldMonitor answers one connection as version 1 did and returns the request.
func oldMonitor(f *os.File) string {
	next := func() (string, error) {
		var head [5]byte
		if _, err := io.ReadFull(f, head[:]); err != nil {
			return "", err
		}
		body := make([]byte, binary.BigEndian.Uint32(head[:]))
		_, err := io.ReadFull(f, body)
		return string(body), err
	}
	if _, err := next(); err != nil {
		return ""
	}
	req, err := next()
	if err != nil {
		return ""
	}
	io.WriteString(f, frame(1, `{"v":1}`))
	if strings.Contains(req, "dismiss") {
		io.WriteString(f, frame(3, "{}"))
	} else {
		io.WriteString(f, frame(4, `{"class":"unsupported","text":"unsupported request \"launch\" (this monitor speaks version 1)"}`))
	}
	return req
}
