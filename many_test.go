package main_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestFiftyContainers: fifty at once start, speak, stop and go, and leave
// nothing behind.
func TestFiftyContainers(t *testing.T) {
	w := newWorld(t)
	count := 50
	if testing.Short() {
		count = 12
	}
	names := make([]string, count)
	ids := make([]string, count)
	each := func(do func(i int)) {
		var all sync.WaitGroup
		for i := range names {
			all.Go(func() { do(i) })
		}
		all.Wait()
	}
	each(func(i int) {
		names[i] = fmt.Sprintf("many-%d", i)
		script := fmt.Sprintf("trap 'echo bye; exit 7' TERM; echo I am %d; while :; do sleep 0.1; done", i)
		if r := w.try("run", "-d", "--name", names[i], "-m", "64m", "box", "sh", "-c", script); r.code != 0 {
			t.Errorf("run %s: %s", names[i], r.err)
		} else {
			ids[i] = r.out
		}
	})
	if got := len(strings.Fields(w.gantry("ps", "-q"))); got != count {
		t.Fatalf("%d of %d containers run", got, count)
	}
	if got := groups(ids...); len(got) < count {
		t.Errorf("%d control groups for %d containers", len(got), count)
	}
	each(func(i int) {
		w.eventually("the line of "+names[i], func() bool {
			return w.try("logs", names[i]).out == fmt.Sprintf("I am %d", i)
		})
	})
	each(func(i int) {
		if r := w.try("stop", "-t", "60", names[i]); r.code != 0 {
			t.Errorf("stop %s: %s", names[i], r.err)
		}
	})
	for i, name := range names {
		if got, want := w.gantry("logs", name), fmt.Sprintf("I am %d\nbye", i); got != want {
			t.Errorf("the log of %s is %q, want %q", name, got, want)
		}
	}
	codes := strings.Fields(w.gantry(append([]string{"wait"}, names...)...))
	if want := slices.Repeat([]string{"7"}, count); !slices.Equal(codes, want) {
		t.Errorf("exit codes %q", codes)
	}
	each(func(i int) {
		if r := w.try("rm", names[i]); r.code != 0 {
			t.Errorf("rm %s: %s", names[i], r.err)
		}
	})
	w.assertEmpty()
	if got := groups(ids...); len(got) > 0 {
		t.Errorf("control groups are left: %q", got)
	}
}
