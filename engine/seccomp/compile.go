package seccomp

import (
	"fmt"
	"maps"
	"runtime"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/seccomp/filter"
)

// Compile makes the program of a profile for this machine.
//
//	load arch ── x86_64 ── load nr ── from x32Bit ── x32's tree
//	        │                     └─ x86_64's tree ── verdict
//	        ├─── i386 ──── load nr ── its tree      └ conditions ── verdict
//	        └─── none of them: kill the process
func Compile(p *specs.LinuxSeccomp) (filter.Program, error) { return compileFor(p, runtime.GOARCH) }

func compileFor(p *specs.LinuxSeccomp, goarch string) (filter.Program, error) {
	archs, err := archsOf(p, goarch)
	if err != nil {
		return nil, err
	}
	a := &assembler{ends: map[verdict]label{}}
	entry := a.end(unix.SECCOMP_RET_KILL_PROCESS)
	// From the last to the first, because of the assembler's direction: the
	// native architecture is asked for first.
	for _, part := range slices.Backward(archs) {
		if part.bit != 0 {
			continue // reached through the one whose AUDIT_ARCH it shares
		}
		tree, err := archTree(a, p, part, archs)
		if err != nil {
			return nil, fmt.Errorf("compile seccomp profile for %s: %w", part.name, err)
		}
		entry = a.branch(opEqual, part.audit, tree, entry)
	}
	a.load(offArch, entry)
	if n := len(a.code); n > filter.MaxLen {
		return nil, fmt.Errorf("compile seccomp profile: %w: it takes %d instructions, the kernel allows %d", engine.ErrInvalid, n, filter.MaxLen)
	}
	return a.program(), nil
}

// archTree is the code for one AUDIT_ARCH.
func archTree(a *assembler, p *specs.LinuxSeccomp, part arch, archs []arch) (label, error) {
	rules, err := newRuleset(p, part)
	if err != nil {
		return 0, err
	}
	top := rules.tree(a)
	if part.audit == x32.audit {
		other := a.end(unix.SECCOMP_RET_KILL_PROCESS)
		if i := slices.IndexFunc(archs, func(b arch) bool { return b.bit != 0 }); i >= 0 {
			rules32, err := newRuleset(p, archs[i])
			if err != nil {
				return 0, err
			}
			other = rules32.tree(a)
		}
		// -1 is no number of x32: it is how a tracer skips a call.
		other = a.branch(opEqual, ^uint32(0), a.end(rules.otherwise), other)
		top = a.branch(opFrom, x32Bit, other, top)
	}
	return a.load(offNumber, top), nil
}

// span is a run of numbers with the same outcome, up to the next span's start.
type span struct {
	from  uint32
	rules []rule // nil: verdict
	then  verdict
}

// spans cuts all numbers into runs. Neighbours with the same verdict are one,
// which makes hundreds of allowed calls a few dozen runs.
func (s *ruleset) spans() []span {
	var out []span
	add := func(next span) {
		if n := len(out); n > 0 && out[n-1].rules == nil && next.rules == nil && out[n-1].then == next.then {
			return
		}
		out = append(out, next)
	}
	next := uint32(0)
	for _, n := range slices.Sorted(maps.Keys(s.rules)) {
		if n != next {
			add(span{from: next, then: s.otherwise})
		}
		if rules := s.rules[n]; len(rules[0].args) == 0 {
			add(span{from: n, then: rules[0].then})
		} else {
			add(span{from: n, rules: rules})
		}
		next = n + 1
	}
	add(span{from: next, then: s.newer})
	return out
}

// tree finds the run of the number in the accumulator by bisection.
func (s *ruleset) tree(a *assembler) label { return s.bisect(a, s.spans()) }

func (s *ruleset) bisect(a *assembler, spans []span) label {
	if len(spans) == 1 {
		return s.outcome(a, spans[0])
	}
	mid := len(spans) / 2
	right := s.bisect(a, spans[mid:])
	left := s.bisect(a, spans[:mid])
	return a.branch(opFrom, spans[mid].from, right, left)
}

// outcome is a verdict, or the rules of one system call in turn.
func (s *ruleset) outcome(a *assembler, run span) label {
	if run.rules == nil {
		return a.end(run.then)
	}
	next := a.end(s.otherwise)
	for _, r := range slices.Backward(run.rules) {
		place := a.end(r.then)
		for _, c := range slices.Backward(r.args) {
			place = a.argument(c, place, next)
		}
		next = place
	}
	return next
}
