package leaf

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The files of cgroupfs are read and written with bare system calls: the
// files of package os are registered with the runtime's poller, which kernfs
// accepts, and that doubles the cost of a short read.

// open opens a control file, which must exist.
func open(path string, flags int) (int, error) {
	for {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return -1, &os.PathError{Op: "open", Path: path, Err: err}
		}
		return fd, nil
	}
}

// writeFD stores a value in one write, as the kernel demands.
func writeFD(fd int, value string) error {
	for {
		_, err := unix.Write(fd, []byte(value))
		if err != unix.EINTR {
			return err
		}
	}
}

func writeFile(path, value string) error {
	fd, err := open(path, unix.O_WRONLY)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := writeFD(fd, value); err != nil {
		return &os.PathError{Op: "write", Path: path, Err: err}
	}
	return nil
}

// readFD reads a whole control file from its beginning.
func readFD(fd int) (string, error) {
	var text []byte
	buf := make([]byte, 4096)
	for {
		n, err := unix.Pread(fd, buf, int64(len(text)))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return "", err
		}
		if n == 0 {
			return string(text), nil
		}
		text = append(text, buf[:n]...)
	}
}

// ReadFile reads a whole control file.
func ReadFile(path string) (string, error) { return readFile(path) }

func readFile(path string) (string, error) {
	fd, err := open(path, unix.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	text, err := readFD(fd)
	if err != nil {
		return "", &os.PathError{Op: "read", Path: path, Err: err}
	}
	return text, nil
}

// field finds the value of "key value" in the lines of a flat keyed file.
func field(text, key string) (uint64, bool) {
	for line := range strings.SplitSeq(text, "\n") {
		if k, v, ok := strings.Cut(line, " "); ok && k == key {
			n, err := strconv.ParseUint(v, 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
