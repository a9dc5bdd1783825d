package tabs

import "gantry/ui/styles"

// blank is why a tab has nothing of its own to show. The first reason that holds
// is told.
type blank struct {
	kind   string   // of what it shows: "container"
	chosen bool     // whether there is one
	err    error    // why nothing is known of it
	over   []string // why there is nothing to know, and what comes of that
	known  bool     // there is something to show
}

// lines are what is shown instead; false when there is no need of it.
func (b blank) lines(s styles.Styles, width, height int) ([]string, bool) {
	var out []string
	switch {
	case width < 4 || height < 1:
		return nil, true
	case !b.chosen:
		out = notice(s, width, "No "+b.kind+" is chosen.", "")
	case b.err != nil:
		out = problem(s, width, b.err)
	case len(b.over) == 2:
		out = notice(s, width, b.over[0], b.over[1])
	case !b.known:
		out = notice(s, width, "", s.Wait("Reading"))
	default:
		return nil, false
	}
	return stack(out, nil, height), true
}
