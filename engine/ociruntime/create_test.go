package ociruntime_test

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/ociruntime"
	"gantry/engine/seccomp"
)

// status reads fields of /proc/self/status that a container printed.
func status(t testing.TB, out, field string) string {
	t.Helper()
	for line := range strings.Lines(out) {
		if v, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	t.Errorf("no %s in %q", field, out)
	return ""
}

func TestNamespacesAreNew(t *testing.T) {
	t.Parallel()
	dir := image(t, nil)
	names := []string{"mnt", "pid", "net", "ipc", "uts", "cgroup"}
	out := sh(t, dir, "for n in "+strings.Join(names, " ")+"; do echo $n $(readlink /proc/self/ns/$n); done; hostname")
	for _, n := range names {
		host, err := os.Readlink("/proc/self/ns/" + n)
		check(t, err)
		if strings.Contains(out, host) || !strings.Contains(out, n+" "+n+":[") {
			t.Errorf("namespace %s is the host's %s, or missing:\n%s", n, host, out)
		}
	}
	if !strings.HasSuffix(out, "\nbox\n") {
		t.Errorf("host name: %s", out)
	}
}

func TestHostNetwork(t *testing.T) {
	t.Parallel()
	dir := image(t, nil)
	out := sh(t, dir, "readlink /proc/self/ns/net", func(o *ociruntime.CreateOptions) {
		o.Spec.Linux.Namespaces = slices.DeleteFunc(o.Spec.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == specs.NetworkNamespace })
	})
	host, err := os.Readlink("/proc/self/ns/net")
	check(t, err)
	if strings.TrimSpace(out) != host {
		t.Errorf("namespace %s, want %s", out, host)
	}
}

func TestJoinNetwork(t *testing.T) {
	t.Parallel()
	dir := image(t, nil)
	first := sleeper(t, dir)
	path := fmt.Sprintf("/proc/%d/ns/net", first.Pid)
	want, err := os.Readlink(path)
	check(t, err)
	out := sh(t, dir, "readlink /proc/self/ns/net; ls /sys/class/net", func(o *ociruntime.CreateOptions) {
		for i, n := range o.Spec.Linux.Namespaces {
			if n.Type == specs.NetworkNamespace {
				o.Spec.Linux.Namespaces[i].Path = path
			}
		}
	})
	if out != want+"\nlo\n" {
		t.Errorf("namespace %q, want %s", out, want)
	}
}

func TestLoopbackIsUp(t *testing.T) {
	t.Parallel()
	if out := sh(t, image(t, nil), "ip a"); !strings.Contains(out, "127.0.0.1/8") || strings.Count(out, "mtu") != 1 {
		t.Error(out)
	}
}

func TestCapabilities(t *testing.T) {
	t.Parallel()
	dir := image(t, nil)
	const none = "0000000000000000"
	for _, test := range []struct {
		name, user string
		change     func(*specs.Process)
		want       map[string]string
	}{
		{"root", "", nil, map[string]string{"CapBnd": testCapMask, "CapPrm": testCapMask, "CapEff": testCapMask, "CapInh": none, "CapAmb": none, "NoNewPrivs": "0"}},
		{"user", "alice", nil, map[string]string{"CapBnd": testCapMask, "CapPrm": none, "CapEff": none, "CapInh": none, "CapAmb": none}},
		{"none", "", func(p *specs.Process) { p.Capabilities = nil }, map[string]string{"CapBnd": none, "CapPrm": none, "CapEff": none}},
		{"no new privileges", "", func(p *specs.Process) { p.NoNewPrivileges = true }, map[string]string{"CapEff": testCapMask, "NoNewPrivs": "1"}},
		{"ambient", "alice", func(p *specs.Process) {
			p.Capabilities.Inheritable, p.Capabilities.Ambient = []string{"CAP_NET_RAW"}, []string{"CAP_NET_RAW"}
		}, map[string]string{"CapPrm": "0000000000002000", "CapEff": "0000000000002000", "CapAmb": "0000000000002000"}},
	} {
		for _, filtered := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/seccomp=%v", test.name, filtered), func(t *testing.T) {
				t.Parallel()
				out := sh(t, dir, "cat /proc/self/status", func(o *ociruntime.CreateOptions) {
					o.User = test.user
					if test.change != nil {
						test.change(o.Spec.Process)
					}
					if filtered {
						o.Seccomp = defaultFilter(t, o.Spec)
					}
				})
				for field, want := range test.want {
					if got := status(t, out, field); got != want {
						t.Errorf("%s is %s, want %s", field, got, want)
					}
				}
				if want := map[bool]string{false: "0", true: "2"}[filtered]; status(t, out, "Seccomp") != want {
					t.Errorf("seccomp mode is not %s", want)
				}
			})
		}
	}
}

