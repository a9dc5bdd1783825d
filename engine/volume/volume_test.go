package volume_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/events"
	"gantry/engine/record"
	"gantry/engine/volume"
)

func open(t *testing.T, root string) *volume.Store {
	t.Helper()
	locks, err := record.OpenLocks(filepath.Join(root, "locks"))
	if err != nil {
		t.Fatal(err)
	}
	journal, err := events.Open(filepath.Join(root, "events"), filepath.Join(root, "locks"))
	if err != nil {
		t.Fatal(err)
	}
	return volume.New(root, root+"/run", locks, journal)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// source is a directory as an image may have one.
func source(t *testing.T) *os.File {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("owners and devices need root")
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, os.MkdirAll(at("sub/deep"), 0o750))
	must(t, os.WriteFile(at("file"), []byte("content"), 0o640))
	must(t, os.Chown(at("file"), 12, 34))
	must(t, os.Chmod(at("file"), 0o4640|os.ModeSetuid))
	must(t, os.Link(at("file"), at("sub/hard")))
	must(t, os.Symlink("/etc/passwd", at("link")))
	must(t, unix.Mkfifo(at("pipe"), 0o600))
	must(t, unix.Setxattr(at("sub"), "user.kept", []byte("yes"), 0))
	sparse, err := os.Create(at("sparse"))
	must(t, err)
	must(t, sparse.Truncate(64<<20))
	must(t, sparse.Close())
	must(t, os.Chown(dir, 7, 8))
	must(t, os.Chmod(dir, 0o711))
	f, err := os.Open(dir)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func checkFilled(t *testing.T, v engine.Volume) {
	t.Helper()
	stat := func(name string) (st unix.Stat_t) {
		t.Helper()
		if err := unix.Lstat(filepath.Join(v.Mountpoint, name), &st); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return st
	}
	if st := stat("."); st.Uid != 7 || st.Gid != 8 || st.Mode&0o7777 != 0o711 {
		t.Errorf("root: %d:%d %o", st.Uid, st.Gid, st.Mode)
	}
	file, hard := stat("file"), stat("sub/hard")
	if file.Uid != 12 || file.Gid != 34 || file.Mode&0o7777 != 0o4640 || file.Ino != hard.Ino || file.Nlink != 2 {
		t.Errorf("file: %d:%d %o, inodes %d and %d", file.Uid, file.Gid, file.Mode, file.Ino, hard.Ino)
	}
	if to, err := os.Readlink(filepath.Join(v.Mountpoint, "link")); to != "/etc/passwd" {
		t.Errorf("link: %q %v", to, err)
	}
	if st := stat("pipe"); st.Mode&unix.S_IFMT != unix.S_IFIFO {
		t.Errorf("pipe: %o", st.Mode)
	}
	if st := stat("sparse"); st.Size != 64<<20 || st.Blocks > 1024 {
		t.Errorf("sparse: %d bytes in %d blocks", st.Size, st.Blocks)
	}
	if b, err := os.ReadFile(filepath.Join(v.Mountpoint, "file")); string(b) != "content" {
		t.Errorf("content %q %v", b, err)
	}
	val := make([]byte, 8)
	if n, err := unix.Getxattr(filepath.Join(v.Mountpoint, "sub"), "user.kept", val); err != nil || string(val[:n]) != "yes" {
		t.Errorf("attribute %q: %v", val[:max(n, 0)], err)
	}
	entries, err := os.ReadDir(filepath.Dir(v.Mountpoint))
	must(t, err)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "_fill") {
			t.Errorf("%s is left", e.Name())
		}
	}
}

// fill fills a volume as the creation of a container does.
func fill(t *testing.T, s *volume.Store, name string, src *os.File) engine.Volume {
	t.Helper()
	h, err := s.Hold(t.Context(), name)
	must(t, err)
	defer h.Release()
	v, _, err := h.Create(engine.VolumeCreateOptions{Name: name}, record.Volatile)
	must(t, err)
	again, err := os.Open(src.Name())
	must(t, err)
	defer again.Close()
	must(t, h.Fill(context.Background(), v, again, true))
	return v
}

func TestFillCopiesEverything(t *testing.T) {
	s := open(t, t.TempDir())
	checkFilled(t, fill(t, s, "data", source(t)))
}

func TestFillLeavesContentAlone(t *testing.T) {
	src := source(t)
	s := open(t, t.TempDir())
	v, err := s.Create(t.Context(), engine.VolumeCreateOptions{Name: "data"})
	must(t, err)
	must(t, os.WriteFile(filepath.Join(v.Mountpoint, "mine"), nil, 0o600))
	fill(t, s, "data", src)
	entries, err := os.ReadDir(v.Mountpoint)
	must(t, err)
	if len(entries) != 1 || entries[0].Name() != "mine" {
		t.Errorf("the volume has %v", entries)
	}
}

// TestFillSurvivesKill breaks off at every place between which a kill must do
// no harm, each time a further one, and looks what the next user finds.
func TestFillSurvivesKill(t *testing.T) {
	src := source(t)
	for n := 1; ; n++ {
		s := open(t, t.TempDir())
		count, where := 0, ""
		undo := volume.SetCheckpoint(func(at string) {
			if count++; count == n {
				where = at
				panic("killed")
			}
		})
		func() {
			defer func() { _ = recover() }()
			fill(t, s, "data", src)
		}()
		undo()
		if where == "" {
			break // it went through
		}
		// Whoever comes next finds all of it or nothing, and then all of it.
		must(t, s.Settle(t.Context(), "data"))
		v, err := s.Inspect("data")
		must(t, err)
		if entries, _ := os.ReadDir(v.Mountpoint); where == "copied" && len(entries) != 0 || where != "copied" && len(entries) != 5 {
			t.Errorf("killed at %s (%d): the volume has %v", where, n, entries)
		}
		checkFilled(t, fill(t, s, "data", src))
	}
}

