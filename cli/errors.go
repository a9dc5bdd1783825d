package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"gantry/engine"
)

// Exit codes, docker's.
const (
	exitFailure       = 1
	exitEngine        = 125 // run, create, exec: it did not come to a program
	exitNotExecutable = 126
	exitNotFound      = 127
)

// exitError ends the process with a code. Without err nothing is printed: the
// code is that of a container, or the errors were printed one by one.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usageError is a command line that makes no sense. cmd is what to ask for
// help.
type usageError struct {
	cmd   *cobra.Command
	err   error
	flag  bool // of a flag, found by the parser
	count bool // of the number of arguments
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// hintError is an error with advice.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }

func withHint(err error, hint string) error { return &hintError{err: err, hint: hint} }

// mildError is told and changes no exit code: what was to be brought about is
// so already. docker has it for what rm --force does not find.
type mildError struct{ err error }

func (e *mildError) Error() string { return e.err.Error() }
func (e *mildError) Unwrap() error { return e.err }

// signalError is the cause of a context that a signal ended.
type signalError struct{ sig os.Signal }

func (e *signalError) Error() string { return e.sig.String() }

// programCode is the exit code for a program that could not be started.
func programCode(err error, otherwise int) int {
	switch {
	case errors.Is(err, engine.ErrCommandNotFound):
		return exitNotFound
	case errors.Is(err, engine.ErrCommandNotExecutable):
		return exitNotExecutable
	}
	return otherwise
}

// report prints an error as one line, and a hint under it where there is one,
// and returns the exit code.
func (a *app) report(ctx context.Context, err error) int {
	if err == nil {
		return 0
	}
	code := exitFailure
	var exit *exitError
	var usage *usageError
	var sig *signalError
	switch {
	case errors.As(err, &exit):
		if code = exit.code; exit.err == nil {
			return code
		}
	case errors.As(err, &usage):
		code = usageCode(usage)
	case errors.As(err, &sig), errors.Is(err, context.Canceled) && errors.As(context.Cause(ctx), &sig):
		if n, ok := sig.sig.(syscall.Signal); ok {
			return 128 + int(n)
		}
	case errors.Is(err, syscall.EPIPE):
		// The reader of our output left (| head): not worth a word.
		return 128 + int(syscall.SIGPIPE)
	}
	a.complain(err)
	return code
}

// complain prints an error without ending anything.
func (a *app) complain(err error) {
	fmt.Fprintf(a.std.Err, "gantry: %s\n", printable(err.Error(), "\t\n"))
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(a.std.Err, "hint: %s\n", printable(hint, "\t\n"))
	}
}

func hintOf(err error) string {
	var hint *hintError
	var op *engine.OpError
	var usage *usageError
	switch {
	case errors.As(err, &hint):
		return hint.hint
	case errors.As(err, &usage):
		return fmt.Sprintf("run '%s --help' for its usage", usage.cmd.CommandPath())
	case errors.As(err, &op) && op.Hint != "":
		return op.Hint
	case errors.Is(err, engine.ErrPermission), errors.Is(err, os.ErrPermission):
		return "run gantry as root"
	}
	return ""
}

// usageCode is docker's: a flag that makes no sense is 125, a wrong number of
// arguments 1. Of the verbs that run programs all the rest is 125 as well, so
// that 1 stays the program's.
func usageCode(usage *usageError) int {
	switch {
	case usage.flag:
		return exitEngine
	case usage.count:
		return exitFailure
	}
	switch usage.cmd.Name() {
	case "run", "create", "exec":
		return exitEngine
	}
	return exitFailure
}

// each runs do for every name, one after the other. It prints the name after a
// success and the error after a failure, and fails in the end when one did.
func (a *app) each(names []string, do func(name string) error) error {
	failed := false
	for _, name := range names {
		if err := do(name); err != nil {
			if errors.Is(err, context.Canceled) {
				return err
			}
			var mild *mildError
			failed = failed || !errors.As(err, &mild)
			a.complain(err)
			continue
		}
		a.println(name)
	}
	if failed {
		return &exitError{code: exitFailure}
	}
	return nil
}
