package shim

import (
	"errors"
	"fmt"
	"os"
	"path"
	"time"

	"gantry/engine"
	"gantry/engine/cgroup/leaf"
	"gantry/engine/network/hostport"
)

// ConfigFile is the name of a monitor's orders in the container's directory.
const ConfigFile = "shim.json"

// Config is shim.json: what a monitor needs to know besides the bundle's
// config.json, and what may change from one start to the next.
type Config struct {
	ID     engine.ID `json:"id"`
	Root   string    `json:"root"`
	Run    string    `json:"run"`
	Bundle string    `json:"bundle"` // the container's directory
	Layers []string  `json:"layers"` // bottom first, with the mount points below those of the image

	Tty       bool `json:"tty,omitempty"`
	OpenStdin bool `json:"openStdin,omitempty"`
	// StdinOnce ends the container's standard input when the first attacher
	// that writes to it ends its own.
	StdinOnce  bool `json:"stdinOnce,omitempty"`
	AutoRemove bool `json:"autoRemove,omitempty"`
	// Restart is read again at the end, because an update may change it.
	Restart engine.RestartPolicy `json:"restart,omitzero"`
	Init    bool                 `json:"init,omitempty"`
	User    string               `json:"user,omitempty"` // as given; resolved in the container
	// Groups are further ones, by number or name; of exec sessions, too, that
	// name no user of their own.
	Groups []string `json:"groups,omitempty"`

	Health *HealthCheck `json:"health,omitempty"` // nil: nothing is checked

	Log LogConfig `json:"log"`
	// Volumes are told of at each start and end.
	Volumes []VolumeMount `json:"volumes,omitempty"`
	// Attributes go into the container's events: name, image, labels. The
	// monitor reads them again for each event, because a rename changes them.
	Attributes map[string]string `json:"attributes"`
	Group      leaf.Group        `json:"group"`
	// MonitorGroup is where the monitor puts itself, so that it does not die
	// with the session of whoever started the container. nil: it stays.
	MonitorGroup *leaf.Group `json:"monitorGroup,omitempty"`
}

// LogConfig is the rotation of the log; see journal.Options.
type LogConfig struct {
	MaxSize int64 `json:"maxSize,omitempty"`
	MaxFile int   `json:"maxFile,omitempty"`
	// Passing says that nothing is kept: what attachers have not taken yet is in
	// the runtime directory, up to passingSize of it, until the container ends.
	Passing bool `json:"passing,omitempty"`
}

// passingSize is what an attacher may lag behind, in two files, before it loses
// output that is kept nowhere.
const passingSize = 8 << 20

// StartRecord is start.json: which process an attempt to run the container is.
// It is written before the program is let go.
type StartRecord struct {
	Attempt   int       `json:"attempt"` // counts starts from 1
	Pid       int       `json:"pid"`
	PidStart  uint64    `json:"pidStart"` // field 22 of /proc/PID/stat
	BootID    string    `json:"bootID"`
	StartedAt time.Time `json:"startedAt"`
	ShimPid   int       `json:"shimPid"`
	Again     Again     `json:"again,omitzero"`
	// Ports of the host are held by the monitor while the container runs.
	Ports []hostport.Port `json:"ports,omitempty"`
}

// ExitRecord is exit.json: how the attempt of that number ended. It comes with
// the event that its sequence number names, see events.Journal.Commit.
type ExitRecord struct {
	Attempt int       `json:"attempt"`
	Code    int       `json:"code"`
	OOM     bool      `json:"oom,omitempty"`
	At      time.Time `json:"at"`
	Error   string    `json:"error,omitempty"`
	// NeverRan: the attempt failed before the program ran, and so did all
	// before it. Such a container still is "created".
	NeverRan bool           `json:"neverRan,omitempty"`
	Health   *engine.Health `json:"health,omitempty"` // as it was last; nil: nothing was checked
	Seq      engine.Seq     `json:"seq"`
	// The monitor that wrote it. A container that is to go with its end is
	// removed as long as this one lives, by it or by an attacher that it knows.
	ShimPid   int    `json:"shimPid,omitempty"`
	ShimStart uint64 `json:"shimStart,omitempty"`
	// Again is that of the attempt, or of the next one where a start is planned.
	Again Again `json:"again,omitzero"`
	// Due is when the container is to be started again by its policy; zero: it is
	// not. BootID is the boot in which that was planned.
	Due    time.Time `json:"due,omitzero"`
	BootID string    `json:"bootID,omitempty"`
	// Stopped: somebody stopped it, so that unless-stopped does not bring it back.
	Stopped bool `json:"stopped,omitempty"`
}

// Status is the record as others see it.
func (x ExitRecord) Status() engine.ExitStatus {
	return engine.ExitStatus{Code: x.Code, OOMKilled: x.OOM, Error: x.Error, At: x.At}
}

// UnknownExit is the code of an end that nobody saw.
const UnknownExit = 255

// runDir is the container's part of the runtime directory.
func runDir(run string, id engine.ID) string { return path.Join(run, "c", id.Short()) }

func socketPath(run string, id engine.ID) string { return path.Join(runDir(run, id), "shim.sock") }

// LockPath is the file that a monitor holds an exclusive flock on while it is
// at work (record.FileHeld tells): until then, an end of its container that is
// not on record yet will be.
func LockPath(run string, id engine.ID) string { return path.Join(runDir(run, id), "shim.pid") }

// makeRunDir makes the container's part of the runtime directory. That is there
// as a rule, so that nothing above has to be looked at.
func (c *Config) makeRunDir() error {
	err := os.Mkdir(c.runDir(), 0o700)
	if errors.Is(err, os.ErrNotExist) {
		err = os.MkdirAll(c.runDir(), 0o700)
	}
	if err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("make run directory: %w", err)
	}
	return nil
}

func (c *Config) runDir() string             { return runDir(c.Run, c.ID) }
func (c *Config) file(name string) string    { return path.Join(c.Bundle, name) }
func (c *Config) runFile(name string) string { return path.Join(c.runDir(), name) }
