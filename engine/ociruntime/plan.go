package ociruntime

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// step names a part of the plan in an error.
type step uint32

const (
	stepStdio step = iota
	stepProc
	stepRelease
	stepCross
	stepSession
	stepTerminal
	stepNamespaces
	stepCgroupNamespace
	stepNoNewPrivileges
	stepBounding
	stepGroups
	stepUser
	stepCapabilities
	stepSeccomp
	stepExec
)

var stepNames = [...]string{
	stepStdio:           "pass standard streams",
	stepProc:            "mount proc",
	stepRelease:         "wait for start",
	stepSession:         "start session",
	stepTerminal:        "set controlling terminal",
	stepCross:           "enter pid namespace",
	stepNamespaces:      "join namespaces",
	stepCgroupNamespace: "enter cgroup namespace",
	stepNoNewPrivileges: "set no_new_privs",
	stepBounding:        "drop capabilities from bounding set",
	stepGroups:          "set groups",
	stepUser:            "set user",
	stepCapabilities:    "set capabilities",
	stepSeccomp:         "load seccomp filter",
	stepExec:            "exec",
}

func (s step) String() string {
	if int(s) < len(stepNames) {
		return stepNames[s]
	}
	return fmt.Sprintf("step %d", uint32(s))
}

// program is what the child becomes.
type program struct {
	process      *specs.Process
	user         account
	seccomp      []unix.SockFilter
	seccompFlags uint
	proc         *prepared // a procfs to make, or nil
	console      bool      // standard input is the terminal
	cgroupNS     bool      // make one
	join         int       // namespaces that the child joins itself, of container
	container    int       // descriptor of its first process
	crossing     *crossing // by which it comes into the pid namespace, or nil
	reaper       bool
	stdio        [3]int // numbers of dupHigh, here and below
	status       int
	exe          int
}

// newPlan writes down the calls in the only order that works: what needs
// privileges first, the filter as late as possible.
func newPlan(prog program) (*plan, error) {
	p := &plan{}
	// Memory of the parent is copied into the child: nobody may look into it.
	// execve resets this.
	p.add(must, stepStdio, unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 0)
	if prog.join != 0 {
		p.add(must, stepNamespaces, unix.SYS_SETNS, uintptr(prog.container), uintptr(prog.join))
	}
	next := p.stdio(prog)
	if prog.proc != nil {
		if err := p.mountProc(prog.proc, next); err != nil {
			return nil, err
		}
	}
	p.await(prog)
	if prog.cgroupNS {
		// Only now is the child in its group, which becomes the root of the
		// namespace. CLONE_NEWCGROUP in clone3 would take the parent's.
		p.add(must, stepCgroupNamespace, unix.SYS_UNSHARE, unix.CLONE_NEWCGROUP)
	}
	if prog.crossing == nil {
		p.session(prog)
	}
	// A session keyring of its own, or it would hold the keys of whoever
	// started gantry. Kernels without keyrings say ENOSYS.
	p.add(may, stepSession, unix.SYS_KEYCTL, unix.KEYCTL_JOIN_SESSION_KEYRING, 0)
	umask := uintptr(0o022)
	if prog.process.User.Umask != nil {
		umask = uintptr(*prog.process.User.Umask)
	}
	p.add(may, stepSession, unix.SYS_UMASK, umask)
	p.signals()
	if prog.crossing != nil {
		prog.crossing.hide(p)
	}
	if err := p.credentials(prog); err != nil {
		return nil, err
	}
	if prog.crossing != nil {
		prog.crossing.cross(p)
		p.session(prog)
	}
	return p, p.program(prog)
}

// await stands still until the release.
func (p *plan) await(prog program) {
	into := uintptr(0)
	if prog.crossing != nil {
		into = prog.crossing.at(pageRelease)
	} else {
		into = ptrOf(p, new(byte))
	}
	p.add(released, stepRelease, unix.SYS_READ, childStatus, into, 1)
}

// session makes the process the leader of one, with its terminal.
func (p *plan) session(prog program) {
	p.add(must, stepSession, unix.SYS_SETSID)
	if prog.console {
		p.add(must, stepTerminal, unix.SYS_IOCTL, 0, unix.TIOCSCTTY, 0)
	}
}

func (p *plan) add(r rule, s step, nr uintptr, args ...uintptr) {
	c := call{nr: nr, rule: r, step: s}
	copy(c.arg[:], args)
	p.calls = append(p.calls, c)
}

// ptrOf gives the address of v for the child and keeps v where it is: what
// append stores is on the heap, and objects there do not move.
func ptrOf[T any](p *plan, v *T) uintptr {
	p.keep = append(p.keep, v)
	return uintptr(unsafe.Pointer(v))
}

