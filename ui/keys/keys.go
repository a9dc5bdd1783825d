package keys

import (
	"fmt"
	"iter"
	"slices"
	"sort"
	"strings"
)

// ID names an action, in configuration files too: "container.stop".
type ID string

// Scope is where an action applies: what has the focus.
type Scope string

const (
	Move       Scope = "move"   // the cursor, wherever there is one
	Global     Scope = "global" // whatever has the focus
	Lists      Scope = "lists"  // whichever list has the focus
	Containers Scope = "containers"
	Images     Scope = "images"
	Volumes    Scope = "volumes"
	Networks   Scope = "networks"
	Jobs       Scope = "jobs"
	Detail     Scope = "detail" // whichever tab has the focus
	Log        Scope = "log"
	Stats      Scope = "stats"
	Tree       Scope = "tree"  // what folds: the inspect tabs
	Table      Scope = "table" // whichever tab of rows has the focus
	Env        Scope = "env"
	Mounts     Scope = "mounts"
	Network    Scope = "network"
	Users      Scope = "users"
	Endpoints  Scope = "endpoints"
	Files      Scope = "files"
	Processes  Scope = "processes"
	Events     Scope = "events"
	History    Scope = "history"
	Welcome    Scope = "welcome" // instead of empty lists
)

// parent is what is in effect with a scope; Move has none.
func (s Scope) parent() Scope {
	switch s {
	case Global:
		return Move
	case Containers, Images, Volumes, Networks, Jobs:
		return Lists
	case Env, Mounts, Network, Users, Endpoints, Processes, Events, History:
		return Table
	case Log, Stats, Tree, Table, Files:
		return Detail
	}
	return Global
}

// Within is what is in effect where s has the focus, innermost first.
func (s Scope) Within() []Scope {
	out := []Scope{s}
	for s != Move {
		s = s.parent()
		out = append(out, s)
	}
	return out
}

// Action is one thing that can be done.
type Action struct {
	ID    ID
	Scope Scope
	Keys  []string // as tea.KeyPressMsg.String() names them; the first is shown
	Title string   // in menus: "Stop"
	Help  string   // one sentence
	Short string   // in the footer: "stop"; empty: not shown there
	Asks  bool     // whether it asks before it does anything
	// Word is its name in the palette, where words behind it are its arguments:
	// "stop". Args says which those are: "[CONTAINER…]".
	Word string
	Args string
	// Command is the command line that does the same, with OBJECT where the
	// names of its targets go; "" for what only exists on the screen.
	Command string
}

// Line is the command line that does the same to some targets.
func (a Action) Line(targets ...string) string {
	return strings.Replace(a.Command, "OBJECT", strings.Join(targets, " "), 1)
}

// Name is the title without the dots that say that more is asked.
func (a Action) Name() string { return strings.TrimSuffix(strings.TrimSuffix(a.Title, "…"), "...") }

// Clash is a key that two actions want at the same time.
type Clash struct {
	Key  string
	A, B ID
}

func (c Clash) String() string {
	return fmt.Sprintf("the key %q is wanted by %s and %s; the first keeps it", c.Key, c.A, c.B)
}

// Registry holds actions in their order of importance within a scope.
type Registry struct {
	actions []Action
	byID    map[ID]int
	in      map[Scope][]Action
	byKey   map[Scope]map[string]ID
	byWord  map[string]ID
}

// New makes a registry; it panics when the actions clash.
func New(actions []Action) *Registry {
	r, clashes := build(actions)
	if len(clashes) > 0 {
		panic(clashes[0].String())
	}
	return r
}

