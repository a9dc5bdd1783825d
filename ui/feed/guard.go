package feed

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// guard carries a panic from a feed's own goroutine to whoever takes from the
// feed. There bubbletea recovers it and puts the terminal back as it was before
// it tells; a panic that ends the process at once would leave the terminal
// without echo, on the other screen.
type guard struct {
	mu  sync.Mutex
	hit string // the panic with its stack, "" while all is well
}

// run calls f. When it panics, woken is called, and from then on check panics.
func (g *guard) run(f, woken func()) {
	defer func() {
		if r := recover(); r != nil {
			g.mu.Lock()
			g.hit = fmt.Sprintf("%v\n\n%s", r, debug.Stack())
			g.mu.Unlock()
			woken()
		}
	}()
	f()
}

// check panics when run has met a panic.
func (g *guard) check() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.hit != "" {
		panic(g.hit)
	}
}
