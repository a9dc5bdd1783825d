package enginetest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"gantry/engine"
)

// Options say what the engine under test has.
type Options struct {
	Image    string        // a busybox-like image in the store, as users name it
	Patience time.Duration // for one condition; 20 s when zero
}

// Run runs the suite. open is called once per test and returns an engine with
// the image in its store; the suite closes it.
func Run(t *testing.T, open func(t *testing.T) engine.Engine, opts Options) {
	if opts.Patience == 0 {
		opts.Patience = 20 * time.Second
	}
	tests := []struct {
		name string
		run  func(*suite)
	}{
		{"Lifecycle", testLifecycle},
		{"LifecycleRefusals", testRefusals},
		{"NameClash", testNameClash},
		{"DrawnNames", testDrawnNames},
		{"Lookup", testLookup},
		{"AmbiguousPrefix", testAmbiguous},
		{"MissingImage", testMissingImage},
		{"MissingProgram", testMissingProgram},
		{"ExitCodes", testExitCodes},
		{"WaitConditions", testWait},
		{"WaitRemoved", testWaitRemoved},
		{"AutoRemove", testAutoRemove},
		{"StopAsksThenKills", testStop},
		{"Kill", testKill},
		{"Restart", testRestart},
		{"RestartAutoRemove", testRestartAutoRemove},
		{"Pause", testPause},
		{"Rename", testRename},
		{"Update", testUpdate},
		{"ListFilters", testListFilters},
		{"ListOrder", testListOrder},
		{"ImageDefaults", testImageDefaults},
		{"Prune", testPrune},
		{"AttachBeforeStart", testAttachBeforeStart},
		{"AttachStdin", testAttachStdin},
		{"AttachTwice", testAttachTwice},
		{"Exec", testExec},
		{"ExecRefusals", testExecRefusals},
		{"Logs", testLogs},
		{"LogsFollow", testLogsFollow},
		{"LogPlaces", testLogPlaces},
		{"Stats", testStats},
		{"PulledStats", testPulledStats},
		{"Top", testTop},
		{"SignalProcess", testSignalProcess},
		{"EventsOfALife", testEvents},
		{"EventsWithoutGap", testEventsWithoutGap},
		{"EventFilters", testEventFilters},
		{"Images", testImages},
		{"Copy", testCopy},
		{"Changes", testChanges},
		{"Export", testExport},
		{"Commit", testCommit},
		{"DiskUsage", testDiskUsage},
		{"Volumes", testVolumes},
		{"VolumeUsers", testVolumeUsers},
		{"VolumePrune", testVolumePrune},
		{"VolumeEvents", testVolumeEvents},
		{"VolumeAutoRemove", testVolumeAutoRemove},
		{"VolumeBrowse", testBrowse},
		{"Connections", testConnections},
		{"Networks", testNetworks},
		{"NetworkUsers", testNetworkUsers},
		{"NetworkEvents", testNetworkEvents},
		{"Info", testInfo},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := open(t)
			t.Cleanup(func() {
				if err := e.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			ctx, cancel := context.WithTimeout(t.Context(), 3*opts.Patience)
			t.Cleanup(cancel)
			test.run(&suite{T: t, ctx: ctx, e: e, c: e.Containers(), opts: opts})
		})
	}
}

// suite is one test's engine and the shorthands that tests are written in.
type suite struct {
	*testing.T
	ctx  context.Context
	e    engine.Engine
	c    engine.Containers
	opts Options
	n    int
}

// name makes a container name that no other test uses.
func (s *suite) name() string {
	s.n++
	base := strings.NewReplacer("/", "-", "#", "-").Replace(s.Name())
	return strings.ToLower(base) + "-" + string(rune('a'+s.n-1))
}

func (s *suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *suite) wantIs(err, class error) {
	s.Helper()
	if !errors.Is(err, class) {
		s.Errorf("error = %v, want one that is %q", err, class)
	}
}

