package filter_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/seccomp/filter"
)

var small = filter.Program{{Code: 6, K: unix.SECCOMP_RET_ALLOW}}

func TestRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "seccomp.bpf")
	if _, err := filter.Read(path); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("missing file: error %v", err)
	}
	if err := os.WriteFile(path, small.Encode(), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := filter.Read(path); err != nil || !slices.Equal(got, small) {
		t.Errorf("read %v, error %v", got, err)
	}
	for name, content := range map[string][]byte{
		"empty":     nil,
		"torn":      append(small.Encode(), 1, 2, 3),
		"too long":  make(filter.Program, filter.MaxLen+1).Encode(),
		"very long": make([]byte, 1<<20),
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := filter.Read(path); !errors.Is(err, engine.ErrCorrupt) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(small.Encode())
	f.Add([]byte("1234567"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := filter.Decode(b)
		if err != nil {
			return
		}
		if len(p) == 0 || len(p) > filter.MaxLen || string(p.Encode()) != string(b) {
			t.Errorf("%d instructions, not what was decoded", len(p))
		}
	})
}
