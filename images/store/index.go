package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/images"
)

// Annotations of the entries of index.json. An image has one entry per name;
// one that lost its last name keeps a single entry without.
const (
	annName       = "org.opencontainers.image.ref.name" // the full reference, registry and tag included
	annID         = "dev.gantry.image.id"               // digest of the configuration
	annRepoDigest = "dev.gantry.image.repo-digest"      // full name@digest that it was pulled by or pushed as
)

// maxIndex bounds index.json: room for some 20,000 names.
const maxIndex = 16 << 20

// index is index.json. Each entry stands for itself: one that does not parse
// leaves the others readable and is written back as it was.
type index struct {
	path    string
	fields  map[string]json.RawMessage // of the document, for what other tools added
	entries []*entry
}

type entry struct {
	desc Descriptor
	raw  json.RawMessage // as it was read; nil when desc is what counts
	bad  error           // why raw does not make a desc
}

func (e *entry) name() string       { return e.desc.Annotations[annName] }
func (e *entry) repoDigest() string { return e.desc.Annotations[annRepoDigest] }

// target is the digest that the name stood for in its registry.
func (e *entry) target() images.Digest {
	_, d, _ := strings.Cut(e.repoDigest(), "@")
	return images.Digest(d)
}

// repository is the full name, without tag, that the entry has or had.
func (e *entry) repository() string {
	if ref, err := images.ParseRef(e.name()); err == nil {
		return ref.Name()
	}
	name, _, _ := strings.Cut(e.repoDigest(), "@")
	return name
}

// annotate sets or, with "", removes an annotation.
func (e *entry) annotate(key, value string) {
	next := map[string]string{}
	for k, v := range e.desc.Annotations {
		next[k] = v
	}
	delete(next, key)
	if value != "" {
		next[key] = value
	}
	e.desc.Annotations, e.raw = next, nil
}

// readIndex reads index.json. It needs no lock: the file is only ever replaced
// as a whole. A store that never held an image has none.
func (s *Store) readIndex() (*index, error) {
	x := &index{path: s.inRoot("index.json"), fields: map[string]json.RawMessage{}}
	b, err := readBounded(x.path)
	if errors.Is(err, os.ErrNotExist) {
		return x, nil
	}
	if errors.Is(err, images.ErrCorrupt) {
		return nil, x.corrupt(err)
	}
	if err != nil {
		return nil, fmt.Errorf("read image index: %w", err)
	}
	if err := json.Unmarshal(b, &x.fields); err != nil {
		return nil, x.corrupt(err)
	}
	if x.fields == nil { // "null"
		return nil, x.corrupt(errors.New("it is no object"))
	}
	var list []json.RawMessage
	if raw, ok := x.fields["manifests"]; ok {
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, x.corrupt(err)
		}
	}
	for _, raw := range list {
		x.entries = append(x.entries, parseEntry(raw))
	}
	return x, nil
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxIndex+1))
	if err == nil && len(b) > maxIndex {
		err = fmt.Errorf("%w: it has more than %d bytes", images.ErrCorrupt, maxIndex)
	}
	return b, err
}

// lookIndex is readIndex for who changes nothing: it decodes the document in one
// pass, which takes a third of the time, and leaves the careful way to a
// document that does not pass whole.
func (s *Store) lookIndex() (*index, error) {
	path := s.inRoot("index.json")
	b, err := readBounded(path)
	if err != nil {
		return s.readIndex()
	}
	var doc Index
	if err := json.Unmarshal(b, &doc); err != nil || doc.Manifests == nil {
		return s.readIndex()
	}
	x := &index{path: path, entries: make([]*entry, len(doc.Manifests))}
	for i, d := range doc.Manifests {
		x.entries[i] = &entry{desc: d, bad: checkEntry(d)}
	}
	return x, nil
}

func (x *index) corrupt(err error) error {
	return fmt.Errorf("read image index: %w: %s: %w; move that file away and pull or load the images again (containers are not affected)",
		images.ErrCorrupt, x.path, err)
}

func parseEntry(raw json.RawMessage) *entry {
	e := &entry{raw: raw}
	e.bad = json.Unmarshal(raw, &e.desc)
	if e.bad == nil {
		e.bad = checkEntry(e.desc)
	}
	return e
}

func checkEntry(d Descriptor) error {
	if !IsManifest(d.MediaType) {
		return fmt.Errorf("media type %q is not an image manifest", d.MediaType)
	}
	return d.check()
}

