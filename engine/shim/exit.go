package shim

import (
	"context"
	"errors"
	"fmt"
	"os"
	pathpkg "path"
	"runtime"
	"strconv"
	"sync"
	"time"

	"gantry/engine"
	"gantry/engine/events"
	"gantry/engine/record"
	"gantry/images/trash"
)

// born is when this process began, as in StartRecord.
func (s *shim) born() uint64 {
	s.bornOnce.Do(func() { s.bornAt, _ = record.PidStart(os.Getpid()) })
	return s.bornAt
}

// watch waits for the end of the container's first program, with which the
// kernel ends everything in its pid namespace.
func (s *shim) watch() {
	s.born() // while the container runs there is time
	st := s.program.wait()
	checkpoint("reaped")
	last := s.health.end()
	s.silence()
	s.input.drop()
	s.streams.finish()
	s.program.close()
	s.unmounted()
	s.conclude(ExitRecord{Attempt: s.start.Attempt, Code: st.Code, At: st.At, Error: st.Error, Health: last})
}

// conclude puts an end on record and tells everybody. The order is explained
// in doc.go.
func (s *shim) conclude(x ExitRecord) {
	s.mu.Lock()
	s.busy++ // the monitor must not leave in the middle
	s.mu.Unlock()
	defer s.leave()
	s.letGo()
	if s.oom != nil {
		x.OOM = s.oom.Killed()
		s.oom.Close()
	}
	sweep := sync.OnceFunc(s.sweep) // a second call waits for the first
	if !s.cfg.AutoRemove {
		go sweep()
	}
	if err := s.out.end(s.durability() == record.Durable); err != nil {
		fmt.Fprintf(os.Stderr, "end log: %v\n", err)
	}
	checkpoint("drained")
	if s.cfg.AutoRemove {
		x.ShimPid, x.ShimStart = os.Getpid(), s.born()
	}
	turn := s.plan(&x)
	attrs := s.attributes(nil)
	if err := RecordExit(s.cfg.Root, s.events, s.cfg.ID, x, attrs, s.durability()); err != nil {
		fmt.Fprintf(os.Stderr, "record exit: %v\n", err)
		turn.owes(x.Attempt, func() error {
			return RecordExit(s.cfg.Root, s.events, s.cfg.ID, x, s.attributes(nil), s.durability())
		})
	}
	checkpoint("exited")
	s.dropVolumes()
	free := sync.OnceFunc(s.giveBack)
	if !s.cfg.AutoRemove {
		sweep()
		free()
	}
	s.answer(x.Status())
	checkpoint("answered")
	runtime.Gosched() // the answers go first
	s.ahead.unmount()
	sweep()
	free() // after them: whoever restarts a --rm container waits for it
	s.clear()
	s.letGoOfNetwork(turn)
	if turn != nil {
		s.mu.Lock()
		s.busy++
		s.mu.Unlock()
		go func() {
			defer s.leave()
			turn.run()
		}()
	}
}

// NetworkFile in a container's runtime directory says what it has of networks;
// engine/network keeps it.
const NetworkFile = "network.json"

// letGoOfNetwork has the addresses and rules of an ended container taken away. One
// that is removed or started again loses them by that.
func (s *shim) letGoOfNetwork(turn *waiter) {
	if s.cfg.AutoRemove || turn != nil {
		return
	}
	if _, err := os.Lstat(s.cfg.runFile(NetworkFile)); err != nil {
		return
	}
	if _, err := executeFinish(s.cfg); err != nil {
		fmt.Fprintf(os.Stderr, "release networks: %v\n", err)
	}
}

// giveBack closes the log and frees the container's names.
func (s *shim) giveBack() {
	if err := errors.Join(s.out.close(), s.free()); err != nil {
		fmt.Fprintf(os.Stderr, "free: %v\n", err)
	}
}

// promised notes that an attacher is going to remove the container.
func (s *shim) promised() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.undoers++
}

// broken is called when it has gone, whether or not it kept its promise.
func (s *shim) broken() {
	s.mu.Lock()
	s.undoers--
	s.mu.Unlock()
	s.clear()
}

// clear has a container removed that has ended and was made to go with its
// end, unless somebody who is still there has promised to.
func (s *shim) clear() {
	s.mu.Lock()
	due := s.cfg.AutoRemove && s.state == engine.Exited && s.undoers == 0 && !s.cleared
	s.cleared = s.cleared || due
	s.mu.Unlock()
	if !due {
		return
	}
	if _, err := os.Lstat(s.cfg.Bundle); errors.Is(err, os.ErrNotExist) {
		// Whoever removed it left the deletion to us, and its networks: they are
		// waited for.
		if err := trash.Empty(context.Background(), s.cfg.Root); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		if _, err := os.Lstat(s.cfg.runFile(NetworkFile)); err != nil {
			return
		}
	}
	if _, err := executeFinish(s.cfg); err != nil {
		fmt.Fprintf(os.Stderr, "remove: %v\n", err)
	}
}

// answer tells everybody who waits.
func (s *shim) answer(st engine.ExitStatus) {
	s.mu.Lock()
	s.exit, s.state = st, engine.Exited
	s.mu.Unlock()
	close(s.ended)
	s.out.conclude(st)
}

// sweep removes the control group, with what a container that shares the
// host's pid namespace has left running.
func (s *shim) sweep() {
	g := s.group()
	if g == nil || g.DeleteEmpty() {
		return
	}
	if pids, err := g.Pids(); err != nil || len(pids) > 0 {
		if err := g.Kill(); err != nil {
			fmt.Fprintf(os.Stderr, "kill what is left: %v\n", err)
		}
	}
	if err := g.Delete(); err != nil {
		fmt.Fprintf(os.Stderr, "delete group: %v\n", err)
	}
}

// RecordExit writes a container's exit.json together with the events that
// tell of it. It is also for whoever finds a container whose monitor was killed
// (it must hold the container's lock, and no process LockPath).
func RecordExit(root string, j *events.Journal, id engine.ID, x ExitRecord, attrs map[string]string, d record.Durability) error {
	bundle := pathpkg.Join(root, "containers", string(id))
	path := pathpkg.Join(bundle, "exit.json")
	ev := engine.Event{Kind: engine.KindContainer, ID: string(id), Attributes: attrs}
	if x.OOM {
		ev.Action = engine.ActionOOM
		if _, err := j.Append(ev); err != nil {
			fmt.Fprintf(os.Stderr, "publish oom: %v\n", err)
		}
	}
	ev.Action = engine.ActionDie
	ev.Attributes = map[string]string{"exitCode": strconv.Itoa(x.Code)}
	for k, v := range attrs {
		ev.Attributes[k] = v
	}
	if x.OOM {
		ev.Attributes["oomKilled"] = "true"
	}
	var start StartRecord
	if err := record.Read(pathpkg.Join(bundle, "start.json"), &start); err == nil && start.Attempt == x.Attempt {
		ev.Attributes["execDuration"] = strconv.Itoa(int(max(x.At.Sub(start.StartedAt), 0) / time.Second))
	}
	_, err := j.Commit(ev, events.Carries(path, d), func(seq engine.Seq) error {
		x.Seq = seq
		return record.Write(path, x, d)
	})
	if err != nil && x.Seq == 0 {
		// The journal cannot be written; the exit has to be on record still.
		err = errors.Join(err, record.Write(path, x, d))
	}
	return err
}
