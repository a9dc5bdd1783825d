package snapshot

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/images"
	"gantry/images/snapshot/stack"
	"gantry/images/trash"
)

// The kinds of drivers.
const (
	Overlay = "overlay"
	Reflink = "reflink"
	Copy    = "copy"
)

// Driver makes and mounts snapshots under one state root. It is safe for
// concurrent use.
type Driver struct {
	facts facts
}

// facts are what probing found out. They hold until the next boot, which may
// bring another kernel, or until the root lies on another file system.
type facts struct {
	V        int    `json:"v"`
	BootID   string `json:"bootID"`
	Device   uint64 `json:"device"` // st_dev of the state root
	Kind     string `json:"kind"`
	Append   bool   `json:"append"`           // the kernel takes layers one by one (lowerdir+)
	Reason   string `json:"reason,omitempty"` // why it is not overlay
	Fallback string `json:"fallback,omitempty"`
}

const (
	factsVersion = 1
	factsFile    = "driver.json"
)

// Open finds out how snapshots are made under root.
func Open(root string) (*Driver, error) {
	now, err := here(root)
	if err != nil {
		return nil, fmt.Errorf("open snapshots: %w", err)
	}
	if known, ok := readFacts(root); ok && known.BootID == now.BootID && known.Device == now.Device {
		return &Driver{known}, nil
	}
	if err := probe(root, &now); err != nil {
		return nil, fmt.Errorf("probe snapshots in %s: %w", root, err)
	}
	if err := writeFacts(root, now); err != nil {
		return nil, fmt.Errorf("open snapshots: %w", err)
	}
	return &Driver{now}, nil
}

// here identifies boot and file system.
func here(root string) (facts, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return facts{}, err
	}
	var st unix.Stat_t
	if err := unix.Stat(root, &st); err != nil {
		return facts{}, &os.PathError{Op: "stat", Path: root, Err: err}
	}
	return facts{V: factsVersion, BootID: strings.TrimSpace(string(id)), Device: st.Dev}, nil
}

// readFacts treats whatever it cannot use as absent: probing again is cheap.
func readFacts(root string) (facts, bool) {
	var f facts
	b, err := os.ReadFile(path.Join(root, factsFile))
	if err != nil || json.Unmarshal(b, &f) != nil || f.V != factsVersion {
		return facts{}, false
	}
	switch f.Kind {
	case Overlay, Reflink, Copy:
		return f, true
	}
	return facts{}, false
}

// writeFacts needs no fsync: after a crash the boot is another.
func writeFacts(root string, f facts) error {
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(root, ".driver-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(append(b, '\n'))
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path.Join(root, factsFile))
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
}

// Kind is Overlay, Reflink or Copy.
func (d *Driver) Kind() string { return d.facts.Kind }

// Reason says why the kind is not Overlay; it is empty when it is.
func (d *Driver) Reason() string { return d.facts.Reason }

// The directories of a snapshot.
const (
	upperDir  = "upper"
	workDir   = "work"
	rootfsDir = "rootfs"
)

// Create makes a snapshot in the existing directory dir over layers, their
// directories bottom first. After an error nothing is left of it, but one that
// was there before is left alone.
func (d *Driver) Create(dir string, layers []string) error {
	for _, name := range []string{upperDir, workDir, rootfsDir} {
		_, err := os.Lstat(path.Join(dir, name))
		if err == nil {
			return fmt.Errorf("create snapshot: %s in %s is there already: %w", name, dir, images.ErrConflict)
		}
		if !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("create snapshot: %w", err)
		}
	}
	var err error
	if d.facts.Kind == Overlay {
		err = createOverlay(dir, layers)
	} else {
		err = createCopy(dir, layers)
	}
	if err != nil {
		return fmt.Errorf("create snapshot: %w", errors.Join(err, d.Remove(dir)))
	}
	return nil
}

// createOverlay makes the writable directory. Its root is what the container
// sees as "/", so it takes the attributes of the topmost layer's: with a mode
// of 0700 no user but root could enter the container.
func createOverlay(dir string, layers []string) error {
	if err := os.Mkdir(path.Join(dir, workDir), 0o700); err != nil {
		return err
	}
	upper := path.Join(dir, upperDir)
	if err := os.Mkdir(upper, 0o700); err != nil {
		return err
	}
	attr, err := rootAttr(layers)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(upper, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return attr.Apply(int(f.Fd()))
}

func rootAttr(layers []string) (stack.Attr, error) {
	if len(layers) == 0 {
		return stack.Attr{Mode: 0o755}, nil
	}
	f, err := os.OpenFile(layers[len(layers)-1], unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return stack.Attr{}, err
	}
	defer f.Close()
	return stack.ReadAttr(int(f.Fd()))
}

// MountOptions of Mount.
type MountOptions struct {
	ReadOnly bool
	// Volatile skips every sync of the upper directory: after a crash of the
	// host what it holds is lost (overlayfs.rst, "Volatile mount"). Only for
	// what can be made again.
	Volatile bool
}

// Mount returns a detached mount of the snapshot in dir. It exists as long as
// the descriptor is open, or once attached as long as it stays attached.
func (d *Driver) Mount(dir string, layers []string, o MountOptions) (*os.File, error) {
	var mnt *os.File
	var err error
	if d.facts.Kind == Overlay {
		mnt, err = mountOverlay(overlayDirs{
			lower: layers,
			upper: path.Join(dir, upperDir),
			work:  path.Join(dir, workDir),
		}, d.facts.Append, o.Volatile)
	} else {
		mnt, err = cloneMount(path.Join(dir, rootfsDir))
	}
	if err != nil {
		return nil, fmt.Errorf("mount snapshot: %w", err)
	}
	if o.ReadOnly {
		if err := setReadOnly(mnt); err != nil {
			return nil, fmt.Errorf("mount snapshot: %w", errors.Join(err, mnt.Close()))
		}
	}
	return mnt, nil
}

// Usage is the disk space that the snapshot takes beyond its layers, hard
// links counted once.
func (d *Driver) Usage(dir string) (int64, error) {
	name := rootfsDir
	if d.facts.Kind == Overlay {
		name = upperDir
	}
	n, err := DiskUsage(path.Join(dir, name))
	if err != nil {
		return 0, fmt.Errorf("measure snapshot: %w", err)
	}
	return n, nil
}

// Remove deletes the snapshot in dir; dir itself stays. What is not there is
// no error, so that an interrupted removal can be repeated.
func (d *Driver) Remove(dir string) error {
	var errs []error
	for _, name := range []string{upperDir, workDir, rootfsDir} {
		errs = append(errs, trash.Delete(path.Join(dir, name)))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove snapshot: %w", err)
	}
	return nil
}