func TestFillAtOnce(t *testing.T) {
	src := source(t)
	root := t.TempDir()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { fill(t, open(t, root), "data", src) })
	}
	wg.Wait()
	v, err := open(t, root).Inspect("data")
	must(t, err)
	checkFilled(t, v)
}

// TestFillAcrossFileSystems: a volume may lie elsewhere.
func TestFillAcrossFileSystems(t *testing.T) {
	src := source(t)
	other, err := os.MkdirTemp("/dev/shm", "gantry-volume")
	if err != nil {
		t.Skip("needs a second file system")
	}
	t.Cleanup(func() { os.RemoveAll(other) })
	root := t.TempDir()
	var a, b unix.Stat_t
	must(t, errors.Join(unix.Stat(root, &a), unix.Stat(other, &b)))
	if a.Dev == b.Dev {
		t.Skip("needs a second file system")
	}
	s := open(t, root)
	_, err = s.Create(t.Context(), engine.VolumeCreateOptions{Name: "there", Options: map[string]string{"o": "bind", "device": other}})
	must(t, err)
	fill(t, s, "there", src)
	if b, err := os.ReadFile(filepath.Join(other, "sub/hard")); string(b) != "content" {
		t.Errorf("content %q %v", b, err)
	}
	if st, err := os.Stat(other); err != nil || st.Mode().Perm() != 0o711 {
		t.Errorf("root: %v %v", st.Mode(), err)
	}
	if entries, _ := os.ReadDir(other); len(entries) != 5 {
		t.Errorf("entries: %v", entries)
	}
}

func TestRemoveAsksUnderTheLock(t *testing.T) {
	s := open(t, t.TempDir())
	_, err := s.Create(t.Context(), engine.VolumeCreateOptions{Name: "data"})
	must(t, err)
	id := engine.NewID()
	err = s.Remove(t.Context(), "data", func() ([]engine.ID, error) { return []engine.ID{id}, nil })
	if !errors.Is(err, engine.ErrInUse) || !strings.Contains(err.Error(), id.Short()) {
		t.Errorf("remove of a used volume: %v", err)
	}
	h, err := s.Hold(t.Context(), "data")
	must(t, err)
	removed := make(chan error, 1)
	asked := make(chan struct{})
	go func() {
		removed <- s.Remove(context.Background(), "data", func() ([]engine.ID, error) { close(asked); return nil, nil })
	}()
	select {
	case <-asked:
		t.Error("it was removed while somebody held it")
	default:
	}
	h.Release()
	must(t, <-removed)
	if _, err := s.Inspect("data"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("after the removal: %v", err)
	}
}

func TestOptions(t *testing.T) {
	s := open(t, t.TempDir())
	dir := t.TempDir()
	for _, test := range []struct {
		options map[string]string
		want    error
	}{
		{nil, nil},
		{map[string]string{"type": "none", "o": "bind", "device": dir}, nil},
		{map[string]string{"o": "rw,bind", "device": dir}, nil},
		{map[string]string{"o": "bind", "device": "relative"}, engine.ErrInvalid},
		{map[string]string{"o": "bind", "device": filepath.Join(dir, "nosuch")}, engine.ErrInvalid},
		{map[string]string{"type": "nfs", "o": "addr=192.0.2.1", "device": ":/x"}, nil},
		{map[string]string{"type": "nfs", "o": "addr=192.0.2.1"}, engine.ErrInvalid},
		{map[string]string{"size": "1g"}, engine.ErrInvalid},
	} {
		_, err := s.Create(t.Context(), engine.VolumeCreateOptions{Options: test.options})
		if !errors.Is(err, test.want) {
			t.Errorf("%v: %v, want %v", test.options, err, test.want)
		}
	}
}

func TestBrokenRecordCanBeRemoved(t *testing.T) {
	root := t.TempDir()
	s := open(t, root)
	for _, name := range []string{"good", "broken"} {
		_, err := s.Create(t.Context(), engine.VolumeCreateOptions{Name: name})
		must(t, err)
	}
	must(t, os.WriteFile(filepath.Join(root, "volumes/broken/volume.json"), []byte("{"), 0o600))
	all, err := s.List()
	if !errors.Is(err, engine.ErrCorrupt) || len(all) != 1 || all[0].Name != "good" {
		t.Errorf("list: %v %v", all, err)
	}
	must(t, s.Remove(t.Context(), "broken", func() ([]engine.ID, error) { return nil, nil }))
}

func TestSweep(t *testing.T) {
	root := t.TempDir()
	s := open(t, root)
	_, err := s.Create(t.Context(), engine.VolumeCreateOptions{Name: "whole"})
	must(t, err)
	must(t, os.MkdirAll(filepath.Join(root, "volumes/half/_data"), 0o700))
	s.Sweep()
	entries, err := os.ReadDir(filepath.Join(root, "volumes"))
	must(t, err)
	if len(entries) != 1 || entries[0].Name() != "whole" {
		t.Errorf("left: %v", entries)
	}
}
