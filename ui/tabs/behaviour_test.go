package tabs_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/ui/tabs"
)

// TestClosedTabsRest: after Close nothing arrives any more, however long it
// takes.
func TestClosedTabsRest(t *testing.T) {
	for name, open := range map[string]func(*fake.Engine, context.Context) (tabs.Panel, tea.Cmd){
		"stats": opener(tabs.NewStats, "api-1"), "processes": opener(tabs.NewProcesses, "api-1"), "inspect": opener(tabs.NewInspect, "api-1"),
	} {
		t.Run(name, func(t *testing.T) {
			perform(t, 78, 20, shop, open, func(s *stage) {
				s.Pass(5 * time.Second)
				s.host.tab.Close()
				before := s.host.messages
				s.Pass(time.Minute)
				if got := s.host.messages - before; got != 0 {
					t.Errorf("%d messages came after Close", got)
				}
			})
		})
	}
}

// TestPace: an open tab asks no more often than it says.
func TestPace(t *testing.T) {
	for _, c := range []struct {
		name     string
		open     func(*fake.Engine, context.Context) (tabs.Panel, tea.Cmd)
		messages int // in ten seconds
	}{
		{"stats", opener(tabs.NewStats, "api-1"), 10},
		{"processes", opener(tabs.NewProcesses, "api-1"), 5},
		{"inspect", opener(tabs.NewInspect, "api-1"), 0},
		{"env", opener(tabs.NewEnv, "api-1"), 0},
		{"log", opener(tabs.NewLog, "api-1"), 0},
		{"events", opener(tabs.NewEvents, "api-1"), 0},
		{"stats of one that has ended", opener(tabs.NewStats, "worker"), 0},
		{"processes of one that has ended", opener(tabs.NewProcesses, "worker"), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			perform(t, 78, 20, shop, c.open, func(s *stage) {
				before := s.host.messages
				s.Pass(10 * time.Second)
				if got := s.host.messages - before; got != c.messages {
					t.Errorf("%d messages in ten seconds, want %d", got, c.messages)
				}
			})
		})
	}
}

// TestSlowEngineIsLeft: closing a tab whose engine does not answer ends the
// question; keys and views go on meanwhile.
func TestSlowEngineIsLeft(t *testing.T) {
	slow := func() *fake.Engine {
		e := shop()
		for _, op := range []fake.Op{fake.OpInspect, fake.OpTop, fake.OpStats, fake.OpImageHistory, fake.OpImageInspect, fake.OpLogs, fake.OpWatch, fake.OpList, fake.OpVolumeReadDir, fake.OpVolumeInspect, fake.OpNetworkInspect} {
			e.Inject(op, fake.Fault{Delay: time.Hour})
		}
		return e
	}
	for name, open := range map[string]func(*fake.Engine, context.Context) (tabs.Panel, tea.Cmd){
		"stats": opener(tabs.NewStats, "api-1"), "processes": opener(tabs.NewProcesses, "api-1"),
		"inspect": opener(tabs.NewInspect, "api-1"), "history": imageOpener(tabs.NewImageHistory, "shop/api:dev"),
		"log": opener(tabs.NewLog, "api-1"), "env": opener(tabs.NewEnv, "api-1"), "mounts": opener(tabs.NewMounts, "api-1"),
		"events": opener(tabs.NewEvents, "api-1"), "config": imageOpener(tabs.NewImageConfig, "shop/api:dev"),
		"image events": imageOpener(tabs.NewImageEvents, "shop/api:dev"),
		"network":      opener(tabs.NewNetwork, "api-1"), "endpoints": imageOpener(tabs.NewEndpoints, "bridge"), "files": imageOpener(tabs.NewVolumeFiles, "data"),
		"volume": imageOpener(tabs.NewVolumeInspect, "data"), "volume users": imageOpener(tabs.NewVolumeUsers, "data"),
	} {
		t.Run(name, func(t *testing.T) {
			perform(t, 78, 20, slow, open, func(s *stage) {
				s.wants("Reading …")
				s.Keys("j", "y", "z", "g", "G", "n", "E", "o", "C", "W", "K", "/", "x", "esc", "pgdown")
			})
		})
	}
}

