package ociruntime_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/ociruntime"
)

func TestMaskedAndReadonlyPaths(t *testing.T) {
	t.Parallel()
	dir := image(t, map[string]string{"secret/file": "hidden", "secret2/file": "hidden"})
	out := sh(t, dir, `
		cat /proc/interrupts /proc/timer_list | wc -c
		ls -A /sys/firmware | wc -l
		ls -A /secret /secret2 | grep -c file
		touch /secret/x 2>&1
		echo 0 > /proc/sys/kernel/printk
		stat -c %t:%T /proc/keys
		true`, func(o *ociruntime.CreateOptions) {
		o.Spec.Linux.MaskedPaths = append(o.Spec.Linux.MaskedPaths, "/secret", "/secret2", "/not/there")
	})
	want := "0\n0\n0\ntouch: /secret/x: Read-only file system\n/bin/sh: can't create /proc/sys/kernel/printk: Read-only file system\n1:3\n"
	if out != want {
		t.Errorf("got %q, want %q", out, want)
	}
}

func TestReadonlyRoot(t *testing.T) {
	t.Parallel()
	dir := image(t, nil)
	out := sh(t, dir, "touch /x; touch /made/x && echo volume; pwd", func(o *ociruntime.CreateOptions) {
		o.Spec.Root.Readonly = true
		o.Spec.Process.Cwd = "/work"
		o.Spec.Mounts = append(o.Spec.Mounts, specs.Mount{Destination: "/made", Type: "tmpfs", Source: "tmpfs"})
	})
	if want := "touch: /x: Read-only file system\nvolume\n/work\n"; out != want {
		t.Errorf("got %q, want %q", out, want)
	}
}

func TestBindMounts(t *testing.T) {
	t.Parallel()
	dir := image(t, map[string]string{"etc/hosts": "image's", "link": "->/else/where"})
	src := t.TempDir()
	check(t, os.WriteFile(filepath.Join(src, "file"), []byte("content\n"), 0o644))
	check(t, os.Mkdir(filepath.Join(src, "dir"), 0o755))
	bind := func(source, dest string, options ...string) specs.Mount {
		return specs.Mount{Destination: dest, Type: "bind", Source: filepath.Join(src, source), Options: append(options, "rbind")}
	}
	out := sh(t, dir, `cat /etc/hosts /new/deep/file /else/where/file
		touch /new/dir/made && echo written; touch /ro/made; echo x > /rofile; grep -c "/ro ro,nosuid,noatime " /proc/self/mountinfo; ls /new/dir`,
		func(o *ociruntime.CreateOptions) {
			o.Spec.Mounts = append(o.Spec.Mounts,
				bind("file", "/etc/hosts"), bind("file", "/new/deep/file"), bind(".", "/link"),
				bind("dir", "/new/dir"), bind("dir", "/ro", "ro", "nosuid", "noatime"), bind("file", "/rofile", "ro"))
		})
	want := "content\ncontent\ncontent\nwritten\ntouch: /ro/made: Read-only file system\n/bin/sh: can't create /rofile: Read-only file system\n1\nmade\n"
	if out != want {
		t.Errorf("got %q, want %q", out, want)
	}
	if got := names(t, filepath.Join(src, "dir")); !slices.Equal(got, []string{"made"}) {
		t.Errorf("source holds %v", got)
	}
}

func TestBindMountErrors(t *testing.T) {
	t.Parallel()
	dir := image(t, map[string]string{"file": "x"})
	for name, m := range map[string]specs.Mount{
		"missing source": {Destination: "/x", Type: "bind", Source: "/no/such/source", Options: []string{"rbind"}},
		"dir on file":    {Destination: "/file", Type: "bind", Source: "/tmp", Options: []string{"rbind"}},
		"file on dir":    {Destination: "/tmp", Type: "bind", Source: "/bin/busybox", Options: []string{"rbind"}},
		"below a file":   {Destination: "/file/x", Type: "tmpfs", Source: "x"},
		"bad option":     {Destination: "/x", Type: "tmpfs", Source: "x", Options: []string{"colour=blue"}},
		"bad type":       {Destination: "/x", Type: "nosuchfs", Source: "x"},
	} {
		o := ociruntime.CreateOptions{Spec: testSpec("true"), Root: detach(t, dir)}
		o.Spec.Mounts = append(o.Spec.Mounts, m)
		if _, err := ociruntime.Create(o); err == nil || !strings.Contains(err.Error(), m.Destination) {
			t.Errorf("%s: error %v, want one that names %s", name, err, m.Destination)
		}
	}
}

