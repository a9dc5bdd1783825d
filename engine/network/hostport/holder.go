package hostport

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"gantry/internal/inetaddr"
)

// Process is who has a port.
type Process struct {
	PID  int
	Args []string // its command line
}

func (p Process) String() string {
	name := "?"
	if len(p.Args) > 0 {
		name = path.Base(p.Args[0])
	}
	return fmt.Sprintf("%s (process %d)", name, p.PID)
}

// Holder finds the process that has the port, or one that is in its way. It reads
// what the kernel tells of all processes, and is for error messages only: a
// moment later somebody else may have it. false: it cannot be told.
func Holder(p Port) (Process, bool) {
	inodes := socketsOn(p)
	if len(inodes) == 0 {
		return Process{}, false
	}
	procs, err := os.ReadDir("/proc")
	if err != nil {
		return Process{}, false
	}
	for _, dir := range procs {
		pid, err := strconv.Atoi(dir.Name())
		if err != nil || !holds(dir.Name(), inodes) {
			continue
		}
		cmd, _ := os.ReadFile("/proc/" + dir.Name() + "/cmdline")
		return Process{pid, strings.Split(strings.TrimRight(string(cmd), "\x00"), "\x00")}, true
	}
	return Process{}, false
}

// holds tells whether a process has one of the sockets open.
func holds(pid string, inodes []string) bool {
	fds, err := os.ReadDir("/proc/" + pid + "/fd")
	if err != nil {
		return false // it has gone, or is out of our reach
	}
	for _, fd := range fds {
		link, err := os.Readlink("/proc/" + pid + "/fd/" + fd.Name())
		if err != nil || !strings.HasPrefix(link, "socket:[") {
			continue
		}
		if slices.Contains(inodes, strings.TrimSuffix(strings.TrimPrefix(link, "socket:["), "]")) {
			return true
		}
	}
	return false
}

// socketsOn are the inodes of the sockets that are bound to the port, of either
// family: a socket of IPv6 may have the port of IPv4 as well.
func socketsOn(p Port) []string {
	if p.Proto == "sctp" {
		return unixSocket(standInName(p))
	}
	var inodes []string
	for _, file := range []string{"/proc/net/" + p.Proto, "/proc/net/" + p.Proto + "6"} {
		eachLine(file, func(fields []string) {
			if len(fields) > 9 && bound(fields, p) {
				inodes = append(inodes, fields[9])
			}
		})
	}
	return inodes
}

// Columns of /proc/net/tcp, and the state of a socket that listens.
const (
	localColumn = 1
	stateColumn = 3
	listening   = "0A"
)

func bound(fields []string, p Port) bool {
	if p.Proto == "tcp" && fields[stateColumn] != listening {
		return false
	}
	addr, port, _ := strings.Cut(fields[localColumn], ":")
	n, err := strconv.ParseUint(port, 16, 16)
	if err != nil || uint16(n) != p.HostPort {
		return false
	}
	a, ok := kernelAddr(addr)
	return ok && (a.IsUnspecified() || p.HostIP.IsUnspecified() || a.Unmap() == p.HostIP)
}

// kernelAddr reads an address as /proc/net/tcp has it: words of 32 bits in the
// machine's order.
func kernelAddr(hex string) (inetaddr.Addr, bool) {
	b := make([]byte, 0, 16)
	for i := 0; i+8 <= len(hex); i += 8 {
		word, err := strconv.ParseUint(hex[i:i+8], 16, 32)
		if err != nil {
			return inetaddr.Addr{}, false
		}
		b = binary.NativeEndian.AppendUint32(b, uint32(word))
	}
	a := inetaddr.FromSlice(b)
	return a, a.IsValid()
}

// unixSocket is the inode of the abstract socket of that name.
func unixSocket(name string) []string {
	var inodes []string
	eachLine("/proc/net/unix", func(fields []string) {
		if len(fields) > 7 && fields[7] == name {
			inodes = append(inodes, fields[6])
		}
	})
	return inodes
}

func eachLine(file string, do func(fields []string)) {
	f, err := os.Open(file)
	if err != nil {
		return
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		do(strings.Fields(lines.Text()))
	}
}