// TestStaleAnswersAreDropped: what was asked about one container is not shown
// as another's.
func TestStaleAnswersAreDropped(t *testing.T) {
	setup := func() *fake.Engine {
		e := shop()
		e.Inject(fake.OpInspect, fake.Fault{Delay: 5 * time.Second, Times: 1})
		return e
	}
	perform(t, 78, 20, setup, opener(tabs.NewInspect, "api-1"), func(s *stage) {
		tab := s.host.tab.(*tabs.Inspect)
		s.do(func() tea.Cmd { return tab.Open(s.ctx, "worker") })
		s.Pass(10 * time.Second)
		s.wants(`Status: "exited"`)
		if s.host.messages != 1 {
			t.Errorf("%d answers were taken, want 1", s.host.messages)
		}
	})
}

// TestRefreshesFold: changes that come while the engine is asked become one
// further question.
func TestRefreshesFold(t *testing.T) {
	perform(t, 78, 20, shop, opener(tabs.NewInspect, "api-1"), func(s *stage) {
		s.eng.Inject(fake.OpInspect, fake.Fault{Delay: time.Second})
		before := s.host.messages
		for range 20 {
			s.do(s.host.tab.Refresh)
		}
		s.Pass(10 * time.Second)
		if got := s.host.messages - before; got != 2 {
			t.Errorf("20 refreshes asked %d times, want 2", got)
		}
	})
}

func TestRefreshShowsWhatChanged(t *testing.T) {
	perform(t, 78, 20, shop, opener(tabs.NewInspect, "api-1"), func(s *stage) {
		s.wants(`Status: "running"`)
		if err := s.eng.Exit("api-1", 3, false); err != nil {
			t.Fatal(err)
		}
		s.do(s.host.tab.Refresh)
		s.wants(`Status: "exited"`, "ExitCode: 3")
	})
}

func TestEngineFailureIsShownAndPasses(t *testing.T) {
	perform(t, 78, 20, shop, opener(tabs.NewInspect, "api-1"), func(s *stage) {
		s.eng.Inject(fake.OpInspect, fake.Fault{Err: errors.New("disk on \x1b[31mfire"), Times: 1})
		s.do(s.host.tab.Refresh)
		s.wants("▲ inspect container", "disk on fire")
		s.do(s.host.tab.Refresh)
		s.wants(`Status: "running"`)
	})
	perform(t, 78, 20, shop, opener(tabs.NewProcesses, "api-1"), func(s *stage) {
		s.eng.Inject(fake.OpTop, fake.Fault{Err: errors.New("disk on fire"), Times: 1})
		s.Pass(2 * time.Second)
		s.wants("disk on fire")
		s.Pass(2 * time.Second)
		s.wants("/app/api serve")
	})
}

// TestStatsFollowTheContainer through its end and its next start, and say in
// words what the kernel did to it.
func TestStatsFollowTheContainer(t *testing.T) {
	perform(t, 78, 20, shop, opener(tabs.NewStats, "api-1"), func(s *stage) {
		s.wants("measuring …", "58 MiB of 256 MiB"[2:])
		s.Pass(5 * time.Second)
		s.wants("of 2 cores", "sampling 1 s")
		s.lacks("out of memory", "CPU limit")
		hard := busy(time.Now().Add(-10 * time.Second))
		if err := s.eng.SetSample("api-1", func(at time.Time) engine.Sample {
			v := hard(at)
			v.Memory.OOMKills = 2
			v.CPU.Periods = uint64(at.Unix() * 10)
			v.CPU.ThrottledPeriods, v.CPU.ThrottledTime = uint64(at.Unix()*5), 12_300_000_000
			return v
		}); err != nil {
			t.Fatal(err)
		}
		s.Pass(3 * time.Second)
		s.wants("the kernel has killed 2 processes at the limit of 256 MiB", "throttled in 50 % of the periods now, 12.3s")
		if err := s.eng.Exit("api-1", 137, true); err != nil {
			t.Fatal(err)
		}
		s.Pass(2 * time.Second)
		s.wants("exited with code 137, killed for want of memory", "not sampling", "last minutes")
		if err := s.eng.Containers().Start(s.ctx, "api-1"); err != nil {
			t.Fatal(err)
		}
		s.do(s.host.tab.Refresh)
		s.Pass(3 * time.Second)
		s.lacks("exited with code")
		s.wants("sampling 1 s", "of 2 cores")
	})
}

