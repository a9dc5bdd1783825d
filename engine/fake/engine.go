package fake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"gantry/engine"
	"gantry/images"
)

// Engine is the fake. Make one with New.
type Engine struct {
	wg sync.WaitGroup // programs and jobs; Close waits for them

	mu         sync.Mutex    // guards all that follows
	changed    chan struct{} // closed and replaced at every change
	closed     bool
	drawn      int // counter behind identifiers and names
	info       engine.Info
	containers []*container // in order of creation
	images     []*image
	volumes    []*volume  // by name
	networks   []*network // by name
	// randomPorts counts the ports that were given out.
	randomPorts int
	remotes     map[string]Remote
	logins      map[string]engine.Credentials
	jobs        []*job
	events      []engine.Event
	lastSeq     engine.Seq
	oldestSeq   engine.Seq // events up to and including this one are forgotten
	faults      map[Op][]*Fault
	programs    map[string]Program
	host        func(time.Time) engine.HostSample // nil: nothing is known of the host
}

var (
	_ engine.Engine     = (*Engine)(nil)
	_ engine.HostReader = (*Engine)(nil)
	_ engine.Containers = containers{}
	_ engine.Images     = imageStore{}
	_ engine.Volumes    = volumes{}
	_ engine.Networks   = networks{}
	_ engine.Jobs       = jobs{}
	_ engine.Session    = (*session)(nil)
)

// New makes an engine without images and containers.
func New() *Engine {
	e := &Engine{
		changed:  make(chan struct{}),
		remotes:  map[string]Remote{},
		logins:   map[string]engine.Credentials{},
		faults:   map[Op][]*Fault{},
		programs: builtins(),
		info: engine.Info{
			Name: "fake engine", Version: "0.0.0-fake", Root: "/var/lib/gantry", Runtime: "/run/gantry",
			Kernel: "6.18.0", OS: "Fake Linux 1", Architecture: "amd64", CPUs: 4, Memory: 8 << 30,
			Storage: "overlay", Cgroup: "v2", CgroupParent: "/gantry",
			Controllers: []string{"cpu", "memory", "pids"}, DefaultNet: "none", Networks: true,
			Features: []engine.Feature{
				{Name: "overlay", OK: true},
				{Name: "seccomp", OK: true},
				{Name: "apparmor", Note: "the kernel was built without it", Hint: "boot a kernel with CONFIG_SECURITY_APPARMOR"},
			},
		},
	}
	e.predefine()
	return e
}

// Containers returns the container roles.
func (e *Engine) Containers() engine.Containers { return containers{e} }

// Images returns the image roles.
func (e *Engine) Images() engine.Images { return imageStore{e} }

// Volumes returns the role of volumes.
func (e *Engine) Volumes() engine.Volumes { return volumes{e} }

// Networks returns the role of networks.
func (e *Engine) Networks() engine.Networks { return networks{e} }

// Jobs returns the job role.
func (e *Engine) Jobs() engine.Jobs { return jobs{e} }

// Info returns what SetInfo said, with the counts of the moment.
func (e *Engine) Info(ctx context.Context) (engine.Info, error) {
	if err := e.enter(ctx, OpInfo); err != nil {
		return engine.Info{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	info := e.info
	info.Images = len(e.images)
	info.Containers = engine.Counts{Total: len(e.containers)}
	for _, c := range e.containers {
		switch c.state.Status {
		case engine.Running:
			info.Containers.Running++
		case engine.Paused:
			info.Containers.Paused++
		default:
			info.Containers.Stopped++
		}
	}
	return info, nil
}

// SetInfo replaces the facts that Info reports.
func (e *Engine) SetInfo(info engine.Info) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.info = info
}

// Close kills every program and waits for it.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.closed = true
	for _, c := range e.containers {
		c.end()
	}
	for _, j := range e.jobs {
		j.cancel()
	}
	e.notify()
	e.mu.Unlock()
	e.wg.Wait()
	return nil
}

// notify wakes everybody in await. The caller holds mu.
func (e *Engine) notify() {
	close(e.changed)
	e.changed = make(chan struct{})
}

// await blocks until done, which is called under mu after every change,
// returns true.
func (e *Engine) await(ctx context.Context, done func() bool) error {
	for {
		e.mu.Lock()
		ok, changed, closed := done(), e.changed, e.closed
		e.mu.Unlock()
		switch {
		case ok:
			return nil
		case closed:
			return context.Canceled
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// draw returns the next number of the counter. The caller holds mu.
func (e *Engine) draw() int {
	e.drawn++
	return e.drawn
}

// digest makes a stable digest of what is printed.
func digest(kind string, n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "gantry fake %s %d", kind, n))
	return hex.EncodeToString(sum[:])
}

func (e *Engine) drawID() engine.ID { return engine.ID(digest("id", e.draw())) }
func (e *Engine) drawDigest() images.Digest {
	return images.Digest("sha256:" + digest("image", e.draw()))
}

// drawName makes a name that no container has. The caller holds mu.
func (e *Engine) drawName() string {
	first := []string{"brave", "calm", "eager", "gentle", "keen", "lucid", "merry", "quiet"}
	second := []string{"otter", "heron", "lynx", "finch", "badger", "crane", "marten"}
	for n := len(e.containers); ; n++ {
		name := first[n%len(first)] + "_" + second[n%len(second)]
		if n >= len(first)*len(second) {
			name += fmt.Sprint(n)
		}
		if e.named(name) == nil {
			return name
		}
	}
}

func opError(op, kind, id string, err error, hint string) error {
	return &engine.OpError{Op: op, Kind: kind, ID: id, Err: err, Hint: hint}
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
