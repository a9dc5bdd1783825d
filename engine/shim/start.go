package shim

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine"
	"gantry/engine/cgroup/leaf"
	"gantry/engine/ociruntime"
	"gantry/engine/record"
	"gantry/engine/seccomp/filter"
)

// checkpoint marks the places between which a kill must do no harm; tests put
// one there.
var checkpoint = func(string) {}

// launch starts the container. A start that fails is on record as an attempt
// that ended, and the monitor leaves: the next start gets a new one.
func (s *shim) launch(l Launch) error {
	s.moves.Lock()
	defer s.moves.Unlock()
	switch st := s.current(); {
	case st.Live():
		return engine.ErrNotModified
	case st != engine.Created:
		return errLeaving
	}
	last, ran, err := s.lastAttempt()
	if err != nil {
		return err
	}
	attempt := last + 1
	if err := s.run(attempt, l); err != nil {
		s.input.drop()
		s.streams.close()
		s.silence()
		s.conclude(ExitRecord{Attempt: attempt, Code: exitCode(err), At: time.Now().UTC(), Error: err.Error(), NeverRan: !ran})
		return err
	}
	return nil
}

// run makes the container's first process, puts it on record and lets it go.
func (s *shim) run(attempt int, l Launch) error {
	network, err := l.network()
	if err != nil {
		s.ahead.end()
		return err
	}
	if network != nil {
		defer network.Close()
		if err := s.answerNames(network); err != nil { // before the program can ask
			s.ahead.end()
			return err
		}
	}
	b, p, err := s.ahead.take(s.cfg, network != nil || l.borrows())
	if err != nil {
		return err
	}
	defer b.root.Close()
	spec := b.spec
	if err := l.join(spec); err != nil {
		return err
	}
	mounts, err := l.openMounts()
	if err != nil {
		return err
	}
	defer closeMounts(mounts)
	if p == nil {
		s.watchMemory()
		if p, err = s.create(b, network, mounts); err != nil {
			return err
		}
	}
	s.sized(p)
	checkpoint("created")
	start, err := s.record(attempt, p.Pid)
	if err != nil {
		p.Abort()
		return err
	}
	checkpoint("recorded")
	prog, err := adoptChild(p)
	if err != nil {
		p.Abort()
		return err
	}
	if err := p.Start(); err != nil {
		prog.pidfd.Close()
		return err
	}
	checkpoint("started")
	s.mounted()
	s.mu.Lock()
	s.spec, s.program, s.start, s.state = spec, prog, start, engine.Running
	s.mu.Unlock()
	if err := s.streams.connect(prog.console, s.input, s.out.write); err != nil {
		fmt.Fprintf(os.Stderr, "connect streams: %v\n", err)
	}
	s.publish(engine.ActionStart, nil)
	s.watchHealth()
	go s.watch()
	return nil
}

// create calls the runtime on the bundle.
func (s *shim) create(b *bundle, network *os.File, mounts map[string]*os.File) (*ociruntime.Process, error) {
	files, err := s.streams.ends()
	if err != nil {
		return nil, err
	}
	defer closeAll(files[:])
	s.mu.Lock()
	size := s.size
	s.mu.Unlock()
	return ociruntime.Create(ociruntime.CreateOptions{
		Spec: b.spec, Root: b.root, Network: network, Mounts: mounts, Seccomp: b.filter, User: s.cfg.User, Groups: s.cfg.Groups,
		Stdin: files[0], Stdout: files[1], Stderr: files[2],
		Group: s.group(), Console: s.cfg.Tty, Size: size, InitProcess: s.cfg.Init,
	})
}

// sized tells a process that was made ahead what the size of its terminal has
// become since.
func (s *shim) sized(p *ociruntime.Process) {
	s.mu.Lock()
	size := s.size
	s.mu.Unlock()
	if p.Console == nil || size == (engine.TermSize{}) {
		return
	}
	if err := p.Resize(size); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// group is the container's control group, nil where the host has none.
func (s *shim) group() *leaf.Group {
	if len(s.cfg.Group.Dirs) == 0 {
		return nil
	}
	return &s.cfg.Group
}

// watchMemory begins to count victims of the out-of-memory killer, if it has not
// before. A host without a memory controller has none to tell of.
func (s *shim) watchMemory() {
	g := s.group()
	if g == nil || s.oom != nil {
		return
	}
	if oom, err := g.OOMWatch(); err == nil {
		s.oom = oom
	}
}

// record says which process the attempt is. It need not survive a loss of
// power, which ends the process as well.
func (s *shim) record(attempt, pid int) (StartRecord, error) {
	ticks, err := record.PidStart(pid)
	if err != nil {
		return StartRecord{}, err
	}
	r := StartRecord{Attempt: attempt, Pid: pid, PidStart: ticks, BootID: record.BootID(), StartedAt: time.Now().UTC(), ShimPid: os.Getpid(), Again: s.again, Ports: s.heldPorts()}
	return r, record.Write(s.cfg.file("start.json"), r, record.Volatile)
}

// lastAttempt is the number of the last start, 0 if there was none. ran tells
// whether in any of them the program ran. A start that its end has planned is
// one by the policy.
func (s *shim) lastAttempt() (last int, ran bool, err error) {
	cfg := s.cfg
	var start StartRecord
	if err := record.Read(cfg.file("start.json"), &start); err != nil && !errors.Is(err, engine.ErrNotFound) {
		return 0, false, err
	}
	var exit ExitRecord
	if err := record.Read(cfg.file("exit.json"), &exit); err != nil && !errors.Is(err, engine.ErrNotFound) {
		return 0, false, err
	}
	last = max(start.Attempt, exit.Attempt)
	if exit.Attempt == last && exit.Planned() {
		s.again, s.byPolicy = exit.Again, true
	}
	return last, last > 0 && !(exit.Attempt == last && exit.NeverRan), nil
}

// maxSpec bounds a spec: an environment is at most 2 MiB of it (MAX_ARG_STRLEN
// and its kin), and every mount a line.
const maxSpec = 16 << 20

func readSpec(path string) (*specs.Spec, error) {
	b, err := readBounded(path, maxSpec)
	if err != nil {
		return nil, err
	}
	spec, err := ociruntime.DecodeConfig(b)
	if err != nil {
		return nil, fmt.Errorf("read bundle %s: %w: %w", path, engine.ErrCorrupt, err)
	}
	if spec.Process == nil || spec.Linux == nil {
		return nil, fmt.Errorf("read bundle %s: %w: process and linux are needed", path, engine.ErrInvalid)
	}
	// The monitor's own adjustment must not be inherited.
	if spec.Process.OOMScoreAdj == nil {
		spec.Process.OOMScoreAdj = new(int)
	}
	return spec, nil
}

// SeccompFile is the compiled filter in the bundle, as package filter writes it.
const SeccompFile = "seccomp.bpf"

// readFilter reads the filter of a bundle whose spec has a profile. One that is
// missing is not "no filter": the container would run unconfined.
func readFilter(cfg *Config, spec *specs.Spec) (filter.Program, error) {
	if spec.Linux.Seccomp == nil {
		return nil, nil
	}
	p, err := filter.Read(cfg.file(SeccompFile))
	if errors.Is(err, engine.ErrNotFound) {
		return nil, fmt.Errorf("%w: the container's seccomp filter %s is missing; remove the container and create it again", engine.ErrCorrupt, cfg.file(SeccompFile))
	}
	return p, err
}

func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read bundle: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read bundle: %w", err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("read bundle %s: %w: it is larger than %d bytes", path, engine.ErrCorrupt, limit)
	}
	return b, nil
}
