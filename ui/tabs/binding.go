package tabs

import (
	tea "charm.land/bubbletea/v2"

	"gantry/ui/keys"
)

// Bound is an action of a tab, bound to the tab that does it.
type Bound struct {
	Why string // why it cannot be done now; "" when it can
	Do  func() tea.Cmd
}

// binding is an action of tabs of one type: what the registry has of it, and
// what does it.
type binding[T any] struct {
	keys.Action
	why func(T) string // nil: it can be done whenever there is something to see
	do  func(T) tea.Cmd
}

// bindings are the actions of one scope, most important first.
type bindings[T any] []binding[T]

// of binds an action to a tab; false when it is none of these.
func (bs bindings[T]) of(t T, id keys.ID) (Bound, bool) {
	for _, b := range bs {
		if b.ID == id {
			out := Bound{Do: func() tea.Cmd { return b.do(t) }}
			if b.why != nil {
				out.Why = b.why(t)
			}
			return out, true
		}
	}
	return Bound{}, false
}

func (bs bindings[T]) actions(scope keys.Scope) []keys.Action {
	out := make([]keys.Action, len(bs))
	for i, b := range bs {
		out[i] = b.Action
		out[i].Scope = scope
	}
	return out
}

// once leaves an action for when there is something that it can be done to.
func (b Bound) once(ready bool) Bound {
	if !ready {
		b.Why = "there is nothing to see yet"
	}
	return b
}

// shows makes what a binding does of a method that only changes what is shown.
func shows[T any](change func(T)) func(T) tea.Cmd {
	return func(t T) tea.Cmd {
		change(t)
		return nil
	}
}

// Actions are those of all tabs, for the registry. What a tab does with them is
// what its Bind says.
func Actions() []keys.Action {
	var all []keys.Action
	for _, part := range [][]keys.Action{
		logBindings.actions(keys.Log), statsBindings.actions(keys.Stats), treeBindings.actions(keys.Tree), tableBindings.actions(keys.Table),
		envBindings.actions(keys.Env), mountBindings.actions(keys.Mounts), networkBindings.actions(keys.Network),
		userBindings.actions(keys.Users), endpointBindings.actions(keys.Endpoints), fileBindings.actions(keys.Files), processBindings.actions(keys.Processes),
		eventBindings.actions(keys.Events), historyBindings.actions(keys.History),
	} {
		all = append(all, part...)
	}
	return all
}