// create makes a container of the image that is removed after the test.
func (s *suite) create(command string, change ...func(*engine.CreateOptions)) engine.ID {
	s.Helper()
	opts := engine.CreateOptions{Name: s.name(), Host: engine.HostConfig{NetworkMode: "none"},
		Config: engine.ContainerConfig{Image: s.opts.Image, Cmd: []string{"sh", "-c", command}}}
	for _, f := range change {
		f(&opts)
	}
	res, err := s.c.Create(s.ctx, opts)
	s.must(err)
	s.Cleanup(func() {
		err := s.c.Remove(context.WithoutCancel(s.ctx), string(res.ID), engine.RemoveOptions{Force: true})
		if err != nil && !errors.Is(err, engine.ErrNotFound) {
			s.Errorf("remove after the test: %v", err)
		}
	})
	return res.ID
}

func (s *suite) start(command string, change ...func(*engine.CreateOptions)) engine.ID {
	s.Helper()
	id := s.create(command, change...)
	s.must(s.c.Start(s.ctx, string(id)))
	return id
}

func (s *suite) state(id engine.ID) engine.ContainerState {
	s.Helper()
	d, err := s.c.Inspect(s.ctx, string(id))
	s.must(err)
	return d.State
}

func (s *suite) wantState(id engine.ID, want engine.State) {
	s.Helper()
	got := s.state(id)
	if got.Status != want {
		s.Fatalf("state = %s, want %s", got.Status, want)
	}
	if live := want.Live(); got.Running != live || (got.Pid != 0) != live {
		s.Errorf("state %s with Running %v and Pid %d", want, got.Running, got.Pid)
	}
}

func (s *suite) wait(id engine.ID, until engine.WaitCondition) engine.ExitStatus {
	s.Helper()
	status, err := s.c.Wait(s.ctx, string(id), until)
	s.must(err)
	return status
}

// talk attaches to a container and collects what it prints.
func (s *suite) talk(id engine.ID, opts engine.AttachOptions) (*screen, engine.Session) {
	s.Helper()
	sess, err := s.c.Attach(s.ctx, string(id), opts)
	s.must(err)
	return s.collect(sess), sess
}

func (s *suite) collect(sess engine.Session) *screen {
	sc := &screen{s: s, changed: make(chan struct{}), done: make(chan error, 1)}
	sc.out.sc, sc.err.sc = sc, sc
	go func() { sc.done <- sess.Copy(&sc.out, &sc.err) }()
	s.Cleanup(func() { sess.Close() })
	return sc
}

// screen collects the output of a session.
type screen struct {
	s        *suite
	done     chan error // from Copy
	out, err pane

	mu      sync.Mutex // guards the rest and the panes' buffers
	changed chan struct{}
}

type pane struct {
	sc  *screen
	buf bytes.Buffer
}

func (p *pane) Write(b []byte) (int, error) {
	p.sc.mu.Lock()
	defer p.sc.mu.Unlock()
	p.buf.Write(b)
	close(p.sc.changed)
	p.sc.changed = make(chan struct{})
	return len(b), nil
}

// until waits for text on standard output.
func (sc *screen) until(text string) {
	sc.s.Helper()
	timeout := time.After(sc.s.opts.Patience)
	for {
		sc.mu.Lock()
		got, changed := sc.out.buf.String(), sc.changed
		sc.mu.Unlock()
		if strings.Contains(got, text) {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			sc.s.Fatalf("waited for %q on stdout, have %q", text, got)
		}
	}
}

// end waits for the end of the streams and compares them.
func (sc *screen) end(stdout, stderr string) {
	sc.s.Helper()
	select {
	case err := <-sc.done:
		sc.s.must(err)
	case <-time.After(sc.s.opts.Patience):
		sc.s.Fatal("the streams did not end")
	}
	if got := sc.out.buf.String(); got != stdout {
		sc.s.Errorf("stdout = %q, want %q", got, stdout)
	}
	if got := sc.err.buf.String(); got != stderr {
		sc.s.Errorf("stderr = %q, want %q", got, stderr)
	}
}

func withName(name string) func(*engine.CreateOptions) {
	return func(o *engine.CreateOptions) { o.Name = name }
}

func withLabels(labels map[string]string) func(*engine.CreateOptions) {
	return func(o *engine.CreateOptions) { o.Config.Labels = labels }
}

func withStdin(o *engine.CreateOptions) { o.Config.OpenStdin, o.Config.StdinOnce = true, true }

func withAutoRemove(o *engine.CreateOptions) { o.Host.AutoRemove = true }
