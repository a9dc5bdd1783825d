package seccomp

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	profiles "github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"gantry/engine"
	"gantry/engine/seccomp/filter"
)

func compile(t testing.TB, p *specs.LinuxSeccomp, goarch string) machine {
	t.Helper()
	prog, err := compileFor(p, goarch)
	if err != nil {
		t.Fatal(err)
	}
	checkJumps(t, prog)
	return newMachine(t, prog)
}

// dockerProfile is docker's profile for a machine and a set of capabilities.
func dockerProfile(t testing.TB, goarch string, caps ...string) *specs.LinuxSeccomp {
	t.Helper()
	p, err := Default(&specs.Spec{Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{Bounding: caps}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range profiles.DefaultProfile().ArchMap {
		if m.Arch == families[goarch][0].name {
			p.Architectures = append([]specs.Arch{m.Arch}, m.SubArches...)
		}
	}
	return p
}

// edges are values at which some comparison of the profile changes.
func edges(p *specs.LinuxSeccomp) []uint64 {
	out := []uint64{0, 1, 1 << 32, 1<<32 - 1, ^uint64(0), 1 << 63}
	for _, call := range p.Syscalls {
		for _, a := range call.Args {
			for _, v := range []uint64{a.Value, a.ValueTwo} {
				out = append(out, v-1, v, v+1, v^1<<32, v|1<<63, v<<32|v)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// numbersToTry are all numbers that tables hold, their neighbours and oddities.
func numbersToTry(goarch string) []uint32 {
	out := []uint32{^uint32(0), ^uint32(0) - 1, x32Bit, x32Bit - 1, x32Bit | 1000, 1000, 1 << 31}
	for _, a := range families[goarch] {
		for _, n := range a.numbers() {
			out = append(out, n-1, n, n+1)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func auditsToTry() []uint32 {
	return []uint32{unix.AUDIT_ARCH_X86_64, unix.AUDIT_ARCH_I386, unix.AUDIT_ARCH_AARCH64, unix.AUDIT_ARCH_ARM, unix.AUDIT_ARCH_PPC64LE, 0}
}

// compare holds a compiled profile against the direct reading of it: every
// number of every architecture, and for every argument every edge.
func compare(t testing.TB, p *specs.LinuxSeccomp, goarch string) {
	t.Helper()
	m := compile(t, p, goarch)
	values := edges(p)
	random := rand.New(rand.NewPCG(1, 2))
	for _, audit := range auditsToTry() {
		for _, n := range numbersToTry(goarch) {
			tries := 2
			if conditional(p, goarch, audit, n) {
				tries = 4 * len(values)
			}
			for i := range tries {
				d := data{number: n, arch: audit}
				for j := range d.args {
					d.args[j] = values[random.IntN(len(values))]
				}
				d.args[i%6] = values[(i/4)%len(values)]
				if got, want := m.run(t, d), naive(p, goarch, d); got != want {
					t.Fatalf("%s, %+v: verdict %#x, want %#x", goarch, d, got, want)
				}
			}
		}
	}
}

// conditional tells whether rules for a number look at arguments.
func conditional(p *specs.LinuxSeccomp, goarch string, audit, n uint32) bool {
	a := archOf(p, goarch, data{number: n, arch: audit})
	if a == nil {
		return false
	}
	for _, call := range p.Syscalls {
		for _, name := range call.Names {
			if have, ok := a.numbers()[name]; ok && have == n && len(call.Args) > 0 {
				return true
			}
		}
	}
	return false
}

func TestDockerProfile(t *testing.T) {
	t.Parallel()
	for goarch := range families {
		for _, caps := range [][]string{nil, {"CAP_SYS_ADMIN"}, {"CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_BPF", "CAP_SYS_MODULE", "CAP_SYSLOG"}} {
			t.Run(fmt.Sprint(goarch, caps), func(t *testing.T) {
				t.Parallel()
				compare(t, dockerProfile(t, goarch, caps...), goarch)
			})
		}
	}
}

// Known answers of docker's profile, from its documentation.
func TestDockerProfileAnswers(t *testing.T) {
	t.Parallel()
	const allow, eperm = unix.SECCOMP_RET_ALLOW, unix.SECCOMP_RET_ERRNO | 1
	for goarch := range families {
		m := compile(t, dockerProfile(t, goarch), goarch)
		for _, a := range families[goarch] {
			for _, test := range []struct {
				name string
				args [6]uint64
				want verdict
			}{
				{"read", [6]uint64{}, allow},
				{"mount", [6]uint64{}, eperm},
				{"unshare", [6]uint64{}, eperm},
				{"setns", [6]uint64{}, eperm},
				{"init_module", [6]uint64{}, eperm},
				{"clone3", [6]uint64{}, enosys},
				{"clone", [6]uint64{unix.CLONE_VM}, allow},
				{"clone", [6]uint64{unix.CLONE_NEWUSER}, eperm},
				{"clone", [6]uint64{unix.CLONE_NEWNS | 1<<40}, eperm},
				{"personality", [6]uint64{0}, allow},
				{"personality", [6]uint64{1 << 32}, eperm},
				{"personality", [6]uint64{0x20008}, allow},
				{"socket", [6]uint64{unix.AF_INET}, allow},
				{"socket", [6]uint64{unix.AF_ALG}, eperm},
				{"socket", [6]uint64{unix.AF_VSOCK}, eperm},
				{"socket", [6]uint64{39}, allow},
			} {
				n, ok := a.numbers()[test.name]
				if !ok {
					continue
				}
				if got := m.run(t, data{n, a.audit, test.args}); got != test.want {
					t.Errorf("%s: %s%#x: verdict %#x, want %#x", a.name, test.name, test.args, got, test.want)
				}
			}
		}
	}
}

// Random profiles: every action, operator and kind of value, on few calls so
// that rules meet, and on so many that jumps get long.
func TestRandomProfiles(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		goarch := rapid.SampledFrom([]string{"amd64", "arm64"}).Draw(rt, "goarch")
		p := drawProfile(rt, goarch)
		prog, err := compileFor(p, goarch)
		if err != nil {
			rt.Fatal(err)
		}
		checkJumps(t, prog)
		m := newMachine(t, prog)
		values, numbers := edges(p), numbersToTry(goarch)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		var named []data
		for _, a := range families[goarch] {
			for _, call := range p.Syscalls {
				for _, name := range call.Names {
					if n, ok := a.numbers()[name]; ok {
						named = append(named, data{number: n, arch: a.audit})
					}
				}
			}
		}
		for i := range 2000 {
			d := data{number: numbers[random.IntN(len(numbers))], arch: auditsToTry()[random.IntN(6)]}
			if i%4 != 0 && len(named) > 0 {
				d = named[random.IntN(len(named))]
			}
			for j := range d.args {
				d.args[j] = values[random.IntN(len(values))]
			}
			if got, want := m.run(t, d), naive(p, goarch, d); got != want {
				rt.Fatalf("%s, %+v: verdict %#x, want %#x", goarch, d, got, want)
			}
		}
	})
}

var allActions = []specs.LinuxSeccompAction{
	specs.ActAllow, specs.ActErrno, specs.ActKill, specs.ActKillProcess, specs.ActKillThread, specs.ActLog, specs.ActTrace, specs.ActTrap,
}

func drawProfile(t *rapid.T, goarch string) *specs.LinuxSeccomp {
	p := &specs.LinuxSeccomp{
		DefaultAction:   rapid.SampledFrom(allActions).Draw(t, "default"),
		DefaultErrnoRet: drawErrno(t),
	}
	for _, a := range families[goarch] {
		if rapid.Bool().Draw(t, "listed") {
			p.Architectures = append(p.Architectures, a.name)
		}
	}
	var all []string
	for name := range families[goarch][0].numbers() {
		all = append(all, name)
	}
	slices.Sort(all)
	pool := all
	if rapid.Bool().Draw(t, "few") {
		pool = all[:3]
	}
	for range rapid.IntRange(0, 25).Draw(t, "rules") {
		call := specs.LinuxSyscall{
			Names:    rapid.SliceOfN(rapid.SampledFrom(append(pool, "no_such_call")), 1, 12).Draw(t, "names"),
			Action:   rapid.SampledFrom(allActions).Draw(t, "action"),
			ErrnoRet: drawErrno(t),
		}
		for range rapid.IntRange(0, 3).Draw(t, "args") {
			call.Args = append(call.Args, specs.LinuxSeccompArg{
				Index:    rapid.UintRange(0, 5).Draw(t, "index"),
				Value:    drawValue(t),
				ValueTwo: drawValue(t),
				Op:       rapid.SampledFrom(operators).Draw(t, "op"),
			})
		}
		p.Syscalls = append(p.Syscalls, call)
	}
	return p
}

func drawErrno(t *rapid.T) *uint {
	if rapid.Bool().Draw(t, "errno?") {
		return nil
	}
	return new(rapid.UintRange(0, 4095).Draw(t, "errno"))
}

func drawValue(t *rapid.T) uint64 {
	return rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 3), rapid.Just(uint64(1<<32)), rapid.Just(^uint64(0)), rapid.Just(uint64(1<<32-1))).Draw(t, "value")
}

// A profile with hundreds of conditions needs jumps over more than 255
// instructions, in every direction of the tree.
func TestLongJumps(t *testing.T) {
	t.Parallel()
	p := &specs.LinuxSeccomp{DefaultAction: specs.ActErrno}
	for i, name := range sortedNames("amd64") {
		if i%4 == 0 {
			p.Syscalls = append(p.Syscalls, specs.LinuxSyscall{Names: []string{name}, Action: specs.ActAllow, Args: []specs.LinuxSeccompArg{
				{Index: uint(i % 6), Value: uint64(i) << 20, ValueTwo: uint64(i), Op: operators[i%len(operators)]},
				{Index: uint((i + 1) % 6), Value: uint64(i) << 33, Op: operators[(i/7)%len(operators)]},
			}})
		}
	}
	prog, err := compileFor(p, "amd64")
	if err != nil {
		t.Fatal(err)
	}
	if len(prog) < 1000 {
		t.Fatalf("only %d instructions: this tests nothing", len(prog))
	}
	compare(t, p, "amd64")
}

func sortedNames(goarch string) []string {
	var names []string
	for name := range families[goarch][0].numbers() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	arg := func(a specs.LinuxSeccompArg) *specs.LinuxSeccomp {
		return &specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{
			{Names: []string{"read"}, Action: specs.ActErrno, Args: []specs.LinuxSeccompArg{a}}}}
	}
	huge := &specs.LinuxSeccomp{DefaultAction: specs.ActErrno}
	for i := range 2000 {
		huge.Syscalls = append(huge.Syscalls, specs.LinuxSyscall{Names: []string{"read"}, Action: specs.ActAllow,
			Args: []specs.LinuxSeccompArg{{Index: 0, Value: uint64(i) << 31, Op: specs.OpEqualTo}}})
	}
	for name, test := range map[string]struct {
		profile *specs.LinuxSeccomp
		goarch  string
		class   error
		text    string
	}{
		"no default action": {&specs.LinuxSeccomp{}, "amd64", engine.ErrInvalid, "default action"},
		"unknown action":    {&specs.LinuxSeccomp{DefaultAction: "SCMP_ACT_SMILE"}, "amd64", engine.ErrInvalid, "SMILE"},
		"notify":            {&specs.LinuxSeccomp{DefaultAction: specs.ActNotify}, "amd64", engine.ErrUnsupported, "nobody would answer"},
		"errno too high":    {&specs.LinuxSeccomp{DefaultAction: specs.ActErrno, DefaultErrnoRet: new(uint(4096))}, "amd64", engine.ErrInvalid, "4095"},
		"argument 6":        {arg(specs.LinuxSeccompArg{Index: 6, Op: specs.OpEqualTo}), "amd64", engine.ErrInvalid, "argument 6"},
		"unknown operator":  {arg(specs.LinuxSeccompArg{Op: "SCMP_CMP_LIKE"}), "amd64", engine.ErrInvalid, "LIKE"},
		"too long":          {huge, "amd64", engine.ErrInvalid, "4096"},
		"unknown machine":   {&specs.LinuxSeccomp{DefaultAction: specs.ActAllow}, "mips", engine.ErrUnsupported, "mips"},
	} {
		_, err := compileFor(test.profile, test.goarch)
		if !errors.Is(err, test.class) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: error %v, want one that is %q and says %q", name, err, test.class, test.text)
		}
	}
}

// The tables are generated; these are numbers that must not move.
func TestTables(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		arch arch
		name string
		want uint32
	}{
		{x86_64, "read", 0}, {x86_64, "execveat", 322}, {x86_64, "clone3", 435},
		{x32, "read", x32Bit}, {x32, "execve", x32Bit | 520}, {x32, "pwritev2", x32Bit | 547},
		{x86, "socketcall", 102}, {x86, "mmap2", 192}, {x86, "clock_gettime64", 403},
		{aarch64, "read", 63}, {aarch64, "newfstatat", 79}, {aarch64, "clone3", 435},
		{arm, "set_tls", 0xf0005}, {arm, "sync_file_range2", 341}, {arm, "clone3", 435},
	} {
		if got, ok := test.arch.numbers()[test.name]; !ok || got != test.want {
			t.Errorf("%s: %s is %d, want %d", test.arch.name, test.name, got, test.want)
		}
	}
	if _, ok := x32.numbers()["uselib"]; ok {
		t.Error("x32 has no uselib")
	}
}

func TestFilterRoundTrip(t *testing.T) {
	t.Parallel()
	p, err := compileFor(dockerProfile(t, "amd64"), "amd64")
	if err != nil {
		t.Fatal(err)
	}
	got, err := filter.Decode(p.Encode())
	if err != nil || !slices.Equal(got, p) {
		t.Errorf("decoded %d instructions, error %v; want %d", len(got), err, len(p))
	}
	t.Logf("%d instructions", len(p))
}

func BenchmarkCompileDockerProfile(b *testing.B) {
	p := dockerProfile(b, "amd64")
	for b.Loop() {
		if _, err := compileFor(p, "amd64"); err != nil {
			b.Fatal(err)
		}
	}
}
