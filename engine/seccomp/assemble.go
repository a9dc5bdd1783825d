package seccomp

import (
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data. Arguments have 64 bits, the lower half first
// on the little-endian machines that we compile for.
const (
	offNumber = 0
	offArch   = 4
	offArgs   = 16
)

const (
	opLoad   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	opAnd    = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
	opReturn = unix.BPF_RET | unix.BPF_K
	opGo     = unix.BPF_JMP | unix.BPF_JA
	opEqual  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	opAbove  = unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K
	opFrom   = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
)

// label is the place of an instruction, counted from the end of the program.
type label int

// assembler writes a program from its end to its beginning: jumps of BPF lead
// forward only, so whatever is jumped to is in place already, and its distance
// is known. A conditional jump reaches 255 instructions; beyond that it leads
// to an unconditional one, which has no limit.
type assembler struct {
	code []unix.SockFilter // in reverse
	ends map[verdict]label // the latest return of each verdict
}

const reach = 255

func (a *assembler) put(i unix.SockFilter) label {
	a.code = append(a.code, i)
	return label(len(a.code) - 1)
}

// distance is the jump from the instruction that is put next to l.
func (a *assembler) distance(l label) int { return len(a.code) - 1 - int(l) }

// end returns a verdict. A return that is near is used again.
func (a *assembler) end(v verdict) label {
	if l, ok := a.ends[v]; ok && a.distance(l) < reach-8 {
		return l
	}
	l := a.put(unix.SockFilter{Code: opReturn, K: uint32(v)})
	a.ends[v] = l
	return l
}

// near is l, or a place within a few instructions that leads to it.
func (a *assembler) near(l label) label {
	if a.distance(l) <= reach-2 {
		return l
	}
	return a.put(unix.SockFilter{Code: opGo, K: uint32(a.distance(l))})
}

// branch tests the accumulator.
func (a *assembler) branch(op uint16, k uint32, yes, no label) label {
	yes, no = a.near(yes), a.near(no)
	// Getting near one may have moved us away from the other, by one.
	return a.put(unix.SockFilter{Code: op, Jt: uint8(a.distance(yes)), Jf: uint8(a.distance(no)), K: k})
}

// before puts an instruction that goes on at next.
func (a *assembler) before(i unix.SockFilter, next label) label {
	if d := a.distance(next); d != 0 {
		a.put(unix.SockFilter{Code: opGo, K: uint32(d)})
	}
	return a.put(i)
}

func (a *assembler) load(offset uint32, next label) label {
	return a.before(unix.SockFilter{Code: opLoad, K: offset}, next)
}

// half compares one half of an argument, masked when mask is not all ones.
func (a *assembler) half(op uint16, offset, mask, k uint32, yes, no label) label {
	next := a.branch(op, k, yes, no)
	if mask != ^uint32(0) {
		next = a.before(unix.SockFilter{Code: opAnd, K: mask}, next)
	}
	return a.load(offset, next)
}

// argument tests one condition with all 64 bits.
func (a *assembler) argument(c specs.LinuxSeccompArg, yes, no label) label {
	low := uint32(offArgs + 8*c.Index)
	high := low + 4
	all := ^uint32(0)
	value := c.Value
	switch c.Op {
	case specs.OpNotEqual:
		yes, no = no, yes
		fallthrough
	case specs.OpEqualTo:
		return a.half(opEqual, high, all, uint32(value>>32), a.half(opEqual, low, all, uint32(value), yes, no), no)
	case specs.OpMaskedEqual:
		mask := c.Value
		value = c.ValueTwo
		return a.half(opEqual, high, uint32(mask>>32), uint32(value>>32),
			a.half(opEqual, low, uint32(mask), uint32(value), yes, no), no)
	case specs.OpLessEqual:
		return a.above(opAbove, high, low, value, no, yes)
	case specs.OpGreaterThan:
		return a.above(opAbove, high, low, value, yes, no)
	case specs.OpLessThan:
		return a.above(opFrom, high, low, value, no, yes)
	default: // specs.OpGreaterEqual; newRuleset let no other pass
		return a.above(opFrom, high, low, value, yes, no)
	}
}

// above tests > or >=: the upper half decides, unless it is equal.
func (a *assembler) above(op uint16, high, low uint32, value uint64, yes, no label) label {
	lower := a.half(op, low, ^uint32(0), uint32(value), yes, no)
	upper := uint32(value >> 32)
	equal := a.branch(opEqual, upper, lower, no)
	return a.load(high, a.branch(opAbove, upper, yes, equal))
}

// program turns the code into the order of execution.
func (a *assembler) program() []unix.SockFilter {
	out := make([]unix.SockFilter, len(a.code))
	for i, ins := range a.code {
		out[len(out)-1-i] = ins
	}
	return out
}
