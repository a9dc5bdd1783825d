package enginetest

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"slices"

	"gantry/engine"
)

// tarOf makes an archive of files.
func (s *suite) tarOf(files map[string]string) *bytes.Reader {
	s.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for name, text := range files {
		s.must(tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o640, Size: int64(len(text))}))
		_, err := io.WriteString(tw, text)
		s.must(err)
	}
	s.must(tw.Close())
	return bytes.NewReader(b.Bytes())
}

// untar reads the files of an archive.
func (s *suite) untar(b []byte) map[string]string {
	s.Helper()
	files := map[string]string{}
	for tr := tar.NewReader(bytes.NewReader(b)); ; {
		hdr, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		s.must(err)
		text, err := io.ReadAll(tr)
		s.must(err)
		files[hdr.Name] = string(text)
	}
}

func testCopy(s *suite) {
	id := s.create("true")
	s.must(s.c.CopyTo(s.ctx, string(id), "/tmp", s.tarOf(map[string]string{"in/file": "hello"}), engine.CopyToOptions{}))
	st, err := s.c.StatPath(s.ctx, string(id), "/tmp/in/file")
	s.must(err)
	if st.Name != "file" || st.Size != 5 || st.Mode != 0o640 {
		s.Errorf("stat of a file: %+v", st)
	}
	if st, err = s.c.StatPath(s.ctx, string(id), "/tmp/in"); err != nil || st.Mode&fs.ModeDir == 0 {
		s.Errorf("stat of a directory: %+v %v", st, err)
	}
	_, err = s.c.StatPath(s.ctx, string(id), "/tmp/nosuch")
	s.wantIs(err, engine.ErrNotFound)

	for path, want := range map[string]string{"/tmp/in": "in/file", "/tmp/in/.": "./file", "/tmp/in/file": "file"} {
		var b bytes.Buffer
		s.must(s.c.CopyFrom(s.ctx, string(id), path, &b))
		if got := s.untar(b.Bytes()); got[want] != "hello" {
			s.Errorf("copy of %s: %v, want %s", path, got, want)
		}
	}
	s.wantIs(s.c.CopyFrom(s.ctx, string(id), "/nosuch", io.Discard), engine.ErrNotFound)
	s.wantIs(s.c.CopyTo(s.ctx, string(id), "/nosuch", s.tarOf(nil), engine.CopyToOptions{}), engine.ErrNotFound)
	s.wantIs(s.c.CopyTo(s.ctx, string(id), "/tmp/in/file", s.tarOf(nil), engine.CopyToOptions{}), engine.ErrInvalid)
}

func testChanges(s *suite) {
	id := s.create("true")
	changes, err := s.c.Changes(s.ctx, string(id))
	s.must(err)
	if len(changes) != 0 {
		s.Errorf("changes of a container that nobody touched: %v", changes)
	}
	s.must(s.c.CopyTo(s.ctx, string(id), "/tmp", s.tarOf(map[string]string{"new/file": "x"}), engine.CopyToOptions{}))
	changes, err = s.c.Changes(s.ctx, string(id))
	s.must(err)
	want := []engine.Change{{Kind: engine.Modified, Path: "/tmp"}, {Kind: engine.Added, Path: "/tmp/new"}, {Kind: engine.Added, Path: "/tmp/new/file"}}
	if !slices.Equal(changes, want) {
		s.Errorf("changes %v, want %v", changes, want)
	}
	_, err = s.c.Changes(s.ctx, "no-such-container")
	s.wantIs(err, engine.ErrNotFound)
}

func testExport(s *suite) {
	id := s.create("true")
	s.must(s.c.CopyTo(s.ctx, string(id), "/tmp", s.tarOf(map[string]string{"file": "x"}), engine.CopyToOptions{}))
	var b bytes.Buffer
	s.must(s.c.Export(s.ctx, string(id), &b))
	files := s.untar(b.Bytes())
	if _, ok := files["bin/"]; !ok || files["tmp/file"] != "x" {
		s.Errorf("the archive has bin/: %v, tmp/file: %q", ok, files["tmp/file"])
	}
}

func testCommit(s *suite) {
	id := s.create("true", withLabels(map[string]string{"kept": "yes"}))
	s.must(s.c.CopyTo(s.ctx, string(id), "/tmp", s.tarOf(map[string]string{"file": "x"}), engine.CopyToOptions{}))
	img, err := s.c.Commit(s.ctx, string(id), engine.CommitOptions{Ref: "enginetest/committed:1", Message: "a message", Pause: true})
	s.must(err)
	s.Cleanup(func() {
		_, err := s.e.Images().Remove(s.T.Context(), string(img), engine.ImageRemoveOptions{Force: true})
		if err != nil && s.T.Context().Err() == nil {
			s.Errorf("remove the image: %v", err)
		}
	})
	d, err := s.e.Images().Inspect(s.ctx, "enginetest/committed:1")
	s.must(err)
	base, err := s.e.Images().Inspect(s.ctx, s.opts.Image)
	s.must(err)
	if d.ID != img || d.Config.Labels["kept"] != "yes" || len(d.RootFS.Layers) != len(base.RootFS.Layers)+1 {
		s.Errorf("the image: %+v", d)
	}
	history, err := s.e.Images().History(s.ctx, string(img))
	s.must(err)
	if len(history) == 0 || history[0].Comment != "a message" {
		s.Errorf("history: %+v", history)
	}
	_, err = s.c.Commit(s.ctx, string(id), engine.CommitOptions{Ref: "BAD:x"})
	s.wantIs(err, engine.ErrInvalid)
}

func testDiskUsage(s *suite) {
	name := s.volume(nil)
	id := s.create("true", withVolume(name, "/data"))
	u, err := s.e.System().DiskUsage(s.ctx)
	s.must(err)
	if !slices.ContainsFunc(u.Containers, func(c engine.ContainerSummary) bool { return c.ID == id }) ||
		!slices.ContainsFunc(u.Volumes, func(v engine.VolumeSummary) bool { return v.Name == name && v.Size >= 0 }) {
		s.Errorf("disk usage lacks the container or the volume: %+v", u)
	}
	if u.LayersInUse > u.Layers || len(u.Images) == 0 {
		s.Errorf("layers: %d in use of %d, %d images", u.LayersInUse, u.Layers, len(u.Images))
	}
}
