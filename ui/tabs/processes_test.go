package tabs_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/ui/tabs"
)

// family is a tree of processes of which the second is busy.
func family(start time.Time) func() engine.ProcessTable {
	titles := []string{"UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"}
	return func() engine.ProcessTable {
		t := engine.ProcessTable{Titles: titles}
		since := time.Since(start)
		for _, p := range []struct {
			pid, parent string
			id, up      int
			cpu         time.Duration
			memory      uint64
			cmd         string
		}{
			{"100", "1", 100, 1, 0, 2 << 20, "sh -c \x1b[2Jstart"}, {"210", "100", 210, 100, since / 2, 64 << 20, "nginx: master"},
			{"215", "210", 215, 210, since / 50, 300 << 20, "nginx: worker one"}, {"216", "210", 216, 210, 0, 9 << 20, "nginx: worker two"},
			{"300", "100", 300, 100, 0, 1 << 20, "sleep 1000"}, {"400", "7", 400, 7, 0, 1 << 20, "exec from outside"},
		} {
			t.Processes = append(t.Processes, []string{"root", p.pid, p.parent, "0", "12:04", "?", "00:00:01", p.cmd})
			t.Usage = append(t.Usage, engine.ProcessUsage{PID: p.id, Parent: p.up, CPU: p.cpu, Memory: p.memory})
		}
		return t
	}
}

func openFamily(e *fake.Engine, ctx context.Context) (tabs.Panel, tea.Cmd) {
	tab := tabs.NewProcesses(crowd{e, family(time.Now())}, testStyles, time.Now)
	return tab, tab.Open(ctx, "api-1")
}

func TestProcessesAsATree(t *testing.T) {
	for _, size := range []struct{ w, h int }{{38, 10}, {78, 20}, {118, 36}} {
		name := fmt.Sprintf("processes-tree-%dx%d", size.w, size.h)
		perform(t, size.w, size.h, shop, openFamily, func(s *stage) {
			s.Pass(4 * time.Second)
			s.Golden(name)
		})
	}
}

// TestProcessesTellWhoIsBusy now, and not on the average since they began.
func TestProcessesTellWhoIsBusy(t *testing.T) {
	perform(t, 78, 20, shop, openFamily, func(s *stage) {
		s.lacks(" %")
		s.wants("6 processes · tree")
		s.Pass(2 * time.Second)
		s.wants("50 %", "2.0 %", "64 MiB", "└ nginx: worker two")
		s.Keys("o", "o", "o")
		s.wants("CPU▾", "by cpu")
		if got := firstFields(s.Screen()); !strings.HasPrefix(got, "210 215 ") {
			t.Errorf("by CPU the order is %s", got)
		}
		s.lacks("└")
		s.Keys("o")
		if got := firstFields(s.Screen()); got != "215 210 216 100 300 400" {
			t.Errorf("by memory the order is %s", got)
		}
		s.Keys("t")
		if got := firstFields(s.Screen()); got != "100 210 215 216 300 400" {
			t.Errorf("as a tree the order is %s", got)
		}
		s.Keys("/")
		s.typed("worker")
		s.Keys("enter")
		s.lacks("└")
		s.Keys("Y")
		if got := strings.Join(s.host.copied, ","); got != "the command line" {
			t.Errorf("copied %q", got)
		}
	})
}

// TestSignalsAreAskedFor at the root, about the process under the cursor.
func TestSignalsAreAskedFor(t *testing.T) {
	perform(t, 78, 20, shop, openFamily, func(s *stage) {
		s.Keys("j", "j", "K")
		want := tabs.SignalProcess{Container: "api-1", PID: 215, Command: "nginx: worker one"}
		if len(s.host.signals) != 1 || s.host.signals[0] != want {
			t.Errorf("asked for %+v, want %+v", s.host.signals, want)
		}
	})
}
