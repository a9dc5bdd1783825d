package seccomp

import (
	"encoding/binary"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"gantry/engine/seccomp/filter"
)

// data is struct seccomp_data.
type data struct {
	number, arch uint32
	args         [6]uint64
}

// machine runs programs without a kernel.
type machine struct{ vm *bpf.VM }

func newMachine(t testing.TB, p filter.Program) machine {
	t.Helper()
	raw := make([]bpf.RawInstruction, len(p))
	for i, ins := range p {
		raw[i] = bpf.RawInstruction{Op: ins.Code, Jt: ins.Jt, Jf: ins.Jf, K: ins.K}
	}
	ins, ok := bpf.Disassemble(raw)
	if !ok {
		t.Fatal("program holds instructions that are none")
	}
	vm, err := bpf.NewVM(ins)
	if err != nil {
		t.Fatal(err)
	}
	return machine{vm}
}

// run gives the verdict. The virtual machine loads words in network order, as
// a packet has them, so the data is laid out in words of that order.
func (m machine) run(t testing.TB, d data) verdict {
	t.Helper()
	b := make([]byte, 64)
	put := func(off int, v uint32) { binary.BigEndian.PutUint32(b[off:], v) }
	put(0, d.number)
	put(4, d.arch)
	for i, a := range d.args {
		put(offArgs+8*i, uint32(a))
		put(offArgs+8*i+4, uint32(a>>32))
	}
	v, err := m.vm.Run(b)
	if err != nil {
		t.Fatal(err)
	}
	return verdict(uint32(v))
}

// checkJumps verifies what the virtual machine does not look at before it gets
// there: every jump leads forward into the program.
func checkJumps(t testing.TB, p filter.Program) {
	t.Helper()
	for i, ins := range p {
		far := max(int(ins.Jt), int(ins.Jf))
		if ins.Code == opGo {
			far = int(ins.K)
		}
		if ins.Code&7 == unix.BPF_JMP && i+1+far >= len(p) {
			t.Fatalf("instruction %d of %d jumps %d ahead", i, len(p), far)
		}
	}
}
