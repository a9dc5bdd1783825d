package engine

import (
	"context"
	"io"
)

// Session is a connection to a program's standard streams: an attach, or an
// exec together with its program. Close detaches; it does not end the program.
type Session interface {
	// Copy writes what the program prints until the streams end, the session
	// is closed, or a writer fails. With a terminal everything goes to stdout.
	// It is called once.
	Copy(stdout, stderr io.Writer) error
	// Write sends to standard input; CloseWrite ends it.
	io.Writer
	CloseWrite() error
	Resize(ctx context.Context, size TermSize) error
	// Signal goes to the program of an exec, or to the container's first.
	Signal(ctx context.Context, signal string) error
	// Wait returns how the program of the session ended.
	Wait(ctx context.Context) (ExitStatus, error)
	Close() error
}
