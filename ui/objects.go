package ui

import (
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
)

// objects is what actions need to know of volumes and networks: which are
// chosen, and which have a name.
type objects[T any] struct {
	noun    string
	targets func(m *Model) []*T // chosen
	all     func(m *Model) []T
	name    func(*T) string
	is      func(obj *T, word string) bool // also by an ID
}

var volumeObjects = objects[engine.VolumeSummary]{
	noun: "volume", targets: func(m *Model) []*engine.VolumeSummary { return m.volumes.Targets() },
	all:  func(m *Model) []engine.VolumeSummary { return m.state.Volumes },
	name: func(v *engine.VolumeSummary) string { return v.Name },
	is:   func(v *engine.VolumeSummary, word string) bool { return v.Name == word },
}

var networkObjects = objects[engine.Network]{
	noun: "network", targets: func(m *Model) []*engine.Network { return m.networks.Targets() },
	all:  func(m *Model) []engine.Network { return m.state.Networks },
	name: func(n *engine.Network) string { return n.Name },
	is: func(n *engine.Network, word string) bool {
		return n.Name == word || len(word) >= 4 && (string(n.ID) == word || n.ID.Short() == word)
	},
}

// named finds objects by their names; without words they are the chosen ones.
func (o objects[T]) named(m *Model, words []string) ([]T, error) {
	if len(words) == 0 {
		return values(o.targets(m)), nil
	}
	var out []T
	for _, w := range words {
		all := o.all(m)
		i := slices.IndexFunc(all, func(obj T) bool { return o.is(&obj, w) })
		if i < 0 {
			return nil, fmt.Errorf("there is no %s %q", o.noun, w)
		}
		out = append(out, all[i])
	}
	return out, nil
}

func values[T any](list []*T) []T {
	out := make([]T, len(list))
	for i, p := range list {
		out[i] = *p
	}
	return out
}

func (o objects[T]) names(list []T) []string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = o.name(&list[i])
	}
	return out
}

// on makes the handler of an action on the chosen objects, or on those that are
// named behind it. fits tells why one of them does not suit.
func (o objects[T]) on(fits func(m *Model, obj *T) string, run func(m *Model, list []T) tea.Cmd) handler {
	fitting := func(m *Model, list []T) (out []T, why string) {
		why = "there is no " + o.noun
		for i := range list {
			if w := fits(m, &list[i]); w != "" {
				why = w
				continue
			}
			out = append(out, list[i])
		}
		return out, why
	}
	return handler{
		disabled: func(m *Model) string {
			if list, why := fitting(m, values(o.targets(m))); len(list) == 0 {
				return why
			}
			return ""
		},
		run: func(m *Model) tea.Cmd {
			list, _ := fitting(m, values(o.targets(m)))
			return run(m, list)
		},
		with: func(m *Model, args []string) (tea.Cmd, error) {
			list, err := o.named(m, args)
			if err != nil {
				return nil, err
			}
			fit, why := fitting(m, list)
			if len(fit) < len(list) || len(fit) == 0 {
				return nil, fmt.Errorf("%s", why)
			}
			return run(m, fit), nil
		},
		words: func(m *Model, args []string) []string { return o.complete(m, fits, args) },
	}
}

// one is on for what goes to a single object.
func (o objects[T]) one(fits func(m *Model, obj *T) string, run func(m *Model, obj T) tea.Cmd) handler {
	h := o.on(fits, func(m *Model, list []T) tea.Cmd { return run(m, list[0]) })
	disabled := h.disabled
	h.disabled = func(m *Model) string {
		if n := len(o.targets(m)); n > 1 {
			return fmt.Sprintf("one at a time; %d are chosen", n)
		}
		return disabled(m)
	}
	return h
}

// complete are the names that can stand behind an action, without those that
// stand there already.
func (o objects[T]) complete(m *Model, fits func(m *Model, obj *T) string, args []string) []string {
	var out []string
	all := o.all(m)
	for i := range all {
		if name := o.name(&all[i]); fits(m, &all[i]) == "" && !slices.Contains(before(args), name) {
			out = append(out, name)
		}
	}
	return out
}
