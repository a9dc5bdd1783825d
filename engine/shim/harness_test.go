package shim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/cgroup"
	"gantry/engine/events"
	"gantry/engine/ociruntime"
	"gantry/engine/record"
	"gantry/engine/shim"
	"gantry/images/snapshot"
	"gantry/logs"
	"gantry/logs/journal"
)

// layer is the image of all tests, made once.
var layer = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "shim-layer")
	if err != nil {
		return "", err
	}
	layerDir = dir
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", err
	}
	for _, d := range []string{"bin", "tmp", "etc", "proc", "sys", "dev"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			return "", err
		}
	}
	box, err := os.ReadFile("/bin/busybox")
	if err != nil {
		return "", err
	}
	for _, applet := range strings.Fields("sh true false cat echo seq yes head tail sleep stty kill env pwd id md5sum dd wc tty readlink ls") {
		if err := os.Symlink("busybox", filepath.Join(dir, "bin", applet)); err != nil {
			return "", err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "etc/passwd"), []byte("root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n"), 0o644); err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, "bin/busybox"), box, 0o755)
})

var layerDir string

func TestMain(m *testing.M) {
	switch os.Args[0] {
	case ociruntime.InitName:
		ociruntime.InitMain()
	case shim.Name:
		shim.SetCheckpoint(dieAt(filepath.Join(filepath.Dir(os.Args[1]), "die-at")))
		shim.Main()
	case "gantry-finish":
		// The real one is in main; what it was told is all that matters here.
		os.WriteFile(filepath.Join(os.Args[1], "finish"), []byte(strings.Join(os.Args[1:], " ")), 0o600)
		return
	}
	code := m.Run()
	if layerDir != "" {
		os.RemoveAll(layerDir)
	}
	os.Exit(code)
}

// dieAt kills the monitor at the step that a file in the bundle names. At the
// one that a file beside it names, the monitor stands until that is removed.
func dieAt(path string) func(string) {
	standAt := filepath.Join(filepath.Dir(path), "stand-at")
	return func(step string) {
		for want, err := os.ReadFile(standAt); err == nil && string(want) == step; want, err = os.ReadFile(standAt) {
			<-time.After(time.Millisecond)
		}
		if want, err := os.ReadFile(path); err == nil && string(want) == step {
			unix.Kill(os.Getpid(), unix.SIGKILL)
			select {}
		}
	}
}

// box is one container.
type box struct {
	t      testing.TB
	cfg    shim.Config
	events *events.Journal
	path   string // of shim.json
}

type change func(*shim.Config, *specs.Spec)

func newBox(t testing.TB, args []string, changes ...change) *box {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes namespaces, mounts and control groups")
	}
	fs, err := layer()
	if err != nil {
		t.Skipf("needs a static busybox: %v", err)
	}
	root := t.TempDir()
	id := engine.NewID()
	b := &box{t: t, cfg: shim.Config{
		ID: id, Root: root, Run: filepath.Join(root, "run"), Bundle: filepath.Join(root, "containers", string(id)),
		Layers: []string{fs}, Attributes: map[string]string{"name": "box", "image": "busybox"},
	}}
	must(t, os.MkdirAll(b.cfg.Bundle, 0o755))
	spec := boxSpec(args)
	for _, c := range changes {
		c(&b.cfg, spec)
	}
	d, err := snapshot.Open(root)
	must(t, err)
	must(t, d.Create(b.cfg.Bundle, b.cfg.Layers))
	host, err := cgroup.Detect()
	must(t, err)
	group, err := host.Create(string(id), spec.Linux.Resources)
	must(t, err)
	b.cfg.Group = *group
	t.Cleanup(b.remove)
	j, err := json.Marshal(spec)
	must(t, err)
	must(t, os.WriteFile(b.file("config.json"), j, 0o600))
	b.path = b.file("shim.json")
	must(t, record.Write(b.path, &b.cfg, record.Volatile))
	b.events, err = events.Open(root+"/events", b.cfg.Run+"/locks")
	must(t, err)
	return b
}

