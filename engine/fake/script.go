package fake

import (
	"time"

	"gantry/engine"
	"gantry/logs"
)

// Container scripts a container that is already there.
type Container struct {
	Name     string
	Image    string // must be in the store
	Command  []string
	State    engine.State // created when empty
	ExitCode int          // of an exited one
	OOM      bool
	Error    string    // why its last start failed
	Restarts int       // how often its policy has started it again
	Created  time.Time // now when zero
	Started  time.Time // Created when zero
	Finished time.Time // now when zero
	Program  Program   // of the running ones and of later starts; Idle when nil
	Labels   map[string]string
	Host     engine.HostConfig
	Networks []string // names; the engine's default when empty
	Tty      bool
	Log      []logs.Entry
	Sample   func(time.Time) engine.Sample
	SizeRw   int64
}

// AddContainer puts a container into the engine, in the state that it says,
// and returns its ID. It panics when the script does not make sense.
func (e *Engine) AddContainer(script Container) engine.ID {
	e.mu.Lock()
	defer e.mu.Unlock()
	if script.Command == nil {
		script.Command = []string{"/bin/app"}
	}
	c, err := e.newContainer(engine.CreateOptions{Name: script.Name, Host: script.Host, Networks: attachments(script.Networks), Config: engine.ContainerConfig{
		Image: script.Image, Cmd: script.Command, Labels: script.Labels, Tty: script.Tty, OpenStdin: script.Tty,
	}})
	if err != nil {
		panic(err)
	}
	e.containers = append(e.containers, c)
	if c.program = script.Program; c.program == nil {
		c.program = Idle
	}
	c.log = script.Log
	c.sizeRw = script.SizeRw
	if script.Sample != nil {
		c.sample = script.Sample
	}
	if !script.Created.IsZero() {
		c.detail.Created = script.Created.UTC()
	}
	started := c.detail.Created
	if !script.Started.IsZero() {
		started = script.Started.UTC()
	}
	e.event(c, engine.ActionCreate)
	c.state.Error, c.detail.RestartCount = script.Error, script.Restarts
	switch script.State {
	case engine.Running, engine.Paused:
		e.begin(c, c.program, started)
		c.state.Status, c.state.Paused = script.State, script.State == engine.Paused
	case engine.Exited:
		finished := time.Now().UTC()
		if !script.Finished.IsZero() {
			finished = script.Finished.UTC()
		}
		c.exits = 1
		c.lastExit = engine.ExitStatus{Code: script.ExitCode, OOMKilled: script.OOM, At: finished}
		c.state = engine.ContainerState{Status: engine.Exited, ExitCode: script.ExitCode, OOMKilled: script.OOM, Error: script.Error, StartedAt: started, FinishedAt: finished}
	case engine.Removing, engine.Dead, engine.Restarting:
		c.state.Status, c.state.StartedAt, c.state.ExitCode = script.State, started, script.ExitCode
		c.state.Dead, c.state.Restarting = script.State == engine.Dead, script.State == engine.Restarting
	}
	e.notify()
	return c.id
}

// Exit ends a container's program with a code, as if it had returned; oom says
// that the kernel killed it for memory. It does nothing when it is not running.
func (e *Engine) Exit(ref string, code int, oom bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, err := e.find("end", ref)
	if err != nil || c.proc == nil {
		return err
	}
	p := c.proc
	c.state.OOMKilled = oom
	if oom {
		e.event(c, engine.ActionOOM)
	}
	p.ended, p.code = true, code
	e.exited(c, p)
	p.kill()
	return nil
}
