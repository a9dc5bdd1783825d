package shim

import (
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine/cgroup/leaf"
)

// kin is what of proc_pid_stat(5) tells who belongs to whom.
type kin struct {
	parent, session int
	dead            bool
	exiting         bool // it is on its way: nobody has been told yet
	start           string
}

// exitingFlag is PF_EXITING of the kernel's sched.h.
const exitingFlag = 0x4

// killedCode is the exit code of what SIGKILL has ended.
const killedCode = 128 + int(unix.SIGKILL)

// exiting tells whether a process is about to end. The first one of a pid
// namespace kills all others then, and has ended only when they have.
func exiting(pid int) bool {
	k, ok := readKin(pid)
	return !ok || k.dead || k.exiting
}

func readKin(pid int) (kin, bool) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return kin{}, false
	}
	return parseKin(string(b))
}

func parseKin(stat string) (kin, bool) {
	// The name of the program in field 2 may hold anything, parentheses too.
	_, rest, ok := cutLast(stat, ") ")
	f := strings.Fields(rest) // from field 3, the state
	if !ok || len(f) < 20 {
		return kin{}, false
	}
	parent, errA := strconv.Atoi(f[4-3])
	session, errB := strconv.Atoi(f[6-3])
	flags, errC := strconv.ParseUint(f[9-3], 10, 64)
	k := kin{parent: parent, session: session, dead: f[0] == "Z" || f[0] == "X", exiting: flags&exitingFlag != 0, start: f[22-3]}
	return k, errA == nil && errB == nil && errC == nil
}

// family are the living among all that descend from leader, or are in the
// session that it began: those stay when a parent between has died.
func family(leader int, all map[int]kin) map[int]kin {
	belongs := map[int]bool{leader: true}
	for grown := true; grown; {
		grown = false
		for pid, k := range all {
			if !belongs[pid] && (belongs[k.parent] || k.session == leader) {
				belongs[pid], grown = true, true
			}
		}
	}
	living := map[int]kin{}
	for pid := range belongs {
		if k, ok := all[pid]; ok && !k.dead {
			living[pid] = k
		}
	}
	return living
}

// familyTime bounds the hunt for a family that goes on growing.
const familyTime = 2 * time.Second

// killFamily kills a program that is not the container's first with everything
// that it has started, as far as that can be told: what began a session of its
// own and lost its parent has left the family.
func killFamily(g *leaf.Group, leader int) {
	deadline := time.Now().Add(familyTime)
	for pause := time.Millisecond; ; pause *= 2 {
		pids := []int{leader}
		if g != nil {
			if in, err := g.Pids(); err == nil {
				pids = append(pids, in...)
			}
		}
		all := map[int]kin{}
		for _, pid := range pids {
			if k, ok := readKin(pid); ok {
				all[pid] = k
			}
		}
		living := family(leader, all)
		if len(living) == 0 || time.Now().Add(pause).After(deadline) {
			return
		}
		for pid, k := range living {
			killExactly(pid, k.start)
		}
		time.Sleep(pause)
	}
}

// killExactly kills a process unless its number is another's by now.
func killExactly(pid int, start string) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	if k, ok := readKin(pid); ok && k.start == start {
		unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	}
}
