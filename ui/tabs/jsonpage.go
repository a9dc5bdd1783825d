package tabs

import (
	"encoding/json"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/ui/keys"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// jsonPage is a document that folds, is searched and copied from: what the
// inspect tabs of containers and images have in common.
type jsonPage struct {
	frame
	tree   widgets.JSONTree
	search prompt
	offset int
	pens   jsonInks
	err    error // the document could not be made
}

// show replaces the document by the JSON of v. Folds, cursor and search stay.
func (p *jsonPage) show(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		p.err = fmt.Errorf("write as JSON: %w", err)
		return
	}
	root, err := widgets.ParseJSON(b)
	if p.err = err; err != nil {
		return
	}
	if config := root.Member("Config"); config != nil {
		if env := config.Member("Env"); env != nil {
			maskEnv(env)
		}
	}
	p.tree.SetRoot(root)
}

// maskEnv hides what looks secret. The same is hidden in the Env tab.
func maskEnv(env *widgets.JSONNode) {
	for _, n := range env.Children {
		if v := parseVariable(n.Value); v.masked() {
			n.Mask = fmt.Sprintf("%q", safe(v.name+"="+v.mask))
		}
	}
}

// room is the height of the tree as far as Place has told it.
func (p *jsonPage) room() int {
	return max(1, p.height-footRows(p.tree.Cuts(p.width), &p.search, p.height))
}

// treeBindings are what can be done there.
var treeBindings = bindings[*jsonPage]{
	{Action: keys.Action{ID: "tree.toggle", Keys: []string{"enter", "space", "z"}, Title: "Fold or unfold", Help: "Close or open what the cursor is on", Short: "fold"},
		do: shows(func(p *jsonPage) { p.tree.Toggle() })},
	{Action: keys.Action{ID: "tree.search", Keys: []string{"/"}, Title: "Search", Help: "Look for a text in names and values, also in what is folded", Short: "search"},
		do: shows(func(p *jsonPage) { p.search.open(); p.tree.BeginSearch() })},
	{Action: keys.Action{ID: "tree.next", Keys: []string{"n"}, Title: "Next match", Help: "To the next place that holds what is searched for", Short: "next"},
		why: (*jsonPage).noSearch, do: shows(func(p *jsonPage) { p.tree.Next(1) })},
	{Action: keys.Action{ID: "tree.previous", Keys: []string{"N"}, Title: "Previous match", Help: "To the one before", Short: "previous"},
		why: (*jsonPage).noSearch, do: shows(func(p *jsonPage) { p.tree.Next(-1) })},
	{Action: keys.Action{ID: "tree.copy", Keys: []string{"y"}, Title: "Copy the value", Help: "Copy the value, or all of what is below", Short: "copy"},
		why: (*jsonPage).noNode, do: func(p *jsonPage) tea.Cmd { return p.copy(false) }},
	{Action: keys.Action{ID: "tree.copy.path", Keys: []string{"Y"}, Title: "Copy its path", Help: "Copy the path as jq takes it", Short: "copy the path"},
		why: (*jsonPage).noNode, do: func(p *jsonPage) tea.Cmd { return p.copy(true) }},
	{Action: keys.Action{ID: "tree.reveal", Keys: []string{"v"}, Title: "Show secrets", Help: "Show what looks secret, or hide it again", Short: "show secrets"},
		do: shows(func(p *jsonPage) { p.tree.SetReveal(!p.tree.Reveal()) })},
	{Action: keys.Action{ID: "tree.toggle.all", Keys: []string{"Z"}, Title: "Fold all", Help: "Close everything, or open it", Short: "fold all"},
		do: shows(func(p *jsonPage) { p.tree.ToggleAll() })},
	{Action: keys.Action{ID: "tree.fold", Keys: []string{"h", "left"}, Title: "Fold", Help: "Close what the cursor is on, or go to what it is in"},
		do: shows(func(p *jsonPage) { p.tree.Fold() })},
	{Action: keys.Action{ID: "tree.unfold", Keys: []string{"l", "right"}, Title: "Unfold", Help: "Open what the cursor is on, or go into it"},
		do: shows(func(p *jsonPage) { p.tree.Unfold() })},
}

