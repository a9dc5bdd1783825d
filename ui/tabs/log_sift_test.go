package tabs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gantry/engine/fake"
	"gantry/logs"
	"gantry/ui/tabs"
)

// night is a log of an hour, a line a minute, with a stack below each error.
func night() *fake.Engine {
	begin := time.Now().Add(-time.Hour)
	var all []logs.Entry
	say := func(minute int, format string, args ...any) {
		all = append(all, logs.Entry{Time: begin.Add(time.Duration(minute) * time.Minute), Stream: logs.Stdout, Line: fmt.Appendf(nil, format, args...)})
	}
	for i := range 60 {
		switch {
		case i%20 == 10:
			say(i, "ERROR payment %d failed", i)
			say(i, "    at pay.go:%d", i)
		case i%5 == 0:
			say(i, "WARN slow %d", i)
		case i == 7:
			say(i, `{"level":"info","order":{"id":7,"items":["a","b"]}}`)
		default:
			say(i, "INFO GET /health %d", i)
		}
	}
	return talking(all...)
}

func TestLogShowsGraveLines(t *testing.T) {
	perform(t, 78, 30, night, openLog, func(s *stage) {
		s.wants("INFO GET /health 59")
		s.Keys("v")
		s.Pass(100 * time.Millisecond)
		s.wants("level info and up", "INFO GET /health 59")
		s.Keys("v")
		s.Pass(100 * time.Millisecond)
		s.wants("level warn and up", "WARN slow 55", "ERROR payment 50 failed", "    at pay.go:50")
		s.lacks("INFO")
		s.Keys("v")
		s.Pass(100 * time.Millisecond)
		s.wants("level error and up", "ERROR payment 10 failed", "at pay.go:10", "ERROR payment 50 failed")
		s.lacks("INFO", "WARN")
		say(s.t, s, logs.Stdout, "INFO nobody cares")
		say(s.t, s, logs.Stdout, "FATAL the end")
		s.Pass(time.Second)
		s.wants("FATAL the end", "following")
		s.lacks("nobody cares")
		s.Keys("A")
		s.Pass(100 * time.Millisecond)
		s.wants("nobody cares", "INFO GET /health 59")
		s.lacks("level")
	})
}

func TestLogIncludesAndExcludes(t *testing.T) {
	perform(t, 78, 30, night, openLog, func(s *stage) {
		s.Keys("&")
		s.typed("slow (")
		s.wants("include /slow (", "is not closed")
		s.Keys("enter") // it stays open: it is no expression
		s.Keys("backspace", "backspace", "enter")
		s.Pass(100 * time.Millisecond)
		s.wants("&slow", "WARN slow 0", "WARN slow 55")
		s.lacks("GET", "payment")
		s.Keys("!")
		s.typed("slow [1-4]")
		s.Keys("enter")
		s.Pass(100 * time.Millisecond)
		s.wants("&slow  !slow [1-4]", "WARN slow 0", "WARN slow 55")
		s.lacks("slow 20", "slow 45")
		s.Keys("&", "ctrl+u")
		s.typed("nothing has this")
		s.Keys("enter")
		s.Pass(100 * time.Millisecond)
		s.wants("&nothing has this  !slow [1-4]", "started") // what happened to it stays
		s.lacks("GET", "slow 0", "payment")
		s.Keys("&", "ctrl+u", "enter", "!", "ctrl+u", "enter")
		s.Pass(100 * time.Millisecond)
		s.wants("INFO GET /health 59")
		s.lacks("!slow")
	})
}

// TestLogSiftsWhatIsOlder: lines that are chosen are found however far back.
func TestLogSiftsWhatIsOlder(t *testing.T) {
	many := func() *fake.Engine {
		lines := numberedLines(30_000)
		lines[40].Line = []byte("needle at the beginning")
		lines[29_990].Line = []byte("needle at the end")
		return talking(lines...)
	}
	perform(t, 78, 20, many, openLog, func(s *stage) {
		s.Keys("&")
		s.typed("needle")
		s.Keys("enter")
		s.Pass(5 * time.Second)
		s.wants("needle at the end")
		s.Keys("g")
		s.Pass(5 * time.Second)
		s.wants("needle at the beginning", "needle at the end")
		s.lacks("line 41")
	})
}

func TestLogWindowAndJump(t *testing.T) {
	perform(t, 100, 20, night, openLog, func(s *stage) {
		s.Keys("T")
		s.wants("only the last  1: 1m", "0: all")
		s.Keys("3")
		s.Pass(100 * time.Millisecond)
		s.Keys("g")
		s.Pass(100 * time.Millisecond)
		s.wants("since ", "/health 46")
		s.lacks("slow 45", "/health 44")
		s.Keys("T", "x") // no digit
		s.wants("since ")
		s.Keys("T", "0")
		s.Pass(100 * time.Millisecond)
		s.lacks("since ")
		s.Keys("@")
		s.typed("soon")
		s.Keys("enter")
		s.wants("no time; 14:05 is one")
		s.Keys("ctrl+u")
		s.typed("35m30s")
		s.Keys("enter")
		s.Pass(100 * time.Millisecond)
		if got := s.marked(); !strings.Contains(got, "WARN slow 25") && !strings.Contains(s.Screen(), "▌ WARN slow 25") {
			t.Errorf("it goes to %q:\n%s", got, s.Screen())
		}
		s.Keys("pgup", "pgup")
		s.Pass(100 * time.Millisecond)
		s.wants("ERROR payment 10 failed") // what is older is there too
		s.Keys("@", "0", "s", "enter")
		s.Pass(100 * time.Millisecond)
		s.wants("nothing since", "/health 59")
	})
}

func TestLogTakesDocumentsApart(t *testing.T) {
	perform(t, 78, 70, night, openLog, func(s *stage) {
		s.wants(`{"level":"info","order":{"id":7,"items":["a","b"]}}`)
		s.Keys("J")
		s.wants(`"level": "info",`, `    "id": 7,`, `      "b"`)
		s.lacks(`{"level":"info","order"`)
		for _, line := range strings.Split(s.Screen(), "\n") {
			if strings.Count(line, `"`) > 4 {
				t.Errorf("members stand beside each other: %s", line)
			}
		}
		s.Keys("W", "J")
		s.wants(`{"level":"info","order":{"id":7,"items":["a","b"]}}`)
	})
}

func TestMoments(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 14, 30, 0, 0, time.Local)
	for in, want := range map[string]time.Time{
		"14:05":               time.Date(2026, 3, 4, 14, 5, 0, 0, time.Local),
		"14:05:59":            time.Date(2026, 3, 4, 14, 5, 59, 0, time.Local),
		"23:00":               time.Date(2026, 3, 3, 23, 0, 0, 0, time.Local), // yesterday's
		"10m":                 now.Add(-10 * time.Minute),
		"1h30m":               now.Add(-90 * time.Minute),
		"2026-03-01":          time.Date(2026, 3, 1, 0, 0, 0, 0, time.Local),
		" 2026-03-01 07:08  ": time.Date(2026, 3, 1, 7, 8, 0, 0, time.Local),
	} {
		if got, ok := tabs.Moment(in, now); !ok || !got.Equal(want) {
			t.Errorf("%q is %v, want %v", in, got, want)
		}
	}
	for _, in := range []string{"", "soon", "25:00", "-5m", "14"} {
		if got, ok := tabs.Moment(in, now); ok {
			t.Errorf("%q is %v", in, got)
		}
	}
}
