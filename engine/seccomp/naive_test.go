package seccomp

import (
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// naive reads the profile directly, as doc.go says, and knows nothing of how
// it is compiled.
func naive(p *specs.LinuxSeccomp, goarch string, d data) verdict {
	arch := archOf(p, goarch, d)
	if arch == nil {
		return unix.SECCOMP_RET_KILL_PROCESS
	}
	otherwise := mustVerdict(p.DefaultAction, p.DefaultErrnoRet)
	if arch.audit == unix.AUDIT_ARCH_X86_64 && d.number == ^uint32(0) {
		return otherwise
	}
	numbers := arch.numbers()
	highest := int64(-1)
	for _, call := range p.Syscalls {
		for _, name := range call.Names {
			if n, ok := numbers[name]; ok {
				highest = max(highest, int64(n))
			}
		}
	}
	var matching []specs.LinuxSyscall
	for _, call := range p.Syscalls {
		for _, name := range call.Names {
			if n, ok := numbers[name]; ok && n == d.number {
				if len(call.Args) == 0 {
					return mustVerdict(call.Action, call.ErrnoRet)
				}
				matching = append(matching, call)
			}
		}
	}
	for _, call := range matching {
		if holds(call.Args, d) {
			return mustVerdict(call.Action, call.ErrnoRet)
		}
	}
	permissive := p.DefaultAction == specs.ActAllow || p.DefaultAction == specs.ActLog || p.DefaultAction == specs.ActTrace
	if int64(d.number) > highest && highest >= 0 && !permissive {
		return enosys
	}
	return otherwise
}

func archOf(p *specs.LinuxSeccomp, goarch string, d data) *arch {
	for i, a := range families[goarch] {
		listed := i == 0
		for _, name := range p.Architectures {
			listed = listed || name == a.name
		}
		bit := uint32(0)
		if d.arch == unix.AUDIT_ARCH_X86_64 && d.number >= x32Bit && d.number != ^uint32(0) {
			bit = x32Bit
		}
		if listed && a.audit == d.arch && a.bit == bit {
			return &a
		}
	}
	return nil
}

func mustVerdict(action specs.LinuxSeccompAction, errno *uint) verdict {
	v, err := verdictOf(action, errno)
	if err != nil {
		panic(err)
	}
	return v
}

func holds(args []specs.LinuxSeccompArg, d data) bool {
	count := map[uint]int{}
	double := false
	for _, a := range args {
		count[a.Index]++
		double = double || count[a.Index] > 1
	}
	for _, a := range args {
		ok := one(a, d.args[a.Index])
		if double && ok {
			return true
		}
		if !double && !ok {
			return false
		}
	}
	return !double
}

func one(a specs.LinuxSeccompArg, have uint64) bool {
	switch a.Op {
	case specs.OpEqualTo:
		return have == a.Value
	case specs.OpNotEqual:
		return have != a.Value
	case specs.OpLessThan:
		return have < a.Value
	case specs.OpLessEqual:
		return have <= a.Value
	case specs.OpGreaterThan:
		return have > a.Value
	case specs.OpGreaterEqual:
		return have >= a.Value
	}
	return have&a.Value == a.ValueTwo
}
