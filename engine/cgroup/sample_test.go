package cgroup_test

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/containerd/cgroups/v3/cgroup1"
	v1stats "github.com/containerd/cgroups/v3/cgroup1/stats"
	"github.com/containerd/cgroups/v3/cgroup2"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine"
	"gantry/engine/cgroup"
	"gantry/engine/cgroup/leaf"
)

func TestSampleMeasures(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		g := create(t, h, &specs.LinuxResources{
			CPU:    &specs.LinuxCPU{Quota: ptr[int64](20000), Period: ptr[uint64](100000)},
			Memory: &specs.LinuxMemory{Limit: ptr[int64](256 * mib)},
			Pids:   &specs.LinuxPids{Limit: ptr[int64](64)},
		})
		s, err := h.Sampler(g)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		first, err := s.Sample()
		if err != nil {
			t.Fatal(err)
		}
		burner := startIn(t, g, "burn 300")
		eater := startIn(t, g, "eat 64")
		if got := eater.line(t); got != "ate" {
			t.Fatal(got)
		}
		if got := burner.line(t); got != "burnt" {
			t.Fatal(got)
		}
		last, err := s.Sample()
		if err != nil {
			t.Fatal(err)
		}
		if cores := engine.Rate(first, last).Cores; cores < 0.01 || cores > 0.5 {
			t.Errorf("%.2f cores in use, want at most a fifth of one", cores)
		}
		for what, ok := range map[string]bool{
			"memory usage":   last.Memory.Usage >= 64*mib && last.Memory.Usage <= last.Memory.Raw,
			"memory limit":   last.Memory.Limit == 256*mib,
			"CPU limit":      last.CPU.Limit == 0.2,
			"CPU time":       last.CPU.Usage > 300e6 && last.CPU.User > 0,
			"throttling":     last.CPU.Periods > 0 && last.CPU.ThrottledPeriods > 0 && last.CPU.ThrottledTime > 0,
			"processes":      last.PIDs >= 2 && last.PIDLimit == 64,
			"online":         last.CPU.Online > 0,
			"OOM kills":      last.Memory.OOMKills == 0,
			"first CPU time": first.CPU.Usage < 300e6,
		} {
			if !ok {
				t.Errorf("%s is wrong in %+v", what, last)
			}
		}
	})
}

func TestSampleWithoutLimits(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		g := create(t, h, nil)
		s, err := h.Sample(g)
		if err != nil {
			t.Fatal(err)
		}
		if s.CPU.Limit != 0 || s.PIDLimit != 0 {
			t.Errorf("limits %v, %v; want none", s.CPU.Limit, s.PIDLimit)
		}
		var info struct{ kb uint64 }
		text, err := os.ReadFile("/proc/meminfo")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscanf(string(text), "MemTotal: %d kB", &info.kb); err != nil {
			t.Fatal(err)
		}
		if s.Memory.Limit != info.kb*1024 {
			t.Errorf("memory limit %d, want the host's %d", s.Memory.Limit, info.kb*1024)
		}
	})
}

func TestSampleOfDeletedGroup(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		g := create(t, h, nil)
		s, err := h.Sampler(g)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := g.Delete(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Sample(); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("Sample() = %v, want ErrNotFound", err)
		}
		if _, err := h.Sample(g); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("Sample() afterwards = %v, want ErrNotFound", err)
		}
	})
}

// containerd/cgroups reads the same files in its own way. The processes are
// frozen, so that both see the same.
func TestSampleAgreesWithContainerd(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		g := create(t, h, &specs.LinuxResources{
			CPU:  &specs.LinuxCPU{Quota: ptr[int64](80000)},
			Pids: &specs.LinuxPids{Limit: ptr[int64](64)},
		})
		c := startIn(t, g, "eat 48")
		c.line(t)
		if err := g.Freeze(); err != nil {
			t.Fatal(err)
		}
		// A frozen process of v1 does not even die.
		defer func() {
			if err := g.Thaw(); err != nil {
				t.Error(err)
			}
		}()
		got, err := h.Sample(g)
		if err != nil {
			t.Fatal(err)
		}
		var want engine.Sample
		if h.Mode == cgroup.V2 {
			want = unifiedStat(t, h, g)
		} else {
			want = legacyStat(t, h, g)
		}
		near(t, "CPU usage", got.CPU.Usage, want.CPU.Usage, 20e6)
		near(t, "user", got.CPU.User, want.CPU.User, 20e6)
		near(t, "memory", got.Memory.Raw, want.Memory.Raw, 4*mib)
		near(t, "usage", got.Memory.Usage, want.Memory.Usage, 4*mib)
		near(t, "peak", got.Memory.Peak, want.Memory.Peak, 4*mib)
		near(t, "processes", got.PIDs, want.PIDs, 0)
		near(t, "process limit", got.PIDLimit, want.PIDLimit, 0)
		near(t, "periods", got.CPU.Periods, want.CPU.Periods, 2)
	})
}