func TestSysctlRlimitOOMScore(t *testing.T) {
	t.Parallel()
	score := 500
	out := sh(t, image(t, nil), "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/self/oom_score_adj; ulimit -n; ulimit -Hn; ulimit -c", func(o *ociruntime.CreateOptions) {
		o.Spec.Linux.Sysctl = map[string]string{"net.ipv4.ip_unprivileged_port_start": "7"}
		o.Spec.Process.OOMScoreAdj = &score
		o.Spec.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: 300, Hard: 400}, {Type: "RLIMIT_CORE"}}
	})
	if out != "7\n500\n300\n400\n0\n" {
		t.Errorf("got %q", out)
	}
	if out := sh(t, image(t, nil), "ulimit -n"); out != "1024\n" {
		t.Errorf("default limit of open files: %s", out)
	}
}

func TestDevices(t *testing.T) {
	t.Parallel()
	mode := os.FileMode(0o640)
	gid := uint32(44)
	out := sh(t, image(t, nil), `cd /dev; for d in null zero full random urandom tty extra/node; do echo $d $(stat -c '%F %a %t:%T %g' $d); done
		head -c 3 /dev/zero | wc -c; for l in fd stdin ptmx core; do readlink $l; done; stat -c '%a %F' . shm mqueue pts`, func(o *ociruntime.CreateOptions) {
		o.Spec.Linux.Devices = []specs.LinuxDevice{{Path: "/dev/extra/node", Type: "c", Major: 1, Minor: 5, FileMode: &mode, GID: &gid}}
	})
	want := `null character special file 666 1:3 0
zero character special file 666 1:5 0
full character special file 666 1:7 0
random character special file 666 1:8 0
urandom character special file 666 1:9 0
tty character special file 666 5:0 0
extra/node character special file 640 1:5 44
3
/proc/self/fd
/proc/self/fd/0
pts/ptmx
/proc/kcore
755 directory
1777 directory
1777 directory
755 directory
`
	if out != want {
		t.Errorf("got:\n%s\nwant:\n%s", out, want)
	}
}

// Without Root, the spec's own path is bound.
func TestRootPath(t *testing.T) {
	t.Parallel()
	dir := image(t, nil)
	out := sh(t, dir, "echo from path", func(o *ociruntime.CreateOptions) { o.Root, o.Spec.Root.Path = nil, dir })
	if out != "from path\n" {
		t.Errorf("got %q", out)
	}
}

// What lies in procfs may not be covered, by whatever path; what lxcfs fakes
// may.
func TestMountsOverProc(t *testing.T) {
	t.Parallel()
	dir := image(t, map[string]string{"way": "->/proc/sys"})
	file := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(file, []byte("fake\n"), 0o644))
	try := func(dest string) (result, error) {
		o := ociruntime.CreateOptions{Spec: testSpec("/bin/cat", "/proc/uptime"), Root: detach(t, dir)}
		o.Spec.Mounts = append(o.Spec.Mounts, specs.Mount{Destination: dest, Type: "bind", Source: file, Options: []string{"bind"}})
		return tryRun(t, o)
	}
	if r, err := try("/proc/uptime"); err != nil || r.out != "fake\n" {
		t.Errorf("%+v, error %v", r, err)
	}
	for _, dest := range []string{"/proc/sys/kernel/hostname", "/proc/1/comm", "/proc/../proc/cmdline"} {
		if r, err := try(dest); !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("%s: %+v, error %v", dest, r, err)
		}
	}
	// This is mounted before procfs is, which then covers it.
	if r, err := try("/way/kernel/hostname"); err != nil || strings.Contains(r.out, "fake") {
		t.Errorf("by a link: %+v, error %v", r, err)
	}
}

// With rslave a container sees what is mounted later below a shared source;
// by default it does not.
func TestPropagation(t *testing.T) {
	dir := image(t, nil)
	shared := t.TempDir()
	check(t, unix.Mount("tmpfs", shared, "tmpfs", 0, ""))
	defer unix.Unmount(shared, unix.MNT_DETACH)
	check(t, unix.Mount("", shared, "", unix.MS_SHARED, ""))
	check(t, os.MkdirAll(filepath.Join(shared, "later"), 0o755))
	c := sleeper(t, dir, func(o *ociruntime.CreateOptions) {
		o.Spec.Mounts = append(o.Spec.Mounts,
			specs.Mount{Destination: "/slave", Type: "bind", Source: shared, Options: []string{"rbind", "rslave"}},
			specs.Mount{Destination: "/private", Type: "bind", Source: shared, Options: []string{"rbind"}})
	})
	later := filepath.Join(shared, "later")
	check(t, unix.Mount("tmpfs", later, "tmpfs", 0, ""))
	defer unix.Unmount(later, unix.MNT_DETACH)
	check(t, os.WriteFile(filepath.Join(later, "file"), nil, 0o644))
	r, err := execIn(t, c, ociruntime.ExecOptions{Process: testSpec("/bin/ls", "/slave/later", "/private/later").Process})
	check(t, err)
	if want := "/private/later:\n\n/slave/later:\nfile\n"; r.out != want {
		t.Errorf("got %q, want %q", r.out, want)
	}
}
