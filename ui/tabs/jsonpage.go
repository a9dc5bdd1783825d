package tabs

import (
	"encoding/json"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

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

func (p *jsonPage) key(key string) (handled bool, cmd tea.Cmd) {
	if p.search.takes(key) {
		if p.search.key(key) {
			p.tree.Search(p.search.text)
		}
		if !p.search.typing {
			p.tree.EndSearch(key != "esc")
		}
		p.scroll()
		return true, nil
	}
	handled, cmd = p.command(key)
	p.scroll()
	return handled, cmd
}

func (p *jsonPage) scroll() {
	p.offset = widgets.Window(p.tree.Len(), p.room(), p.tree.Cursor(), p.offset)
}

func (p *jsonPage) command(key string) (bool, tea.Cmd) {
	if step, ok := steps(key, max(1, p.room()-1)); ok {
		p.tree.SetCursor(p.tree.Cursor() + step)
		return true, nil
	}
	switch key {
	case "enter", "space", "z":
		p.tree.Toggle()
	case "left", "h":
		p.tree.Fold()
	case "right", "l":
		p.tree.Unfold()
	case "Z":
		p.tree.ToggleAll()
	case "/":
		p.search.open()
		p.tree.BeginSearch()
	case "n":
		p.tree.Next(1)
	case "N":
		p.tree.Next(-1)
	case "v":
		p.tree.SetReveal(!p.tree.Reveal())
	case "y", "Y":
		return true, p.copy(key == "Y")
	case "esc":
		if !p.search.clear() {
			return false, nil
		}
		p.tree.Search("")
	default:
		return false, nil
	}
	return true, nil
}

func (p *jsonPage) copy(path bool) tea.Cmd {
	n := p.tree.Selected()
	switch {
	case n == nil:
		return nil
	case path:
		return copyText(n.Path, "path "+safe(n.Path))
	}
	return copyText(n.Text(), "value of "+safe(n.Path))
}

func (p *jsonPage) keys() []KeyHelp {
	return []KeyHelp{
		{"enter space z", "fold"}, {"/ n N", "search"}, {"y", "copy the value"}, {"Y", "copy its path"},
		{"v", "show secrets"}, {"Z", "fold all"}, {"h l", "fold, unfold"}, pageKeys,
	}
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
