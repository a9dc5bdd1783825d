package service

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// The paths of the binary in the demo's image: they decide the role.
const (
	Path  = "/gantry-demo"
	Shell = "/bin/sh"
)

// Inside is set in the environment of the demo's containers. Only there does
// a program that is called sh take this package's shell for its role.
const Inside = "GANTRY_DEMO"

// Roles of Path, its first argument.
const (
	Web     = "web"
	Queue   = "queue"
	Store   = "store"
	Migrate = "migrate"
)

// Format is the name of the variable that chooses how Web writes its log:
// "json", else with colours.
const Format = "LOG_FORMAT"

// Dispatch runs the role that the command line names, and returns when it names
// none of this package's.
func Dispatch(args []string) {
	switch args[0] {
	case Path:
		os.Exit(Main(args[1:]))
	case Shell, "sh":
		if os.Getenv(Inside) != "" {
			os.Exit(shell(os.Stdin, os.Stdout))
		}
	}
}

// Main runs a service until it is told to stop, and returns its exit code.
func Main(args []string) int {
	if len(args) == 0 {
		return usage()
	}
	switch args[0] {
	case Web:
		return runWeb(args[1:])
	case Queue:
		return runQueue()
	case Store:
		return runStore()
	case Migrate:
		return runMigrate()
	}
	return usage()
}

func usage() int {
	fmt.Fprintln(os.Stderr, "gantry-demo: want a service: web, queue, store or migrate")
	return 2
}

// untilStopped runs a service's parts beside each other until a signal asks it
// to end. hangUp is what it does on SIGHUP.
func untilStopped(hangUp func(), parts ...func()) os.Signal {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	for _, run := range parts {
		go run()
	}
	for s := range signals {
		if s != syscall.SIGHUP {
			return s
		}
		hangUp()
	}
	return syscall.SIGTERM
}

// every calls f for ever, after pauses that pause gives.
func every(pause func() time.Duration, f func()) {
	for {
		time.Sleep(pause())
		f()
	}
}
