package enginetest

import (
	"bytes"
	"io"
	"io/fs"
	"slices"

	"gantry/engine"
)

// testBrowse looks into a volume that a container has written to.
func testBrowse(s *suite) {
	files, ok := s.e.Volumes().(engine.FileReader)
	if !ok {
		s.Skip("the engine cannot look into volumes")
	}
	name := s.volume(nil)
	id := s.create("true", withVolume(name, "/data"))
	s.must(s.c.CopyTo(s.ctx, string(id), "/data", s.tarOf(map[string]string{"dir/file": "hello", "top": "x"}), engine.CopyToOptions{}))

	list, err := files.ReadDir(s.ctx, name, "/")
	s.must(err)
	var got []string
	for _, e := range list.Entries {
		got = append(got, e.Name)
	}
	if !slices.Equal(got, []string{"dir", "top"}) || list.More || !list.Entries[0].Mode.IsDir() || list.Entries[1].Size != 1 || list.Entries[1].Mode != 0o640 {
		s.Errorf("the top: %+v", list)
	}
	if list, err = files.ReadDir(s.ctx, name, "/dir"); err != nil || len(list.Entries) != 1 || list.Entries[0].Size != 5 || list.Entries[0].Mode&fs.ModeType != 0 {
		s.Errorf("the directory: %+v %v", list, err)
	}
	sum, err := files.Measure(s.ctx, name, "/")
	s.must(err)
	if sum.Entries != 3 || sum.Bytes <= 0 || sum.Partial {
		s.Errorf("measured: %+v, want 3 entries", sum)
	}
	for limit, want := range map[int]string{100: "hello", 2: "he"} {
		data, err := files.ReadFile(s.ctx, name, "/dir/file", limit)
		s.must(err)
		if string(data) != want {
			s.Errorf("%d bytes of the file: %q, want %q", limit, data, want)
		}
	}
	for path, want := range map[string]string{"/dir": "dir/file", "/dir/file": "file", "/": "./dir/file"} {
		var b bytes.Buffer
		s.must(files.CopyFrom(s.ctx, name, path, &b))
		if got := s.untar(b.Bytes()); got[want] != "hello" {
			s.Errorf("copy of %s: %v, want %s", path, got, want)
		}
	}
	_, err = files.ReadDir(s.ctx, name, "/nosuch")
	s.wantIs(err, engine.ErrNotFound)
	_, err = files.ReadDir(s.ctx, name, "/top")
	s.wantIs(err, engine.ErrNotFound)
	_, err = files.ReadDir(s.ctx, "nosuch", "/")
	s.wantIs(err, engine.ErrNotFound)
	_, err = files.ReadFile(s.ctx, name, "/dir", 9)
	s.wantIs(err, engine.ErrInvalid)
	_, err = files.Measure(s.ctx, name, "/nosuch")
	s.wantIs(err, engine.ErrNotFound)
	s.wantIs(files.CopyFrom(s.ctx, name, "/nosuch", io.Discard), engine.ErrNotFound)
}

// testConnections: a program that was just started has none, and only one that
// runs is asked.
func testConnections(s *suite) {
	reader, ok := s.c.(engine.ConnectionReader)
	if !ok {
		s.Skip("the engine cannot tell connections")
	}
	id := s.start(forever)
	list, more, err := reader.Connections(s.ctx, string(id), 10)
	s.must(err)
	if len(list) != 0 || more {
		s.Errorf("connections of a program that makes none: %v, more: %v", list, more)
	}
	_, _, err = reader.Connections(s.ctx, string(s.create("true")), 10)
	s.wantIs(err, engine.ErrConflict)
	_, _, err = reader.Connections(s.ctx, "no-such-container", 10)
	s.wantIs(err, engine.ErrNotFound)
}
