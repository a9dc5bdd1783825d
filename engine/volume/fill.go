package volume

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/volume/hostmount"
	"gantry/images/snapshot/stack"
	"gantry/images/trash"
)

// checkpoint marks the places between which a kill must do no harm; tests put
// one there.
var checkpoint = func(string) {}

// Empty tells whether a volume that is held has nothing in it, but for what
// mkfs makes.
func (h *Hold) Empty(v engine.Volume) (bool, error) { return empty(v.Mountpoint) }

func empty(dir string) (bool, error) {
	f, err := os.Open(dir)
	if err != nil {
		return false, fmt.Errorf("read volume: %w", err)
	}
	defer f.Close()
	names, err := f.Readdirnames(2)
	if err != nil && len(names) == 0 {
		return true, nil // io.EOF
	}
	return len(names) == 1 && names[0] == "lost+found", nil
}

// Fill gives an empty volume that is held the content and the attributes of
// src, an open directory. One that is not empty stays as it is. durable makes
// the content reach the disk before it counts as there.
func (h *Hold) Fill(ctx context.Context, v engine.Volume, src *os.File, durable bool) error {
	if h.locks[v.Name] == nil {
		panic("volume " + v.Name + " is not held")
	}
	if ok, err := empty(v.Mountpoint); err != nil || !ok {
		return err
	}
	s := h.s
	tmp := s.file(v.Name, fillTmpDir)
	if err := trash.Delete(tmp); err != nil {
		return fmt.Errorf("fill volume: %w", err)
	}
	err := s.copyInto(ctx, tmp, src, durable)
	if err == nil {
		checkpoint("copied")
		err = os.Rename(tmp, s.file(v.Name, fillDir))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("fill volume: %w", err), trash.Delete(tmp))
	}
	checkpoint("complete")
	return s.settle(v.Name)
}

func (s *Store) copyInto(ctx context.Context, tmp string, src *os.File, durable bool) error {
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return err
	}
	dst, err := os.Open(tmp)
	if err != nil {
		return err
	}
	defer dst.Close()
	if err := copyTree(ctx, dst, src); err != nil {
		return err
	}
	if !durable {
		return nil
	}
	if err := unix.Syncfs(int(dst.Fd())); err != nil {
		return os.NewSyscallError("syncfs", err)
	}
	return nil
}

// Settle finishes the first use of a volume that was cut short after its
// content was complete. It costs one look where there is nothing to do.
func (s *Store) Settle(ctx context.Context, name string) error {
	if _, err := os.Lstat(s.file(name, fillDir)); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	h, err := s.Hold(ctx, name)
	if err != nil {
		return err
	}
	h.Release()
	return nil
}

// settle is Settle under the lock.
func (s *Store) settle(name string) error {
	from, err := os.Open(s.file(name, fillDir))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer from.Close()
	r, err := s.read(name)
	if err != nil {
		return err
	}
	if m, _ := mountPlan(r.Options); m != nil {
		mounted, err := hostmount.Mounted(s.file(name, dataDir))
		if err != nil || !mounted {
			// It was for a file system that is not there any more.
			return errors.Join(err, trash.Delete(s.file(name, fillDir)))
		}
	}
	to, err := os.Open(s.dataPath(r))
	if err != nil {
		return err
	}
	defer to.Close()
	if err := moveAll(from, to); err != nil {
		return fmt.Errorf("fill volume: %w", err)
	}
	attr, err := stack.ReadAttr(int(from.Fd()))
	if err != nil {
		return err
	}
	if err := attr.Apply(int(to.Fd())); err != nil {
		return fmt.Errorf("fill volume: %w", err)
	}
	return trash.Delete(s.file(name, fillDir))
}

// moveAll moves every entry of one directory into the other. What is there
// under the same name, from a container that has the volume mounted, stays.
func moveAll(from, to *os.File) error {
	names, err := from.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		err := unix.Renameat2(int(from.Fd()), name, int(to.Fd()), name, unix.RENAME_NOREPLACE)
		if errors.Is(err, unix.EXDEV) {
			err = moveAcross(from, to, name)
		}
		if err != nil && !errors.Is(err, unix.EEXIST) {
			return &os.PathError{Op: "move", Path: name, Err: err}
		}
		checkpoint("moved")
	}
	return nil
}

// moveAcross moves an entry to a volume that lies on another file system: it is
// complete there before it has its name.
func moveAcross(from, to *os.File, name string) error {
	part := ".gantry-fill-" + strconv.Itoa(os.Getpid())
	target := path.Join("/proc/self/fd", strconv.Itoa(int(to.Fd())), part)
	if err := trash.Delete(target); err != nil {
		return err
	}
	c := newCopier(context.Background(), to)
	c.names = []string{part}
	if err := c.entry(from, to, name, part); err != nil {
		return errors.Join(err, trash.Delete(target))
	}
	err := unix.Renameat2(int(to.Fd()), part, int(to.Fd()), name, unix.RENAME_NOREPLACE)
	if err != nil {
		return errors.Join(err, trash.Delete(target))
	}
	return nil
}
