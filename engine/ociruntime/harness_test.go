package ociruntime_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine/ociruntime"
)

// needRoot skips what only root can do.
func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes namespaces and mounts")
	}
}

// busybox is a copy that TestMain made, on the file system of the images. One
// made in the middle of tests would be "text busy" now and then: a process that
// is being forked elsewhere has the descriptor for writing for a moment
// (go.dev/issue/22315).
var busybox string

func copyBusybox() (dir string, err error) {
	box, err := os.ReadFile("/bin/busybox")
	if err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp("", "ociruntime"); err != nil {
		return "", err
	}
	busybox = filepath.Join(dir, "busybox")
	return dir, os.WriteFile(busybox, box, 0o755)
}

// image makes a root directory with busybox and the files given, name to
// content; a name that ends in "/" is a directory, content that starts with
// "->" a link.
func image(t testing.TB, files map[string]string) string {
	t.Helper()
	needRoot(t)
	dir := t.TempDir()
	// A user other than root must be able to pass.
	for d := dir; d != "/" && d != os.TempDir(); d = filepath.Dir(d) {
		os.Chmod(d, 0o755)
	}
	all := map[string]string{
		"tmp/": "", "bin/": "",
		"etc/passwd": "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n",
		"etc/group":  "root:x:0:\nalice:x:1000:\nwheel:x:10:alice,bob\nvideo:x:44:alice\n",
	}
	for name, content := range files {
		if content == "-" {
			delete(all, name)
			continue
		}
		all[name] = content
	}
	for name, content := range all {
		path := filepath.Join(dir, name)
		check(t, os.MkdirAll(filepath.Dir(path), 0o755))
		switch {
		case strings.HasSuffix(name, "/"):
			check(t, os.MkdirAll(path, 0o755))
		case strings.HasPrefix(content, "->"):
			check(t, os.Symlink(content[2:], path))
		default:
			check(t, os.WriteFile(path, []byte(content), 0o644))
		}
	}
	check(t, os.Link(busybox, filepath.Join(dir, "bin/busybox")))
	for _, applet := range strings.Fields("sh true false cat ls id env pwd stat sleep kill ps mount umount readlink test echo stty tty hostname trap touch ip mkdir ln rm dd head ulimit") {
		os.Symlink("busybox", filepath.Join(dir, "bin", applet))
	}
	return dir
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// detach gives a directory as a detached mount, as images/snapshot does.
func detach(t testing.TB, dir string) *os.File {
	t.Helper()
	fd, err := unix.OpenTree(unix.AT_FDCWD, dir, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), dir)
	t.Cleanup(func() { f.Close() })
	return f
}

var testCaps = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID",
	"CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
}

const testCapMask = "00000000a80425fb"

// testSpec is what runspec makes of docker's defaults, more or less.
func testSpec(args ...string) *specs.Spec {
	return &specs.Spec{
		Hostname: "box",
		Process: &specs.Process{
			Args: args,
			Env:  []string{"PATH=/usr/local/bin:/bin"},
			Cwd:  "/",
			Capabilities: &specs.LinuxCapabilities{
				Bounding: testCaps, Effective: testCaps, Permitted: testCaps,
			},
		},
		Root: &specs.Root{},
		Mounts: []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
			{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
			{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
			{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
			{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue", Options: []string{"nosuid", "noexec", "nodev"}},
			{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
		},
		Linux: &specs.Linux{
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.MountNamespace}, {Type: specs.PIDNamespace}, {Type: specs.IPCNamespace},
				{Type: specs.UTSNamespace}, {Type: specs.NetworkNamespace}, {Type: specs.CgroupNamespace},
			},
			MaskedPaths: []string{
				"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
				"/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/firmware", "/sys/devices/virtual/powercap",
			},
			ReadonlyPaths: []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"},
		},
	}
}

// withInit asks for the reaper, which is this test binary.
func withInit(o *ociruntime.CreateOptions) {
	o.InitProcess = true
	bindLibraries(o, "/proc/self/exe")
}

// result is how a container's program ended.
type result struct {
	out    string
	code   int
	signal unix.Signal
}

// run runs a container to its end.
func run(t testing.TB, o ociruntime.CreateOptions) result {
	t.Helper()
	r, err := tryRun(t, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tryRun(t testing.TB, o ociruntime.CreateOptions) (result, error) {
	t.Helper()
	pr, pw, err := os.Pipe()
	check(t, err)
	defer pr.Close()
	o.Stdout, o.Stderr = pw, pw
	p, err := ociruntime.Create(o)
	pw.Close()
	if err != nil {
		return result{}, err
	}
	return finish(t, p, pr)
}

func finish(t testing.TB, p *ociruntime.Process, out io.Reader) (result, error) {
	t.Helper()
	if err := p.Start(); err != nil {
		return result{}, err
	}
	defer p.PidFD.Close()
	var buf bytes.Buffer
	io.Copy(&buf, out)
	r := wait(t, p)
	r.out = buf.String()
	return r, nil
}

func wait(t testing.TB, p *ociruntime.Process) result {
	t.Helper()
	var ws unix.WaitStatus
	for {
		if _, err := unix.Wait4(p.Pid, &ws, 0, nil); err == nil {
			break
		} else if err != unix.EINTR {
			t.Fatal(err)
		}
	}
	if ws.Signaled() {
		return result{signal: ws.Signal(), code: 128 + int(ws.Signal())}
	}
	return result{code: ws.ExitStatus()}
}

// sh runs a script in a fresh container with the default world.
func sh(t testing.TB, dir, script string, change ...func(*ociruntime.CreateOptions)) string {
	t.Helper()
	o := ociruntime.CreateOptions{Spec: testSpec("/bin/sh", "-c", script), Root: detach(t, dir)}
	for _, c := range change {
		c(&o)
	}
	r := run(t, o)
	if r.code != 0 {
		t.Errorf("exit code %d: %s", r.code, r.out)
	}
	return r.out
}
