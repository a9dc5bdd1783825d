package keys

// Far is farther than anything goes: to the first row, or to the last.
const Far = 1 << 30

// Motion is an action that moves the cursor of what has the focus.
type Motion struct {
	Action
	// Steps is how many rows it goes where a page has so many of them.
	Steps func(page int) int
}

// Motions are all of them. They are actions, so that they can have other keys
// and nothing else can take theirs unnoticed.
func Motions() []Motion {
	rows := func(n int) func(int) int { return func(int) int { return n } }
	all := []Motion{
		{Action{ID: "move.down", Keys: []string{"j", "down"}, Title: "Down", Help: "To the next row"}, rows(1)},
		{Action{ID: "move.up", Keys: []string{"k", "up"}, Title: "Up", Help: "To the row before"}, rows(-1)},
		{Action{ID: "move.page.down", Keys: []string{"pgdown"}, Title: "A page down", Help: "On by what is on the screen"}, func(page int) int { return page }},
		{Action{ID: "move.page.up", Keys: []string{"pgup"}, Title: "A page up", Help: "Back by what is on the screen"}, func(page int) int { return -page }},
		{Action{ID: "move.half.down", Keys: []string{"ctrl+d"}, Title: "Half a page down", Help: "On by half of it"}, func(page int) int { return max(1, page/2) }},
		{Action{ID: "move.half.up", Keys: []string{"ctrl+u"}, Title: "Half a page up", Help: "Back by half of it"}, func(page int) int { return -max(1, page/2) }},
		{Action{ID: "move.first", Keys: []string{"g", "home"}, Title: "To the beginning", Help: "To the first row; of a log, to its first line"}, rows(-Far)},
		{Action{ID: "move.last", Keys: []string{"G", "end"}, Title: "To the end", Help: "To the last row; of a log, to follow it"}, rows(Far)},
	}
	for i := range all {
		all[i].Scope = Move
	}
	return all
}