func unifiedStat(t *testing.T, h *cgroup.Host, g *leaf.Group) (s engine.Sample) {
	t.Helper()
	m, err := cgroup2.Load(g.Path, cgroup2.WithMountpoint(h.Root("")))
	if err != nil {
		t.Fatal(err)
	}
	st, err := m.Stat()
	if err != nil {
		t.Fatal(err)
	}
	s.CPU.Usage, s.CPU.User, s.CPU.Periods = st.CPU.UsageUsec*1000, st.CPU.UserUsec*1000, st.CPU.NrPeriods
	s.Memory.Raw, s.Memory.Usage = st.Memory.Usage, st.Memory.Usage-st.Memory.InactiveFile
	s.Memory.Peak = st.Memory.MaxUsage
	s.PIDs, s.PIDLimit = st.Pids.Current, st.Pids.Limit
	return s
}

// legacyStat takes processor time from v2 on a hybrid host: the group is in no
// cpuacct hierarchy there.
func legacyStat(t *testing.T, h *cgroup.Host, g *leaf.Group) (s engine.Sample) {
	t.Helper()
	if h.Mode == cgroup.Hybrid {
		s = unifiedStatCPU(t, h, g)
	}
	c, err := cgroup1.Load(cgroup1.StaticPath(g.Path))
	if err != nil {
		t.Fatal(err)
	}
	st, err := c.Stat(cgroup1.IgnoreNotExist)
	if err != nil {
		t.Fatal(err)
	}
	if h.Mode == cgroup.V1 {
		s.CPU.Usage, s.CPU.User = st.CPU.Usage.Total, userTime(t, g, st)
	}
	s.CPU.Periods = st.CPU.Throttling.Periods
	s.Memory.Raw, s.Memory.Usage = st.Memory.Usage.Usage, st.Memory.Usage.Usage-st.Memory.TotalInactiveFile
	s.Memory.Peak = st.Memory.Usage.Max
	s.PIDs, s.PIDLimit = st.Pids.Current, st.Pids.Limit
	return s
}

// userTime is exact; containerd reads clock ticks.
func userTime(t *testing.T, g *leaf.Group, st *v1stats.Metrics) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(value(t, g, "cpuacct.usage_user"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "user time in ticks", n, st.CPU.Usage.User, 1e9)
	return n
}

func unifiedStatCPU(t *testing.T, h *cgroup.Host, g *leaf.Group) (s engine.Sample) {
	t.Helper()
	m, err := cgroup2.Load(g.Path, cgroup2.WithMountpoint(h.Root("")))
	if err != nil {
		t.Fatal(err)
	}
	st, err := m.StatFiltered(cgroup2.StatCPU)
	if err != nil {
		t.Fatal(err)
	}
	s.CPU.Usage, s.CPU.User = st.CPU.UsageUsec*1000, st.CPU.UserUsec*1000
	return s
}

func near(t *testing.T, what string, got, want, within uint64) {
	t.Helper()
	if max(got, want)-min(got, want) > within {
		t.Errorf("%s = %d, containerd says %d", what, got, want)
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]uint64{
		"": 0, "max\n": 0, "-1\n": 0, "0": 0, "42\n": 42, "18446744073709551615": 1<<64 - 1, "99999999999999999999": 1<<64 - 1,
	} {
		if got := cgroup.Number([]byte(text)); got != want {
			t.Errorf("number(%q) = %d, want %d", text, got, want)
		}
	}
	for text, want := range map[string]float64{"": 0, "0.00": 0, "12.5": 12.5, "100.00 ": 100} {
		if got := cgroup.Decimal([]byte(text)); got != want {
			t.Errorf("decimal(%q) = %v, want %v", text, got, want)
		}
	}
}

func BenchmarkSample(b *testing.B) {
	g, h := benchmarkGroup(b)
	s, err := h.Sampler(g)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Sample(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCreateDelete(b *testing.B) {
	_, h := benchmarkGroup(b)
	res := memory(64*mib, 64*mib)
	for b.Loop() {
		g, err := h.Create("benchmark", &res)
		if err != nil {
			b.Fatal(err)
		}
		if err := g.Delete(); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkGroup(b *testing.B) (*leaf.Group, *cgroup.Host) {
	b.Helper()
	if os.Geteuid() != 0 {
		b.Skip("control groups are root's")
	}
	h, err := cgroup.Detect()
	if err != nil {
		b.Fatal(err)
	}
	g, err := h.Create(fmt.Sprintf("bench%d", os.Getpid()), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := g.Delete(); err != nil {
			b.Error(err)
		}
	})
	return g, h
}
