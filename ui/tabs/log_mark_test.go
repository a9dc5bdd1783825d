package tabs_test

import (
	"testing"
	"time"
)

// TestLogFiltersWhileOneTypes: what is typed holds when keys rest, and esc goes
// back to what was shown.
func TestLogFiltersWhileOneTypes(t *testing.T) {
	perform(t, 78, 30, night, openLog, func(s *stage) {
		s.Keys("&")
		s.typed("slow")
		s.Pass(300 * time.Millisecond)
		s.wants("include /slow", "WARN slow 55")
		s.lacks("GET /health")
		s.Keys("esc")
		s.Pass(300 * time.Millisecond)
		s.wants("GET /health 59")
		s.lacks("&slow")
	})
}

// TestLogStaysWhereItWas: a filter that is taken away leaves the view around
// the line that was found by it.
func TestLogStaysWhereItWas(t *testing.T) {
	perform(t, 78, 10, night, openLog, func(s *stage) {
		s.Keys("&")
		s.typed("payment")
		s.Keys("enter")
		s.Pass(300 * time.Millisecond)
		s.Keys("shift+up", "shift+up", "A")
		s.Pass(300 * time.Millisecond)
		s.wants("ERROR payment 30 failed", "at pay.go:30")
		s.lacks("health 59")
	})
}

func TestLogMarksLines(t *testing.T) {
	perform(t, 78, 10, night, openLog, func(s *stage) {
		s.Keys("M")
		s.wants("◆ INFO GET /health 59", "1 mark", "following")
		s.Keys("g")
		s.Pass(300 * time.Millisecond)
		s.lacks("/health 59")
		s.Keys("'")
		s.Pass(300 * time.Millisecond)
		s.wants("/health 59")
		s.Keys("M")
		s.lacks("◆", "1 mark")
	})
}
