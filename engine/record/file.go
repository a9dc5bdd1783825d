package record

import (
	"errors"
	"fmt"
	"os"
	pathpkg "path"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Durability says what a write outlives. Either kind outlives the process: a
// kill -9 loses nothing that a write has returned for.
type Durability int

const (
	// Durable outlives a power failure: it costs two syncs of a disk.
	Durable Durability = iota
	// Volatile may be lost, or be the version before, after a power failure.
	Volatile
)

// syncs counts for the whole process, because the cost is the disk's and every
// package that syncs goes through this one. Benchmarks print it.
var syncs atomic.Uint64

// Syncs returns how many times this process has asked for a sync of a disk.
func Syncs() uint64 { return syncs.Load() }

// SyncFile brings the content of an open file to the disk.
func SyncFile(f *os.File) error {
	syncs.Add(1)
	if _, err := retry(func() (int, error) { return 0, unix.Fdatasync(int(f.Fd())) }); err != nil {
		return fmt.Errorf("sync %s: %w", f.Name(), err)
	}
	return nil
}

// SyncDir brings names made, renamed or removed in dir to the disk.
func SyncDir(dir string) error {
	fd, err := retry(func() (int, error) {
		return unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	defer unix.Close(fd)
	syncs.Add(1)
	if _, err := retry(func() (int, error) { return 0, unix.Fsync(fd) }); err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}

// WriteFile replaces the content of the file at path as Write does, without
// looking into it: for files whose format is not ours.
func WriteFile(path string, b []byte, d Durability) error {
	if err := replace(path, b, d); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// replace writes a temporary file beside path and renames it over path. When
// anything fails, the old file is untouched.
func replace(path string, b []byte, d Durability) (err error) {
	tmp := temporary(path)
	f, err := openTemporary(tmp)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := fill(f, b, d); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	// A rename keeps readers from ever seeing half a file; it comes after the
	// sync, or a power failure could leave the new name with no content.
	if err := os.Rename(tmp, path); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	if d == Durable {
		return SyncDir(pathpkg.Dir(path))
	}
	return nil
}

// temporary names the one temporary file that writers of path share, so that
// what a killed writer leaves behind is used up by the next write and cannot
// pile up. The dot hides it from everyone who lists the directory.
func temporary(path string) string {
	dir, base := pathpkg.Split(path)
	return pathpkg.Join(dir, "."+base+".tmp")
}

// openTemporary opens tmp and locks it against other writers. Whoever waited
// for the lock may have got it on a file that was renamed meanwhile and is a
// record now: then it starts again.
func openTemporary(tmp string) (*os.File, error) {
	for {
		f, err := os.OpenFile(tmp, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, err
		}
		_, err = retry(func() (int, error) { return 0, unix.Flock(int(f.Fd()), unix.LOCK_EX) })
		if err != nil {
			f.Close()
			return nil, err
		}
		same, err := stillNamed(f, tmp)
		if same {
			return f, nil
		}
		f.Close()
		if err != nil {
			return nil, err
		}
	}
}

func stillNamed(f *os.File, path string) (bool, error) {
	opened, err := f.Stat()
	if err != nil {
		return false, err
	}
	named, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return os.SameFile(opened, named), nil
}

func fill(f *os.File, b []byte, d Durability) error {
	// What a killed writer left. An empty file is let be: ext4 takes a
	// truncation to nothing for the beginning of a replacement and writes the
	// file to the disk when it is closed (auto_da_alloc).
	if fi, err := f.Stat(); err != nil || fi.Size() > 0 {
		if err := f.Truncate(0); err != nil {
			return err
		}
	}
	if _, err := f.Write(b); err != nil {
		return err
	}
	if d == Durable {
		return SyncFile(f)
	}
	return nil
}

// retry repeats a system call that a signal interrupted. The Go runtime itself
// sends signals for preemption, so EINTR comes even where nobody sends any.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}
