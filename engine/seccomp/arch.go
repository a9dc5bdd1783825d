package seccomp

//go:generate go run gen.go

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
)

// arch is one system call interface of a machine.
type arch struct {
	name  specs.Arch
	audit uint32 // AUDIT_ARCH_*, as struct seccomp_data names it
	// bit is set in all numbers: x32 has the AUDIT_ARCH of x86_64 and is told
	// apart by it.
	bit     uint32
	numbers func() map[string]uint32
}

// x32Bit is __X32_SYSCALL_BIT.
const x32Bit = 0x40000000

var (
	x86_64  = arch{specs.ArchX86_64, unix.AUDIT_ARCH_X86_64, 0, parsed(tableAmd64, 0)}
	x32     = arch{specs.ArchX32, unix.AUDIT_ARCH_X86_64, x32Bit, parsed(tableX32, x32Bit)}
	x86     = arch{specs.ArchX86, unix.AUDIT_ARCH_I386, 0, parsed(table386, 0)}
	aarch64 = arch{specs.ArchAARCH64, unix.AUDIT_ARCH_AARCH64, 0, parsed(tableArm64, 0)}
	arm     = arch{specs.ArchARM, unix.AUDIT_ARCH_ARM, 0, parsed(tableArm, 0)}
)

// families lists what machines of a GOARCH run, the native one first. All are
// little-endian.
var families = map[string][]arch{
	"amd64": {x86_64, x86, x32},
	"arm64": {aarch64, arm},
}

// parsed reads a table when it is needed.
func parsed(table string, bit uint32) func() map[string]uint32 {
	return sync.OnceValue(func() map[string]uint32 {
		m := make(map[string]uint32, 512)
		for field := range strings.FieldsSeq(table) {
			name, number, _ := strings.Cut(field, "=")
			n, err := strconv.ParseUint(number, 10, 32)
			if err != nil {
				panic("seccomp: table: " + field) // generated, and tested
			}
			m[name] = uint32(n) | bit
		}
		return m
	})
}

// archsOf is the native architecture and those of the profile that the machine
// runs as well. Others cannot come up and need no code.
func archsOf(p *specs.LinuxSeccomp, goarch string) ([]arch, error) {
	family, ok := families[goarch]
	if !ok {
		return nil, fmt.Errorf("compile seccomp profile: %w on %s", engine.ErrUnsupported, goarch)
	}
	want := map[specs.Arch]bool{family[0].name: true}
	for _, a := range p.Architectures {
		want[a] = true
	}
	var out []arch
	for _, a := range family {
		if want[a.name] {
			out = append(out, a)
		}
	}
	return out, nil
}