// write replaces index.json; the change is on disk when it returns.
func (x *index) write() error {
	list := make([]json.RawMessage, 0, len(x.entries))
	for _, e := range x.entries {
		raw := e.raw
		if raw == nil {
			b, err := json.Marshal(e.desc)
			if err != nil {
				return fmt.Errorf("write image index: %w", err)
			}
			raw = b
		}
		list = append(list, raw)
	}
	all, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("write image index: %w", err)
	}
	x.fields["schemaVersion"] = json.RawMessage("2")
	x.fields["mediaType"] = json.RawMessage(`"` + MediaTypeIndex + `"`)
	x.fields["manifests"] = all
	b, err := json.Marshal(x.fields)
	if err != nil {
		return fmt.Errorf("write image index: %w", err)
	}
	if old, err := os.ReadFile(x.path); err == nil && bytes.Equal(old, append(b, '\n')) {
		return nil
	}
	if err := writeDurably(x.path, append(b, '\n')); err != nil {
		return fmt.Errorf("write image index: %w", err)
	}
	return nil
}

// updateIndex runs change on the index under its lock and writes the result.
func (s *Store) updateIndex(ctx context.Context, change func(*index) error) error {
	unlock, err := s.lockIndex(ctx, unix.LOCK_EX)
	if err != nil {
		return err
	}
	defer unlock()
	x, err := s.readIndex()
	if err != nil {
		return err
	}
	if err := change(x); err != nil {
		return err
	}
	return s.explainSpace(x.write())
}

// problems lists the entries that do not parse. They block collection, since
// nobody knows what they need.
func (x *index) problems() []error {
	var errs []error
	for i, e := range x.entries {
		if e.bad != nil {
			errs = append(errs, fmt.Errorf("%w: %s: entry %d: %w; take it out of that file", images.ErrCorrupt, x.path, i+1, e.bad))
		}
	}
	return errs
}

// good yields the entries that parsed.
func (x *index) good() []*entry {
	out := make([]*entry, 0, len(x.entries))
	for _, e := range x.entries {
		if e.bad == nil {
			out = append(out, e)
		}
	}
	return out
}

func (x *index) remove(drop func(*entry) bool) {
	x.entries = slices.DeleteFunc(x.entries, func(e *entry) bool { return e.bad == nil && drop(e) })
}

// id is the image that an entry belongs to. Entries that another tool wrote
// carry no annotation: their manifest tells.
func (s *Store) id(e *entry) images.Digest {
	if d, err := images.ParseDigest(e.desc.Annotations[annID]); err == nil {
		return d
	}
	if m, _, err := s.Manifest(e.desc.Digest); err == nil {
		return m.Config.Digest
	}
	return e.desc.Digest
}

// find returns the entry that ref names and all entries of its image. A name
// goes before an ID, as in docker: an image may be called "cafe".
func (s *Store) find(x *index, ref string) (*entry, []*entry, error) {
	e, err := s.findEntry(x, ref)
	if err != nil {
		return nil, nil, err
	}
	return e, s.siblings(x, s.id(e)), nil
}

func (s *Store) siblings(x *index, id images.Digest) []*entry {
	var out []*entry
	for _, e := range x.good() {
		if s.id(e) == id {
			out = append(out, e)
		}
	}
	return out
}

func (s *Store) findEntry(x *index, ref string) (*entry, error) {
	if d, err := images.ParseDigest(ref); err == nil {
		return s.findDigest(x, d)
	}
	if r, err := images.ParseRef(ref); err == nil {
		if e := x.findName(r); e != nil {
			return e, nil
		}
	} else if !isHex(strings.TrimPrefix(ref, "sha256:")) {
		return nil, err
	}
	if prefix := strings.TrimPrefix(ref, "sha256:"); isHex(prefix) {
		return s.findPrefix(x, prefix)
	}
	return nil, images.ErrNotFound
}

func (x *index) findName(r images.Ref) *entry {
	for _, e := range x.good() {
		switch {
		case r.Digest == "":
			if e.name() == r.String() {
				return e
			}
		case e.repository() == r.Name() && (e.target() == r.Digest || e.desc.Digest == r.Digest):
			return e
		}
	}
	return nil
}

// findDigest matches image IDs first, then the digests of manifests and of the
// indexes that they were chosen from.
func (s *Store) findDigest(x *index, d images.Digest) (*entry, error) {
	var second *entry
	for _, e := range x.good() {
		if s.id(e) == d {
			return e, nil
		}
		if e.desc.Digest == d || e.target() == d {
			second = e
		}
	}
	if second == nil {
		return nil, images.ErrNotFound
	}
	return second, nil
}

func (s *Store) findPrefix(x *index, prefix string) (*entry, error) {
	var found *entry
	for _, e := range x.good() {
		if !strings.HasPrefix(s.id(e).Hex(), prefix) {
			continue
		}
		if found != nil && s.id(found) != s.id(e) {
			return nil, fmt.Errorf("%w: several image IDs begin so; give more digits", images.ErrAmbiguous)
		}
		if found == nil {
			found = e
		}
	}
	if found == nil {
		return nil, images.ErrNotFound
	}
	return found, nil
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}
