package cli_test

import (
	"bytes"
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"gantry/cli"
	"gantry/engine"
	"gantry/engine/fake"
	"gantry/images"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(m.Run())
}

// world is an engine and what a command line saw and said.
type world struct {
	t        *testing.T
	e        *fake.Engine
	in       io.Reader
	env      map[string]string
	out, err bytes.Buffer
	config   func(string) (cli.Config, error)
	themes   func(string) ([]cli.Theme, error)
	ui       func(context.Context, cli.Global) error
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, e: fake.New(), in: strings.NewReader(""), env: map[string]string{}}
	t.Cleanup(func() { w.e.Close() })
	return w
}

// keep is an engine that survives Main, which closes what it opened.
type keep struct{ engine.Engine }

func (keep) Close() error { return nil }

func (w *world) program() cli.Program {
	return cli.Program{
		Version: "1.2.3", Config: w.config, Themes: w.themes, UI: w.ui,
		Open: func(context.Context, cli.Global) (engine.Engine, error) { return keep{w.e}, nil },
	}
}

func (w *world) io() cli.IO {
	return cli.IO{In: w.in, Out: &w.out, Err: &w.err, LookupEnv: func(k string) (string, bool) { v, ok := w.env[k]; return v, ok }}
}

// run runs a command line and returns its exit code; out and err hold what it
// said.
func (w *world) run(args ...string) int {
	w.t.Helper()
	w.out.Reset()
	w.err.Reset()
	return cli.Main(w.t.Context(), args, w.io(), w.program())
}

// ok is run for what must succeed; it returns standard output.
func (w *world) ok(args ...string) string {
	w.t.Helper()
	if code := w.run(args...); code != 0 {
		w.t.Fatalf("gantry %s: exit code %d\n%s", strings.Join(args, " "), code, w.err.String())
	}
	return w.out.String()
}

func (w *world) want(code int, stdout, stderr string, args ...string) {
	w.t.Helper()
	got := w.run(args...)
	if got != code {
		w.t.Errorf("gantry %s: exit code %d, want %d", strings.Join(args, " "), got, code)
	}
	if d := cmp.Diff(stdout, w.out.String()); d != "" {
		w.t.Errorf("gantry %s: stdout (-want +got)\n%s", strings.Join(args, " "), d)
	}
	if d := cmp.Diff(stderr, w.err.String()); d != "" {
		w.t.Errorf("gantry %s: stderr (-want +got)\n%s", strings.Join(args, " "), d)
	}
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got; go test -update writes it)\n%s", path, d)
	}
}

// scene is a small host: images of every kind and a container in every state,
// at noon of a certain day.
func scene(w *world) {
	time.Sleep(time.Until(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))) // synctest's clock
	now := time.Now()
	w.e.AddImage(fake.Image{Refs: []string{"alpine:3.20", "alpine"}, Size: 8_830_000, Created: now.Add(-50 * 24 * time.Hour),
		Config: images.Config{Cmd: []string{"/bin/sh"}, Env: []string{"PATH=/usr/bin:/bin"}}})
	w.e.AddImage(fake.Image{Refs: []string{"registry.example:5000/team/app:1.0"}, Size: 212_000_000, Created: now.Add(-3 * time.Minute),
		Config: images.Config{Labels: map[string]string{"org.example.tier": "web"}}})
	w.e.AddImage(fake.Image{Size: 4_200_000, Created: now.Add(-48 * time.Hour)})
	at := func(d time.Duration) time.Time { return now.Add(-d) }
	w.e.AddContainer(fake.Container{Name: "migrate", Image: "registry.example:5000/team/app:1.0", Command: []string{"migrate", "--all", "--verbose", "--now"},
		State: engine.Exited, ExitCode: 137, OOM: true, Created: at(4 * time.Hour), Started: at(4 * time.Hour), Finished: at(2 * time.Hour)})
	w.e.AddContainer(fake.Container{Name: "web", Image: "registry.example:5000/team/app:1.0", State: engine.Running, Created: at(3 * time.Minute),
		SizeRw: 2_500_000, Labels: map[string]string{"tier": "web", "com.example.rack-unit": "r12"},
		Host: engine.HostConfig{NetworkMode: "host", Mounts: []engine.Mount{{Type: "bind", Source: "/srv/long/path/to/site", Target: "/srv", ReadOnly: true}}}})
	w.e.AddContainer(fake.Container{Name: "db", Image: "alpine", State: engine.Paused, Created: at(26 * time.Hour)})
	w.e.AddContainer(fake.Container{Name: "fresh", Image: "alpine:3.20", Command: []string{"/bin/sh", "-c", "echo \"hi\""}, Created: at(10 * time.Second)})
}

// inScene runs a test in a scene under a fake clock.
func inScene(t *testing.T, run func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.e.Close()
		scene(w)
		run(w)
	})
}

// shellWorld has a busybox and no containers.
func shellWorld(t *testing.T) *world {
	w := newWorld(t)
	w.e.AddImage(fake.Image{Refs: []string{"busybox"}, Config: images.Config{Cmd: []string{"sh"}}})
	return w
}

// addSlowRemote has a pull with enough between its steps to see bars move.
func addSlowRemote(w *world) {
	var steps []images.Progress
	for done := int64(0); done <= 10; done++ {
		for _, id := range []string{"layer-one", "layer-two"} {
			steps = append(steps, images.Progress{ID: id, State: images.Downloading, Done: done * 1e6, Total: 10e6})
		}
	}
	for _, id := range []string{"layer-two", "layer-one"} {
		steps = append(steps, images.Progress{ID: id, State: images.Done, Done: 10e6, Total: 10e6})
	}
	w.e.AddRemote("alpine", fake.Remote{Steps: steps, Pace: 10 * time.Millisecond})
}
