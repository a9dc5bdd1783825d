// Package trash takes directories out of a state root at once and deletes them
// later: Put is one rename, after which what was there is no more for anybody,
// and Empty, by whoever has the time, frees the disk. Deleting a container's
// files takes longer than the rest of a short life of it.
//
// The directory <root>/trash is for this alone, so nothing in it is ever needed
// again: a process that is killed between Put and Empty leaves work to the
// next Empty, and nothing else.
//
// The container monitor links this package; see internal/early.
package trash

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
)

// Dir is where a state root keeps what is to be deleted.
func Dir(root string) string { return path.Join(root, "trash") }

// Put takes dir, which is below root, out of sight. Its name must be one that
// is never used again.
func Put(root, dir string) error { return PutAs(root, dir, path.Base(dir)) }

// PutAs is Put for what may be made again under its name: it goes under
// another, which is never used again.
func PutAs(root, dir, name string) error {
	to := Dir(root)
	err := os.Rename(dir, path.Join(to, name))
	if errors.Is(err, os.ErrNotExist) {
		if merr := os.Mkdir(to, 0o700); merr == nil {
			err = os.Rename(dir, path.Join(to, name))
		}
	}
	if err != nil {
		return fmt.Errorf("discard: %w", err)
	}
	return nil
}

// Empty deletes what this process and others have put away. Several may do so
// at once.
func Empty(ctx context.Context, root string) error {
	entries, err := os.ReadDir(Dir(root))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("empty trash: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if err := Delete(path.Join(Dir(root), e.Name())); err != nil {
			errs = append(errs, fmt.Errorf("empty trash: %w", err))
		}
	}
	return errors.Join(errs...)
}