// stdio puts the descriptors in their places and closes all others. The next
// one to be opened will be the number returned: it is the lowest free one.
func (p *plan) stdio(prog program) (next uintptr) {
	for i, fd := range prog.stdio {
		p.add(must, stepStdio, unix.SYS_DUP3, uintptr(fd), uintptr(i), 0)
	}
	// The reaper inherits its way to report and loses it on its own exec.
	flags := uintptr(unix.O_CLOEXEC)
	if prog.reaper {
		flags = 0
		p.add(must, stepStdio, unix.SYS_DUP3, uintptr(prog.exe), childExe, unix.O_CLOEXEC)
	}
	p.add(must, stepStdio, unix.SYS_DUP3, uintptr(prog.status), childStatus, flags)
	first := uintptr(childExe)
	if prog.reaper {
		first = childFirstOff
	}
	p.add(must, stepStdio, unix.SYS_CLOSE_RANGE, first, maxFD, 0)
	return first
}

const maxFD = 1<<32 - 1

// mountProc makes a procfs and sends it to the parent, detached. A procfs
// shows the pid namespace of the process that makes it, so it has to be this
// child; where to put it is not for a child to look up.
func (p *plan) mountProc(m *prepared, fs uintptr) error {
	word := func(s string) (uintptr, error) {
		b, err := unix.BytePtrFromString(s)
		if err != nil {
			return 0, fmt.Errorf("mount %s: option %q: %w", m.Destination, s, err)
		}
		return ptrOf(p, b), nil
	}
	kind, _ := word("proc")
	p.add(must, stepProc, unix.SYS_FSOPEN, kind, unix.FSOPEN_CLOEXEC)
	for _, opt := range append([]string{"source=proc"}, m.options.data...) {
		command, value := uintptr(unix.FSCONFIG_SET_FLAG), uintptr(0)
		name, text, ok := strings.Cut(opt, "=")
		key, err := word(name)
		if err == nil && ok {
			command = unix.FSCONFIG_SET_STRING
			value, err = word(text)
		}
		if err != nil {
			return err
		}
		p.add(must, stepProc, unix.SYS_FSCONFIG, fs, command, key, value)
	}
	p.add(must, stepProc, unix.SYS_FSCONFIG, fs, unix.FSCONFIG_CMD_CREATE)
	p.add(must, stepProc, unix.SYS_FSMOUNT, fs, unix.FSMOUNT_CLOEXEC, uintptr(m.options.set))
	p.send(fs + 1)
	p.add(must, stepProc, unix.SYS_CLOSE_RANGE, fs, maxFD, 0)
	return nil
}

// send passes a descriptor to the parent, with one byte: a message of a failed
// step has eight.
func (p *plan) send(fd uintptr) {
	rights := unix.UnixRights(int(fd))
	message := &unix.Msghdr{Iov: &unix.Iovec{Base: new(byte)}, Control: &rights[0]}
	message.Iov.SetLen(1)
	message.Iovlen = 1
	message.SetControllen(len(rights))
	p.add(must, stepProc, unix.SYS_SENDMSG, childStatus, ptrOf(p, message), 0)
}

// signals gives every signal its default action and unblocks all: execve keeps
// ignored ones ignored, and a container must not inherit the SIGHUP of a nohup
// or the SIGPIPE of whoever started gantry.
func (p *plan) signals() {
	action := ptrOf(p, new([4]uint64)) // struct sigaction of the kernel: SIG_DFL is 0
	for sig := uintptr(1); sig <= 64; sig++ {
		p.add(may, stepSession, unix.SYS_RT_SIGACTION, sig, action, 0, 8)
	}
	p.add(may, stepSession, unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, ptrOf(p, new(uint64)), 0, 8)
}

