package record

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"gantry/engine"
)

// Names is the index of unique names. A name is a symbolic link whose target is
// the ID of its holder: symlink(2) makes the name and its content in one step
// and fails when the name is taken, so there is no moment, and no crash, that
// leaves a name without a holder. The links point nowhere; nobody follows them.
type Names struct {
	dir        string
	durability Durability
}

// OpenNames uses the index in dir and makes it if needed.
func OpenNames(dir string) (*Names, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open names: %w", err)
	}
	return &Names{dir: dir}, nil
}

// With returns the same index with changes of another durability. That of
// OpenNames is Durable; what does not outlive a reboot anyway takes Volatile.
func (n *Names) With(d Durability) *Names { return &Names{dir: n.dir, durability: d} }

// TakenError says who holds a name. It is ErrConflict.
type TakenError struct {
	Name   string
	Holder string
}

func (e *TakenError) Error() string {
	return fmt.Sprintf("name %q is taken by %s", e.Name, engine.ID(e.Holder).Short())
}

func (e *TakenError) Unwrap() error { return engine.ErrConflict }

// Reserve gives name to id. A name that id has already is given again, so that
// a caller who died half-way can repeat; another's is a *TakenError.
func (n *Names) Reserve(name, id string) error {
	if err := engine.CheckName(name); err != nil {
		return err
	}
	if id == "" || strings.ContainsAny(id, "/\x00") {
		return fmt.Errorf("reserve name %q: %w holder %q", name, engine.ErrInvalid, id)
	}
	for {
		err := os.Symlink(id, n.path(name))
		if err == nil {
			return n.sync()
		}
		if !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("reserve name: %w", err)
		}
		holder, err := n.Lookup(name)
		switch {
		case errors.Is(err, engine.ErrNotFound): // released this moment
		case err != nil:
			return err
		case holder == id:
			return n.sync() // who made it may have died before the sync
		default:
			return &TakenError{Name: name, Holder: holder}
		}
	}
}

// Release frees name if id holds it; one that is free or another's stays as it
// is. The caller has the lock of id.
func (n *Names) Release(name, id string) error {
	holder, err := n.Lookup(name)
	if errors.Is(err, engine.ErrNotFound) || err == nil && holder != id {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.Remove(n.path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("release name: %w", err)
	}
	return n.sync()
}

// Rename gives id the new name and then frees the old one. A crash in between
// leaves id with both; the same call again, or Release, puts that right.
func (n *Names) Rename(old, name, id string) error {
	if err := n.Reserve(name, id); err != nil {
		return err
	}
	if old == name {
		return nil
	}
	return n.Release(old, id)
}

// Lookup returns the holder of name.
func (n *Names) Lookup(name string) (string, error) {
	if engine.CheckName(name) != nil {
		return "", &engine.OpError{Op: "look up", Kind: "name", ID: name, Err: engine.ErrNotFound}
	}
	id, err := os.Readlink(n.path(name))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", &engine.OpError{Op: "look up", Kind: "name", ID: name, Err: engine.ErrNotFound}
	case err != nil: // EINVAL: not a symbolic link
		return "", &engine.OpError{
			Op: "look up", Kind: "name", ID: name,
			Err:  fmt.Errorf("%w: %w", engine.ErrCorrupt, err),
			Hint: "Remove " + n.path(name) + " and give the name again by gantry rename.",
		}
	}
	return id, nil
}

// All returns every name with its holder. Entries that are not ours are left
// out; Lookup tells what is wrong with one.
func (n *Names) All() (map[string]string, error) {
	entries, err := os.ReadDir(n.dir)
	if err != nil {
		return nil, fmt.Errorf("list names: %w", err)
	}
	all := make(map[string]string, len(entries))
	for _, e := range entries {
		if e.Type() != os.ModeSymlink || engine.CheckName(e.Name()) != nil {
			continue
		}
		if id, err := os.Readlink(n.path(e.Name())); err == nil { // else released meanwhile
			all[e.Name()] = id
		}
	}
	return all, nil
}

func (n *Names) path(name string) string { return path.Join(n.dir, name) }

func (n *Names) sync() error {
	if n.durability == Volatile {
		return nil
	}
	return SyncDir(n.dir)
}
