package tabs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/logs"
	"gantry/ui/tabs"
)

// chatty is an engine with one container whose log has n numbered lines, all of
// which were printed at the same moment, as a program does that is fast.
func chatty(n int) func() *fake.Engine {
	return func() *fake.Engine { return talking(numberedLines(n)...) }
}

func numberedLines(n int) []logs.Entry {
	at := time.Date(2026, 1, 2, 12, 4, 51, 120e6, time.Local)
	out := make([]logs.Entry, n)
	for i := range out {
		out[i] = logs.Entry{Time: at, Stream: logs.Stdout, Line: fmt.Appendf(nil, "line %d", i)}
	}
	return out
}

func talking(log ...logs.Entry) *fake.Engine {
	e := fake.New()
	e.AddImage(fake.Image{Refs: []string{"a:1"}})
	e.AddContainer(fake.Container{Name: "talker", Image: "a:1", Command: []string{"x"}, State: engine.Running, Log: log})
	return e
}

func say(t *testing.T, s *stage, stream logs.Stream, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if err := s.eng.Log("talker", stream, l); err != nil {
			t.Fatal(err)
		}
	}
	s.Pass(200 * time.Millisecond)
}

// numbersOn are the numbers of the lines on the screen.
func numbersOn(screen string) []int {
	var out []int
	for line := range strings.Lines(screen) {
		var n int
		if _, text, ok := strings.Cut(line, "line "); ok {
			if _, err := fmt.Sscanf(text, "%d\n", &n); err == nil {
				out = append(out, n)
			}
		}
	}
	return out
}

var openLog = opener(tabs.NewLog, "talker")

// TestLogIsReadToItsFirstLineAndBack: a log that is far larger than what is
// kept can be read from end to end, and no line is missing or there twice.
func TestLogIsReadToItsFirstLineAndBack(t *testing.T) {
	const n = 13_456
	perform(t, 78, 40, chatty(n), openLog, func(s *stage) {
		s.wants("line 13455", "following", "last 5,000 lines")
		lowest := numbersOn(s.Screen())[0]
		for range 2 * n / 39 {
			s.Keys("pgup")
			shown := numbersOn(s.Screen())
			for i, k := range shown {
				if k != shown[0]+i {
					t.Errorf("the lines on the screen are %v", shown)
					return
				}
			}
			if last := shown[len(shown)-1]; last < lowest-1 || shown[0] > lowest {
				t.Errorf("after line %d the page up shows %d to %d", lowest, shown[0], last)
				return
			}
			if lowest = shown[0]; lowest == 0 {
				break
			}
		}
		if lowest != 0 {
			t.Errorf("paging up ends at line %d", lowest)
			return
		}
		highest := numbersOn(s.Screen())[len(numbersOn(s.Screen()))-1]
		for range 2 * n / 39 {
			s.Keys("pgdown")
			shown := numbersOn(s.Screen())
			if shown[0] > highest+1 || len(shown) < 35 {
				t.Errorf("after line %d the page down shows %v", highest, shown)
				return
			}
			if highest = shown[len(shown)-1]; strings.Contains(s.Screen(), "following") {
				break
			}
		}
		if highest < n-2 {
			t.Errorf("paging down ends at line %d of %d:\n%s", highest, n, s.Screen())
		}
	})
}

// TestFirstLineAtOnce: g reads the beginning, and from there one comes to the
// end again.
func TestFirstLineAtOnce(t *testing.T) {
	const n = 13_456
	perform(t, 78, 40, chatty(n), openLog, func(s *stage) {
		s.Keys("g")
		if shown := numbersOn(s.Screen()); len(shown) != 40 || shown[0] != 0 || shown[39] != 39 {
			t.Errorf("g shows %v", shown)
			return
		}
		s.wants("more below")
		highest := 39
		for range 2 * n / 39 {
			s.Keys("pgdown")
			shown := numbersOn(s.Screen())
			if shown[0] > highest+1 {
				t.Errorf("after line %d the page down shows %v", highest, shown)
				return
			}
			if highest = shown[len(shown)-1]; strings.Contains(s.Screen(), "following") {
				break
			}
		}
		if highest != n-1 {
			t.Errorf("paging down ends at line %d of %d:\n%s", highest, n, s.Screen())
		}
		s.Keys("g", "G")
		if shown := numbersOn(s.Screen()); shown[len(shown)-1] != n-1 {
			t.Errorf("G shows %v", shown)
		}
	})
}

