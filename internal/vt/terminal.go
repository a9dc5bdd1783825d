package vt

import (
	"context"
	"errors"
	"fmt"
	"image/color"
	"io"
	"maps"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// Terminal is a program on a virtual terminal. Make one with Start.
type Terminal struct {
	cmd    *exec.Cmd
	tty    *os.File // the master
	master int      // its descriptor
	stop   *os.File // closed, it ends draw
	held   *os.File // the slave, so that the terminal outlives the program

	mu      sync.Mutex
	emu     *vt.Emulator               // guarded by mu, but for its pipe of answers
	modes   map[ansi.Mode]bool         // guarded by mu: what was switched on or off
	hidden  bool                       // guarded by mu: the cursor
	title   string                     // guarded by mu
	written int64                      // guarded by mu: bytes that came from the program
	changed map[chan struct{}]struct{} // guarded by mu: who waits for output

	settling sync.Mutex
	mark     chan struct{} // gets one for each mark that settle sends

	ended              chan struct{} // closed when the program was waited for
	drawing, answering sync.WaitGroup
}

// Options of a terminal.
type Options struct {
	Width, Height int
	// Foreground and Background are the terminal's own colours, white on black
	// when nil; the program may ask for them.
	Foreground, Background color.Color
}

// Start runs cmd on a new terminal, as the leader of a session of its own.
func Start(cmd *exec.Cmd, o Options) (*Terminal, error) {
	master, slave, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("open terminal: %w", err)
	}
	woken, stop, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open terminal: %w", err), master.Close(), slave.Close())
	}
	t := &Terminal{
		cmd: cmd, tty: master, master: int(master.Fd()), stop: stop, held: slave, emu: vt.NewEmulator(o.Width, o.Height),
		modes: make(map[ansi.Mode]bool), changed: make(map[chan struct{}]struct{}), ended: make(chan struct{}), mark: make(chan struct{}, 1),
	}
	if o.Foreground != nil {
		t.emu.SetDefaultForegroundColor(o.Foreground)
	}
	if o.Background != nil {
		t.emu.SetDefaultBackgroundColor(o.Background)
	}
	t.listen()
	if err := t.Resize(o.Width, o.Height); err != nil {
		return nil, errors.Join(err, master.Close(), slave.Close())
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", cmd.Path, err), master.Close(), slave.Close())
	}
	t.drawing.Go(func() { t.draw(woken) })
	t.answering.Go(t.answer)
	go func() {
		_ = cmd.Wait() // its state says how it ended
		close(t.ended)
		t.wake()
	}()
	return t, nil
}

// listen keeps what the emulator does not: which modes are on, and the title.
func (t *Terminal) listen() {
	t.emu.RegisterOscHandler(settled, func([]byte) bool {
		t.mark <- struct{}{}
		return true
	})
	t.emu.SetCallbacks(vt.Callbacks{
		EnableMode:       func(m ansi.Mode) { t.modes[m] = true },
		DisableMode:      func(m ansi.Mode) { t.modes[m] = false },
		CursorVisibility: func(visible bool) { t.hidden = !visible },
		Title:            func(s string) { t.title = s },
	})
}

// draw feeds the emulator with what the program prints, until stop is closed.
// It reads under the lock, so that nothing is ever on its way between the
// terminal's buffer and the screen, where nobody would see it.
func (t *Terminal) draw(stop *os.File) {
	defer stop.Close()
	b := make([]byte, 64<<10)
	fds := []unix.PollFd{{Fd: int32(t.master), Events: unix.POLLIN}, {Fd: int32(stop.Fd()), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds, -1); err == unix.EINTR {
			continue
		} else if err != nil || fds[1].Revents != 0 {
			return
		}
		t.mu.Lock()
		n, err := unix.Read(t.master, b)
		t.written += int64(max(n, 0))
		_, _ = t.emu.Write(b[:max(n, 0)]) // fails only when closed
		t.mu.Unlock()
		if err != nil && err != unix.EINTR && err != unix.EAGAIN {
			return
		}
		t.wake()
	}
}

