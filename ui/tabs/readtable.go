package tabs

import (
	tea "charm.land/bubbletea/v2"

	"gantry/ui/keys"
)

// readTable is a table of what one reading answers.
type readTable[T any] struct {
	reading[T]
	tablePage
}

// Close implements Panel.
func (t *readTable[T]) Close() { t.close() }

// Refresh implements Panel.
func (t *readTable[T]) Refresh() tea.Cmd { return t.refresh() }

// Update implements Panel.
func (t *readTable[T]) Update(msg tea.Msg) (bool, tea.Cmd) {
	ok, cmd := t.accept(msg)
	if ok && t.err == nil {
		t.remake()
	}
	return ok, cmd
}

// bindRow is Bind of a tab with a table: its own actions, and those of all
// tables.
func bindRow[T any](own bindings[T], t T, p *tablePage, id keys.ID, ready bool) (Bound, bool) {
	b, ok := own.of(t, id)
	if !ok {
		b, ok = tableBindings.of(p, id)
	}
	return b.once(ready), ok
}
