package jobs_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/events"
	"gantry/engine/record"
	"gantry/images"
)

func TestJobRunsToItsEnd(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.start(t, "steps", "n", "9", "ref", "alpine")
	got, err := f.follow(t, id)
	if err != nil {
		t.Fatal(err)
	}
	if last := got[len(got)-1]; last != (images.Progress{State: images.Done, Text: "all"}) {
		t.Errorf("the last progress is %+v", last)
	}
	j := f.job(t, id)
	if j.State != engine.JobDone || j.Error != "" || j.Ended.Before(j.Started) || j.Started.IsZero() {
		t.Errorf("job: %+v", j)
	}
	if diff := cmp.Diff(engine.JobSpec{Kind: "steps", Args: map[string]string{"n": "9", "ref": "alpine"}}, j.Spec); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
	want := []images.Progress{
		{ID: "layer0", Done: 6, Total: 9, State: images.Downloading},
		{ID: "layer1", Done: 7, Total: 9, State: images.Downloading},
		{ID: "layer2", Done: 8, Total: 9, State: images.Downloading},
		{State: images.Done, Text: "all"},
	}
	if diff := cmp.Diff(want, j.Progress); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	// Who comes late gets the latest of each part.
	if late, err := f.follow(t, id); err != nil || !cmp.Equal(want, late) {
		t.Errorf("late follower got %v, %v", late, err)
	}
}

func TestFollowSeesEachChange(t *testing.T) {
	t.Parallel()
	f := open(t)
	gate := filepath.Join(t.TempDir(), "gate")
	id := f.start(t, "gate", "gate", gate)
	var got []int64
	for p, err := range f.Follow(t.Context(), string(id.Short())) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p.Done)
		if err := os.WriteFile(gate+strconv.FormatInt(p.Done, 10), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(got, []int64{0, 1, 2}) {
		t.Errorf("followed %v", got)
	}
}

// The class and the hint of an error arrive in another process.
func TestFailureKeepsClassAndHint(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.start(t, "fail")
	_, err := f.follow(t, id)
	if !errors.Is(err, engine.ErrNotFound) || err.Error() != "pull image none: not found" {
		t.Errorf("got %v", err)
	}
	var op *engine.OpError
	if !errors.As(err, &op) || op.Hint != "Look at the name." {
		t.Errorf("the hint is lost: %+v", op)
	}
	if j := f.job(t, id); j.State != engine.JobFailed || j.Error != "pull image none: not found" {
		t.Errorf("job: %+v", j)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind string
		want engine.JobState
	}{
		{"wait", engine.JobCanceled},
		{"stubborn", engine.JobDone},
	} {
		t.Run(tt.kind, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			id := f.start(t, tt.kind)
			// From another front end, and twice.
			if err := f.again(t).Cancel(t.Context(), string(id)); err != nil {
				t.Fatal(err)
			}
			if j := f.job(t, id); j.State != tt.want {
				t.Errorf("state %s, want %s", j.State, tt.want)
			}
			_, err := f.follow(t, id)
			if canceled := tt.want == engine.JobCanceled; errors.Is(err, context.Canceled) != canceled || (err == nil) == canceled {
				t.Errorf("follow ends with %v", err)
			}
			if err := f.Cancel(t.Context(), string(id)); !errors.Is(err, engine.ErrNotModified) {
				t.Errorf("cancel again: %v", err)
			}
		})
	}
}