func defaultFilter(t testing.TB, spec *specs.Spec) []unix.SockFilter {
	t.Helper()
	profile, err := seccomp.Default(spec)
	check(t, err)
	prog, err := seccomp.Compile(profile)
	check(t, err)
	return prog
}

// With CAP_SYS_ADMIN in the bounding set but docker's profile for containers
// without, it is the filter alone that says no.
func TestSeccompIsActive(t *testing.T) {
	t.Parallel()
	withAdmin := func(o *ociruntime.CreateOptions) {
		caps := append(slices.Clone(testCaps), "CAP_SYS_ADMIN")
		o.Spec.Process.Capabilities = &specs.LinuxCapabilities{Bounding: caps, Effective: caps, Permitted: caps}
	}
	dir := image(t, nil)
	const script = "mount -t tmpfs x /tmp && echo mounted || echo refused"
	if out := sh(t, dir, script, withAdmin); out != "mounted\n" {
		t.Errorf("without a filter: %s", out)
	}
	out := sh(t, dir, script, func(o *ociruntime.CreateOptions) {
		o.Seccomp = defaultFilter(t, o.Spec)
		withAdmin(o)
	})
	if !strings.HasSuffix(out, "refused\n") {
		t.Errorf("with a filter: %s", out)
	}
}

// A profile that allows little more than the program itself must be enough to
// start it: the runtime needs capset and execve after the filter is loaded.
func TestStrictSeccomp(t *testing.T) {
	t.Parallel()
	prog, err := seccomp.Compile(&specs.LinuxSeccomp{DefaultAction: specs.ActKillProcess, Syscalls: []specs.LinuxSyscall{
		{Names: strings.Fields("capset execve brk mmap munmap mprotect write writev exit exit_group arch_prctl set_tid_address set_robust_list rseq prlimit64 readlinkat readlink getrandom getuid prctl ioctl uname"), Action: specs.ActAllow}}})
	check(t, err)
	r := run(t, ociruntime.CreateOptions{Spec: testSpec("/bin/echo", "alive"), Root: detach(t, image(t, nil)), Seccomp: prog})
	if r.out != "alive\n" || r.code != 0 {
		t.Errorf("%+v", r)
	}
}

