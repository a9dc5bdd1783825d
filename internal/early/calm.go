package early

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// watchSlack is by how many nanoseconds later than it asks the kernel may wake
// the thread that calm is about. Who waits for it is a goroutine that finds
// every processor of the runtime inside a system call; it does as well as
// before with four times the delay that the thread has by itself.
const watchSlack = 200_000

// calm makes the thread by which Go's runtime watches over its processors look
// less often. While goroutines run it asks to be woken every 20 µs, which for a
// command of some milliseconds is one switch of threads in ten system calls, on
// a processor that the container's monitor needs.
//
// It is the second thread of the process, because the runtime starts it before
// any other. Where it cannot be found everything is as Go made it.
func calm() {
	tid := secondThread()
	if tid == "" {
		return
	}
	// Only a thread's own directory below /proc has this file, not the one in
	// task. The number cannot be another's: this thread lasts as long as we do.
	fd, err := unix.Open("/proc/"+tid+"/timerslack_ns", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	_, _ = unix.Write(fd, strconv.AppendInt(nil, watchSlack, 10))
}

// secondThread reads /proc/self/task, which lists threads in the order in which
// they were made. "": there is none.
func secondThread() string {
	dir, err := unix.Open("/proc/self/task", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(dir)
	var buf [1024]byte
	n, err := unix.Getdents(dir, buf[:])
	if err != nil {
		return ""
	}
	_, _, names := unix.ParseDirent(buf[:n], 2, nil)
	if len(names) < 2 || names[0] != strconv.Itoa(os.Getpid()) {
		return ""
	}
	return names[1]
}
