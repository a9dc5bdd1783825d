package shim

import (
	"errors"
	"fmt"
	"os"
	"time"

	"gantry/engine"
	"gantry/engine/record"
)

// takeOver makes this the monitor of a container whose monitor was killed. One
// that has ended meanwhile is concluded.
func (s *shim) takeOver() error {
	var start StartRecord
	if err := record.Read(s.cfg.file("start.json"), &start); err != nil {
		return fmt.Errorf("take over: %w", err)
	}
	var exit ExitRecord
	err := record.Read(s.cfg.file("exit.json"), &exit)
	if err == nil && exit.Attempt >= start.Attempt {
		return fmt.Errorf("take over: %w: the container has ended", engine.ErrConflict)
	}
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		return fmt.Errorf("take over: %w", err)
	}
	s.start = start
	s.held = false
	prog, err := adoptStranger(start)
	if err != nil {
		s.input.drop()
		s.streams.close()
		st := lost(start)
		s.unmounted()
		s.silence()
		s.conclude(ExitRecord{Attempt: start.Attempt, Code: st.Code, At: st.At, Error: st.Error, Health: LastHealth(s.cfg.Run, s.cfg.ID, start.Attempt)})
		return nil
	}
	if s.spec, err = readSpec(s.cfg.file("config.json")); err != nil {
		return err
	}
	s.watchMemory()
	s.program, s.state = prog, engine.Running
	s.holdAgain()
	if _, err := os.Lstat(s.cfg.runFile("paused")); err == nil {
		s.state = engine.Paused
	}
	// A terminal has gone with the monitor that had its master.
	if err := s.streams.connect(nil, s.input, s.out.write); err != nil {
		return err
	}
	if err := s.answerNamesOf(prog); err != nil {
		fmt.Fprintln(os.Stderr, err) // it runs all the same
	}
	s.watchHealth()
	go s.watch()
	return nil
}

// adoptStranger opens a process that is not our child.
func adoptStranger(start StartRecord) (*program, error) {
	if start.BootID != record.BootID() {
		return nil, fmt.Errorf("process of another boot: %w", engine.ErrNotFound)
	}
	watched, err := record.PidFD(start.Pid, start.PidStart)
	if err != nil {
		return nil, err
	}
	target, err := dup(watched)
	if err != nil {
		watched.Close()
		return nil, err
	}
	return &program{pid: start.Pid, start: start.PidStart, pidfd: watched, target: target}, nil
}

// lost is the end of a container that nobody saw.
func lost(start StartRecord) engine.ExitStatus {
	st := engine.ExitStatus{Code: UnknownExit, Error: "exit code unknown: " + errNoExitCode.Error(), At: time.Now().UTC()}
	if start.BootID != record.BootID() {
		st.Error = "the machine was restarted while it ran"
	}
	return st
}
