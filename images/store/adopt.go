package store

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"

	"gantry/images"
	"gantry/images/unpack"
)

// maxFixups bounds fixups.json: a path for each of a million entries.
const maxFixups = 256 << 20

// isFree tells whether a layer is the same over any other. It compares the whole
// value, so that a kind of fix-up that is added later counts by itself.
func isFree(f unpack.Fixups) bool { return reflect.DeepEqual(f, unpack.Fixups{}) }

// adopt takes a layer that was unpacked for another chain into this one when
// the layers below make no difference here either. It returns
// images.ErrNotFound when there is none or they do.
func (s *Store) adopt(chain, diff images.Digest, lowers []string) (Layer, error) {
	id := diff.Hex()
	dir := s.inRoot("layers", id)
	if _, err := s.readMeta(id); err != nil {
		return Layer{}, fmt.Errorf("adopt layer: %w: %w", images.ErrNotFound, err)
	}
	var f unpack.Fixups
	if err := readJSON(filepath.Join(dir, "fixups.json"), &f); err != nil {
		return Layer{}, fmt.Errorf("adopt layer: %w: %w", images.ErrNotFound, err)
	}
	switch dependent, err := f.Depends(lowers); {
	case err != nil:
		return Layer{}, fmt.Errorf("adopt layer: %w", err)
	case dependent:
		return Layer{}, fmt.Errorf("adopt layer: %w: it differs on this chain", images.ErrNotFound)
	}
	link := s.inRoot("layers", chainPrefix+chain.Hex())
	if err := errors.Join(dropDangling(link), linkLayer(id, link)); err != nil {
		return Layer{}, err
	}
	return s.findLayer(chain, diff)
}

func linkLayer(id, link string) error {
	if err := os.Symlink(id, link); !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

// dropDangling removes a link to a layer that somebody removed by hand.
func dropDangling(link string) error {
	if _, err := os.Readlink(link); err != nil {
		return nil // absent, or a layer of its own
	}
	if _, err := os.Stat(link); errors.Is(err, os.ErrNotExist) {
		return ignoreAbsent(os.Remove(link))
	}
	return nil
}

func writeFileIndex(path string, res *unpack.Result) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 64<<10)
	if _, err := res.Index.WriteTo(w); err != nil {
		return fmt.Errorf("write file index: %w", err)
	}
	return w.Flush()
}

func writeJSON(path string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o600)
}

func readJSON(path string, v any) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return json.NewDecoder(io.LimitReader(f, maxFixups)).Decode(v)
}
