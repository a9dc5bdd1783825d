package seccomp

import (
	"fmt"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
)

// verdict is what a filter returns (SECCOMP_RET_*, with its data).
type verdict uint32

const enosys = verdict(unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS))

// maxErrno is the kernel's MAX_ERRNO: higher ones would be cut to it.
const maxErrno = 4095

// verdictOf translates an action.
func verdictOf(action specs.LinuxSeccompAction, errnoRet *uint) (verdict, error) {
	data := uint(unix.EPERM)
	if errnoRet != nil {
		data = *errnoRet
	}
	switch action {
	case specs.ActAllow:
		return unix.SECCOMP_RET_ALLOW, nil
	case specs.ActLog:
		return unix.SECCOMP_RET_LOG, nil
	case specs.ActTrap:
		return unix.SECCOMP_RET_TRAP, nil
	case specs.ActKill, specs.ActKillThread:
		return unix.SECCOMP_RET_KILL_THREAD, nil
	case specs.ActKillProcess:
		return unix.SECCOMP_RET_KILL_PROCESS, nil
	case specs.ActErrno:
		if data > maxErrno {
			return 0, fmt.Errorf("%w errnoRet %d: the highest is %d", engine.ErrInvalid, data, maxErrno)
		}
		return unix.SECCOMP_RET_ERRNO | verdict(data), nil
	case specs.ActTrace:
		if data > 0xffff {
			return 0, fmt.Errorf("%w errnoRet %d: the highest is %d", engine.ErrInvalid, data, 0xffff)
		}
		return unix.SECCOMP_RET_TRACE | verdict(data), nil
	case specs.ActNotify:
		return 0, fmt.Errorf("seccomp action %s: %w: nobody would answer", action, engine.ErrUnsupported)
	}
	return 0, fmt.Errorf("%w seccomp action %q", engine.ErrInvalid, action)
}

// refuses tells that unknown calls fail, so that ENOSYS is a better answer for
// new ones. A tracer is expected to know what to do (runc's patchbpf).
func refuses(action specs.LinuxSeccompAction) bool {
	return action != specs.ActAllow && action != specs.ActLog && action != specs.ActTrace
}

// rule is one way to match a system call. Without conditions it always does.
type rule struct {
	args []specs.LinuxSeccompArg
	then verdict
}

// ruleset is a profile for one architecture.
type ruleset struct {
	rules     map[uint32][]rule // by number, in the profile's order
	otherwise verdict
	newer     verdict // of numbers above all in rules
}

// newRuleset resolves names to numbers.
func newRuleset(p *specs.LinuxSeccomp, a arch) (*ruleset, error) {
	otherwise, err := verdictOf(p.DefaultAction, p.DefaultErrnoRet)
	if err != nil {
		return nil, fmt.Errorf("default action: %w", err)
	}
	s := &ruleset{rules: map[uint32][]rule{}, otherwise: otherwise, newer: otherwise}
	numbers := a.numbers()
	for i, call := range p.Syscalls {
		then, err := verdictOf(call.Action, call.ErrnoRet)
		if err != nil {
			return nil, fmt.Errorf("rule %d (%v): %w", i+1, call.Names, err)
		}
		ways, err := waysOf(call.Args, then)
		if err != nil {
			return nil, fmt.Errorf("rule %d (%v): %w", i+1, call.Names, err)
		}
		for _, name := range call.Names {
			if n, ok := numbers[name]; ok {
				s.rules[n] = append(s.rules[n], ways...)
			}
		}
	}
	for n, rules := range s.rules {
		s.rules[n] = simplify(rules)
	}
	if refuses(p.DefaultAction) && len(s.rules) > 0 {
		s.newer = enosys
	}
	return s, nil
}

// waysOf splits a rule that looks at one argument twice.
func waysOf(args []specs.LinuxSeccompArg, then verdict) ([]rule, error) {
	var seen [6]int
	double := false
	for _, a := range args {
		if a.Index > 5 {
			return nil, fmt.Errorf("%w argument %d: a system call has 6, counted from 0", engine.ErrInvalid, a.Index)
		}
		if !slices.Contains(operators, a.Op) {
			return nil, fmt.Errorf("%w operator %q", engine.ErrInvalid, a.Op)
		}
		seen[a.Index]++
		double = double || seen[a.Index] > 1
	}
	if !double {
		return []rule{{args, then}}, nil
	}
	var ways []rule
	for _, a := range args {
		ways = append(ways, rule{[]specs.LinuxSeccompArg{a}, then})
	}
	return ways, nil
}

var operators = []specs.LinuxSeccompOperator{
	specs.OpEqualTo, specs.OpNotEqual, specs.OpLessThan, specs.OpLessEqual,
	specs.OpGreaterThan, specs.OpGreaterEqual, specs.OpMaskedEqual,
}

// simplify leaves of the rules for one call only the first without conditions,
// if there is one.
func simplify(rules []rule) []rule {
	for _, r := range rules {
		if len(r.args) == 0 {
			return []rule{r}
		}
	}
	return rules
}
