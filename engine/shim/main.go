package shim

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"gantry/engine/ociruntime"
	"gantry/internal/usock"
)

// Name is argv[0] of a monitor, by which the program's entry knows it. Its
// arguments are the path of shim.json and "adopt", "await", "spare" or nothing.
const Name = "gantry-shim"

const adoptArg = "adopt"

// spawnerFD is a socket to the process that spawned us: it gets one frame when
// we listen, or a failure, and its end tells us that it has gone.
const spawnerFD = 3

// Main is the role gantry-shim. It does not return.
func Main() {
	unix.CloseOnExec(spawnerFD)
	unix.SetNonblock(spawnerFD, true)
	settleDown()
	// The caller is a package init, whose goroutine is bound to the main
	// thread: each switch to another goroutine and back would be one between
	// threads, 0.1 ms each time.
	go serveOne(newConn(os.NewFile(spawnerFD, "spawner")))
	select {}
}

// serveOne is the monitor's life. It does not return.
func serveOne(spawner *conn) {
	if args := os.Args[1:]; len(args) > 1 && args[1] == awaitArg {
		awaitMain(spawner, args[0])
	}
	s, err := begin(spawner, os.Args[1:])
	if err != nil {
		spawner.sendJSON(kindFailure, failureOf(err))
		os.Exit(1)
	}
	if err := spawner.sendJSON(kindAnswer, answer{}); err != nil {
		s.released()
	} else {
		go func() {
			s.obey(spawner)
			s.released()
		}()
	}
	if spare(os.Args[1:]) {
		s.ahead.load(s.cfg) // whoever prepares a monitor starts it soon
	}
	<-s.left
	if s.exited() {
		os.Exit(0)
	}
	// Nothing was started: the container is as it was.
	s.ahead.end()
	if err := errors.Join(s.out.close(), s.free()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// obey hears whoever spawned us, until that has gone.
func (s *shim) obey(spawner *conn) {
	for {
		var req request
		if spawner.receive(kindRequest, &req) != nil {
			return
		}
		if req.Op == opBuild {
			s.build()
		}
	}
}

// begin makes the monitor and lets it serve.
func begin(spawner *conn, args []string) (*shim, error) {
	if len(args) == 0 {
		return nil, errors.New("this role is started by gantry only")
	}
	if spare(args) {
		if err := stand(spawner); err != nil {
			return nil, err
		}
	}
	s, err := newShim(args[0])
	if err != nil {
		return nil, err
	}
	if spare(args) {
		if err := takeLog(s.cfg); err != nil {
			return nil, err
		}
	}
	if g := s.cfg.MonitorGroup; g != nil {
		if err := g.Join(os.Getpid()); err != nil {
			return nil, err
		}
	}
	checkpoint("locked")
	if s.streams, s.input, err = openStdio(s.cfg); err != nil {
		return nil, err
	}
	if s.socket, err = usock.Listen(socketPath(s.cfg.Run, s.cfg.ID)); err != nil {
		return nil, err
	}
	if len(args) > 1 && args[1] == adoptArg {
		if err := s.takeOver(); err != nil {
			return nil, err
		}
	}
	go s.accept()
	checkpoint("listening")
	return s, nil
}

func (s *shim) exited() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// settleDown makes this process one that lives long beside many like it and
// outlives whoever started it.
func settleDown() {
	runtime.MemProfileRate = 0 // its table has a page for nearly every sample
	os.Chdir("/")
	// It would be called by the number of the descriptor that it runs from.
	ociruntime.NameThread(Name)
	unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	// Its end would leave the container without an exit code. Lowering needs
	// CAP_SYS_RESOURCE, which root in a container may lack.
	adjustOOM(os.Getpid(), "-999")
	// SIGTERM comes at a shutdown, where the container's end is still wanted.
	// Programs of the container do not inherit this (ociruntime). To catch and
	// drop them would take a switch between threads for each.
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU)
}

func adjustOOM(pid int, score string) {
	os.WriteFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", []byte(score), 0)
}
