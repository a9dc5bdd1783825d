package cli

import (
	"fmt"
	"sync"

	"golang.org/x/term"
)

// fileDescriptor is what *os.File has.
type fileDescriptor interface{ Fd() uintptr }

func isTerminal(v any) bool {
	f, ok := v.(fileDescriptor)
	return ok && term.IsTerminal(int(f.Fd()))
}

// terminalSize returns columns and rows.
func terminalSize(v any) (cols, rows int, ok bool) {
	f, isFile := v.(fileDescriptor)
	if !isFile {
		return 0, 0, false
	}
	cols, rows, err := term.GetSize(int(f.Fd()))
	return cols, rows, err == nil && cols > 0 && rows > 0
}

// makeRaw puts a terminal into raw mode. restore may be called several times
// and from any goroutine.
func makeRaw(v any) (restore func(), err error) {
	fd := int(v.(fileDescriptor).Fd())
	old, err := term.MakeRaw(fd)
	if err != nil {
		return nil, fmt.Errorf("set terminal to raw mode: %w", err)
	}
	return sync.OnceFunc(func() { _ = term.Restore(fd, old) }), nil
}

// ansi tells whether moving the cursor on w makes sense.
func (a *app) ansi(w any) bool { return isTerminal(w) && a.env("TERM") != "dumb" }
