package shim

import (
	"errors"

	"gantry/engine"
)

// ErrGone says that there is no monitor: it has not been spawned, has left, or
// was killed, perhaps in the middle of a request. The records tell how the
// container stands.
var ErrGone = errors.New("the container has no monitor")

// errOld says that a monitor does not know a request.
var errOld = errors.New("the monitor is of an older version")

// classes are the errors that keep their identity over the socket. The first
// one that fits wins.
var classes = []struct {
	name string
	err  error
}{
	{"gone", ErrGone},
	{"noCommand", engine.ErrCommandNotFound},
	{"noExecutable", engine.ErrCommandNotExecutable},
	{"notFound", engine.ErrNotFound},
	{"conflict", engine.ErrConflict},
	{"inUse", engine.ErrInUse},
	{"corrupt", engine.ErrCorrupt},
	{"invalid", engine.ErrInvalid},
	{"notModified", engine.ErrNotModified},
	{"unsupported", engine.ErrUnsupported},
	{"permission", engine.ErrPermission},
	{"protocol", errProtocol},
}

// failure is an error as it travels.
type failure struct {
	Class string `json:"class,omitempty"`
	Text  string `json:"text"`
}

func failureOf(err error) failure {
	for _, c := range classes {
		if errors.Is(err, c.err) {
			return failure{Class: c.name, Text: err.Error()}
		}
	}
	return failure{Text: err.Error()}
}

// err is the error again: it has the text and Is its class.
func (f failure) err() error {
	for _, c := range classes {
		if c.name == f.Class {
			return &remoteError{text: f.Text, class: c.err}
		}
	}
	return errors.New(f.Text)
}

type remoteError struct {
	text  string
	class error
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.class }

// exitCode is docker's code for a start that failed.
func exitCode(err error) int {
	switch {
	case errors.Is(err, engine.ErrCommandNotFound):
		return 127
	case errors.Is(err, engine.ErrCommandNotExecutable):
		return 126
	}
	return 128
}
