package events_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/events"
	"gantry/engine/record"
)

// The test binary executes itself as other processes that write to a journal:
//
//	EVENTS_TEST_CHILD="ROLE ROOT ARGUMENT"
const childVariable = "EVENTS_TEST_CHILD"

func TestMain(m *testing.M) {
	if v := os.Getenv(childVariable); v != "" {
		words := strings.Fields(v)
		if err := roles[words[0]](words[1], words[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var roles = map[string]func(root, argument string) error{
	"die-before": dieBefore, // in a Commit, before its change
	"die-after":  dieAfter,  // in a Commit, after its change
	"gone":       dieGone,   // in a Commit that removes its record
	"hammer":     hammer,    // many events, then an orderly end
	"forever":    forever,   // commits until it is killed
}

func command(t *testing.T, role, root, argument string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), childVariable+"="+strings.Join([]string{role, root, argument}, " "))
	cmd.Stderr = os.Stderr
	return cmd
}

// runKilled runs a child that kills itself.
func runKilled(t *testing.T, role, root, argument string) {
	t.Helper()
	cmd := command(t, role, root, argument)
	_ = cmd.Run()
	if status, ok := cmd.ProcessState.Sys().(interface{ Signaled() bool }); !ok || !status.Signaled() {
		t.Fatalf("%s ended with %v, it should have been killed", role, cmd.ProcessState)
	}
}

// object is a record that carries the number of its last event.
type object struct {
	Seq   engine.Seq `json:"seq"`
	Count int        `json:"count"`
}

func objectPath(root, id string) string { return filepath.Join(root, id+".json") }

func childJournal(root string) (*events.Journal, error) {
	j, err := events.Open(filepath.Join(root, "events"), filepath.Join(root, "locks"))
	if err == nil {
		events.SetLimits(j, 2000, 1000)
	}
	return j, err
}

func killSelf() { _ = unix.Kill(os.Getpid(), unix.SIGKILL); select {} }

func dieBefore(root, id string) error { return dieCarrying(root, id, false) }
func dieAfter(root, id string) error  { return dieCarrying(root, id, true) }

func dieCarrying(root, id string, changed bool) error {
	j, err := childJournal(root)
	if err != nil {
		return err
	}
	path := objectPath(root, id)
	_, err = j.Commit(container("update", id), events.Carries(path, record.Volatile), func(seq engine.Seq) error {
		if changed {
			if err := record.Write(path, object{Seq: seq, Count: 1}, record.Volatile); err != nil {
				return err
			}
		}
		killSelf()
		return nil
	})
	return err
}

func dieGone(root, when string) error {
	j, err := childJournal(root)
	if err != nil {
		return err
	}
	path := objectPath(root, "a")
	_, err = j.Commit(container("destroy", "a"), events.Gone(path, record.Volatile), func(engine.Seq) error {
		if when == "after" {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
		killSelf()
		return nil
	})
	return err
}

const hammered = 150

// hammer appends and commits in a random mixture; some changes fail.
func hammer(root, id string) error {
	j, err := childJournal(root)
	if err != nil {
		return err
	}
	for i := range hammered {
		ev := container("start", id+"."+strconv.Itoa(i))
		switch rand.IntN(4) {
		case 0:
			_, err = j.Commit(ev, events.Proof{Durability: record.Volatile}, func(engine.Seq) error { return nil })
		case 1:
			path := objectPath(root, id)
			_, err = j.Commit(ev, events.Carries(path, record.Volatile), func(seq engine.Seq) error {
				return record.Write(path, object{Seq: seq}, record.Volatile)
			})
		default:
			_, err = j.Append(ev)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// forever counts an object up, one Commit per step, until it is killed.
func forever(root, id string) error {
	j, err := childJournal(root)
	if err != nil {
		return err
	}
	path := objectPath(root, id)
	var o object
	if err := record.Read(path, &o); err != nil {
		return err
	}
	for {
		o.Count++
		ev := container("update", id)
		ev.Attributes = map[string]string{"count": strconv.Itoa(o.Count)}
		if _, err := j.Commit(ev, events.Carries(path, record.Volatile), func(seq engine.Seq) error {
			o.Seq = seq
			return record.Write(path, o, record.Volatile)
		}); err != nil {
			return err
		}
	}
}