// TestPausedLogLosesNothing: while it stands still more is printed than is
// kept, and all of it is there when one goes on.
func TestPausedLogLosesNothing(t *testing.T) {
	perform(t, 78, 40, chatty(100), openLog, func(s *stage) {
		s.Keys("f")
		before := numbersOn(s.Screen())
		s.wants("paused", "100 lines")
		var more []string
		for i := range 12_345 {
			more = append(more, fmt.Sprintf("line %d", 100+i))
		}
		say(t, s, logs.Stdout, more...)
		s.wants("12,345 new lines below")
		if now := numbersOn(s.Screen()); len(now) != len(before) || now[0] != before[0] {
			t.Errorf("the view moved from %v to %v", before, now)
		}
		highest := before[len(before)-1]
		for range 1000 {
			s.Keys("pgdown")
			shown := numbersOn(s.Screen())
			if shown[0] > highest+1 {
				t.Errorf("after line %d the page down shows %v", highest, shown)
				return
			}
			if highest = shown[len(shown)-1]; strings.Contains(s.Screen(), "following") {
				break
			}
		}
		if highest != 12_444 {
			t.Errorf("paging down ends at line %d:\n%s", highest, s.Screen())
		}
	})
}

// story is a log with everything that the tab tells apart.
func story() *fake.Engine {
	at := time.Date(2026, 1, 2, 12, 4, 51, 120e6, time.Local)
	var log []logs.Entry
	add := func(stream logs.Stream, text string) {
		log = append(log, logs.Entry{Time: at, Stream: stream, Line: []byte(text)})
		at = at.Add(257 * time.Millisecond)
	}
	log = append(log, logs.Entry{Time: at, Mark: "started"})
	add(logs.Stdout, "\x1b[32mINFO\x1b[0m  GET /cart 200 12ms")
	add(logs.Stdout, `{"level":"info","msg":"cart opened","items":8,"user":"漢字"}`)
	add(logs.Stdout, "WARN  slow query 812ms  SELECT id, name, price FROM orders JOIN items USING (order_id) WHERE orders.customer = 8812 AND items.price > 100 ORDER BY price DESC")
	add(logs.Stderr, "ERROR payment gateway timeout  order=8812")
	add(logs.Stderr, "\tat pay.Charge (pay.go:88)")
	add(logs.Stderr, "\tat cart.Checkout (cart.go:41)")
	add(logs.Stdout, "\x1b[2J\x1b[H\x1b]0;evil\x07\x1b[41mescapes\x1b[0m its pane?\u202e")
	add(logs.Stdout, "10 %\r55 %\r100 % done")
	log = append(log, logs.Entry{Time: at, Mark: "exited 137 (OOM killed)"}, logs.Entry{Time: at.Add(time.Second), Mark: "started"})
	at = at.Add(2 * time.Second)
	for i := range 60 {
		add(logs.Stdout, fmt.Sprintf("INFO  GET /health/%d 200 0ms", i))
	}
	add(logs.Stdout, "ERROR payment gateway timeout  order=9001")
	add(logs.Stdout, "INFO  the end")
	return talking(log...)
}

func TestLogScreens(t *testing.T) {
	for _, size := range []struct{ w, h int }{{38, 10}, {78, 20}, {118, 36}, {198, 46}} {
		for name, keys := range map[string][]string{
			"end": nil, "start": {"g"}, "wrapped": {"g", "W"}, "bare": {"i"}, "search": {"/", "t", "i", "m", "e", "o", "u", "t", "enter"},
			"typing": {"/", "p", "a", "y", "(", "x"}, "stderr": {"o", "o"}, "cleared": {"C"},
		} {
			name := fmt.Sprintf("log-%s-%dx%d", name, size.w, size.h)
			t.Run(name, func(t *testing.T) {
				perform(t, size.w, size.h, story, openLog, func(s *stage) {
					s.Keys(keys...)
					s.Pass(200 * time.Millisecond)
					s.Golden(name)
				})
			})
		}
	}
}

// TestLogKeepsItsPane: nothing that a program prints reaches the terminal but
// colours, and these end in their row.
func TestLogKeepsItsPane(t *testing.T) {
	perform(t, 78, 20, story, openLog, func(s *stage) {
		s.Keys("g")
		for i, line := range strings.Split(s.Raw(), "\n") {
			for _, part := range strings.Split(line, "\x1b")[1:] {
				if !strings.HasPrefix(part, "[") || !strings.HasPrefix(strings.TrimLeft(part[1:], "0123456789;:"), "m") {
					t.Errorf("row %d has %q", i, part)
				}
			}
		}
		s.wants("escapes its pane?", "100 % done")
		s.lacks("evil", "55 %")
		if !strings.Contains(s.Raw(), "\x1b[41mescapes") {
			t.Errorf("the program's colour is lost:\n%q", s.Raw())
		}
	})
}

