package enginetest

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"gantry/engine"
)

// testBrowse looks into a volume that a container has written to, and into
// containers that run, that have a volume, and that do not run.
func testBrowse(s *suite) {
	name := s.volume(nil)
	id := string(s.create("true", withVolume(name, "/data")))
	written := map[string]string{"dir/file": "hello", "top": "x"}
	s.must(s.c.CopyTo(s.ctx, id, "/data", s.tarOf(written), engine.CopyToOptions{}))
	s.browse(s.e.Volumes(), name, "/")
	s.browse(s.c, id, "/data")
	running := string(s.start(forever))
	for _, c := range []string{id, running} {
		s.must(s.c.CopyTo(s.ctx, c, "/tmp", s.tarOf(map[string]string{"in/dir/file": "hello", "in/top": "x"}), engine.CopyToOptions{}))
		s.browse(s.c, c, "/tmp/in")
	}
	list, err := s.c.(engine.Browsable).Files().ReadDir(s.ctx, id, "/")
	s.must(err)
	if !slices.ContainsFunc(list.Entries, func(e engine.DirEntry) bool { return e.Name == "data" && e.Mount && e.Mode.IsDir() }) {
		s.Errorf("the top does not tell that the volume is mounted: %+v", list.Entries)
	}
}

// browse looks through the directory top, which holds dir/file and top.
func (s *suite) browse(role any, ref, top string) {
	s.Helper()
	browsable, ok := role.(engine.Browsable)
	if !ok {
		s.Skip("the engine cannot look into it")
	}
	files, at := browsable.Files(), func(name string) string { return path.Join(top, name) }

	list, err := files.ReadDir(s.ctx, ref, top)
	s.must(err)
	var got []string
	for _, e := range list.Entries {
		got = append(got, e.Name)
	}
	if !slices.Equal(got, []string{"dir", "top"}) || list.More || !list.Entries[0].Mode.IsDir() || list.Entries[1].Size != 1 || list.Entries[1].Mode != 0o640 {
		s.Errorf("the top: %+v", list)
	}
	if list, err = files.ReadDir(s.ctx, ref, at("dir")); err != nil || len(list.Entries) != 1 || list.Entries[0].Size != 5 || list.Entries[0].Mode&fs.ModeType != 0 {
		s.Errorf("the directory: %+v %v", list, err)
	}
	sum, err := files.Measure(s.ctx, ref, top)
	s.must(err)
	if sum.Entries != 3 || sum.Bytes <= 0 || sum.Partial {
		s.Errorf("measured: %+v, want 3 entries", sum)
	}
	for limit, want := range map[int]string{100: "hello", 2: "he"} {
		data, err := files.ReadFile(s.ctx, ref, at("dir/file"), limit)
		s.must(err)
		if string(data) != want {
			s.Errorf("%d bytes of the file: %q, want %q", limit, data, want)
		}
	}
	base := path.Base(top)
	if base == "/" {
		base = "."
	}
	for from, want := range map[string]string{at("dir"): "dir/file", at("dir/file"): "file", top: base + "/dir/file"} {
		var b bytes.Buffer
		s.must(files.CopyFrom(s.ctx, ref, from, &b))
		if got := s.untar(b.Bytes()); got[want] != "hello" {
			s.Errorf("copy of %s: %v, want %s", from, got, want)
		}
	}
	s.search(files, ref, top)
	for name, err := range map[string]error{"nosuch": s.readDirErr(files, ref, at("nosuch")), "top": s.readDirErr(files, ref, at("top"))} {
		if !errors.Is(err, engine.ErrNotFound) {
			s.Errorf("looked into %s: %v", name, err)
		}
	}
	s.wantIs(s.readDirErr(files, "nosuch", top), engine.ErrNotFound)
	_, err = files.ReadFile(s.ctx, ref, at("dir"), 9)
	s.wantIs(err, engine.ErrInvalid)
	_, err = files.Measure(s.ctx, ref, at("nosuch"))
	s.wantIs(err, engine.ErrNotFound)
	s.wantIs(files.CopyFrom(s.ctx, ref, at("nosuch"), io.Discard), engine.ErrNotFound)
}

func (s *suite) readDirErr(files engine.FileReader, ref, dir string) error {
	_, err := files.ReadDir(s.ctx, ref, dir)
	return err
}

// search finds names by a part of them and by a pattern, below top alone.
func (s *suite) search(files engine.FileReader, ref, top string) {
	s.Helper()
	for pattern, want := range map[string]string{"FIL": "dir/file", "t?p": "top", "nosuch": "", "i": "dir dir/file"} {
		var got []string
		for hit, err := range files.Find(s.ctx, ref, top, pattern) {
			s.must(err)
			if hit.Path != "" {
				got = append(got, strings.TrimPrefix(strings.TrimPrefix(hit.Path, top), "/"))
			}
		}
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			s.Errorf("%s in %s: found %q, want %q", pattern, top, got, want)
		}
	}
	for _, err := range files.Find(s.ctx, ref, path.Join(top, "nosuch"), "x") {
		s.wantIs(err, engine.ErrNotFound)
	}
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
