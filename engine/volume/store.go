package volume

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"time"

	"gantry/engine"
	"gantry/engine/events"
	"gantry/engine/record"
	"gantry/images/snapshot"
	"gantry/images/trash"
)

// Driver is the only one that there is, and Scope where its volumes are known.
const (
	Driver = "local"
	Scope  = "local"
)

// maxName leaves room for the rest of a lock's file name.
const maxName = 240

const (
	recordFile = "volume.json"
	dataDir    = "_data"
	fillDir    = "_fill"
	fillTmpDir = "_fill.tmp"
)

// Store is the volumes of one state root. It is safe for concurrent use.
type Store struct {
	root    string
	run     string
	locks   *record.Locks
	journal *events.Journal
}

// New uses the volumes under root. What is mounted is known under run.
func New(root, run string, locks *record.Locks, journal *events.Journal) *Store {
	return &Store{root: root, run: run, locks: locks, journal: journal}
}

// volumeRecord is volume.json.
type volumeRecord struct {
	Name    string            `json:"name"`
	Created time.Time         `json:"created"`
	Labels  map[string]string `json:"labels,omitempty"`
	Options map[string]string `json:"options,omitempty"`
	// Seq is the number of the event that wrote the record.
	Seq engine.Seq `json:"seq"`
}

func (s *Store) dir(name string) string          { return path.Join(s.root, "volumes", name) }
func (s *Store) file(name, file string) string   { return path.Join(s.root, "volumes", name, file) }
func (s *Store) recordPath(name string) string   { return s.file(name, recordFile) }
func (s *Store) dataPath(r *volumeRecord) string { return dataPath(r.Options, s.file(r.Name, dataDir)) }

// dataPath is where the content lies: elsewhere with o=bind.
func dataPath(options map[string]string, own string) string {
	if d := bindDevice(options); d != "" {
		return d
	}
	return own
}

