package demo_test

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/internal/demo"
	"gantry/internal/demo/service"
)

// world runs test in a bubble with an engine that knows the demo's program.
func world(t *testing.T, test func(t *testing.T, e *fake.Engine)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := fake.New()
		e.Program(path.Base(service.Path), func(ctx context.Context, p *fake.Process) int {
			if slices.Contains(p.Args, service.Migrate) {
				return 1
			}
			<-ctx.Done()
			return 0
		})
		test(t, e)
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
}

func up(t *testing.T, e engine.Engine, version string) (said []string) {
	t.Helper()
	o := demo.Options{Version: version, Report: func(text string) { said = append(said, text) }}
	if err := demo.Up(t.Context(), e, o); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return said
}

// states are the containers by name.
func states(t *testing.T, e engine.Engine) map[string]engine.ContainerSummary {
	t.Helper()
	list, err := e.Containers().List(t.Context(), engine.ListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	m := make(map[string]engine.ContainerSummary)
	for _, c := range list.Items {
		m[c.Name] = c
	}
	return m
}

func TestUpMakesOneProjectOfFive(t *testing.T) {
	world(t, func(t *testing.T, e *fake.Engine) {
		up(t, e, "1")
		all := states(t, e)
		for _, name := range []string{"demo-web-1", "demo-web-2", "demo-queue-1", "demo-store-1"} {
			if !all[name].Status.Running {
				t.Errorf("%s is %s", name, all[name].Status.Status)
			}
		}
		if m := all["demo-migrate-1"].Status; m.Status != engine.Exited || m.ExitCode != 1 {
			t.Errorf("demo-migrate-1 is %s (%d)", m.Status, m.ExitCode)
		}
		if len(all) != 5 {
			t.Errorf("there are %d containers", len(all))
		}
		for name, c := range all {
			if c.Labels["com.docker.compose.project"] != "demo" || c.Labels["com.docker.compose.service"] == "" {
				t.Errorf("%s has the labels %v", name, c.Labels)
			}
		}
	})
}

// TestUpAgainStartsWhatDoesNotRun and leaves alone what does.
func TestUpAgainStartsWhatDoesNotRun(t *testing.T) {
	world(t, func(t *testing.T, e *fake.Engine) {
		up(t, e, "1")
		before := states(t, e)
		if err := e.Containers().Kill(t.Context(), "demo-web-2", "KILL"); err != nil {
			t.Fatal(err)
		}
		if err := e.Containers().Pause(t.Context(), "demo-store-1"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		said := strings.Join(up(t, e, "1"), "\n")
		if want := "started demo-store-1\nstarted demo-web-2\nstarted demo-migrate-1"; said != want {
			t.Errorf("it did\n%s\nwant\n%s", said, want)
		}
		after := states(t, e)
		for name, c := range before {
			if after[name].ID != c.ID {
				t.Errorf("%s is another container", name)
			}
		}
		if s := after["demo-store-1"].Status; s.Paused || !s.Running {
			t.Errorf("demo-store-1 is %s", s.Status)
		}
	})
}

func TestAnotherBuildMakesItAnew(t *testing.T) {
	world(t, func(t *testing.T, e *fake.Engine) {
		up(t, e, "1")
		before := states(t, e)
		up(t, e, "2")
		after := states(t, e)
		if len(after) != 5 || after["demo-web-1"].ID == before["demo-web-1"].ID {
			t.Errorf("there are %d containers, web-1 is new: %v", len(after), after["demo-web-1"].ID != before["demo-web-1"].ID)
		}
	})
}

// TestRemoveTakesNothingOfTheUsers: neither a container of the same project,
// nor one of the same image, nor any other image.
func TestRemoveTakesNothingOfTheUsers(t *testing.T) {
	world(t, func(t *testing.T, e *fake.Engine) {
		e.AddImage(fake.Image{Refs: []string{"alpine:3.20"}})
		e.AddContainer(fake.Container{Name: "mine", Image: "alpine:3.20", Command: []string{"sleep", "99"}, State: engine.Running, Labels: map[string]string{"com.docker.compose.project": "demo"}})
		up(t, e, "1")
		if err := demo.Remove(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if all := states(t, e); len(all) != 1 || !all["mine"].Status.Running {
			t.Errorf("left are %v", all)
		}
		f, err := demo.Find(t.Context(), e)
		if err != nil || f.Any() {
			t.Errorf("of the demo there is still %+v, %v", f, err)
		}
		if _, err := e.Images().Inspect(t.Context(), "alpine:3.20"); err != nil {
			t.Error(err)
		}
		if err := demo.Remove(t.Context(), e); err != nil {
			t.Errorf("a second time: %v", err)
		}
	})
}

// TestNameOfTheUsersIsNamed instead of taken over.
func TestNameOfTheUsersIsNamed(t *testing.T) {
	world(t, func(t *testing.T, e *fake.Engine) {
		e.AddImage(fake.Image{Refs: []string{"alpine:3.20"}})
		e.AddContainer(fake.Container{Name: "demo-queue-1", Image: "alpine:3.20", Command: []string{"sleep", "99"}, State: engine.Running})
		err := demo.Up(t.Context(), e, demo.Options{Version: "1"})
		var op *engine.OpError
		if !errors.As(err, &op) || !errors.Is(err, engine.ErrConflict) || op.ID != "demo-queue-1" || !strings.Contains(op.Hint, "rename") {
			t.Errorf("the error is %v", err)
		}
	})
}

// TestImageOfTheUsersIsKept though it has the demo's name.
func TestImageOfTheUsersIsKept(t *testing.T) {
	world(t, func(t *testing.T, e *fake.Engine) {
		e.AddImage(fake.Image{Refs: []string{demo.Image}})
		if err := demo.Up(t.Context(), e, demo.Options{Version: "1"}); !errors.Is(err, engine.ErrConflict) {
			t.Errorf("the error is %v", err)
		}
		if err := demo.Remove(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Images().Inspect(t.Context(), demo.Image); err != nil {
			t.Error(err)
		}
	})
}

// TestImageHoldsTheProgramAlone, and what a program that is not static needs.
func TestImageHoldsTheProgramAlone(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	go func() { w.CloseWithError(demo.WriteRoot(w, "/proc/self/exe")) }()
	sizes := make(map[string]int64)
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			sizes[h.Name] = h.Size
		}
	}
	if sizes["gantry-demo"] < 1<<20 {
		t.Errorf("the program has %d bytes", sizes["gantry-demo"])
	}
	for name := range sizes {
		if name != "gantry-demo" && !strings.Contains(name, ".so") {
			t.Errorf("the image holds %s", name)
		}
	}
}
