package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"gantry/images"
)

// Options say where the state is kept. Both directories are made when they are
// missing.
type Options struct {
	Root string // survives reboots: /var/lib/gantry
	Run  string // may not: /run/gantry
}

// Store is an image store. Several processes may open the same one at once; its
// methods may be called from several goroutines. There is nothing to close.
type Store struct {
	root, run string
	indexLock string

	mu        sync.Mutex
	unsynced  unsynced                         // guarded by mu
	described map[images.Digest]describedImage // guarded by mu; by manifest digest
}

// Open prepares the directories. It works on a read-only root that already
// holds a store.
func Open(o Options) (*Store, error) {
	if !filepath.IsAbs(o.Root) || !filepath.IsAbs(o.Run) {
		return nil, fmt.Errorf("open image store: root %q and run %q must be absolute paths", o.Root, o.Run)
	}
	s := &Store{
		root:      filepath.Clean(o.Root),
		run:       filepath.Clean(o.Run),
		described: map[images.Digest]describedImage{},
	}
	s.indexLock = s.inRun("locks", "index-images.lock")
	for _, dir := range []string{
		s.root, s.inRoot("blobs"), s.inRoot("blobs", "sha256"), s.inRoot("ingest"), s.inRoot("layers"), s.inRoot("trash"),
		s.run, s.inRun("locks"), s.inRun("leases"),
	} {
		if err := privateDir(dir); err != nil {
			return nil, fmt.Errorf("open image store: %w", err)
		}
	}
	if err := s.markLayout(); err != nil {
		return nil, fmt.Errorf("open image store: %w", err)
	}
	return s, nil
}

// privateDir makes dir or sees to it that only its owner can enter: images hold
// set-user-ID programs, which other users of the host must not reach
// (CVE-2021-41091).
func privateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	fi, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if fi.Mode().Perm()&0o077 == 0 {
		return nil
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("other users can enter %s (mode %04o) and that cannot be changed: %w", dir, fi.Mode().Perm(), err)
	}
	return nil
}

// markLayout writes the file that makes the root an OCI image layout
// (image-layout.md).
func (s *Store) markLayout() error {
	const content = `{"imageLayoutVersion":"1.0.0"}`
	path := s.inRoot("oci-layout")
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return writeDurably(path, []byte(content+"\n"))
}

func (s *Store) inRoot(elem ...string) string {
	return filepath.Join(s.root, filepath.Join(elem...))
}

func (s *Store) inRun(elem ...string) string {
	return filepath.Join(s.run, filepath.Join(elem...))
}

func (s *Store) blobPath(d images.Digest) string { return s.inRoot("blobs", "sha256", d.Hex()) }

// checkSpace refuses work that cannot fit before it has begun. What fits on
// paper can still fill the disk; that is met where it happens.
func (s *Store) checkSpace(need int64) error {
	var st unix.Statfs_t
	if err := unix.Statfs(s.root, &st); err != nil {
		return nil // a file system that does not tell is no reason to refuse
	}
	free := int64(st.Bavail) * st.Bsize
	if need > free {
		return fmt.Errorf("%w: %d MiB are needed under %s and %d MiB are free; gantry prune frees space",
			unix.ENOSPC, need>>20, s.root, free>>20)
	}
	return nil
}

// explainSpace adds what to do to the error of a full disk or quota.
func (s *Store) explainSpace(err error) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return fmt.Errorf("%w (the file system of %s is full and the image was not stored; gantry prune frees space)", err, s.root)
	}
	return err
}