func TestCancelOfDeafJobGivesUpWithContext(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.start(t, "deaf")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := f.Cancel(ctx, string(id)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
	if j := f.job(t, id); j.State != engine.JobRunning {
		t.Errorf("state %s", j.State)
	}
}

// A job whose process is killed is lost: its followers learn it at once, and so
// does who cancels it that moment.
func TestKilledJobIsLost(t *testing.T) {
	t.Parallel()
	f := open(t)
	for range 10 {
		id := f.start(t, "wait")
		var failed error
		for _, err := range f.Follow(t.Context(), string(id)) {
			if err != nil {
				failed = err
				break
			}
			if err := unix.Kill(f.pid(id), unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
		if failed == nil || !strings.Contains(failed.Error(), "lost") {
			t.Fatalf("follow ended with %v", failed)
		}
		if j := f.job(t, id); j.State != engine.JobLost || j.Error == "" {
			t.Errorf("job: %+v", j)
		}
		if err := f.Cancel(t.Context(), string(id)); !errors.Is(err, engine.ErrNotModified) {
			t.Errorf("cancel a lost job: %v", err)
		}
	}
}

func TestPanicIsLostAndLogged(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.start(t, "panic")
	_, err := f.follow(t, id)
	var op *engine.OpError
	if err == nil || !errors.As(err, &op) || !strings.Contains(op.Hint, f.path(id, "job.log")) {
		t.Errorf("follow ended with %v, hint %q", err, op.Hint)
	}
	if log, err := os.ReadFile(f.path(id, "job.log")); err != nil || !strings.Contains(string(log), "a bug in the work") {
		t.Errorf("log: %q, %v", log, err)
	}
}

func TestJobInheritsEnvironmentOnly(t *testing.T) {
	t.Setenv("JOBS_TEST", "passed")
	f := open(t)
	id := f.start(t, "env")
	got, err := f.follow(t, id)
	if err != nil || len(got) != 1 || got[0].Text != "passed / true" {
		t.Errorf("got %v, %v, want its environment, directory / and a session of its own", got, err)
	}
	if log, err := os.ReadFile(f.path(id, "job.log")); err != nil || string(log) != "something for the log\n" {
		t.Errorf("log: %q, %v", log, err)
	}
}

func TestFollowEndsWithItsContext(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.start(t, "wait")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var failed error
	for _, err := range f.Follow(ctx, string(id)) {
		if failed = err; err == nil {
			cancel()
		}
	}
	if !errors.Is(failed, context.Canceled) {
		t.Errorf("got %v", failed)
	}
	if j := f.job(t, id); j.State != engine.JobRunning {
		t.Errorf("the job was ended by its follower: %s", j.State)
	}
	for range f.Follow(t.Context(), string(id)) {
		break // detaches
	}
	if j := f.job(t, id); j.State != engine.JobRunning {
		t.Errorf("the job was ended by its follower: %s", j.State)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.start(t, "wait")
	if err := f.Remove(t.Context(), string(id)); !errors.Is(err, engine.ErrInUse) {
		t.Errorf("remove a running job: %v", err)
	}
	if err := f.Cancel(t.Context(), string(id)); err != nil {
		t.Fatal(err)
	}
	if err := f.Remove(t.Context(), string(id)); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"remove": f.Remove(t.Context(), string(id)),
		"cancel": f.Cancel(t.Context(), string(id)),
		"empty":  f.Cancel(t.Context(), ""),
	} {
		if !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("%s of no job: %v", name, err)
		}
	}
	if _, err := f.follow(t, id); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("follow no job: %v", err)
	}
	if left, _ := os.ReadDir(filepath.Join(f.root, "jobs")); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestAmbiguousID(t *testing.T) {
	t.Parallel()
	f := open(t)
	for _, c := range []string{"0", "1"} {
		if err := os.Mkdir(f.path(engine.ID("abc"+strings.Repeat(c, 61)), ""), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Cancel(t.Context(), "abc"); !errors.Is(err, engine.ErrAmbiguous) {
		t.Errorf("got %v", err)
	}
}

// A job with a broken record does not hide the others, and can be removed.
func TestBrokenRecord(t *testing.T) {
	t.Parallel()
	f := open(t)
	good, bad := f.start(t, "steps", "n", "1"), f.start(t, "steps", "n", "1")
	for _, id := range []engine.ID{good, bad} {
		if _, err := f.follow(t, id); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(f.path(bad, "job.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if j := f.job(t, good); j.State != engine.JobDone {
		t.Errorf("good: %+v", j)
	}
	if j := f.job(t, bad); j.State != engine.JobLost || !strings.Contains(j.Error, "corrupt") {
		t.Errorf("bad: %+v", j)
	}
	if _, err := f.follow(t, bad); !errors.Is(err, engine.ErrCorrupt) {
		t.Errorf("follow: %v", err)
	}
	if err := f.Remove(t.Context(), string(bad)); err != nil {
		t.Fatal(err)
	}
}

// The journal tells front ends that lists of jobs have changed.
func TestJobEvents(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.start(t, "fail", "ref", "none")
	_, _ = f.follow(t, id)
	if err := f.Remove(t.Context(), string(id)); err != nil {
		t.Fatal(err)
	}
	j, err := events.Open(filepath.Join(f.root, "events"), filepath.Join(f.run, "locks"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for ev, err := range j.Watch(t.Context(), engine.WatchOptions{After: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Kind != engine.KindJob || ev.ID != string(id) || ev.Attributes["name"] != "none" || ev.Attributes["kind"] != "fail" {
			t.Errorf("event %+v", ev)
		}
		got = append(got, strings.TrimSpace(ev.Action+" "+ev.Attributes["state"]))
		if ev.Action == engine.ActionDestroy {
			break
		}
	}
	if want := []string{"start", "die failed", "destroy"}; !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
}

// Ended jobs and litter do not pile up; running ones stay.
func TestStartSweeps(t *testing.T) {
	t.Parallel()
	f := open(t)
	running := f.start(t, "wait")
	old := time.Now().Add(-time.Hour)
	for i := range 60 {
		id := engine.NewID()
		if err := os.Mkdir(f.path(id, ""), 0o700); err != nil {
			t.Fatal(err)
		}
		ended := engine.Job{ID: id, State: engine.JobDone, Started: old.Add(time.Duration(i) * time.Second)}
		if err := record.Write(f.path(id, "job.json"), ended, record.Volatile); err != nil {
			t.Fatal(err)
		}
	}
	for name, at := range map[string]time.Time{".new-old": old, ".gone-old": old, ".new-young": time.Now()} {
		dir := filepath.Join(f.root, "jobs", name)
		if err := errors.Join(os.Mkdir(dir, 0o700), os.Chtimes(dir, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	id := f.start(t, "steps", "n", "1")
	if _, err := f.follow(t, id); err != nil {
		t.Fatal(err)
	}
	all, err := f.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 52 || f.job(t, running).State != engine.JobRunning || all[0].Started.Before(old.Add(10*time.Second)) {
		t.Errorf("%d jobs, the oldest of %v", len(all), all[0].Started)
	}
	hidden, _ := filepath.Glob(filepath.Join(f.root, "jobs", ".*"))
	if len(hidden) != 1 || filepath.Base(hidden[0]) != ".new-young" {
		t.Errorf("litter: %v", hidden)
	}
}

func TestStartFailsCleanly(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Start(ctx, engine.JobSpec{Kind: "wait"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(filepath.Join(f.root, "jobs")); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// Jobs of this process are not left as zombies.
func TestJobsAreReaped(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.start(t, "wait")
	pid := f.pid(id)
	if err := f.Cancel(t.Context(), string(id)); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for {
		if _, err := f.List(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := record.PidStart(pid); errors.Is(err, engine.ErrNotFound) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the job's process is still there")
		}
	}
}
