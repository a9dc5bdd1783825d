package shim

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine/ociruntime"
	"gantry/images/snapshot"
)

// bundle is what a start takes from the disk. Whoever has it closes root.
type bundle struct {
	spec   *specs.Spec
	filter []unix.SockFilter
	root   *os.File    // the root file system, a detached mount
	from   unix.Stat_t // of config.json
}

// loadBundle reads a bundle and mounts its root file system.
func loadBundle(cfg *Config) (*bundle, error) {
	b := &bundle{}
	var err error
	path := cfg.file("config.json")
	if err := unix.Stat(path, &b.from); err != nil {
		return nil, fmt.Errorf("read bundle: %w", &os.PathError{Op: "stat", Path: path, Err: err})
	}
	if b.spec, err = readSpec(path); err != nil {
		return nil, err
	}
	if b.filter, err = readFilter(cfg, b.spec); err != nil {
		return nil, err
	}
	driver, err := snapshot.Open(cfg.Root)
	if err != nil {
		return nil, err
	}
	// What a container that removes itself writes need never reach the disk. A
	// root that is to be read-only is sealed by the runtime, once it has made
	// its mount points.
	b.root, err = driver.Mount(cfg.Bundle, cfg.Layers, snapshot.MountOptions{Volatile: cfg.AutoRemove})
	if err != nil {
		return nil, err
	}
	return b, nil
}

// current tells whether config.json is still the file that was read. It is
// replaced, never changed.
func (b *bundle) current(cfg *Config) bool {
	var now unix.Stat_t
	return unix.Stat(cfg.file("config.json"), &now) == nil &&
		now.Ino == b.from.Ino && now.Mtim == b.from.Mtim && now.Size == b.from.Size
}

// ahead holds what a start that is about to come needs, made while its front end
// has other things to do: the bundle, read when the monitor begins, and, once the
// front end knows that the control group is there and that the start will bring
// nothing along, the container with its process, which stands still until it is
// let go. A failure is told by the start, which then does it itself.
type ahead struct {
	mu      sync.Mutex
	b       *bundle
	process *ociruntime.Process // nil: it was not made
	mounts  int                 // its mount namespace, see lingering; -1: none
	taken   bool
}

// load reads the bundle ahead, unless the start has come already: a second
// mount of an overlay empties the working directory of the first.
func (a *ahead) load(cfg *Config) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.taken && a.b == nil {
		a.b, _ = loadBundle(cfg)
	}
}

// build makes the container ahead.
func (s *shim) build() {
	a := &s.ahead
	a.load(s.cfg)
	runtime.Gosched() // who wants to attach waits since then
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.b == nil || a.process != nil {
		return
	}
	s.watchMemory()
	if a.process, _ = s.create(a.b, nil, nil); a.process == nil {
		a.drop() // its root may have been attached already
		return
	}
	a.mounts = s.lingering(a.process.Pid)
}

// take returns what was made ahead, or reads the bundle. The process is nil
// where it is still to be made: with fresh even if there was one.
func (a *ahead) take(cfg *Config, fresh bool) (*bundle, *ociruntime.Process, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.taken = true
	if a.b != nil && a.b.current(cfg) && !(fresh && a.process != nil) {
		b, p := a.b, a.process
		a.b, a.process = nil, nil
		return b, p, nil
	}
	a.drop()
	b, err := loadBundle(cfg)
	return b, nil, err
}

// end undoes what was made for a start that does not come.
func (a *ahead) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.taken = true
	a.drop()
}

// drop is called with mu.
func (a *ahead) drop() {
	if a.process != nil {
		a.process.Abort()
	}
	if a.b != nil {
		a.b.root.Close()
	}
	a.b, a.process = nil, nil
	a.unmount()
}

// lingering opens a container's mount namespace, so that its end need not wait
// until all of that is unmounted, 0.4 ms of a short run: the monitor does it
// once everybody has been told. Only for a container that is never started again
// and that has mounted nothing which anybody might want to have back by then.
func (s *shim) lingering(pid int) int {
	if !s.cfg.AutoRemove {
		return -1
	}
	for _, m := range s.ahead.b.spec.Mounts {
		if m.Type == "bind" && !strings.HasPrefix(m.Source, s.cfg.Root+"/") && !strings.HasPrefix(m.Source, "/sys/fs/cgroup") {
			return -1
		}
	}
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/ns/mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return fd
}

// unmount lets go of the mounts.
func (a *ahead) unmount() {
	if a.mounts > 0 {
		unix.Close(a.mounts)
	}
	a.mounts = -1
}
