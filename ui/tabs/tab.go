package tabs

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/keys"
)

// Tab shows one side of a container.
type Tab interface {
	Panel
	// Open shows a container and ends what was shown before. It starts
	// nothing by itself: the returned command does.
	Open(ctx context.Context, id engine.ID) tea.Cmd
}

// ObjectTab shows one side of an image, a volume or a network.
type ObjectTab interface {
	Panel
	// Open is Tab.Open for such an object, by its ID, or its name where it has
	// none.
	Open(ctx context.Context, ref string) tea.Cmd
}

// Panel is what all tabs have in common.
type Panel interface {
	feeder
	typist
	Name() string
	// Scope is where the tab's own actions apply, and Bind is what one of the
	// actions in effect there does; false when it is none of the tab's.
	Scope() keys.Scope
	Bind(id keys.ID) (Bound, bool)
	// Move goes on by so many rows where a page has so many of them; keys.Far
	// is to the end.
	Move(steps func(page int) int) tea.Cmd
	// Back undoes one step within the tab, such as a search; false when there
	// is none.
	Back() bool
	// Place says where the tab stands, for paging, for scrolling no more than
	// needed and for the colour of the cursor. View works without.
	Place(width, height int, focused bool)
	// View draws at most height lines, each exactly width cells or "".
	View(width, height int) []string
	// Status is for the pane's bottom border: "12 processes".
	Status() string
}

// feeder is what keeps a tab up to date.
type feeder interface {
	// Close stops feeding: nothing runs or polls afterwards. What was read
	// stays, so that a tab that is opened again on the same object shows it
	// at once.
	Close()
	// Refresh reads again, because the object has changed. A tab whose
	// container had ended begins anew. Refreshes while one is under way
	// become a single one after it.
	Refresh() tea.Cmd
	// Update takes the tab's own messages of the present generation and
	// handles no others.
	Update(msg tea.Msg) (handled bool, cmd tea.Cmd)
}

// typist is a line of text that a tab may have open.
type typist interface {
	// Typing tells whether the keys are text at the moment: the root must
	// then offer every key to the tab before its own.
	Typing() bool
	// Type takes a key, as tea.KeyPressMsg.String names it, as text.
	Type(key string) tea.Cmd
}

// Asker is a panel that may want something else than a text that enter keeps.
type Asker interface {
	// TypingHints are the keys for what is asked for, nil for those of a text.
	TypingHints() []string
}

// Copied is sent when something was put on the clipboard.
type Copied struct{ What string }

// copyText puts text on the terminal's clipboard and tells the root about it.
func copyText(text, what string) tea.Cmd {
	return tea.Batch(tea.SetClipboard(text), func() tea.Msg { return Copied{What: what} })
}

var (
	_ Tab   = (*Log)(nil)
	_ Asker = (*Log)(nil)
	_ Tab   = (*Stats)(nil)
	_ Tab   = (*Inspect)(nil)
	_ Tab   = (*Env)(nil)
	_ Tab   = (*Mounts)(nil)
	_ Tab   = (*Processes)(nil)
	_ Tab   = (*Events)(nil)
	_ Tab   = (*Network)(nil)

	_ ObjectTab = (*ImageConfig)(nil)
	_ ObjectTab = (*ImageHistory)(nil)
	_ ObjectTab = (*ObjectEvents)(nil)
	_ ObjectTab = (*Files)(nil)
	_ Tab       = (*ContainerFiles)(nil)
	_ ObjectTab = (*VolumeUsers)(nil)
	_ ObjectTab = (*VolumeInspect)(nil)
	_ ObjectTab = (*Endpoints)(nil)
	_ ObjectTab = (*NetworkInspect)(nil)
)
