package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"

	"gantry/engine"
	"gantry/engine/cgroup"
	"gantry/engine/events"
	"gantry/engine/jobs"
	"gantry/engine/network"
	"gantry/engine/record"
	"gantry/engine/shim"
	"gantry/engine/volume"
	"gantry/images/registry"
	"gantry/images/snapshot"
	"gantry/images/store"
	"gantry/images/unpack"
)

// Options of Open.
type Options struct {
	Root, Run string // "" are the defaults
	Version   string
	Registry  registry.Config
	// Log sets the rotation of containers that do not set their own; zero
	// values are the journal's defaults.
	LogMaxSize int64 // bytes
	LogMaxFile int
	// DefaultNetwork is that of containers that name none; "" is none.
	DefaultNetwork string
	NetworkPools   []network.Pool // that subnets are chosen from; empty: docker's
	// Early is a monitor for the first container that this process makes and
	// starts soon. nil: there is none.
	Early *shim.Early
}

// Engine is the embedded engine. Make one with Open.
type Engine struct {
	root, run string
	opts      Options

	locks   *record.Locks
	names   *record.Names
	journal *events.Journal
	jobs    *jobs.Manager
	volumes *volume.Store
	nets    *network.Store

	// What `gantry ps` does not need is opened when it is first asked for.
	store    func() (*store.Store, error)
	snap     func() (*snapshot.Driver, error)
	host     func() (*cgroup.Host, error)
	skeleton func() (string, error)
	registry func() *registry.Client

	spares spares
	// supervises: this process puts new monitors in the place of dead ones,
	// whatever the container's policy.
	supervises atomic.Bool
}

var _ engine.Engine = (*Engine)(nil)

// Open opens the state directories, making them when they are not there. It
// needs root; the error says so.
func Open(o Options) (*Engine, error) {
	if o.Root == "" {
		o.Root = engine.DefaultRoot
	}
	if o.Run == "" {
		o.Run = engine.DefaultRun
	}
	var err error
	if o.Root, err = filepath.Abs(o.Root); err != nil {
		return nil, err
	}
	if o.Run, err = filepath.Abs(o.Run); err != nil {
		return nil, err
	}
	if os.Geteuid() != 0 {
		return nil, &engine.OpError{Op: "open", Kind: "engine", ID: o.Root, Err: fmt.Errorf("%w: namespaces, overlay mounts and control groups need root", engine.ErrPermission),
			Hint: "run it with sudo; running without root is not there yet"}
	}
	if err := makeState(o.Root, o.Run); err != nil {
		return nil, err
	}
	e := &Engine{root: o.Root, run: o.Run, opts: o, spares: spares{early: o.Early}}
	if e.locks, err = record.OpenLocks(filepath.Join(o.Run, "locks")); err != nil {
		return nil, err
	}
	if e.names, err = record.OpenNames(filepath.Join(o.Root, "names")); err != nil {
		return nil, err
	}
	if e.journal, err = events.Open(filepath.Join(o.Root, "events"), filepath.Join(o.Run, "locks")); err != nil {
		return nil, err
	}
	if e.jobs, err = jobs.Open(o.Root, o.Run); err != nil {
		return nil, err
	}
	e.volumes = volume.New(o.Root, o.Run, e.locks, e.journal)
	e.nets = network.New(network.Options{Root: o.Root, Run: o.Run, Locks: e.locks, Journal: e.journal, Pools: o.NetworkPools, Gone: e.gone})
	e.store = sync.OnceValues(func() (*store.Store, error) {
		return store.Open(store.Options{Root: o.Root, Run: o.Run})
	})
	e.snap = sync.OnceValues(func() (*snapshot.Driver, error) { return snapshot.Open(o.Root) })
	e.host = sync.OnceValues(cgroup.Detect)
	e.skeleton = sync.OnceValues(func() (string, error) { return makeSkeleton(o.Root) })
	e.registry = sync.OnceValue(func() *registry.Client { return registry.New(o.Registry) })
	return e, nil
}

// makeState makes the directories and refuses ones that other users can look
// into: setuid files of images must be out of their reach (CVE-2021-41091).
func makeState(root, run string) error {
	containers := filepath.Join(root, "containers")
	for _, dir := range []string{root, containers, filepath.Join(root, "layers"), run, filepath.Join(run, "c"), filepath.Join(run, "locks")} {
		made, err := privateDir(dir)
		if err != nil {
			return &engine.OpError{Op: "open", Kind: "engine", ID: dir, Err: err, Hint: stateHint(err)}
		}
		if made && dir == containers {
			unpack.Scatter(dir) // a short-lived container's files take the disk half as long
		}
	}
	return nil
}

func privateDir(dir string) (made bool, err error) {
	fi, err := os.Stat(dir)
	if errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
			return false, err
		}
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
			return false, err
		}
		made = true
		fi, err = os.Stat(dir)
	}
	if err != nil {
		return made, err
	}
	st := fi.Sys().(*syscall.Stat_t)
	switch {
	case !fi.IsDir():
		return made, fmt.Errorf("%w: it is not a directory", engine.ErrInvalid)
	case st.Uid != uint32(os.Geteuid()):
		return made, fmt.Errorf("%w: it belongs to user %d", engine.ErrPermission, st.Uid)
	case fi.Mode().Perm()&0o077 != 0:
		return made, fmt.Errorf("%w: mode %04o lets other users in", engine.ErrPermission, fi.Mode().Perm())
	}
	return made, nil
}

func stateHint(err error) string {
	switch {
	case errors.Is(err, syscall.EROFS):
		return "the file system is read-only: choose another place with --root or GANTRY_ROOT"
	case errors.Is(err, engine.ErrPermission):
		return "make it yours and private: chown root and chmod 700, or choose another place with --root"
	case errors.Is(err, syscall.ENOSPC):
		return "the disk is full: free space, or choose another place with --root"
	}
	return "choose another place with --root or GANTRY_ROOT"
}

// Containers, Images, Volumes, Networks and Jobs return the engine's roles.
func (e *Engine) Containers() engine.Containers { return (*containers)(e) }
func (e *Engine) Images() engine.Images         { return (*imageStore)(e) }
func (e *Engine) Volumes() engine.Volumes       { return (*volumes)(e) }
func (e *Engine) Networks() engine.Networks     { return (*networks)(e) }
func (e *Engine) Jobs() engine.Jobs             { return e.jobs }

// Close frees what the engine holds in this process; containers run on.
func (e *Engine) Close() error {
	e.spares.drop()
	return nil
}

// containers, imageStore, volumes and networks give the roles' methods names of their
// own: all have a List, an Inspect and a Remove.
type (
	containers Engine
	imageStore Engine
	volumes    Engine
	networks   Engine
)