func TestLogSearch(t *testing.T) {
	perform(t, 78, 20, story, openLog, func(s *stage) {
		tab := s.host.tab.(*tabs.Log)
		s.Keys("/")
		s.typed("TIMEOUT")
		s.wants("search /TIMEOUT", "/TIMEOUT/ not found")
		for range "TIMEOUT" {
			s.Send(tea.KeyPressMsg{Code: tea.KeyBackspace})
		}
		s.typed("time.ut")
		s.wants("/time.ut/ 2 of 2")
		if !tab.Typing() {
			t.Error("the text was ended")
		}
		s.Keys("enter")
		s.wants("order=9001", "/time.ut/ 2 of 2")
		s.Keys("n")
		s.wants("order=8812", "/time.ut/ 1 of 2", "from the top again")
		s.Keys("n")
		s.wants("order=9001", "/time.ut/ 2 of 2")
		s.Keys("N")
		s.wants("order=8812", "1 of 2")
		s.Keys("N")
		s.wants("2 of 2", "from the end again")
		s.Keys("y")
		if got := strings.Join(s.host.copied, ","); !strings.HasPrefix(got, "the line of 12:0") {
			t.Errorf("copied %q", got)
		}
		say(t, s, logs.Stdout, "a third timeout")
		s.Keys("G")
		s.Pass(100 * time.Millisecond)
		s.wants("3 matches")
		s.Keys("esc")
		s.lacks("/time.ut/")
		s.Keys("esc")
		if s.host.handled {
			t.Error("esc with nothing to leave is the root's")
		}
	})
}

func TestLogSearchLeavesNoTrace(t *testing.T) {
	perform(t, 78, 20, story, openLog, func(s *stage) {
		before := s.Screen()
		s.Keys("/")
		s.typed("cart op")
		s.wants("cart opened")
		s.Keys("esc")
		if got := s.Screen(); got != before {
			t.Errorf("after esc the screen is\n%s", got)
		}
		s.Keys("/")
		s.typed("pay(")
		s.wants(`a "(" is not closed`)
		s.typed("ment)")
		s.lacks("is not closed")
		s.wants("2 of 2")
	})
}

// TestLogSearchGoesOnInTheJournal: N finds what is far above the lines that are
// kept, and a key gives it up.
func TestLogSearchGoesOnInTheJournal(t *testing.T) {
	setup := func() *fake.Engine {
		log := numberedLines(23_456)
		log[17].Line = []byte("ERROR the needle")
		return talking(log...)
	}
	perform(t, 78, 20, setup, openLog, func(s *stage) {
		s.Keys("/")
		s.typed("needle")
		s.Keys("enter")
		s.wants("/needle/ not found")
		s.Keys("N")
		s.wants("ERROR the needle", "line 16", "line 18", "/needle/ 1 of 1")
		s.Keys("n")
		s.wants("no later match", "ERROR the needle")
		s.Keys("esc", "G", "E")
		s.wants("ERROR the needle")
		s.Keys("E")
		s.wants("no earlier error", "ERROR the needle")
		s.Keys("e")
		s.wants("no later error", "ERROR the needle")
		s.Keys("G")
		s.wants("line 23455", "following")
	})
}

func TestLogErrors(t *testing.T) {
	perform(t, 78, 20, story, openLog, func(s *stage) {
		s.Keys("E")
		s.wants("order=9001")
		s.Keys("E")
		s.wants("order=8812")
		s.Keys("E")
		s.wants("no earlier error")
		s.Keys("e")
		s.wants("order=9001")
		s.Keys("e")
		s.wants("no later error")
	})
}

func TestLogStreams(t *testing.T) {
	perform(t, 78, 36, story, openLog, func(s *stage) {
		s.Keys("g")
		s.wants("GET /cart", "pay.Charge")
		s.Keys("o")
		s.Pass(100 * time.Millisecond)
		s.Keys("g")
		s.wants("stdout only", "GET /cart")
		s.lacks("pay.Charge")
		s.Keys("o")
		s.Pass(100 * time.Millisecond)
		s.wants("stderr only", "pay.Charge", "3 lines")
		s.lacks("GET /cart")
		s.Keys("o")
		s.Pass(100 * time.Millisecond)
		s.lacks("only")
	})
}