func TestNoLeakedDescriptors(t *testing.T) {
	t.Parallel()
	dir := image(t, nil)
	// ls itself opens the directory that it lists.
	allowed := map[string][]string{"first process": {"0 1 2"}, "open files": {"0 1 2 3"}}
	// Descriptors without O_CLOEXEC, as a careless caller may have.
	leak, err := unix.Open("/", unix.O_RDONLY, 0)
	check(t, err)
	defer unix.Close(leak)
	check(t, unix.Dup3(leak, 77, 0))
	defer unix.Close(77)
	for name, script := range map[string]string{
		"first process": "ls /proc/1/fd",
		"open files":    "ls /proc/self/fd",
	} {
		r, err := execIn(t, sleeper(t, dir), ociruntime.ExecOptions{Process: testSpec("/bin/sh", "-c", script).Process})
		check(t, err)
		if got := strings.Join(strings.Fields(r.out), " "); !slices.Contains(allowed[name], got) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestUser(t *testing.T) {
	t.Parallel()
	dir := image(t, nil)
	for user, want := range map[string]string{
		"":                   "uid=0(root) gid=0(root) groups=0(root) HOME=/root",
		"root":               "uid=0(root) gid=0(root) groups=0(root) HOME=/root",
		"alice":              "uid=1000(alice) gid=1000(alice) groups=10(wheel),44(video),1000(alice) HOME=/home/alice",
		"1000":               "uid=1000(alice) gid=1000(alice) groups=10(wheel),44(video),1000(alice) HOME=/home/alice",
		"alice:wheel":        "uid=1000(alice) gid=10(wheel) groups=10(wheel) HOME=/home/alice",
		"alice:7":            "uid=1000(alice) gid=7 groups=7 HOME=/home/alice",
		"4000":               "uid=4000 gid=0(root) groups=0(root) HOME=/",
		"4000:5000":          "uid=4000 gid=5000 groups=5000 HOME=/",
		"4294967294:1":       "uid=4294967294 gid=1 groups=1 HOME=/",
		"4294967295":         "error",
		"4294967296":         "error",
		"99999999999":        "error",
		"alice:429496729500": "error",
		"bob":                "error",
		"alice:nogroup":      "error",
		"-1":                 "error",
		"alice\nroot":        "error",
	} {
		t.Run(strconv.Quote(user), func(t *testing.T) {
			t.Parallel()
			r, err := tryRun(t, ociruntime.CreateOptions{Spec: testSpec("/bin/sh", "-c", "echo $(id) HOME=$HOME"), Root: detach(t, dir), User: user})
			switch {
			case want == "error" && err == nil:
				t.Errorf("ran as %s", r.out)
			case want == "error" && !errors.Is(err, engine.ErrInvalid):
				t.Errorf("error of no class: %v", err)
			case want != "error" && err != nil:
				t.Error(err)
			case want != "error" && strings.TrimSpace(r.out) != want:
				t.Errorf("got %s, want %s", r.out, want)
			}
		})
	}
}

// A program of an ordinary user opens its own standard streams by name.
func TestStandardStreamsBelongToTheUser(t *testing.T) {
	t.Parallel()
	out := sh(t, image(t, nil), "echo one > /dev/stdout; echo two > /dev/stderr", func(o *ociruntime.CreateOptions) { o.User = "1000" })
	if out != "one\ntwo\n" {
		t.Errorf("got %q", out)
	}
}

func TestWorkingDirectory(t *testing.T) {
	t.Parallel()
	dir := image(t, map[string]string{
		"home/alice/": "", "up": "->../../../../..", "abs": "->/home/alice", "loop": "->loop", "dangling": "->/made/by/link", "file": "x",
		"self": "->/proc/self/cwd", "fd": "->/proc/self/fd/3",
	})
	host := filepath.Dir(dir)
	before := names(t, host)
	for cwd, want := range map[string]string{
		"/":               "/",
		"/home/alice":     "/home/alice",
		"/new/deep/dir":   "/new/deep/dir",
		"/abs":            "/home/alice",
		"/up/x":           "/x",
		"/up/../../etc":   "/etc",
		"/dangling/below": "/made/by/link/below",
		"/loop":           "error",
		"/file":           "error",
		"/file/x":         "error",
		"relative":        "error",
		"/proc/self/fd/9": "error",
		"/nul\x00byte":    "error",
	} {
		t.Run(strconv.Quote(cwd), func(t *testing.T) {
			o := ociruntime.CreateOptions{Spec: testSpec("/bin/pwd"), Root: detach(t, dir)}
			o.Spec.Process.Cwd = cwd
			r, err := tryRun(t, o)
			switch {
			case want == "error" && err == nil && r.out != cwd+"\n":
				t.Errorf("ran in %s", r.out)
			case want != "error" && (err != nil || r.out != want+"\n"):
				t.Errorf("got %q, error %v, want %s", r.out, err, want)
			}
		})
	}
	if after := names(t, host); !slices.Equal(before, after) {
		t.Errorf("beside the root there was %v, now there is %v", before, after)
	}
}

func names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	check(t, err)
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	dir := image(t, nil)
	for script, want := range map[string]result{
		"exit 0": {}, "exit 42": {code: 42}, "exit 255": {code: 255},
		// pid 1 of a pid namespace cannot be killed from inside.
		"kill -9 $$; exit 3": {code: 3},
	} {
		o := ociruntime.CreateOptions{Spec: testSpec("/bin/sh", "-c", script), Root: detach(t, dir)}
		if got := run(t, o); got != want {
			t.Errorf("%s: %+v, want %+v", script, got, want)
		}
	}
}

func TestFailingExec(t *testing.T) {
	t.Parallel()
	dir := image(t, map[string]string{"bin/plain": "no program", "bin/script": "#!/no/such/interpreter\n", "bin/empty": "", "bin/folder/": "", "bin/garbage": "\x7fELFgarbage"})
	for _, name := range []string{"script", "empty", "garbage"} {
		check(t, os.Chmod(filepath.Join(dir, "bin", name), 0o755))
	}
	for name, want := range map[string]error{
		"nothing": engine.ErrCommandNotFound, "/bin/nothing": engine.ErrCommandNotFound, "./nothing": engine.ErrCommandNotFound,
		"/bin/sh/x": engine.ErrCommandNotFound, "script": engine.ErrCommandNotFound,
		"plain": engine.ErrCommandNotExecutable, "/bin/plain": engine.ErrCommandNotExecutable, "folder": engine.ErrCommandNotExecutable,
		"/": engine.ErrCommandNotExecutable, "empty": engine.ErrCommandNotExecutable, "garbage": engine.ErrCommandNotExecutable,
		strings.Repeat("x", 300): engine.ErrCommandNotFound,
	} {
		for _, reaper := range []bool{false, true} {
			t.Run(fmt.Sprintf("%.20s/init=%v", strings.ReplaceAll(name, "/", "|"), reaper), func(t *testing.T) {
				t.Parallel()
				o := ociruntime.CreateOptions{Spec: testSpec(name), Root: detach(t, dir)}
				if reaper {
					withInit(&o)
				}
				p, err := ociruntime.Create(o)
				check(t, err)
				err = p.Start()
				if !errors.Is(err, want) {
					t.Errorf("error %v, want %v", err, want)
				}
				if err == nil {
					t.Fatal(wait(t, p))
				}
				if unix.Kill(p.Pid, 0) == nil {
					t.Error("the process is still there")
				}
			})
		}
	}
}

func TestAbort(t *testing.T) {
	t.Parallel()
	p, err := ociruntime.Create(ociruntime.CreateOptions{Spec: testSpec("true"), Root: detach(t, image(t, nil)), Console: true})
	check(t, err)
	p.Abort()
	if _, err := unix.Wait4(p.Pid, nil, 0, nil); err != unix.ECHILD {
		t.Errorf("wait: %v", err)
	}
}

// Ignored and blocked signals are inherited over execve; a container must not
// get the caller's.
func TestSignalsAreReset(t *testing.T) {
	signal.Ignore(unix.SIGHUP, unix.SIGPIPE)
	defer signal.Reset(unix.SIGHUP, unix.SIGPIPE)
	out := sh(t, image(t, nil), "exec cat /proc/self/status")
	for _, field := range []string{"SigBlk", "SigIgn", "SigCgt"} {
		if got := status(t, out, field); got != "0000000000000000" {
			t.Errorf("%s is %s", field, got)
		}
	}
}

func TestUnsupportedSpecs(t *testing.T) {
	t.Parallel()
	dir := image(t, nil)
	for name, change := range map[string]func(*ociruntime.CreateOptions){
		"user namespace": func(o *ociruntime.CreateOptions) {
			o.Spec.Linux.Namespaces = append(o.Spec.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
		},
		"no mount namespace": func(o *ociruntime.CreateOptions) { o.Spec.Linux.Namespaces = o.Spec.Linux.Namespaces[1:] },
		"apparmor":           func(o *ociruntime.CreateOptions) { o.Spec.Process.ApparmorProfile = "x" },
		"hooks":              func(o *ociruntime.CreateOptions) { o.Spec.Hooks = &specs.Hooks{} },
		"no process":         func(o *ociruntime.CreateOptions) { o.Spec.Process = nil },
		"no root":            func(o *ociruntime.CreateOptions) { o.Root = nil },
		"terminal, no pts":   func(o *ociruntime.CreateOptions) { o.Console, o.Spec.Mounts = true, o.Spec.Mounts[:1] },
	} {
		o := ociruntime.CreateOptions{Spec: testSpec("true"), Root: detach(t, dir)}
		change(&o)
		if p, err := ociruntime.Create(o); !errors.Is(err, engine.ErrUnsupported) && !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("%s: process %v, error %v", name, p, err)
		}
	}
}

// The environment is the spec's and HOME, and nothing of the caller's.
func TestEnvironment(t *testing.T) {
	t.Setenv("SECRET", "of the host")
	dir := image(t, nil)
	r := run(t, ociruntime.CreateOptions{Spec: testSpec("env"), Root: detach(t, dir)})
	if r.out != "PATH=/usr/local/bin:/bin\nHOME=/root\n" {
		t.Errorf("got %q", r.out)
	}
	o := ociruntime.CreateOptions{Spec: testSpec("env"), Root: detach(t, dir)}
	withInit(&o)
	o.Spec.Process.Env = append(o.Spec.Process.Env, "HOME=/mine")
	if r = run(t, o); r.out != "PATH=/usr/local/bin:/bin\nHOME=/mine\n" {
		t.Errorf("got %q", r.out)
	}
}
