// Package filter is a compiled seccomp filter and its form on disk. The monitor
// of a container links it to read the file that package seccomp's compiler
// wrote at creation; so it imports nothing heavy.
package filter

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"gantry/engine"
)

// Program is a classic BPF program over struct seccomp_data.
type Program []unix.SockFilter

// MaxLen is the kernel's limit of instructions (BPF_MAXINSNS).
const MaxLen = 4096

// Encode gives the program's form on disk: the instructions as the kernel takes
// them (struct sock_filter, 8 bytes each, in the byte order of the host).
func (p Program) Encode() []byte {
	b := make([]byte, 0, instructionSize*len(p))
	for _, i := range p {
		b = binary.NativeEndian.AppendUint16(b, i.Code)
		b = append(b, i.Jt, i.Jf)
		b = binary.NativeEndian.AppendUint32(b, i.K)
	}
	return b
}

const instructionSize = 8

// Decode reads what Encode wrote. What the instructions do is checked by the
// kernel, which refuses a program that is not sound.
func Decode(b []byte) (Program, error) {
	if len(b) == 0 || len(b)%instructionSize != 0 || len(b)/instructionSize > MaxLen {
		return nil, fmt.Errorf("decode seccomp program: %w: it has %d bytes", engine.ErrCorrupt, len(b))
	}
	p := make(Program, 0, len(b)/instructionSize)
	for ; len(b) > 0; b = b[instructionSize:] {
		p = append(p, unix.SockFilter{
			Code: binary.NativeEndian.Uint16(b),
			Jt:   b[2],
			Jf:   b[3],
			K:    binary.NativeEndian.Uint32(b[4:]),
		})
	}
	return p, nil
}

// Read reads a program from a file. A file that does not exist is
// engine.ErrNotFound.
func Read(path string) (Program, error) {
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return nil, fmt.Errorf("read seccomp program %s: %w", path, engine.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read seccomp program: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, instructionSize*MaxLen+1))
	if err != nil {
		return nil, fmt.Errorf("read seccomp program %s: %w", path, err)
	}
	p, err := Decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}