func TestLogClears(t *testing.T) {
	perform(t, 78, 20, story, openLog, func(s *stage) {
		s.Keys("C")
		s.wants("Cleared.", "g goes back")
		say(t, s, logs.Stdout, "something new")
		s.wants("something new")
		s.lacks("the end")
		s.Keys("pgup")
		s.lacks("the end")
		s.Keys("g")
		s.wants("started", "GET /cart")
	})
}

// TestLogWraps: every character is there, rows scroll one by one, and copying
// takes the whole line.
func TestLogWraps(t *testing.T) {
	perform(t, 60, 12, story, openLog, func(s *stage) {
		s.Keys("g", "W")
		s.wants("ORDER B", "Y price DESC")
		first := strings.Split(s.Screen(), "\n")[0]
		s.Keys("j")
		if got := strings.Split(s.Screen(), "\n")[0]; got == first {
			t.Error("j does not scroll")
		}
		s.Keys("k")
		if got := strings.Split(s.Screen(), "\n")[0]; got != first {
			t.Errorf("k goes back to %q, want %q", got, first)
		}
		for range 30 {
			s.Keys("j")
			if got := len(strings.Split(strings.TrimRight(s.Screen(), "\n"), "\n")); got < 12 {
				t.Errorf("the screen is not full:\n%s", s.Screen())
				return
			}
		}
	})
}

// TestHugeLines: a line of a megabyte comes in pieces, and takes as long to
// draw as any other.
func TestHugeLines(t *testing.T) {
	setup := func() *fake.Engine {
		at := time.Date(2026, 1, 2, 12, 4, 51, 0, time.Local)
		var log []logs.Entry
		for i := range 64 {
			log = append(log, logs.Entry{Time: at, Stream: logs.Stdout, Line: []byte(strings.Repeat("x", 16<<10-2) + fmt.Sprintf("%02d", i)), Partial: i < 63})
		}
		return talking(append(log, logs.Entry{Time: at, Stream: logs.Stdout, Line: []byte("after it")})...)
	}
	perform(t, 78, 20, setup, openLog, func(s *stage) {
		s.wants("after it")
		if n := strings.Count(s.Screen(), "12:04:51.000"); n != 1 {
			t.Errorf("%d rows have a time, want that of the last line: the others go on\n%s", n, s.Screen())
		}
		s.Keys("W")
		s.wants("63", "after it")
		s.Keys("k", "pgup", "g", "G")
		s.wants("after it")
	})
}

func TestLogMouse(t *testing.T) {
	perform(t, 78, 20, story, openLog, func(s *stage) {
		last := strings.Split(s.Screen(), "\n")[19]
		s.wheel(-5)
		if strings.Contains(s.Screen(), last) || !strings.Contains(s.Screen(), "5 lines below") {
			t.Errorf("the wheel does not scroll:\n%s", s.Screen())
		}
		s.click(20, 3, false)
		marked := ""
		for line := range strings.Lines(s.Screen()) {
			if strings.Contains(line, "▌") {
				marked = line
			}
		}
		if want := strings.Split(s.Screen(), "\n")[3]; strings.TrimSpace(marked) != strings.TrimSpace(want) {
			t.Errorf("a click marks %q, want %q", marked, want)
		}
		s.click(20, 4, true)
		if len(s.host.copied) != 1 {
			t.Errorf("a double click copied %v", s.host.copied)
		}
		s.wheel(50)
		s.wants("following")
		if s.click(1, 40, false) {
			t.Error("a click below the lines was taken")
		}
	})
}

// TestChosenLine moves by the keyboard too.
func TestChosenLine(t *testing.T) {
	perform(t, 78, 20, story, openLog, func(s *stage) {
		up := tea.KeyPressMsg{Code: tea.KeyUp, Mod: tea.ModShift}
		s.Send(up)
		s.Send(up)
		marked := ""
		for line := range strings.Lines(s.Screen()) {
			if strings.Contains(line, "▌") {
				marked = line
			}
		}
		if !strings.Contains(marked, "order=9001") {
			t.Errorf("the marked line is %q", marked)
		}
		s.Keys("y")
		if len(s.host.copied) != 1 {
			t.Errorf("y copied %v", s.host.copied)
		}
	})
}

// TestRestartGoesOn: what has ended with its container goes on in the same
// view when it is started again.
func TestRestartGoesOn(t *testing.T) {
	perform(t, 78, 20, story, openLog, func(s *stage) {
		if err := s.eng.Exit("talker", 3, false); err != nil {
			t.Fatal(err)
		}
		s.do(s.host.tab.Refresh)
		s.Pass(time.Second)
		s.wants("exited 3", "ended")
		if err := s.eng.Containers().Start(s.ctx, "talker"); err != nil {
			t.Fatal(err)
		}
		s.do(s.host.tab.Refresh)
		say(t, s, logs.Stdout, "again there")
		s.wants("exited 3", "again there", "following")
		if n := strings.Count(s.Screen(), "exited 3"); n != 1 {
			t.Errorf("the end is told %d times:\n%s", n, s.Screen())
		}
	})
}