// TestStatsKeepTheirMinutes: hidden and shown again the tab goes on where it
// was; another container begins anew.
func TestStatsKeepTheirMinutes(t *testing.T) {
	perform(t, 78, 20, shop, opener(tabs.NewStats, "api-1"), func(s *stage) {
		tab := s.host.tab.(*tabs.Stats)
		s.Pass(30 * time.Second)
		tab.Close()
		s.Pass(20 * time.Second)
		s.do(func() tea.Cmd { return tab.Open(s.ctx, "api-1") })
		s.Pass(10 * time.Second)
		row := lineWith(s.Screen(), " 0┤")
		if got := len(strings.Fields(row)); got < 3 {
			t.Errorf("the time without samples is no gap in %q", row)
		}
		s.do(func() tea.Cmd { return tab.Open(s.ctx, "api-2") })
		s.wants("measuring …")
	})
}

func lineWith(screen, text string) string {
	for line := range strings.Lines(screen) {
		if strings.Contains(line, text) {
			return line
		}
	}
	return ""
}

func TestInspectFoldsAndSearches(t *testing.T) {
	perform(t, 78, 20, shop, opener(tabs.NewInspect, "api-1"), func(s *stage) {
		tab := s.host.tab.(*tabs.Inspect)
		s.Keys("Z")
		s.wants("▸ State {11}", "▸ HostConfig {")
		s.lacks("OOMKilled")
		s.Keys("/")
		s.typed("memory?q")
		if !s.host.handled || !tab.Typing() {
			t.Error("a letter was not taken as text")
		}
		s.wants("search /memory?q", "not found")
		for range 2 {
			s.Send(tea.KeyPressMsg{Code: tea.KeyBackspace})
		}
		s.Keys("enter")
		s.wants("/memory/ 1 of 3")
		if got := s.marked(); got != "Memory: 268435456" {
			t.Errorf("the search went to %q", got)
		}
		s.Keys("n", "n", "n", "N")
		if got := s.marked(); got != "MemoryReservation: 0" {
			t.Errorf("n and N went to %q", got)
		}
		s.Keys("y", "Y")
		if got := strings.Join(s.host.copied, ","); got != "value of .HostConfig.MemoryReservation,path .HostConfig.MemoryReservation" {
			t.Errorf("copied %s", got)
		}
		// Another container: folds, cursor and search stay.
		s.do(func() tea.Cmd { return tab.Open(s.ctx, "worker") })
		if got := s.marked(); got != "MemoryReservation: 0" {
			t.Errorf("the cursor went to %q", got)
		}
		s.wants("/memory/ 3 of 3")
		s.Keys("esc")
		s.lacks("/memory/")
		s.Keys("esc")
		if s.host.handled {
			t.Error("esc without a search is the root's")
		}
		s.Keys("left", "left")
		if got := s.marked(); !strings.HasPrefix(got, "▸ HostConfig") {
			t.Errorf("left went to %q", got)
		}
		s.wants("▸ Config {16}", "▸ State {11}")
		s.typed(" ")
		s.wants("▾ HostConfig")
	})
}

// TestSecretsStayHidden in both places that show them, until asked for.
func TestSecretsStayHidden(t *testing.T) {
	perform(t, 118, 60, shop, opener(tabs.NewEnv, "api-1"), func(s *stage) {
		tab := s.host.tab.(*tabs.Env)
		s.wants("MONKEY", "banana")
		s.lacks("hunter2", "s3cret", "abc123")
		s.Keys("/")
		s.typed("hunter")
		s.wants("Nothing matches /hunter/.", "0 of 9 variables")
		s.Keys("enter", "v")
		s.wants("hunter2", "1 of 9 variables · /hunter/ · secrets shown")
		s.Keys("y", "Y")
		if got := strings.Join(s.host.copied, ","); got != "value of DB_PASSWORD,DB_PASSWORD with its value" {
			t.Errorf("copied %s", got)
		}
		s.Keys("esc")
		s.do(func() tea.Cmd { return tab.Open(s.ctx, "api-2") })
		s.lacks("hunter2", "s3cret")
	})
	perform(t, 118, 160, shop, opener(tabs.NewInspect, "api-1"), func(s *stage) {
		s.lacks("hunter2", "s3cret", "abc123")
		s.wants("DB_PASSWORD=••••••••", `"GREETING=hello = world"`)
		s.Keys("v")
		s.wants("hunter2", "s3cret", "abc123")
	})
}

