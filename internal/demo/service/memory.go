package service

import (
	"os"
	"syscall"
	"time"
)

// arena is memory outside of Go's heap: it is there and gone at once, without a
// collector in between, so that the chart shows what was meant.
type arena struct{ held []byte }

// resize makes the arena n bytes large, all of them in use.
func (a *arena) resize(n int) {
	if a.held != nil {
		_ = syscall.Munmap(a.held)
		a.held = nil
	}
	held, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return // the limit may be lowered at any time; go on with less
	}
	for i := 0; i < n; i += os.Getpagesize() {
		held[i] = 1
	}
	a.held = held
}

// breathe follows size, in bytes, for ever.
func breathe(pause time.Duration, size func(time.Time) int) {
	var a arena
	for {
		a.resize(size(time.Now()))
		time.Sleep(pause)
	}
}
