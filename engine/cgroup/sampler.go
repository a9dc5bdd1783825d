package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/cgroup/leaf"
)

// Sample reads a group's counters once. Network is not part of it. Whoever
// reads again and again makes a Sampler.
func (h *Host) Sample(g *leaf.Group) (engine.Sample, error) {
	s, err := h.Sampler(g)
	if err != nil {
		return engine.Sample{}, err
	}
	sample, err := s.Sample()
	return sample, errors.Join(err, s.Close())
}

// Sampler reads the counters of one group again and again. It holds its
// control files open: a sample is one read of each. It is not safe for
// concurrent use.
type Sampler struct {
	host   *Host
	path   string
	probes []probe
	buf    []byte
	now    reading // here so that a sample allocates nothing
	tasks  taskIO
}

// probe is one control file and what is taken from it.
type probe struct {
	file file
	take func(*reading, []byte)
}

// reading is a sample in the making.
type reading struct {
	sample   engine.Sample
	inactive uint64 // page cache that nobody has used lately
	quota    uint64 // microseconds per period, 0: no limit
	period   uint64
	pressure engine.Pressure
	stalls   bool // pressure was read
	tasks    *taskIO
}

// source says where a probe's file is: which controller's directory ("" is
// v2's), and its name.
type source struct {
	controller, file string
	take             func(*reading, []byte)
}

// Sampler opens the group's files. What this kernel does not have is left out.
func (h *Host) Sampler(g *leaf.Group) (*Sampler, error) { return h.sampler(g, h.sources()) }

// BriefSampler is a Sampler of nothing but processor time and memory.
func (h *Host) BriefSampler(g *leaf.Group) (*Sampler, error) {
	return h.sampler(g, slices.DeleteFunc(h.sources(), func(s source) bool { return !s.brief() }))
}

// brief tells whether processor time or memory come from a file.
func (s source) brief() bool {
	switch s.file {
	case "cpu.stat":
		return s.controller == leaf.Unified
	case "cpuacct.usage", "memory.current", "memory.usage_in_bytes", "memory.stat":
		return true
	}
	return false
}

func (h *Host) sampler(g *leaf.Group, sources []source) (*Sampler, error) {
	s := &Sampler{host: h, path: g.Path, buf: make([]byte, 8192)}
	for _, src := range sources {
		dir, ok := g.Dirs[src.controller]
		if !ok {
			continue
		}
		f, err := openFile(filepath.Join(dir, src.file))
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.EOPNOTSUPP) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("sample group %s: %w", g.Path, errors.Join(err, s.Close()))
		}
		s.probes = append(s.probes, probe{f, src.take})
	}
	if len(s.probes) == 0 {
		return nil, fmt.Errorf("sample group %s: %w", g.Path, engine.ErrNotFound)
	}
	return s, nil
}

// Sample reads the counters. A group that is gone is ErrNotFound.
func (s *Sampler) Sample() (engine.Sample, error) {
	r := &s.now
	*r = reading{sample: engine.Sample{Time: time.Now()}, tasks: &s.tasks}
	for i := 0; i < len(s.probes); i++ {
		text, err := s.read(s.probes[i].file)
		switch {
		case errors.Is(err, unix.ENODEV):
			return engine.Sample{}, fmt.Errorf("sample group %s: %w", s.path, engine.ErrNotFound)
		case errors.Is(err, unix.EOPNOTSUPP):
			// Pressure files are there, and say so on every read, when PSI
			// is built in but not booted with.
			s.drop(i)
			i--
		case err != nil:
			return engine.Sample{}, fmt.Errorf("sample group %s: %w", s.path, err)
		default:
			s.probes[i].take(r, text)
		}
	}
	return s.finish(r), nil
}

// finish derives what no single file says.
func (s *Sampler) finish(r *reading) engine.Sample {
	sample := r.sample
	sample.CPU.Online = s.host.cpus
	if r.quota > 0 && r.period > 0 {
		sample.CPU.Limit = float64(r.quota) / float64(r.period)
	}
	// As docker shows it: without the page cache that can go at any time.
	mem := &sample.Memory
	mem.Usage = mem.Raw
	if r.inactive < mem.Usage {
		mem.Usage -= r.inactive
	}
	if mem.Limit == 0 || mem.Limit > s.host.memory {
		mem.Limit = s.host.memory
	}
	if r.stalls {
		p := r.pressure
		sample.Pressure = &p
	}
	return sample
}

func (s *Sampler) drop(i int) {
	s.probes[i].file.close()
	s.probes = append(s.probes[:i], s.probes[i+1:]...)
}

// Close closes the files.
func (s *Sampler) Close() error {
	for _, p := range s.probes {
		p.file.close()
	}
	s.probes = nil
	return nil
}

// read fills the buffer with a file's current content, growing it as needed.
func (s *Sampler) read(f file) ([]byte, error) {
	for {
		n, err := f.read(s.buf)
		if err != nil {
			return nil, err
		}
		if n < len(s.buf) {
			return s.buf[:n], nil
		}
		s.buf = make([]byte, 2*len(s.buf))
	}
}

// file is a control file that stays open. The files of package os would sit in
// the runtime's poller, which kernfs supports and nobody here waits for.
type file int

func openFile(path string) (file, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return file(fd), nil
}

// read generates the file's content anew: control files do so for each read
// from the beginning.
func (f file) read(buf []byte) (int, error) {
	total := 0
	for total < len(buf) {
		n, err := unix.Pread(int(f), buf[total:], int64(total))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return total, err
		}
		if n == 0 {
			break
		}
		total += n
	}
	return total, nil
}

func (f file) close() { _ = unix.Close(int(f)) }
