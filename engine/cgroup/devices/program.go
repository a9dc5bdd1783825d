package devices

import "encoding/binary"

// Instructions of a BPF machine, as struct bpf_insn lays them out.
type insn struct {
	op       uint8
	dst, src uint8
	off      int16
	imm      int32
}

// Opcodes (linux/bpf.h, linux/bpf_common.h): class | operation | source.
const (
	opLoadW  = 0x61 // BPF_LDX|BPF_MEM|BPF_W: dst = *(u32 *)(src+off)
	opMov32  = 0xb4 // BPF_ALU|BPF_MOV|BPF_K
	opMov32X = 0xbc // BPF_ALU|BPF_MOV|BPF_X
	opAnd32  = 0x54 // BPF_ALU|BPF_AND|BPF_K
	opShr32  = 0x74 // BPF_ALU|BPF_RSH|BPF_K
	opJne32  = 0x56 // BPF_JMP32|BPF_JNE|BPF_K
	opJset32 = 0x46 // BPF_JMP32|BPF_JSET|BPF_K
	opJa     = 0x05 // BPF_JMP|BPF_JA
	opExit   = 0x95 // BPF_JMP|BPF_EXIT
)

// Registers of the program. The result is r0, the context r1.
const (
	r0 = iota
	r1
	rType
	rWant // the requested bits that no rule has granted yet
	rMajor
	rMinor
)

const (
	devBlock = 1 // BPF_DEVCG_DEV_BLOCK
	devChar  = 2 // BPF_DEVCG_DEV_CHAR
)

// program compiles a set. It is Set.Allows, unrolled: from the last rule to
// the first,
//
//	if the rule does not match the device: next rule
//	allow: want &= ^access; if want == 0: return 1
//	deny:  if want & access: return 0
//
// and return 0 after the first. Jumps go forward only, at most over one rule.
// The verifier follows each match that does not decide to the end, so its work
// grows with the square of such rules; it takes some 500 of them, many times
// what is in use.
func (s Set) program() []insn {
	s = s.effective()
	// struct bpf_cgroup_dev_ctx { __u32 access_type, major, minor; } with
	// access_type = access << 16 | type.
	p := []insn{
		{op: opLoadW, dst: rType, src: r1, off: 0},
		{op: opMov32X, dst: rWant, src: rType},
		{op: opShr32, dst: rWant, imm: 16},
		{op: opAnd32, dst: rType, imm: 0xffff},
		{op: opLoadW, dst: rMajor, src: r1, off: 4},
		{op: opLoadW, dst: rMinor, src: r1, off: 8},
	}
	for i := len(s) - 1; i >= 0; i-- {
		p = append(p, s[i].compile()...)
		if s[i].all() {
			// It returned either way, and the verifier refuses a program
			// with instructions that cannot be reached.
			return p
		}
	}
	return append(p, returns(0)...)
}

func (r Rule) compile() []insn {
	if r.all() {
		return returns(verdictOf(r.Allow))
	}
	body := r.verdict()
	var tests []insn
	test := func(reg uint8, value int64) {
		tests = append(tests, insn{op: opJne32, dst: reg, imm: int32(uint32(value))})
	}
	switch r.Type {
	case 'b':
		test(rType, devBlock)
	case 'c':
		test(rType, devChar)
	}
	if r.Major != Any {
		test(rMajor, r.Major)
	}
	if r.Minor != Any {
		test(rMinor, r.Minor)
	}
	for i := range tests {
		tests[i].off = int16(len(tests) - 1 - i + len(body))
	}
	return append(tests, body...)
}

// verdict is what happens to a device that matched.
func (r Rule) verdict() []insn {
	if r.Access == All {
		// Nobody asks for more, and nobody for nothing. What can be said in one
		// word the verifier need not follow to the end.
		return returns(verdictOf(r.Allow))
	}
	if r.Allow {
		return append([]insn{
			{op: opAnd32, dst: rWant, imm: int32(^uint32(r.Access))},
			{op: opJne32, dst: rWant, off: 2},
		}, returns(1)...)
	}
	return append([]insn{
		{op: opJset32, dst: rWant, off: 1, imm: int32(r.Access)},
		{op: opJa, off: 2},
	}, returns(0)...)
}

func verdictOf(allow bool) int32 {
	if allow {
		return 1
	}
	return 0
}

func returns(v int32) []insn {
	return []insn{{op: opMov32, dst: r0, imm: v}, {op: opExit}}
}

// encode lays instructions out as the kernel reads them, in the byte order of
// this machine.
func encode(p []insn) []byte {
	out := make([]byte, 0, 8*len(p))
	for _, in := range p {
		regs := in.dst | in.src<<4
		if bigEndian() {
			regs = in.dst<<4 | in.src
		}
		out = append(out, in.op, regs)
		out = binary.NativeEndian.AppendUint16(out, uint16(in.off))
		out = binary.NativeEndian.AppendUint32(out, uint32(in.imm))
	}
	return out
}

func bigEndian() bool { return binary.NativeEndian.Uint16([]byte{0, 1}) == 1 }