// Scope implements Panel.
func (p *jsonPage) Scope() keys.Scope { return keys.Tree }

// bind is Bind of what is shown; all of it may move the cursor.
func (p *jsonPage) bind(id keys.ID, loaded bool) (Bound, bool) {
	b, ok := treeBindings.of(p, id)
	do := b.Do
	b.Do = func() tea.Cmd {
		defer p.scroll()
		return do()
	}
	return b.once(loaded), ok
}

// Move implements Panel.
func (p *jsonPage) Move(steps func(page int) int) tea.Cmd {
	p.tree.SetCursor(p.tree.Cursor() + steps(max(1, p.room()-1)))
	p.scroll()
	return nil
}

// Typing implements Panel.
func (p *jsonPage) Typing() bool { return p.search.typing }

// Type implements Panel: the cursor follows as one types.
func (p *jsonPage) Type(key string) tea.Cmd {
	if p.search.key(key) {
		p.tree.Search(p.search.text)
	}
	if !p.search.typing {
		p.tree.EndSearch(key != "esc")
	}
	p.scroll()
	return nil
}

// Back implements Panel: it ends the search.
func (p *jsonPage) Back() bool {
	had := p.search.clear()
	if had {
		p.tree.Search("")
		p.scroll()
	}
	return had
}

func (p *jsonPage) noSearch() string {
	if p.search.text == "" {
		return "nothing is searched for"
	}
	return ""
}

func (p *jsonPage) noNode() string {
	if p.tree.Selected() == nil {
		return "there is nothing under the cursor"
	}
	return ""
}

func (p *jsonPage) scroll() {
	p.offset = widgets.Window(p.tree.Len(), p.room(), p.tree.Cursor(), p.offset)
}

func (p *jsonPage) copy(path bool) tea.Cmd {
	n := p.tree.Selected()
	if path {
		return copyText(n.Path, "path "+safe(n.Path))
	}
	return copyText(n.Text(), "value of "+safe(n.Path))
}

func (p *jsonPage) view(s styles.Styles, width, height int) []string {
	below := foot(s, &p.search, "search", p.whole(), p.tree.Cuts(width), width, height)
	return stack(p.tree.Render(p.pens.of(&s, !p.unfocused), width, max(0, height-len(below)), p.offset, !p.unfocused), below, height)
}

// whole is the selected row with its path and without cutting.
func (p *jsonPage) whole() string {
	n := p.tree.Selected()
	if n == nil {
		return ""
	}
	return strings.TrimSpace(safe(n.Path) + " " + p.tree.SelectedText())
}

// status says where the cursor is, or which match it is on.
func (p *jsonPage) status() string {
	if text, at, of := p.tree.Matches(); text != "" {
		if of == 0 {
			return "/" + safe(text) + "/ not found"
		}
		return fmt.Sprintf("/%s/ %d of %d", safe(text), at, of)
	}
	if n := p.tree.Len(); n > 0 {
		return fmt.Sprintf("%d/%d", p.tree.Cursor()+1, n)
	}
	return ""
}

// jsonInks are the pens of a theme, made when it is another one.
type jsonInks struct {
	made    *styles.Making
	focused bool
	pens    widgets.JSONPens
}

func (i *jsonInks) of(s *styles.Styles, focused bool) *widgets.JSONPens {
	if i.made != s.Made || i.focused != focused || i.made == nil {
		i.made, i.focused = s.Made, focused
		i.pens = widgets.JSONStyles{
			Key: s.Name, String: s.String, Number: s.Number, Word: s.Word, Punct: s.Punct,
			Bar: s.Bar(focused), Selected: s.Selected, Match: s.MatchHere,
		}.Pens()
	}
	return &i.pens
}
