// Package osthread runs functions on operating system threads that are thrown
// away afterwards, for what belongs to a thread: namespaces, root, working
// directory, umask. The container monitor links it: it needs nothing.
package osthread

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// Run runs fn on an operating system thread of its own and throws the
// thread away afterwards: fn may change the namespaces, the root, the working
// directory and the umask of the thread that it runs on.
func Run(fn func() error) error {
	done := make(chan error, 1)
	go lockedRun(fn, done, nil)
	return <-done
}

// lockedRun never unlocks a thread that fn has run on: the runtime ends a
// thread whose goroutine ends while locked to it.
//
// The main thread cannot end, and /proc/self describes it: with foreign
// namespaces there, /proc/self/mountinfo of the whole process would show the
// container. When the scheduler picks it, it is held while another goroutine,
// which then is on another thread, does the work.
func lockedRun(fn func() error, done chan<- error, placed chan<- struct{}) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		elsewhere := make(chan struct{})
		go lockedRun(fn, done, elsewhere)
		<-elsewhere
		runtime.UnlockOSThread()
		return
	}
	if placed != nil {
		close(placed)
	}
	done <- fn()
}