func build(actions []Action) (*Registry, []Clash) {
	r := &Registry{actions: actions, byID: make(map[ID]int), in: make(map[Scope][]Action), byKey: make(map[Scope]map[string]ID), byWord: make(map[string]ID)}
	var clashes []Clash
	for i, a := range actions {
		if _, ok := r.byID[a.ID]; ok {
			panic(fmt.Sprintf("action %s is there twice", a.ID))
		}
		r.byID[a.ID] = i
		r.in[a.Scope] = append(r.in[a.Scope], a)
		if a.Word != "" {
			if other, ok := r.byWord[a.Word]; ok {
				panic(fmt.Sprintf("%s and %s have the same word", other, a.ID))
			}
			r.byWord[a.Word] = a.ID
		}
		if r.byKey[a.Scope] == nil {
			r.byKey[a.Scope] = make(map[string]ID)
		}
		for _, k := range a.Keys {
			if other, ok := r.holder(a.Scope, k); ok {
				clashes = append(clashes, Clash{k, other, a.ID})
				continue
			}
			r.byKey[a.Scope][k] = a.ID
		}
	}
	return r, clashes
}

// holder finds who has a key where an action of scope would be in effect.
func (r *Registry) holder(scope Scope, key string) (ID, bool) {
	for other, keys := range r.byKey {
		if !slices.Contains(scope.Within(), other) && !slices.Contains(other.Within(), scope) {
			continue
		}
		if id, ok := keys[key]; ok {
			return id, true
		}
	}
	return "", false
}

// Lookup finds the action of a key where scope has the focus.
func (r *Registry) Lookup(scope Scope, key string) (Action, bool) {
	for _, s := range scope.Within() {
		if id, ok := r.byKey[s][key]; ok {
			return r.actions[r.byID[id]], true
		}
	}
	return Action{}, false
}

// Get finds an action by its name.
func (r *Registry) Get(id ID) (Action, bool) {
	i, ok := r.byID[id]
	if !ok {
		return Action{}, false
	}
	return r.actions[i], true
}

// ByWord finds an action by its name in the palette.
func (r *Registry) ByWord(word string) (Action, bool) {
	id, ok := r.byWord[word]
	if !ok {
		return Action{}, false
	}
	return r.Get(id)
}

// In lists the actions of a scope, most important first. The list is not to be
// changed.
func (r *Registry) In(scope Scope) []Action { return r.in[scope] }

// Effective goes through what can be done where scope has the focus, innermost
// first, but for moving about: nobody chooses that by name.
func (r *Registry) Effective(scope Scope) iter.Seq[Action] {
	return func(yield func(Action) bool) {
		for s := scope; s != Move; s = s.parent() {
			for _, a := range r.in[s] {
				if !yield(a) {
					return
				}
			}
		}
	}
}

// All lists every action.
func (r *Registry) All() []Action { return slices.Clone(r.actions) }

// Problem is what is wrong with the keys that were asked for.
type Problem struct {
	Action  string // whose keys: the place in a configuration file
	Message string
}

// Remap gives actions other keys; an empty list takes all of them away. It
// returns the new registry and what was wrong with the request: unknown
// actions by name with the nearest one, and clashes with both owners.
func (r *Registry) Remap(keys map[string][]string) (*Registry, []Problem) {
	var problems []Problem
	actions := slices.Clone(r.actions)
	names := make([]string, 0, len(keys))
	for name := range keys {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		i, ok := r.byID[ID(name)]
		if !ok {
			problems = append(problems, Problem{name, fmt.Sprintf("there is no action %q; did you mean %q?", name, r.nearest(name))})
			continue
		}
		actions[i].Keys = keys[name]
	}
	out, clashes := build(actions)
	for _, c := range clashes {
		asked := c.B
		if _, ok := keys[string(asked)]; !ok {
			asked = c.A
		}
		problems = append(problems, Problem{string(asked), c.String()})
	}
	return out, problems
}

// nearest is the action whose name shares the longest beginning and end.
func (r *Registry) nearest(name string) ID {
	best, score := ID(""), -1
	for _, a := range r.actions {
		n := 0
		for n < len(name) && n < len(a.ID) && name[n] == a.ID[n] {
			n++
		}
		if _, verb, ok := strings.Cut(name, "."); ok && strings.HasSuffix(string(a.ID), "."+verb) {
			n += 10
		}
		if n > score {
			best, score = a.ID, n
		}
	}
	return best
}