// TestSlowLogFreezesNoKey, and a failing one says so.
func TestSlowLogFreezesNoKey(t *testing.T) {
	setup := func() *fake.Engine {
		e := chatty(8000)()
		e.Inject(fake.OpLogs, fake.Fault{Delay: time.Hour, Skip: 2})
		return e
	}
	perform(t, 78, 20, setup, openLog, func(s *stage) {
		s.Keys("k", "pgup", "g", "/", "x", "esc", "E", "W", "i", "f", "G")
		s.wants("line 7999")
	})
	broken := func() *fake.Engine {
		e := chatty(8000)()
		e.Inject(fake.OpLogs, fake.Fault{Err: errors.New("disk on \x1b[31mfire"), Skip: 2, Times: 1})
		return e
	}
	perform(t, 118, 20, broken, openLog, func(s *stage) {
		s.Keys("g")
		s.wants("cannot be read further", "disk on fire", "line 7999")
		s.Keys("g")
		s.lacks("fire")
		s.wants("line 0")
	})
	dead := func() *fake.Engine {
		e := chatty(10)()
		e.Inject(fake.OpLogs, fake.Fault{Err: errors.New("disk on fire")})
		return e
	}
	perform(t, 78, 20, dead, openLog, func(s *stage) {
		s.wants("▲", "disk on fire")
		s.Keys("k", "g", "G", "n", "E", "y", "f")
	})
}

// TestTwoLogs of one container stand beside each other and do not take each
// other's messages.
func TestTwoLogs(t *testing.T) {
	perform(t, 78, 20, chatty(8000), openLog, func(s *stage) {
		other := tabs.NewLog(s.eng, testStyles, time.Now)
		other.Place(78, 20, false)
		msg := other.Open(s.ctx, "talker")()
		if took, _ := s.host.tab.Update(msg); took {
			t.Error("a tab took the other's message")
		}
		if took, _ := other.Update(msg); !took {
			t.Error("a tab did not take its own message")
		}
		if got := ansi.Strip(strings.Join(other.View(78, 20), "\n")); !strings.Contains(got, "line 7999") {
			t.Errorf("the other one shows\n%s", got)
		}
		other.Close()
	})
}

// TestLogIsDrawnWhileItGrows: frames are drawn and keys are pressed while the
// feed takes lines, in another goroutine as in the program.
func TestLogIsDrawnWhileItGrows(t *testing.T) {
	t.Parallel()
	e := chatty(100)()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	tab := tabs.NewLog(e, testStyles, time.Now)
	tab.Place(78, 20, true)
	tab.Update(tab.Open(ctx, "talker")())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 50_000 {
			if err := e.Log("talker", logs.Stdout, fmt.Sprintf("line %d", i)); err != nil {
				t.Error(err)
			}
		}
	}()
	h := &host{tab: tab}
	keys := []string{"k", "W", "pgup", "y", "shift+up", "E", "f", "G", "C", "g", "i", "G"}
	for i := 0; ; i++ {
		if got := len(tab.View(78, 20)); got > 20 {
			t.Errorf("%d rows", got)
		}
		tab.Status()
		if i%50 == 0 {
			h.key(keys[i/50%len(keys)])
		}
		select {
		case <-done:
			tab.Close()
			if err := e.Close(); err != nil {
				t.Error(err)
			}
			return
		default:
		}
	}
}

func BenchmarkLogView(b *testing.B) {
	for _, n := range []int{100, 5_000, 1_000_000} {
		for _, wrap := range []bool{false, true} {
			b.Run(fmt.Sprintf("lines=%d/wrap=%v", n, wrap), func(b *testing.B) {
				e := chatty(n)()
				tab := tabs.NewLog(e, testStyles, time.Now)
				tab.Place(118, 36, true)
				ctx, cancel := context.WithCancel(b.Context())
				defer cancel()
				tab.Update(tab.Open(ctx, "talker")())
				if wrap {
					(&host{tab: tab}).key("W")
				}
				b.ReportAllocs()
				for b.Loop() {
					tab.View(118, 36)
				}
				b.StopTimer()
				tab.Close()
				if err := e.Close(); err != nil {
					b.Error(err)
				}
			})
		}
	}
}
