package jobs_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/jobs"
	"gantry/engine/record"
	"gantry/images"
)

// TestMain lets the test binary play the job's process, as main does.
func TestMain(m *testing.M) {
	if os.Args[0] == jobs.Role {
		os.Exit(jobs.Main(work))
	}
	os.Exit(m.Run())
}

// work does what the kind of the job says.
func work(ctx context.Context, spec engine.JobSpec, report func(images.Progress)) error {
	return kinds[spec.Kind](ctx, spec, report)
}

var kinds = map[string]jobs.Runner{
	"steps": func(_ context.Context, spec engine.JobSpec, report func(images.Progress)) error {
		n, _ := strconv.Atoi(spec.Args["n"])
		for i := range n {
			report(images.Progress{ID: "layer" + strconv.Itoa(i%3), Done: int64(i), Total: int64(n), State: images.Downloading})
		}
		report(images.Progress{State: images.Done, Text: "all"})
		return nil
	},
	"fail": func(context.Context, engine.JobSpec, func(images.Progress)) error {
		return &engine.OpError{Op: "pull", Kind: "image", ID: "none", Err: engine.ErrNotFound, Hint: "Look at the name."}
	},
	"wait": func(ctx context.Context, _ engine.JobSpec, report func(images.Progress)) error {
		report(images.Progress{ID: "waiting", State: images.Waiting})
		<-ctx.Done()
		return context.Cause(ctx)
	},
	"stubborn": func(ctx context.Context, _ engine.JobSpec, report func(images.Progress)) error {
		report(images.Progress{ID: "waiting", State: images.Waiting})
		<-ctx.Done()
		return nil // done in time after all
	},
	"gate": func(ctx context.Context, spec engine.JobSpec, report func(images.Progress)) error {
		for i := range 3 {
			report(images.Progress{ID: "gate", Done: int64(i), State: images.Downloading})
			if err := awaitFile(ctx, spec.Args["gate"]+strconv.Itoa(i)); err != nil {
				return err
			}
		}
		return nil
	},
	"panic": func(context.Context, engine.JobSpec, func(images.Progress)) error { panic("a bug in the work") },
	"env": func(_ context.Context, _ engine.JobSpec, report func(images.Progress)) error {
		dir, _ := os.Getwd()
		sid, _ := unix.Getsid(0)
		report(images.Progress{ID: "env", Text: os.Getenv("JOBS_TEST") + " " + dir + " " + strconv.FormatBool(sid == os.Getpid())})
		fmt.Println("something for the log")
		return nil
	},
	"deaf": func(context.Context, engine.JobSpec, func(images.Progress)) error {
		signal.Ignore(unix.SIGTERM)
		select {}
	},
}

func awaitFile(ctx context.Context, path string) error {
	for {
		if _, err := os.Stat(path); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Millisecond):
		}
	}
}

// fixture is a manager on directories of its own. Jobs that a test leaves
// running are killed.
type fixture struct {
	*jobs.Manager
	root, run string
}

func open(t testing.TB) *fixture {
	t.Helper()
	dir := t.TempDir()
	f := &fixture{root: filepath.Join(dir, "root"), run: filepath.Join(dir, "run")}
	f.Manager = f.again(t)
	t.Cleanup(func() {
		for _, pid := range f.pids(t) {
			_ = unix.Kill(pid, unix.SIGKILL)
			_, _ = unix.Wait4(pid, nil, 0, nil)
		}
	})
	return f
}

// again opens another manager, as another front end does.
func (f *fixture) again(t testing.TB) *jobs.Manager {
	t.Helper()
	m, err := jobs.Open(f.root, f.run)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (f *fixture) path(id engine.ID, name string) string {
	return filepath.Join(f.root, "jobs", string(id), name)
}

// pid reads the process of a job from its record, 0 when it is dead.
func (f *fixture) pid(id engine.ID) int {
	var r struct {
		Process struct {
			Pid   int
			Start uint64
		}
	}
	if err := record.Read(f.path(id, "job.json"), &r); err != nil || !record.Alive(r.Process.Pid, r.Process.Start) {
		return 0
	}
	return r.Process.Pid
}

func (f *fixture) pids(t testing.TB) []int {
	t.Helper()
	var pids []int
	entries, _ := os.ReadDir(filepath.Join(f.root, "jobs"))
	for _, e := range entries {
		if pid := f.pid(engine.ID(e.Name())); pid != 0 {
			pids = append(pids, pid)
		}
	}
	return pids
}

func (f *fixture) start(t testing.TB, kind string, args ...string) engine.ID {
	t.Helper()
	spec := engine.JobSpec{Kind: kind, Args: map[string]string{}}
	for i := 0; i < len(args); i += 2 {
		spec.Args[args[i]] = args[i+1]
	}
	id, err := f.Start(context.Background(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// follow returns what a follower gets, in all.
func (f *fixture) follow(t testing.TB, id engine.ID) ([]images.Progress, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var got []images.Progress
	for p, err := range f.Follow(ctx, string(id)) {
		if err != nil {
			return got, err
		}
		got = append(got, p)
	}
	return got, nil
}

func (f *fixture) job(t testing.TB, id engine.ID) engine.Job {
	t.Helper()
	all, err := f.List(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(j engine.Job) bool { return j.ID == id })
	if i < 0 {
		t.Fatalf("job %s is not in the list", id.Short())
	}
	return all[i]
}
