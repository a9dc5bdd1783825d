package record

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

// order checks the order of locks of each goroutine. It exists in test binaries
// and under GANTRY_DEBUG=locks only; a nil order checks nothing.
type order struct {
	mu   sync.Mutex
	held map[*Lock]place // guarded by mu
}

// place is where a lock stands in the order, and who holds it.
type place struct {
	goroutine uint64
	rank      int
	kind, id  string
}

var ranks = map[string]int{LockRestart: 0, LockIndex: 1, LockContainer: 2, LockImage: 3, LockNetwork: 4, LockJournal: 6}

// rankOther is for kinds without a place of their own.
const rankOther = 5

func newOrder() *order {
	if !strings.HasSuffix(os.Args[0], ".test") && !strings.Contains(os.Getenv("GANTRY_DEBUG"), "locks") {
		return nil
	}
	return &order{held: map[*Lock]place{}}
}

// enter notes that this goroutine is about to take k. It panics when that could
// deadlock, before it does.
func (o *order) enter(k *Lock, kind, id string) {
	if o == nil {
		return
	}
	want := place{goroutine: goroutine(), rank: rankOther, kind: kind, id: id}
	if r, ok := ranks[kind]; ok {
		want.rank = r
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, have := range o.held {
		if have.goroutine == want.goroutine && !have.before(want) {
			panic(fmt.Sprintf("lock %s %s taken while %s %s is held: the order is restart, index, container, image, network, others, journal, and ascending by id", want.kind, want.id, have.kind, have.id))
		}
	}
	o.held[k] = want
}

// before tells whether b may be taken by the holder of a.
func (a place) before(b place) bool {
	if a.rank != b.rank {
		return a.rank < b.rank
	}
	return a.kind != b.kind || a.id < b.id
}

func (o *order) leave(k *Lock) {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.held, k)
}

// goroutine reads the number in "goroutine 17 [running]:". The runtime has no
// other way to tell, by design; for an assertion in tests it will do.
func goroutine() uint64 {
	var buf [64]byte
	b := bytes.TrimPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine "))
	digits, _, _ := bytes.Cut(b, []byte(" "))
	n, _ := strconv.ParseUint(string(digits), 10, 64)
	return n
}