func TestEnvOrder(t *testing.T) {
	perform(t, 78, 20, shop, opener(tabs.NewEnv, "api-1"), func(s *stage) {
		s.Keys("j", "j")
		before := s.marked()
		s.Keys("o")
		if got := s.marked(); got != before {
			t.Errorf("the cursor went from %q to %q", before, got)
		}
		if first := strings.Split(s.Screen(), "\n")[1]; !strings.Contains(first, "PATH") {
			t.Errorf("the first of the original order is %q", first)
		}
		s.wants("as given")
	})
}

// crowd is an engine whose containers have the processes that a test says.
type crowd struct {
	*fake.Engine
	table func() engine.ProcessTable
}

type crowdContainers struct {
	engine.Containers
	table func() engine.ProcessTable
}

func (c crowd) Containers() engine.Containers { return crowdContainers{c.Engine.Containers(), c.table} }

func (c crowdContainers) Top(context.Context, string, []string) (engine.ProcessTable, error) {
	return c.table(), nil
}

func TestProcessesSortAndKeepTheCursor(t *testing.T) {
	titles := []string{"PID", "C", "TIME", "CMD"}
	rows := [][]string{
		{"9", "3", "00:01:00", "nginx: master"}, {"10", "40", "00:00:10", "worker \x1b[2Jone"}, {"11", "5", "1-00:00:00", "worker two", "beyond"}, {"100", "0"},
	}
	var table atomic.Pointer[engine.ProcessTable]
	table.Store(&engine.ProcessTable{Titles: titles, Processes: rows})
	open := func(e *fake.Engine, ctx context.Context) (tabs.Panel, tea.Cmd) {
		tab := tabs.NewProcesses(crowd{e, func() engine.ProcessTable { return *table.Load() }}, testStyles, time.Now)
		return tab, tab.Open(ctx, "api-1")
	}
	perform(t, 78, 20, shop, open, func(s *stage) {
		s.wants("4 processes · every 2 s")
		s.Keys("j")
		want := "10  40    00:00:10  worker one"
		if got := s.marked(); got != want {
			t.Errorf("the cursor is on %q, want %q", got, want)
		}
		for _, c := range []struct{ key, order string }{
			{"o", "100 11 10 9"}, {"o", "10 11 9 100"}, {"O", "100 9 11 10"}, {"o", "11 9 10 100"}, {"o", "100 9 10 11"}, {"o", "9 10 11 100"},
		} {
			s.Keys(c.key)
			if got := firstFields(s.Screen()); got != c.order {
				t.Errorf("%s gives the order %s, want %s", c.key, got, c.order)
			}
			if got := s.marked(); !strings.HasPrefix(got, "10 ") {
				t.Errorf("the cursor left its process for %q", got)
			}
		}
		table.Store(&engine.ProcessTable{Titles: titles, Processes: rows[1:]}) // the first has ended
		s.Pass(2 * time.Second)
		if got := s.marked(); got != want {
			t.Errorf("the cursor is on %q, want %q", got, want)
		}
		s.Keys("/")
		s.typed("two")
		s.wants("1 of 3 processes")
		s.Keys("enter", "y", "Y")
		if got := strings.Join(s.host.copied, ","); got != "PID 11,the command line" {
			t.Errorf("copied %s", got)
		}
		table.Store(&engine.ProcessTable{Titles: titles})
		s.Keys("esc")
		s.Pass(2 * time.Second)
		s.wants("No process is left.")
	})
}

func firstFields(screen string) string {
	var out []string
	for _, line := range strings.Split(screen, "\n")[1:] {
		if f := strings.Fields(strings.TrimPrefix(line, "▌")); len(f) > 1 && f[0] != "[" {
			out = append(out, f[0])
		}
	}
	return strings.Join(out, " ")
}