func sh(script string) []string { return []string{"/bin/sh", "-c", script} }

func boxSpec(args []string) *specs.Spec {
	caps := []string{"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_SETGID", "CAP_SETUID"}
	ns := func(kinds ...specs.LinuxNamespaceType) (out []specs.LinuxNamespace) {
		for _, k := range kinds {
			out = append(out, specs.LinuxNamespace{Type: k})
		}
		return out
	}
	return &specs.Spec{
		Hostname: "box",
		Process: &specs.Process{
			Args: args, Env: []string{"PATH=/bin", "A=1"}, Cwd: "/",
			Capabilities: &specs.LinuxCapabilities{Bounding: caps, Effective: caps, Permitted: caps},
		},
		Root: &specs.Root{},
		Mounts: []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
			{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
			{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
		},
		Linux: &specs.Linux{
			Resources:  &specs.LinuxResources{},
			Namespaces: ns(specs.MountNamespace, specs.PIDNamespace, specs.IPCNamespace, specs.UTSNamespace, specs.NetworkNamespace),
		},
	}
}

func (b *box) file(name string) string { return filepath.Join(b.cfg.Bundle, name) }
func (b *box) runFile(name string) string {
	return filepath.Join(b.cfg.Run, "c", b.cfg.ID.Short(), name)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("in vain waited for: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// remove ends whatever is left and checks that nothing is.
func (b *box) remove() {
	if err := b.cfg.Group.Kill(); err != nil && !errors.Is(err, os.ErrNotExist) {
		b.t.Log("kill: ", err)
	}
	eventually(b.t, "the monitor's end", func() bool { return !b.monitored() })
	if err := b.cfg.Group.Delete(); err != nil {
		b.t.Error(err)
	}
	if log, _ := os.ReadFile(b.runFile("shim.log")); len(log) > 0 {
		b.t.Logf("shim.log:\n%s", log)
	}
}

// monitored tells whether a monitor is at work. One that only waits for a
// start is told to leave.
func (b *box) monitored() bool {
	if c, err := shim.Dial(context.Background(), b.cfg.Run, b.cfg.ID); err == nil {
		c.Dismiss(context.Background())
	}
	held, err := record.FileHeld(shim.LockPath(b.cfg.Run, b.cfg.ID))
	return err == nil && held
}

func (b *box) spawn() *shim.Client {
	b.t.Helper()
	c, err := shim.Spawn(b.ctx(), b.path)
	must(b.t, err)
	b.t.Cleanup(func() { c.Close() })
	return c
}

func (b *box) adopt() *shim.Client {
	b.t.Helper()
	c, err := shim.Adopt(b.ctx(), b.path)
	must(b.t, err)
	b.t.Cleanup(func() { c.Close() })
	return c
}

func (b *box) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	b.t.Cleanup(cancel)
	return ctx
}

// start spawns a monitor and runs the container.
func (b *box) start() *shim.Client {
	b.t.Helper()
	c := b.spawn()
	must(b.t, c.Start(b.ctx()))
	return c
}

func (b *box) wait(c *shim.Client) engine.ExitStatus {
	b.t.Helper()
	st, err := c.Wait(b.ctx())
	if errors.Is(err, shim.ErrGone) { // too late to ask: it is on record
		x, err := b.exit()
		must(b.t, err)
		return x.Status()
	}
	must(b.t, err)
	return st
}

// peer is a session with what it printed.
type peer struct {
	engine.Session
	b        *box
	out, err buffer
	done     chan error
}

// buffer is a bytes.Buffer that can be looked at while it is written to.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

var everything = engine.AttachOptions{Stdin: true, Stdout: true, Stderr: true}

func (b *box) attach(c *shim.Client, opts engine.AttachOptions) *peer {
	b.t.Helper()
	s, err := c.Attach(b.ctx(), opts)
	must(b.t, err)
	return b.copy(s)
}

func (b *box) exec(c *shim.Client, opts engine.ExecOptions) *peer {
	b.t.Helper()
	s, err := c.Exec(b.ctx(), opts)
	must(b.t, err)
	return b.copy(s)
}

func (b *box) copy(s engine.Session) *peer {
	p := &peer{Session: s, b: b, done: make(chan error, 1)}
	go func() { p.done <- s.Copy(&p.out, &p.err) }()
	b.t.Cleanup(func() { s.Close() })
	return p
}

// end waits until all output has come and returns the status.
func (p *peer) end() engine.ExitStatus {
	p.b.t.Helper()
	select {
	case err := <-p.done:
		must(p.b.t, err)
	case <-time.After(20 * time.Second):
		p.b.t.Fatalf("the output does not end; until now: %.200q", p.out.String())
	}
	st, err := p.Wait(p.b.ctx())
	must(p.b.t, err)
	return st
}

func (p *peer) send(text string) {
	p.b.t.Helper()
	_, err := io.WriteString(p.Session, text)
	must(p.b.t, err)
}

func (p *peer) expect(text string) {
	p.b.t.Helper()
	eventually(p.b.t, fmt.Sprintf("%q", text), func() bool { return strings.Contains(p.out.String(), text) })
}

func (b *box) exit() (x shim.ExitRecord, err error) {
	return x, record.Read(b.file("exit.json"), &x)
}

func (b *box) started() (s shim.StartRecord) {
	b.t.Helper()
	must(b.t, record.Read(b.file("start.json"), &s))
	return s
}

// log returns the lines of the container's log.
func (b *box) log() []string {
	b.t.Helper()
	r, err := journal.Open(b.file("log"))
	must(b.t, err)
	var lines []string
	for e, err := range r.Entries(b.ctx(), logs.Query{Tail: -1, Stdout: true, Stderr: true}, nil) {
		must(b.t, err)
		lines = append(lines, e.Stream.String()+" "+string(e.Line))
	}
	return lines
}

// actions returns the events of the container.
func (b *box) actions() []string {
	b.t.Helper()
	var got []string
	for _, e := range b.happened() {
		s := e.Action
		if c, ok := e.Attributes["exitCode"]; ok {
			s += " " + c
		}
		got = append(got, s)
	}
	return got
}

// killMonitor ends the monitor as a crash would.
func (b *box) killMonitor() {
	b.t.Helper()
	c, err := shim.Dial(b.ctx(), b.cfg.Run, b.cfg.ID)
	must(b.t, err)
	st, err := c.Status(b.ctx())
	must(b.t, err)
	must(b.t, unix.Kill(st.ShimPid, unix.SIGKILL))
	b.monitorDied()
}

func (b *box) monitorDied() {
	b.t.Helper()
	eventually(b.t, "the monitor's death", func() bool {
		held, err := record.FileHeld(shim.LockPath(b.cfg.Run, b.cfg.ID))
		return err == nil && !held
	})
}

func (b *box) writeConfig() {
	b.t.Helper()
	must(b.t, record.Write(b.path, &b.cfg, record.Volatile))
}

// regroup makes the control group of the next start.
func (b *box) regroup() {
	b.t.Helper()
	must(b.t, b.cfg.Group.Kill()) // what a killed monitor was about to start
	host, err := cgroup.Detect()
	must(b.t, err)
	g, err := host.Create(string(b.cfg.ID), &specs.LinuxResources{})
	must(b.t, err)
	b.cfg.Group = *g
	b.writeConfig()
}

// happened returns the container's events.
func (b *box) happened() []engine.Event {
	b.t.Helper()
	var got []engine.Event
	for e, err := range b.events.Watch(b.ctx(), engine.WatchOptions{Since: time.Unix(1, 0), Until: time.Now()}) {
		must(b.t, err)
		if e.ID == string(b.cfg.ID) {
			got = append(got, e)
		}
	}
	return got
}

// finished waits for gantry-finish and returns what it was told.
func (b *box) finished() string {
	b.t.Helper()
	var told []byte
	eventually(b.t, "gantry-finish", func() bool {
		told, _ = os.ReadFile(b.cfg.Root + "/finish")
		return len(told) > 0
	})
	return string(told)
}
