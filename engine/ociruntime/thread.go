package ociruntime

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// NameThread sets what ps(1) calls the process, when it is called on the main
// thread: as package init and main are. A program executed by descriptor would
// be called by that number.
func NameThread(name string) {
	b := append([]byte(name), 0)
	unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&b[0])), 0, 0, 0)
}
