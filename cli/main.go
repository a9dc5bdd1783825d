package cli

import (
	"context"
	"io"
	"os"
	"os/signal"

	"gantry/engine"
)

// Program is what main passes in: the implementations behind the verbs.
type Program struct {
	Version string
	// Open opens the engine. It is called at most once, by the first verb that
	// needs it; Main closes it.
	Open func(ctx context.Context, g Global) (engine.Engine, error)
	// UI runs the workbench until its user leaves: gantry without a verb on a
	// terminal. nil: there is none, and help is shown.
	UI func(ctx context.Context, g Global) error
	// Config reads the configuration file; path "" is the usual place, where a
	// missing file is no error. What is wrong in the file is the error, beside
	// what could be read. nil: there is no configuration.
	Config func(path string) (Config, error)
	// DetachKeys reads no more of that file than the key sequence that detaches
	// from a container, in docker's syntax; "" is the default. What is wrong with
	// the file is told by config check and never keeps a container from running.
	// nil: there is no configuration.
	DetachKeys func(path string) string
	// Themes lists what the workbench can be drawn in, by the configuration
	// file as for Config. nil: there is no workbench.
	Themes func(path string) ([]Theme, error)
}

// Theme is one theme of the workbench.
type Theme struct {
	Name       string
	Background string // what it is made for: "dark", "light", "any", "either"
	File       string // "" when it is built in
	About      string
}

// Global is what the flags in front of the verb say. Empty fields mean the
// defaults of whoever reads them.
type Global struct {
	Root   string // state directory
	Run    string // runtime directory
	Config string // configuration file
	// Of the workbench alone.
	Theme string
	ASCII bool
}

// Config is what the command line tells of the configuration file.
type Config struct {
	Path string // the file that was read, "" when there is none
}

// IO is the world around the process. Terminals are recognised by their file
// descriptor.
type IO struct {
	In       io.Reader
	Out, Err io.Writer
	// LookupEnv reads the environment of the process.
	LookupEnv func(string) (string, bool)
	// Notify and StopNotify are signal.Notify and signal.Stop; nil: no signal
	// ever comes.
	Notify     func(c chan<- os.Signal, sig ...os.Signal)
	StopNotify func(c chan<- os.Signal)
}

// System is the IO of the process itself.
func System() IO {
	return IO{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		LookupEnv: os.LookupEnv, Notify: signal.Notify, StopNotify: signal.Stop,
	}
}

// Main runs one command line, without the name of the program, and returns the
// exit code.
func Main(ctx context.Context, args []string, std IO, p Program) int {
	a := &app{std: std, prog: p}
	ctx, stop := a.catchSignals(ctx)
	defer stop()
	root := a.root(args)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if cerr := a.close(); err == nil {
		err = cerr
	}
	return a.report(ctx, err)
}
