package themes

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gantry/internal/tomldoc"
)

// A draft is what one file and those that it inherits from say. Colours are
// looked up at the end only, so that a theme that changes one of the palette
// changes all tokens that have it.
type draft struct {
	about      string
	background Background
	deepest    Depth
	palette    map[string]color
	tokens     map[Token]said
}

// said is what a file says of a token, with the words for colours as they
// stand there.
type said struct {
	color, on   reference
	attributes  Style
	of256, of16 *said
}

// reference is a word for a colour and where it stands.
type reference struct {
	word string
	key  tomldoc.Key
	in   *tomldoc.Reader
}

// parser reads one theme file.
type parser struct {
	*tomldoc.Reader
	draft
	inherits string
	known    []string // the themes to inherit from
}

// read takes the text of a file. What it inherits is not resolved yet.
func read(file string, text []byte, known []string) *parser {
	p := &parser{Reader: tomldoc.New(file, text), known: known}
	p.palette, p.draft.tokens = make(map[string]color), make(map[Token]said)
	p.Read(tomldoc.Fields{
		"about":      p.Text(&p.about, nil),
		"background": p.Word((*string)(&p.background), string(ForDark), string(ForLight), string(ForAny)),
		"inherits":   p.takeParent,
		"colors":     p.takeColors,
		"palette":    p.takePalette,
		"tokens":     p.takeTokens,
	})
	return p
}

func (p *parser) takeParent(k tomldoc.Key, v any) {
	name, ok := tomldoc.Want[string](p.Reader, k, v, "a text")
	switch {
	case !ok:
	case slices.Contains(p.known, name):
		p.inherits = name
	default:
		p.Problem(k, tomldoc.Nearest(name, p.known), "inherits: there is no theme %q", name)
	}
}

func (p *parser) takeColors(k tomldoc.Key, v any) {
	n, ok := tomldoc.Want[int64](p.Reader, k, v, "16 or 256")
	depths := map[int64]Depth{256: Colors256, 16: Colors16}
	if d, valid := depths[n]; valid {
		p.deepest = d
	} else if ok {
		p.Problem(k, "", "colors must be 16 or 256, not %d", n)
	}
}

func (p *parser) takePalette(k tomldoc.Key, v any) {
	t, ok := tomldoc.Want[map[string]any](p.Reader, k, v, "a table")
	if !ok {
		return
	}
	for name, v := range t {
		k := k.Then(name)
		if _, taken := value(name); taken {
			p.Problem(k, "", "%q is a colour already: choose another name", name)
			continue
		}
		if c, ok := p.color(k, v); ok {
			p.palette[name] = c
		}
	}
}

// color takes a colour of the palette: a value, or one per depth.
func (p *parser) color(k tomldoc.Key, v any) (color, bool) {
	var c color
	t, several := v.(map[string]any)
	if !several {
		return c, p.value(&c.full)(k, v)
	}
	p.Table(k, t, tomldoc.Fields{
		"full": func(k tomldoc.Key, v any) { p.value(&c.full)(k, v) },
		"256":  func(k tomldoc.Key, v any) { p.value(&c.of256)(k, v) },
		"16":   func(k tomldoc.Key, v any) { p.value(&c.of16)(k, v) },
	})
	return c, c != color{}
}

// value takes a colour itself, as a text or, for one of the palette of 256, as
// a number.
func (p *parser) value(into *string) func(tomldoc.Key, any) bool {
	return func(k tomldoc.Key, v any) bool {
		if n, ok := v.(int64); ok {
			v = strconv.FormatInt(n, 10)
		}
		s, ok := tomldoc.Want[string](p.Reader, k, v, "a colour")
		if !ok {
			return false
		}
		c, ok := value(s)
		if !ok {
			p.Problem(k, tomldoc.Nearest(s, colorWords()), "%s: %q is not a colour; write #rrggbb, a number from 0 to 255, or a name such as red or bright-blue", k, s)
			return false
		}
		*into = c
		return true
	}
}

func (p *parser) takeTokens(k tomldoc.Key, v any) {
	fields := tomldoc.Fields{}
	for t, info := range infos {
		fields[info.Name] = func(k tomldoc.Key, v any) {
			if s, ok := p.style(k, v, true); ok {
				p.draft.tokens[Token(t)] = s
			}
		}
	}
	p.Table(k, v, fields)
}

