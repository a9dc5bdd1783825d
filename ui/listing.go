package ui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/feed"
	"gantry/ui/glyph"
	"gantry/ui/lists"
	"gantry/ui/widgets"
)

// lister is what all lists have in common, whatever they hold.
type lister interface {
	Place(width, height int)
	View(look lists.Look) []string
	Version() uint64
	Position() string
	Len() int
	All() int

	Move(by int)
	Page() int
	Scroll(lines int)
	Click(entry int)
	At(x, y int) lists.Hit
	CurrentID() string
	Heading() (string, bool)

	Filter(text string)
	Filtered() string
	OrderBy(id string)
	NextOrder()
	Reverse()
	Sorted() string
	Fold() bool
	FoldAll()

	Mark()
	MarkAll()
	Unmark()
	Marks() int
	Range()
	Ranging() bool
	DropRange()
	Extend(by int)
}

var (
	_ lister = (*lists.List[engine.ContainerSummary])(nil)
	_ lister = (*lists.List[engine.ImageSummary])(nil)
	_ lister = (*lists.List[engine.VolumeSummary])(nil)
	_ lister = (*lists.List[engine.Network])(nil)
	_ lister = (*lists.List[engine.Job])(nil)
)

// list is the list of a pane; nil where the pane has none.
func (m *Model) list(p pane) lister {
	switch p {
	case containersPane:
		return m.containers
	case imagesPane:
		return m.images
	case volumesPane:
		return m.volumes
	case networksPane:
		return m.networks
	case jobsPane:
		return m.jobList
	}
	return nil
}

// chosen is the container under the cursor, "" when there is none.
func (m *Model) chosen() engine.ID { return engine.ID(m.containers.CurrentID()) }

// targets are the containers that an action goes to: the marked ones, else the
// one under the cursor, else all below the heading there.
func (m *Model) targets() []engine.ContainerSummary {
	var out []engine.ContainerSummary
	for _, c := range m.containers.Targets() {
		out = append(out, *c)
	}
	return out
}

// imageTargets are the images that an action goes to.
func (m *Model) imageTargets() []engine.ImageSummary {
	var out []engine.ImageSummary
	for _, img := range m.images.Targets() {
		out = append(out, *img)
	}
	return out
}

// image is the one under the cursor.
func (m *Model) image() (engine.ImageSummary, bool) {
	if img := m.images.Current(); img != nil {
		return *img, true
	}
	return engine.ImageSummary{}, false
}

// onList makes the handler of an action on the list that has the focus.
func onList(run func(l lister)) handler {
	return handler{
		disabled: func(m *Model) string {
			if m.list(m.focus) == nil {
				return "no list has the focus"
			}
			return ""
		},
		run: func(m *Model) tea.Cmd {
			run(m.list(m.focus))
			return nil
		},
	}
}

// mark marks the row or takes the mark away, and goes on to the next. A range
// that is open becomes marks, and the cursor stays.
func mark(l lister) {
	ranging := l.Ranging()
	if l.Mark(); !ranging {
		l.Move(1)
	}
}

// listPane draws a list with its pane.
func (m *Model) listPane(p pane, r rect, none, next string) []string {
	l := m.list(p)
	pane := m.pane(p, r, m.listTitle(names[p], l), l.Position())
	pane.Corner = l.Sorted()
	w, _ := pane.Inner()
	switch {
	case !m.state.Have.Has(kindOf(p)):
		return pane.Render(nil)
	case l.All() == 0:
		return pane.Render(m.empty(w, none, next))
	case l.Len() == 0:
		return pane.Render(m.empty(w, "The filter lets none of them through.", "esc clears it."))
	}
	return pane.Render(l.View(lists.Look{Styles: m.styles, Focused: m.focus == p, Tally: m.tally}))
}

// listTitle is the title of a list: how many rows, how many of all when a
// filter hides some, how many are marked, and the filter itself.
func (m *Model) listTitle(name string, l lister) string {
	t := fmt.Sprintf("%s %d", name, l.Len())
	if l.Len() != l.All() {
		t += fmt.Sprintf("/%d", l.All())
	}
	if n := l.Marks(); n > 0 {
		t += fmt.Sprintf("  "+glyph.Marked+" %d marked", n)
	}
	if f := l.Filtered(); f != "" {
		t += "  /" + f
	}
	return t
}

func (m *Model) empty(w int, what, next string) []string {
	return []string{"", " " + widgets.Fit(what, w-1), " " + m.styles.Muted.Render(widgets.Fit(next, w-1))}
}

// kindOf is what the list of a pane holds.
func kindOf(p pane) feed.Kinds {
	switch p {
	case imagesPane:
		return feed.Images
	case volumesPane:
		return feed.Volumes
	case networksPane:
		return feed.Networks
	case jobsPane:
		return feed.Jobs
	}
	return feed.Containers
}
