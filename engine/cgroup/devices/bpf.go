package devices

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Attach makes a set the only device program of the v2 group in dir. The
// kernel asks every program of a group and of its ancestors, and all must
// agree; so the new one is added before the old ones go, and no moment is
// more permissive than both. The program lives as long as the group.
func Attach(dir string, s Set) error {
	group, err := unix.Open(dir, unix.O_DIRECTORY|unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("attach device program: %w", &os.PathError{Op: "open", Path: dir, Err: err})
	}
	defer unix.Close(group)
	old, err := attached(group)
	if err != nil {
		return fmt.Errorf("list device programs of %s: %w", dir, err)
	}
	prog, err := load(s.program())
	if err != nil {
		return fmt.Errorf("load device program: %w", err)
	}
	defer unix.Close(prog)
	if err := attach(group, prog); err != nil {
		return fmt.Errorf("attach device program to %s: %w", dir, err)
	}
	for _, id := range old {
		if err := detach(group, id); err != nil {
			return fmt.Errorf("detach device program %d from %s: %w", id, dir, err)
		}
	}
	return nil
}

// loadAttr is the part of union bpf_attr that BPF_PROG_LOAD reads.
type loadAttr struct {
	progType, insnCount uint32
	insns, license      uint64
	logLevel, logSize   uint32
	logBuf              uint64
	kernVersion, flags  uint32
	name                [16]byte
}

func load(p []insn) (fd int, err error) {
	code := encode(p)
	license := []byte("Apache-2.0\x00")
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&code[0])
	pin.Pin(&license[0])
	attr := loadAttr{
		progType:  unix.BPF_PROG_TYPE_CGROUP_DEVICE,
		insnCount: uint32(len(p)),
		insns:     address(&code[0]),
		license:   address(&license[0]),
	}
	copy(attr.name[:], "gantry_devices")
	// The verifier gives up with EAGAIN when a signal arrives, and Go's
	// scheduler sends some.
	for range 10 {
		fd, err = bpf(unix.BPF_PROG_LOAD, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
		if err != unix.EAGAIN {
			break
		}
	}
	return fd, err
}

// attachAttr is the part of union bpf_attr for attaching and detaching.
type attachAttr struct{ target, prog, attachType, flags, replace uint32 }

func attach(group, prog int) error {
	attr := attachAttr{
		target: uint32(group), prog: uint32(prog),
		attachType: unix.BPF_CGROUP_DEVICE,
		// The container may add programs to groups of its own below.
		flags: unix.BPF_F_ALLOW_MULTI,
	}
	_, err := bpf(unix.BPF_PROG_ATTACH, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	return err
}

func detach(group int, id uint32) error {
	byID := struct{ id, next, flags uint32 }{id: id}
	prog, err := bpf(unix.BPF_PROG_GET_FD_BY_ID, unsafe.Pointer(&byID), unsafe.Sizeof(byID))
	if err == unix.ENOENT {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(prog)
	attr := attachAttr{target: uint32(group), prog: uint32(prog), attachType: unix.BPF_CGROUP_DEVICE}
	_, err = bpf(unix.BPF_PROG_DETACH, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	if err == unix.ENOENT {
		return nil
	}
	return err
}

// maxAttached is how many programs a group can have (BPF_CGROUP_MAX_PROGS).
const maxAttached = 64

// attached lists the identities of a group's own device programs.
func attached(group int) ([]uint32, error) {
	ids := make([]uint32, maxAttached)
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&ids[0])
	attr := struct {
		target, attachType, queryFlags, attachFlags uint32
		ids                                         uint64
		count, _                                    uint32
	}{
		target: uint32(group), attachType: unix.BPF_CGROUP_DEVICE,
		ids: address(&ids[0]), count: maxAttached,
	}
	if _, err := bpf(unix.BPF_PROG_QUERY, unsafe.Pointer(&attr), unsafe.Sizeof(attr)); err != nil {
		return nil, err
	}
	return ids[:attr.count], nil
}

// address is a pinned pointer as the kernel wants it inside a union.
func address[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

func bpf(cmd int, attr unsafe.Pointer, size uintptr) (int, error) {
	for {
		r, _, errno := unix.Syscall(unix.SYS_BPF, uintptr(cmd), uintptr(attr), size)
		switch errno {
		case 0:
			return int(r), nil
		case unix.EINTR:
		default:
			return -1, errno
		}
	}
}
