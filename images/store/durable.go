package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"gantry/images"
)

// unsynced is what this process has renamed into place and not yet forced to
// disk. A power loss may take it back, which is harmless until index.json names
// it: a blob of the wrong size counts as absent and one with wrong bytes fails
// its digest. Add settles it.
type unsynced struct {
	blobs map[images.Digest]bool // data
	dirs  bool                   // entries of blobs/sha256 and layers
}

func (s *Store) noteBlob(d images.Digest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unsynced.blobs == nil {
		s.unsynced.blobs = map[images.Digest]bool{}
	}
	s.unsynced.blobs[d] = true
	s.unsynced.dirs = true
}

func (s *Store) takeUnsynced() unsynced {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.unsynced
	s.unsynced = unsynced{}
	return u
}

// syncAll forces everything to disk with one system call, however many files
// the layers have: a journalling file system commits once instead of once per
// file.
func (s *Store) syncAll() error {
	u := s.takeUnsynced()
	dir, err := os.Open(s.root)
	if err == nil {
		err = unix.Syncfs(int(dir.Fd()))
		dir.Close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		for d := range u.blobs {
			if s.unsynced.blobs == nil {
				s.unsynced.blobs = map[images.Digest]bool{}
			}
			s.unsynced.blobs[d] = true
		}
		return fmt.Errorf("sync %s: %w", s.root, err)
	}
	s.unsynced.dirs = true // layers are about to be renamed into place
	return nil
}

// settle forces what is still only in memory to disk.
func (s *Store) settle() error {
	u := s.takeUnsynced()
	for d := range u.blobs {
		if err := syncPath(s.blobPath(d)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if !u.dirs {
		return nil
	}
	return errors.Join(syncPath(s.inRoot("blobs", "sha256")), syncPath(s.inRoot("layers")))
}

// writeDurably replaces a file so that after a crash it holds the old or the
// new content, never a part.
func writeDurably(path string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-"+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncPath(filepath.Dir(path))
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}