// credentials drops privileges. Loading a filter needs CAP_SYS_ADMIN unless
// no_new_privs is set, so in that case it is kept until the filter is loaded:
// capset and execve are then all that a profile must allow for a start.
func (p *plan) credentials(prog program) error {
	want, err := parseCaps(prog.process.Capabilities)
	if err != nil {
		return err
	}
	if prog.process.NoNewPrivileges {
		p.add(must, stepNoNewPrivileges, unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
	}
	for c := uintptr(0); c <= lastCap(); c++ {
		if want.bounding&(1<<c) == 0 {
			p.add(must, stepBounding, unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, c)
		}
	}
	p.identity(prog.user)
	p.add(may, stepCapabilities, unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL)

	keep := want
	early := len(prog.seccomp) > 0 && !prog.process.NoNewPrivileges
	if early {
		keep.effective |= 1 << unix.CAP_SYS_ADMIN
		keep.permitted |= 1 << unix.CAP_SYS_ADMIN
	}
	p.capset(keep)
	for c := uintptr(0); c < 64; c++ {
		if want.ambient&(1<<c) != 0 {
			p.add(must, stepCapabilities, unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, c)
		}
	}
	p.filter(prog)
	if early {
		p.capset(want)
	}
	return nil
}

// identity changes user and groups. setresuid(2) of a user other than root
// would clear all capabilities, of which capset still needs some.
func (p *plan) identity(u account) {
	if u.uid != 0 {
		p.add(must, stepUser, unix.SYS_PRCTL, unix.PR_SET_KEEPCAPS, 1)
	}
	var list uintptr
	if len(u.groups) > 0 {
		list = ptrOf(p, &u.groups[0])
	}
	p.add(must, stepGroups, unix.SYS_SETGROUPS, uintptr(len(u.groups)), list)
	gid, uid := uintptr(u.gid), uintptr(u.uid)
	p.add(must, stepGroups, unix.SYS_SETRESGID, gid, gid, gid)
	p.add(must, stepUser, unix.SYS_SETRESUID, uid, uid, uid)
	// Changing users gives fs.suid_dumpable (proc_sys_fs(5)), which may let the
	// container look in, before the filter is there.
	p.add(must, stepUser, unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 0)
}

func (p *plan) capset(c capSets) {
	header := &unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := &[2]unix.CapUserData{}
	for i := range data {
		shift := 32 * i
		data[i] = unix.CapUserData{
			Effective:   uint32(c.effective >> shift),
			Permitted:   uint32(c.permitted >> shift),
			Inheritable: uint32(c.inheritable >> shift),
		}
	}
	p.add(must, stepCapabilities, unix.SYS_CAPSET, ptrOf(p, header), ptrOf(p, data))
}

func (p *plan) filter(prog program) {
	if len(prog.seccomp) == 0 {
		return
	}
	fprog := &unix.SockFprog{Len: uint16(len(prog.seccomp)), Filter: &prog.seccomp[0]}
	p.add(must, stepSeccomp, unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, uintptr(prog.seccompFlags), ptrOf(p, fprog))
}

// program prepares the execve.
func (p *plan) program(prog program) error {
	argv, env := prog.process.Args, prog.process.Env
	if len(argv) == 0 || argv[0] == "" {
		return fmt.Errorf("exec: no command given")
	}
	env = withHome(env, prog.user.home)
	paths := searchPaths(argv[0], env)
	if prog.reaper {
		argv = append([]string{InitName, "--"}, argv...)
		paths = []string{""}
		p.reaper = true
	}
	var err error
	if p.paths, err = cStrings(paths); err != nil {
		return fmt.Errorf("exec %q: %w", argv[0], err)
	}
	if p.argv, err = cStrings(argv); err != nil {
		return fmt.Errorf("exec %q: arguments: %w", argv[0], err)
	}
	if p.envv, err = cStrings(env); err != nil {
		return fmt.Errorf("exec %q: environment: %w", argv[0], err)
	}
	p.argv, p.envv = append(p.argv, nil), append(p.envv, nil)
	return nil
}

func cStrings(list []string) ([]*byte, error) {
	out := make([]*byte, 0, len(list)+1)
	for _, s := range list {
		b, err := unix.BytePtrFromString(s)
		if err != nil {
			return nil, fmt.Errorf("%q holds a NUL byte: %w", s, err)
		}
		out = append(out, b)
	}
	return out, nil
}

// defaultPath is searched when the environment has no PATH, as execvp(3) does.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// searchPaths lists where a program may be. An empty element of PATH is the
// working directory.
func searchPaths(name string, env []string) []string {
	if strings.Contains(name, "/") {
		return []string{name}
	}
	path := defaultPath
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			path = v
		}
	}
	var out []string
	for dir := range strings.SplitSeq(path, ":") {
		if dir == "" {
			dir = "."
		}
		out = append(out, dir+"/"+name)
	}
	return out
}

// withHome adds HOME from the account, unless the user chose one.
func withHome(env []string, home string) []string {
	for _, kv := range env {
		if strings.HasPrefix(kv, "HOME=") && len(kv) > len("HOME=") {
			return env
		}
	}
	out := make([]string, 0, len(env)+1)
	for _, kv := range env {
		if kv != "HOME=" {
			out = append(out, kv)
		}
	}
	return append(out, "HOME="+home)
}
