package local

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine/record"
	"gantry/engine/seccomp"
)

// maxFilters is how many compiled profiles are kept. Most machines need one.
const maxFilters = 32

// putFilter puts a profile's compiled filter at path. A filter is compiled once
// and then linked into every container that has the same profile: compiling
// takes as long as all of a container's other files together. That there is a
// cache, and that it can be written, is not relied upon.
func (e *Engine) putFilter(path string, profile *specs.LinuxSeccomp, d record.Durability) error {
	cached, err := e.cachedFilter(profile)
	if err == nil && os.Link(cached, path) == nil {
		return nil
	}
	program, cerr := seccomp.Compile(profile)
	if cerr != nil {
		return cerr
	}
	if err == nil && e.keepFilter(cached, program.Encode()) == nil && os.Link(cached, path) == nil {
		return nil
	}
	return record.WriteFile(path, program.Encode(), d)
}

// cachedFilter names a profile's filter in the cache by its content and by the
// program whose compiler made it: the executable file, because not every build
// has a version of its own.
func (e *Engine) cachedFilter(profile *specs.LinuxSeccomp) (string, error) {
	text, err := json.Marshal(profile)
	if err != nil {
		return "", err
	}
	var exe unix.Stat_t
	if err := unix.Stat("/proc/self/exe", &exe); err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d %d %d %d.%d\n", exe.Dev, exe.Ino, exe.Size, exe.Mtim.Sec, exe.Mtim.Nsec)
	h.Write(text)
	return filepath.Join(e.root, "filters", hex.EncodeToString(h.Sum(nil))), nil
}

// keepFilter writes durably what durable containers will share.
func (e *Engine) keepFilter(path string, program []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if names, err := os.ReadDir(dir); err == nil && len(names) >= maxFilters {
		for _, n := range names { // their links in containers stay
			_ = os.Remove(filepath.Join(dir, n.Name()))
		}
	}
	return record.WriteFile(path, program, record.Durable)
}