// style takes how a token looks: a colour, or a table. Depths do not nest.
func (p *parser) style(k tomldoc.Key, v any, depths bool) (said, bool) {
	var s said
	if _, table := v.(map[string]any); !table {
		return s, p.reference(&s.color)(k, v)
	}
	a := &s.attributes
	fields := tomldoc.Fields{
		"color": func(k tomldoc.Key, v any) { p.reference(&s.color)(k, v) },
		"on":    func(k tomldoc.Key, v any) { p.reference(&s.on)(k, v) },
		"bold":  p.Flag(&a.Bold), "faint": p.Flag(&a.Faint), "italic": p.Flag(&a.Italic), "underline": p.Flag(&a.Underline), "reverse": p.Flag(&a.Reverse),
	}
	if depths {
		fields["256"], fields["16"] = p.depth(&s.of256), p.depth(&s.of16)
	}
	p.Table(k, v, fields)
	return s, true
}

func (p *parser) depth(into **said) func(tomldoc.Key, any) {
	return func(k tomldoc.Key, v any) {
		if s, ok := p.style(k, v, false); ok {
			*into = &s
		}
	}
}

// reference takes a colour of the palette or one itself.
func (p *parser) reference(into *reference) func(tomldoc.Key, any) bool {
	return func(k tomldoc.Key, v any) bool {
		if n, ok := v.(int64); ok {
			v = strconv.FormatInt(n, 10)
		}
		s, ok := tomldoc.Want[string](p.Reader, k, v, "a colour or a table")
		if ok {
			*into = reference{s, k, p.Reader}
		}
		return ok && s != ""
	}
}

// over lays what a file says over what it inherits.
func (d draft) over(base draft) draft {
	if d.background == "" {
		d.background = base.background
	}
	if d.deepest == TrueColor {
		d.deepest = base.deepest
	}
	palette := maps.Clone(base.palette)
	for name, c := range d.palette {
		if c.of16 == "" { // its meaning is the same
			c.of16 = palette[name].of16
		}
		palette[name] = c
	}
	d.palette = palette
	inherited := maps.Clone(base.tokens)
	maps.Copy(inherited, d.tokens)
	d.tokens = inherited
	return d
}

// finish looks the colours up.
func (d draft) finish() (out [tokens]spec) {
	for t, s := range d.tokens {
		out[t] = d.spec(s)
	}
	return out
}

func (d draft) spec(s said) spec {
	out := spec{color: d.lookup(s.color), on: d.lookup(s.on), attributes: s.attributes}
	for _, at := range []struct {
		from *said
		to   **spec
	}{{s.of256, &out.of256}, {s.of16, &out.of16}} {
		if at.from != nil {
			inner := d.spec(*at.from)
			*at.to = &inner
		}
	}
	return out
}

func (d draft) lookup(r reference) color {
	if c, ok := d.palette[r.word]; ok {
		return c
	}
	c, ok := value(r.word)
	if !ok && r.word != "" {
		valid := append(slices.Sorted(maps.Keys(d.palette)), colorWords()...)
		r.in.Problem(r.key, tomldoc.Nearest(r.word, valid), "%s: %q is neither a colour nor one of [palette]", r.key, r.word)
	}
	return color{full: c}
}

// names of the sixteen colours, in their order.
var names = []string{"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"}

func colorWords() []string {
	words := []string{terminal}
	for _, n := range names {
		words = append(words, n, "bright-"+n)
	}
	return words
}

// value reads a colour: "#rrggbb", "#rgb", "0" to "255", a name, or "default".
func value(s string) (string, bool) {
	if s == terminal {
		return s, true
	}
	if hex, ok := strings.CutPrefix(s, "#"); ok {
		if _, err := strconv.ParseUint(hex, 16, 32); err != nil || len(hex) != 3 && len(hex) != 6 {
			return "", false
		}
		if len(hex) == 3 {
			hex = fmt.Sprintf("%c%c%c%c%c%c", hex[0], hex[0], hex[1], hex[1], hex[2], hex[2])
		}
		return "#" + strings.ToLower(hex), true
	}
	name, bright := strings.CutPrefix(s, "bright-")
	if i := slices.Index(names, name); i >= 0 {
		if bright {
			i += 8
		}
		return strconv.Itoa(i), true
	}
	if n, err := strconv.ParseUint(s, 10, 8); err == nil {
		return strconv.FormatUint(n, 10), true
	}
	return "", false
}
