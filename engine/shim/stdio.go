package shim

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"gantry/logs"
)

// stdio is the monitor's side of the container's standard streams.
type stdio struct {
	cfg     *Config
	sources []*source
	// keep holds the input's FIFO open until the container does: written data
	// would be lost with the last descriptor.
	keep *os.File
}

// openStdio makes the FIFOs, or finds those of an earlier monitor. With a
// terminal there are none.
func openStdio(cfg *Config) (_ *stdio, in *input, err error) {
	st := &stdio{cfg: cfg}
	defer func() {
		if err != nil {
			st.close()
		}
	}()
	if cfg.OpenStdin {
		in = newInput()
	}
	if cfg.Tty {
		return st, in, nil
	}
	for _, s := range streams {
		f, err := openFIFO(cfg.runFile(s.String()))
		if err != nil {
			return nil, nil, err
		}
		st.sources = append(st.sources, newSource(f, s, false))
	}
	if in != nil {
		if st.keep, err = openFIFO(cfg.runFile("stdin")); err != nil {
			return nil, nil, err
		}
		w, err := os.OpenFile(cfg.runFile("stdin"), os.O_WRONLY|unix.O_NONBLOCK, 0)
		if err != nil {
			return nil, nil, fmt.Errorf("open fifo: %w", err)
		}
		in.connect(w)
	}
	return st, in, nil
}

// ends opens the container's sides. It holds its output open for reading as
// well, so that it does not die of SIGPIPE with its monitor; and its input for
// writing, so that this does not end with the monitor, unless the end is meant
// to be seen.
func (st *stdio) ends() (files [3]*os.File, err error) {
	if st.cfg.Tty {
		return files, nil
	}
	defer func() {
		if err != nil {
			closeAll(files[:])
		}
	}()
	if st.cfg.OpenStdin {
		mode := os.O_RDWR
		if st.cfg.StdinOnce {
			mode = os.O_RDONLY
		}
		if files[0], err = openBlocking(st.cfg.runFile("stdin"), mode); err != nil {
			return files, err
		}
	}
	for i, s := range streams {
		if files[i+1], err = openBlocking(st.cfg.runFile(s.String()), os.O_RDWR); err != nil {
			return files, err
		}
	}
	return files, nil
}

// connect is called when the container has its ends: its output flows. console
// is nil without a terminal.
func (st *stdio) connect(console *os.File, in *input, sink func(logs.Stream, []byte)) error {
	if console != nil {
		// Its own descriptor: closing the input must not close the output.
		w, err := dup(console)
		if err != nil {
			return err
		}
		if in != nil {
			in.connect(w)
		} else {
			w.Close()
		}
		st.sources = append(st.sources, newSource(console, logs.Stdout, true))
	}
	if st.keep != nil {
		st.keep.Close()
		st.keep = nil
	}
	for _, s := range st.sources {
		go s.pump(sink)
	}
	return nil
}

// finish reads what the container has left in its streams.
func (st *stdio) finish() {
	for _, s := range st.sources {
		s.finish()
	}
}

// close is for streams that were never connected.
func (st *stdio) close() {
	for _, s := range st.sources {
		s.f.Close()
	}
	if st.keep != nil {
		st.keep.Close()
	}
}

func closeAll(files []*os.File) error {
	var errs []error
	for _, f := range files {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}
