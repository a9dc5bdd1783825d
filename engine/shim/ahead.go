package shim

import (
	"fmt"
	"os"
	"sync"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

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

// ahead holds the bundle of a start that is about to come, read while its
// front end attaches. A failure is told by the start.
type ahead struct {
	mu    sync.Mutex
	b     *bundle
	taken bool
}

// load reads the bundle ahead, unless the start has come already: a second
// mount of an overlay empties the working directory of the first.
func (a *ahead) load(cfg *Config) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.taken {
		a.b, _ = loadBundle(cfg)
	}
}

// take returns the bundle that was read ahead, or reads it.
func (a *ahead) take(cfg *Config) (*bundle, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.b
	a.b, a.taken = nil, true
	if b != nil {
		if b.current(cfg) {
			return b, nil
		}
		b.root.Close()
	}
	return loadBundle(cfg)
}
