package tabs_test

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"gantry/ui/tabs"
)

// click presses a button on the tab, once or twice.
func (s *stage) click(x, y int, double bool) bool {
	s.t.Helper()
	taken := false
	s.do(func() tea.Cmd {
		p := s.host.tab.(tabs.Pointer)
		press := p.Click
		if double {
			press = p.DoubleClick
		}
		ok, cmd := press(x, y)
		taken = ok
		return cmd
	})
	return taken
}

func (s *stage) wheel(lines int) {
	s.do(func() tea.Cmd { return s.host.tab.(tabs.Pointer).Wheel(lines) })
}

func TestPointerOnTables(t *testing.T) {
	perform(t, 78, 8, shop, opener(tabs.NewEnv, "api-1"), func(s *stage) {
		if !s.click(5, 3, false) || !strings.HasPrefix(s.marked(), "DB_PASSWORD") {
			t.Errorf("the third row is %q", s.marked())
		}
		if s.click(5, 0, false) {
			t.Error("a title that does nothing took a click")
		}
		s.wheel(100)
		if s.marked() == "" {
			t.Errorf("the cursor was left behind:\n%s", s.Screen())
		}
		s.wheel(-100)
		if got := strings.Split(s.Screen(), "\n")[1]; !strings.Contains(got, "API_KEY") {
			t.Errorf("the first row after scrolling back is %q", got)
		}
		if s.click(5, 40, false) {
			t.Error("a click below the rows was taken")
		}
	})
}

func TestPointerOnTrees(t *testing.T) {
	perform(t, 78, 20, shop, opener(tabs.NewInspect, "api-1"), func(s *stage) {
		s.Keys("Z") // all folded
		row := -1
		for i, line := range strings.Split(s.Screen(), "\n") {
			if strings.Contains(line, "▸ State") {
				row = i
			}
		}
		s.click(1, row, false)
		s.wants("▾ State")
		s.click(1, row, false)
		s.wants("▸ State")
		s.click(12, row, false)
		s.wants("▸ State")
		s.click(12, row, true)
		s.wants("▾ State", "OOMKilled")
		s.wheel(3)
		if s.marked() == "" {
			t.Errorf("the cursor was left behind:\n%s", s.Screen())
		}
	})
}

func TestTitlesSort(t *testing.T) {
	perform(t, 78, 20, shop, opener(tabs.NewProcesses, "api-1"), func(s *stage) {
		title := strings.Split(s.Screen(), "\n")[0]
		x := strings.Index(title, "PID")
		s.click(x, 0, false)
		s.wants("PID▾")
		s.click(x, 0, false)
		s.wants("PID▴")
	})
}