func (s *Store) read(name string) (*volumeRecord, error) {
	if CheckName(name) != nil {
		return nil, fmt.Errorf("%w: no such volume", engine.ErrNotFound)
	}
	var r volumeRecord
	err := record.Read(s.recordPath(name), &r)
	if errors.Is(err, engine.ErrNotFound) {
		return nil, fmt.Errorf("%w: no such volume", engine.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	r.Name = name
	return &r, nil
}

func (s *Store) volume(r *volumeRecord) engine.Volume {
	return engine.Volume{
		Name: r.Name, CreatedAt: r.Created, Driver: Driver, Scope: Scope, Labels: r.Labels, Options: r.Options, Mountpoint: s.dataPath(r),
	}
}

// CheckName tells why a volume cannot have a name.
func CheckName(name string) error {
	if err := engine.CheckName(name); err != nil {
		return err
	}
	if len(name) > maxName {
		return fmt.Errorf("%w name %q: a volume's has at most %d characters", engine.ErrInvalid, name, maxName)
	}
	return nil
}

// Inspect returns the volume of that name.
func (s *Store) Inspect(name string) (engine.Volume, error) {
	r, err := s.read(name)
	if err != nil {
		return engine.Volume{}, err
	}
	return s.volume(r), nil
}

// List returns all volumes by name. One whose record is broken is left out and
// its error returned beside the others.
func (s *Store) List() ([]engine.Volume, error) {
	entries, err := os.ReadDir(path.Join(s.root, "volumes"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list volumes: %w", err)
	}
	var out []engine.Volume
	var errs []error
	for _, ent := range entries {
		r, err := s.read(ent.Name())
		switch {
		case err == nil:
			out = append(out, s.volume(r))
		case !errors.Is(err, engine.ErrNotFound):
			errs = append(errs, err)
		}
	}
	return out, errors.Join(errs...)
}

// Create makes a volume, or returns the one that is there.
func (s *Store) Create(ctx context.Context, o engine.VolumeCreateOptions) (engine.Volume, error) {
	if o.Name == "" {
		o.Name, o.Labels = string(engine.NewID()), withAnonymous(o.Labels)
	}
	h, err := s.Hold(ctx, o.Name)
	if err != nil {
		return engine.Volume{}, err
	}
	defer h.Release()
	v, _, err := h.Create(o, record.Durable)
	return v, err
}

func withAnonymous(labels map[string]string) map[string]string {
	out := maps.Clone(labels)
	if out == nil {
		out = map[string]string{}
	}
	out[engine.AnonymousLabel] = ""
	return out
}

// Hold is the locks of some volumes. Whoever makes a container has them until
// it is on record.
type Hold struct {
	s     *Store
	locks map[string]*record.Lock
}

// Hold takes the locks of volumes, whether they are there or not, and finishes
// what a killed process began with them.
func (s *Store) Hold(ctx context.Context, names ...string) (*Hold, error) {
	names = slices.Clone(names)
	slices.Sort(names) // the order of locks
	h := &Hold{s: s, locks: map[string]*record.Lock{}}
	for _, name := range slices.Compact(names) {
		if err := CheckName(name); err != nil {
			h.Release()
			return nil, err
		}
		k, err := s.locks.Lock(ctx, record.LockVolume, name)
		if err != nil {
			h.Release()
			return nil, err
		}
		h.locks[name] = k
		if err := s.settle(name); err != nil {
			h.Release()
			return nil, fmt.Errorf("volume %s: %w", name, err)
		}
	}
	return h, nil
}

// Release gives the locks back.
func (h *Hold) Release() {
	for _, k := range h.locks {
		k.Unlock()
	}
	h.locks = nil
}

// Create is Store.Create for a volume that is held; made tells whether it was
// not there before.
func (h *Hold) Create(o engine.VolumeCreateOptions, d record.Durability) (v engine.Volume, made bool, err error) {
	s := h.s
	if h.locks[o.Name] == nil {
		panic("volume " + o.Name + " is not held")
	}
	if o.Driver != "" && o.Driver != Driver {
		return v, false, fmt.Errorf("%w volume driver %q: there is %s", engine.ErrUnsupported, o.Driver, Driver)
	}
	if err := checkOptions(o.Options); err != nil {
		return v, false, err
	}
	if have, err := s.read(o.Name); !errors.Is(err, engine.ErrNotFound) {
		if err == nil && len(o.Options) > 0 && !maps.Equal(o.Options, have.Options) {
			err = fmt.Errorf("%w: it is there with other options", engine.ErrConflict)
		}
		if err != nil {
			return v, false, err
		}
		return s.volume(have), false, nil
	}
	r := &volumeRecord{Name: o.Name, Created: time.Now().UTC().Truncate(time.Second), Labels: o.Labels, Options: o.Options}
	if err := s.make(r, d); err != nil {
		return v, false, err
	}
	return s.volume(r), true, nil
}

// make writes a volume's record last, together with the event: before that it
// does not exist, and nobody has put anything into its directory.
func (s *Store) make(r *volumeRecord, d record.Durability) error {
	for _, dir := range []struct {
		path string
		mode os.FileMode
	}{{path.Join(s.root, "volumes"), 0o700}, {s.dir(r.Name), 0o700}, {s.file(r.Name, dataDir), 0o755}} {
		err := os.Mkdir(dir.path, dir.mode)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err == nil {
			err = os.Chmod(dir.path, dir.mode) // whatever the umask is
		}
		if err != nil {
			return fmt.Errorf("make volume: %w", err)
		}
	}
	ev := event(engine.ActionCreate, r.Name, nil)
	_, err := s.journal.Commit(ev, events.Carries(s.recordPath(r.Name), d), func(seq engine.Seq) error {
		r.Seq = seq
		return record.Write(s.recordPath(r.Name), r, d)
	})
	if err == nil && d == record.Durable {
		err = record.SyncDir(path.Join(s.root, "volumes"))
	}
	return err
}

func event(action, name string, more map[string]string) engine.Event {
	attrs := map[string]string{"driver": Driver}
	maps.Copy(attrs, more)
	return engine.Event{Kind: engine.KindVolume, Action: action, ID: name, Attributes: attrs}
}

// Remove takes a volume away, unless users, which is asked under the volume's
// lock, names containers that mount it. A volume whose record is broken can be
// removed as well.
func (s *Store) Remove(ctx context.Context, name string, users func() ([]engine.ID, error)) error {
	if CheckName(name) != nil {
		return fmt.Errorf("%w: no such volume", engine.ErrNotFound)
	}
	k, err := s.locks.Lock(ctx, record.LockVolume, name)
	if err != nil {
		return err
	}
	defer k.Unlock()
	if _, err := s.read(name); errors.Is(err, engine.ErrNotFound) {
		return err
	}
	ids, err := users()
	if err != nil {
		return err
	}
	if len(ids) > 0 {
		return &InUseError{Users: ids}
	}
	// No container is left to run with it. What is mounted there is not ours to
	// delete.
	if err := s.place(name).Clear(func(string) bool { return false }); err != nil {
		return err
	}
	bin := "volume-" + string(engine.NewID())
	_, err = s.journal.Commit(event(engine.ActionDestroy, name, nil), events.Gone(s.dir(name), record.Durable), func(engine.Seq) error {
		return trash.PutAs(s.root, s.dir(name), bin)
	})
	if err != nil {
		return err
	}
	return errors.Join(record.SyncDir(path.Join(s.root, "volumes")), trash.Delete(path.Join(trash.Dir(s.root), bin)))
}

// InUseError names the containers that mount a volume. It is ErrInUse.
type InUseError struct{ Users []engine.ID }

func (e *InUseError) Error() string {
	text := "volume is in use by "
	for i, id := range e.Users {
		if i > 0 {
			text += ", "
		}
		text += id.Short()
	}
	return text
}

func (e *InUseError) Unwrap() error { return engine.ErrInUse }

// Size is what a volume takes on the disk; -1 when it lies outside of the
// store.
func (s *Store) Size(v engine.Volume) (int64, error) {
	if bindDevice(v.Options) != "" || Mounts(v) {
		return -1, nil
	}
	n, err := snapshot.DiskUsage(v.Mountpoint)
	if err != nil {
		return 0, fmt.Errorf("measure volume %s: %w", v.Name, err)
	}
	return n, nil
}

// Sweep removes what creations that were cut short left.
func (s *Store) Sweep() {
	entries, err := os.ReadDir(path.Join(s.root, "volumes"))
	if err != nil {
		return
	}
	for _, ent := range entries {
		if _, err := os.Lstat(s.recordPath(ent.Name())); err == nil || CheckName(ent.Name()) != nil {
			continue
		}
		k, err := s.locks.TryLock(record.LockVolume, ent.Name())
		if err != nil {
			continue // somebody is at it
		}
		_, err = os.Lstat(s.recordPath(ent.Name()))
		if errors.Is(err, os.ErrNotExist) && s.place(ent.Name()).Clear(func(string) bool { return false }) == nil {
			_ = trash.Delete(s.dir(ent.Name()))
		}
		k.Unlock()
	}
}