// answer gives the program what the terminal says to its questions.
func (t *Terminal) answer() { _, _ = io.Copy(t.tty, t.emu) }

func (t *Terminal) wake() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.changed {
		select {
		case c <- struct{}{}:
		default: // it is about to look anyway
		}
	}
}

// Close ends the program, if it has not ended, and the terminal.
func (t *Terminal) Close() error {
	select {
	case <-t.ended:
	default:
		_ = t.cmd.Process.Kill()
		<-t.ended
	}
	err := t.stop.Close()
	t.drawing.Wait()
	if answers, ok := t.emu.InputPipe().(io.Closer); ok {
		err = errors.Join(err, answers.Close()) // its own Close is not for two goroutines
	}
	t.answering.Wait()
	return errors.Join(err, t.held.Close(), t.tty.Close())
}

// Resize changes the size of the terminal; the program gets SIGWINCH.
func (t *Terminal) Resize(width, height int) error {
	t.mu.Lock()
	t.emu.Resize(width, height)
	t.mu.Unlock()
	if err := pty.Setsize(t.tty, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		return fmt.Errorf("resize terminal: %w", err)
	}
	return nil
}

// Process is the program's.
func (t *Terminal) Process() *os.Process { return t.cmd.Process }

// Written is how many bytes the program has printed.
func (t *Terminal) Written() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.written
}

// Title is the window's.
func (t *Terminal) Title() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.title
}

// Modes are those that were switched, with what they were switched to last.
func (t *Terminal) Modes() map[ansi.Mode]bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.modes)
}

// Termios are the settings of the line: whether it echoes, whether keys are
// read one by one.
func (t *Terminal) Termios() (*unix.Termios, error) {
	s, err := unix.IoctlGetTermios(int(t.held.Fd()), unix.TCGETS)
	if err != nil {
		return nil, fmt.Errorf("read terminal settings: %w", err)
	}
	return s, nil
}

// Wait waits until the screen fulfils a condition, and returns that screen. It
// fails when ctx ends before, or when the program ends without it; the last
// screen comes with the error.
func (t *Terminal) Wait(ctx context.Context, holds func(Screen) bool) (Screen, error) {
	news := make(chan struct{}, 1)
	t.mu.Lock()
	t.changed[news] = struct{}{}
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		delete(t.changed, news)
		t.mu.Unlock()
	}()
	for {
		over := false
		select {
		case <-t.ended:
			over = true
		default:
		}
		s := t.Screen()
		switch {
		case holds(s):
			return s, nil
		case over:
			// The last output may still be in the terminal's buffer.
			if s = t.settle(); holds(s) {
				return s, nil
			}
			return s, fmt.Errorf("the program ended (%v) before the screen showed it:\n%s", t.cmd.ProcessState, s.Text())
		}
		select {
		case <-news:
		case <-ctx.Done():
			return s, fmt.Errorf("the screen does not show it: %w\n%s", ctx.Err(), s.Text())
		}
	}
}

// settled is the number of a control sequence that means nothing but that all
// before it was drawn.
const settled = 7749

// settle waits until what an ended program printed last is drawn. The kernel
// does not tell how much is on its way through a terminal; so a mark goes the
// same way.
func (t *Terminal) settle() Screen {
	t.settling.Lock()
	defer t.settling.Unlock()
	if _, err := fmt.Fprintf(t.held, "\x1b]%d;\a", settled); err == nil {
		<-t.mark
	}
	return t.Screen()
}

// End waits for the end of the program and returns its state.
func (t *Terminal) End(ctx context.Context) (*os.ProcessState, error) {
	select {
	case <-t.ended:
		t.settle()
		return t.cmd.ProcessState, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("the program does not end: %w\n%s", ctx.Err(), t.Screen().Text())
	}
}