// TestProcessesBeginAgain when the container does.
func TestProcessesBeginAgain(t *testing.T) {
	perform(t, 78, 20, shop, opener(tabs.NewProcesses, "worker"), func(s *stage) {
		s.wants("No processes. It exited with code 137, killed for want of memory")
		if err := s.eng.Containers().Start(s.ctx, "worker"); err != nil {
			t.Fatal(err)
		}
		s.do(s.host.tab.Refresh)
		s.wants("1 process · tree · every 2 s")
	})
}

// TestLeavingKeysAreNeverText: the program can be left while something is
// typed.
func TestLeavingKeysAreNeverText(t *testing.T) {
	perform(t, 78, 20, shop, opener(tabs.NewEnv, "api-1"), func(s *stage) {
		s.Keys("/")
		for key, handled := range map[string]bool{"ctrl+c": false, "ctrl+z": false, "q": true, "?": true, "1": true, "tab": true} {
			s.Keys(key)
			if s.host.handled != handled {
				t.Errorf("%s while typing: handled %v", key, s.host.handled)
			}
		}
		s.Keys("esc")
		if s.host.tab.Typing() {
			t.Error("esc does not end the typing")
		}
		s.wants("9 variables")
	})
}

// TestPagingKeepsTheCursorVisible: the cursor stays visible, and the list
// scrolls no more than it must.
func TestPagingKeepsTheCursorVisible(t *testing.T) {
	perform(t, 38, 10, shop, opener(tabs.NewInspect, "api-1"), func(s *stage) {
		for _, key := range []string{"pgdown", "pgdown", "k", "G", "pgup", "g", "ctrl+d", "j"} {
			s.Keys(key)
			if s.marked() == "" {
				t.Fatalf("after %s the cursor is not on the screen:\n%s", key, s.Screen())
			}
		}
		s.Keys("g", "j", "j")
		if got := strings.Split(s.Screen(), "\n")[0]; !strings.Contains(got, "Id:") {
			t.Errorf("the list scrolled without need: %q", got)
		}
	})
}

// TestStatsNameWhatTheHostDoesNotTell.
func TestStatsNameWhatTheHostDoesNotTell(t *testing.T) {
	setup := func() *fake.Engine {
		e := shop()
		if err := e.SetSample("api-1", func(at time.Time) engine.Sample {
			v := busy(at.Add(-time.Minute))(at)
			v.Pressure = nil
			return v
		}); err != nil {
			panic(err)
		}
		return e
	}
	perform(t, 78, 20, setup, opener(tabs.NewStats, "api-1"), func(s *stage) {
		s.Pass(3 * time.Second)
		s.wants("No pressure: the kernel of this host does not measure it")
	})
	perform(t, 78, 20, shop, opener(tabs.NewStats, "api-1"), func(s *stage) { s.lacks("No pressure") })
}

// TestASlowDirectoryHoldsUpNothing: while one is measured for ever the others
// are read and opened, and leaving the tab ends it.
func TestASlowDirectoryHoldsUpNothing(t *testing.T) {
	slow := func() *fake.Engine {
		e := shop()
		e.Inject(fake.OpVolumeMeasure, fake.Fault{Delay: time.Hour})
		return e
	}
	perform(t, 78, 20, slow, imageOpener(tabs.NewVolumeFiles, "data"), func(s *stage) {
		s.wants("▸ base/", "…", "up → ../../../etc")
		s.Keys("enter")
		s.wants("▾ base/", "pg.conf", "12 B")
		s.Keys("j", "enter")
		s.wants("port = 5432")
		s.Keys("esc", "j", "enter")
		s.wants("there is no /etc") // a link ends at the top of the volume
		s.Keys("esc")
		s.wants("▾ base/")
	})
}

// TestTheTreeFollowsItsVolume: what is read again keeps what is open, and what
// has gone is left.
func TestTheTreeFollowsItsVolume(t *testing.T) {
	perform(t, 78, 20, shop, imageOpener(tabs.NewVolumeFiles, "data"), func(s *stage) {
		s.Keys("l", "l")
		s.wants("pg.conf")
		s.eng.SetVolumeFile("data", "/base/new.conf", "", []byte("x"))
		s.do(s.host.tab.Refresh)
		s.wants("▾ base/", "new.conf", "pg.conf")
		tab := s.host.tab.(*tabs.Files)
		s.do(func() tea.Cmd { return tab.Open(s.ctx, "gone") })
		s.wants("not found")
		s.lacks("pg.conf")
	})
}
