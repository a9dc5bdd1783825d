package zone

import (
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/record"
	"gantry/internal/inetaddr"
)

// Network is a directory of names. Its own name is the domain of those in it:
// "web" on "front" is also "web.front".
type Network struct {
	Dir  string `json:"dir"`
	Name string `json:"name"`
}

// Index finds names on the networks of one container. It is safe for concurrent
// use.
type Index struct {
	networks []*network
	alive    func(engine.ID) bool

	mu sync.Mutex // guards what networks have read, and asked
	// asked is what alive said of a container, and when.
	asked map[engine.ID]said
}

type said struct {
	alive bool
	at    time.Time
}

// believed is how long an answer of alive is taken for true. A container whose
// monitor was killed together with it is found for as long after its end.
const believed = time.Second

// Open makes an index of networks, the most important one first. alive tells
// whether a container that is in a zone runs; one that does not is not found:
// whoever killed it may have killed who would have dropped its names, too. nil:
// all do. Nothing is read yet, and a directory need not be there.
func Open(alive func(engine.ID) bool, networks ...Network) *Index {
	x := &Index{alive: alive, asked: map[engine.ID]said{}}
	for _, n := range networks {
		x.networks = append(x.networks, &network{Network: n})
	}
	return x
}

// Lookup returns the addresses of a name. known is true also of one that has no
// address. The network that knows the name first decides.
func (x *Index) Lookup(name string) (addrs []inetaddr.Addr, known bool) {
	name = fold(name)
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, n := range x.networks {
		n.refresh()
		if addrs, known := x.in(n, name); known {
			return addrs, true
		}
		if short, ok := n.within(name); ok {
			if addrs, known := x.in(n, short); known {
				return addrs, true
			}
		}
	}
	return nil, false
}

// Reverse returns the name of an address, with the network's as its domain.
func (x *Index) Reverse(addr inetaddr.Addr) (name string, known bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, n := range x.networks {
		n.refresh()
		if r := n.byAddr[addr]; r != nil && len(r.Names) > 0 && x.runs(r.ID) {
			return r.Names[0] + "." + n.Name, true
		}
	}
	return "", false
}

// in looks a name up in one network.
func (x *Index) in(n *network, name string) (addrs []inetaddr.Addr, known bool) {
	for _, r := range n.byName[name] {
		if x.runs(r.ID) {
			addrs, known = append(addrs, r.Addrs...), true
		}
	}
	return addrs, known
}

// runs asks alive, not too often: it reads files of other processes.
func (x *Index) runs(id engine.ID) bool {
	if x.alive == nil {
		return true
	}
	now := time.Now()
	a, ok := x.asked[id]
	if !ok || now.Sub(a.at) > believed {
		if len(x.asked) > 4096 { // containers come and go as long as this one lives
			clear(x.asked)
		}
		a = said{x.alive(id), now}
		x.asked[id] = a
	}
	return a.alive
}

// network is what was read of a directory.
type network struct {
	Network
	stamp  stamp // of the directory, when it was read
	files  map[string]*entry
	byName map[string][]*Record
	byAddr map[inetaddr.Addr]*Record
}

// entry is one file. A change makes another one of it.
type entry struct {
	stamp stamp
	Record
	seen bool // in this round
}

// stamp tells one version of a file or directory from another.
type stamp struct {
	ino     uint64
	changed unix.Timespec
}

func stampOf(st *unix.Stat_t) stamp { return stamp{st.Ino, st.Ctim} }

// tick is more than the step of the clock that file systems take times from
// (CONFIG_HZ of 100 has 10 ms): a directory that was changed that shortly before
// it was read may be changed again without a new time.
const tick = 20 * time.Millisecond

// refresh reads what has changed. What cannot be read is not known.
func (n *network) refresh() {
	var st unix.Stat_t
	if err := unix.Stat(n.Dir, &st); err != nil {
		n.files, n.byName, n.byAddr, n.stamp = nil, nil, nil, stamp{}
		return
	}
	now := stampOf(&st)
	if now == n.stamp {
		return
	}
	begun := time.Now()
	if !n.read() {
		return
	}
	n.stamp = now
	if begun.Sub(time.Unix(now.changed.Unix())) < tick {
		n.stamp = stamp{}
	}
}

// read looks through the directory and reads the files that are new.
func (n *network) read() bool {
	dir, err := os.Open(n.Dir)
	if err != nil {
		return false
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return false
	}
	for _, e := range n.files {
		e.seen = false
	}
	changed := false
	for _, name := range names {
		changed = n.readFile(name) || changed
	}
	for name, e := range n.files {
		if !e.seen {
			delete(n.files, name)
			changed = true
		}
	}
	if changed {
		n.arrange()
	}
	return true
}

// readFile takes a file of the directory in, and tells whether it is news.
func (n *network) readFile(name string) bool {
	if !strings.HasSuffix(name, suffix) || strings.HasPrefix(name, ".") {
		return false // a claim of an address, or a file that is being written
	}
	full := path.Join(n.Dir, name)
	var st unix.Stat_t
	if unix.Lstat(full, &st) != nil {
		return false
	}
	if e := n.files[name]; e != nil && e.stamp == stampOf(&st) {
		e.seen = true
		return false
	}
	e := &entry{stamp: stampOf(&st), seen: true}
	if record.Read(full, &e.Record) != nil {
		return false
	}
	if n.files == nil {
		n.files = map[string]*entry{}
	}
	n.files[name] = e
	return true
}

// arrange makes the indexes.
func (n *network) arrange() {
	n.byName, n.byAddr = make(map[string][]*Record, 2*len(n.files)), make(map[inetaddr.Addr]*Record, len(n.files))
	for _, e := range n.files {
		taken := make(map[string]bool, len(e.Names))
		for _, name := range e.Names {
			if name = fold(name); name != "" && !taken[name] {
				taken[name] = true
				n.byName[name] = append(n.byName[name], &e.Record)
			}
		}
		for _, a := range e.Addrs {
			n.byAddr[a] = &e.Record
		}
	}
}

// within takes the network's domain off a name.
func (n *network) within(name string) (string, bool) {
	return strings.CutSuffix(name, "."+fold(n.Name))
}
