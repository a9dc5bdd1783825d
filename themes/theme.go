package themes

// Depth is how many colours there are.
type Depth int

const (
	TrueColor Depth = iota
	Colors256
	Colors16 // the terminal's own palette
	NoColor
)

// Background is what a theme is made for.
type Background string

const (
	ForDark  Background = "dark"
	ForLight Background = "light"
	ForAny   Background = "any"
)

// Style is how one token looks. A colour is "#rrggbb" or the number of one in
// the terminal's palette, "0" to "255"; empty is the terminal's own.
type Style struct {
	Color, On                               string // of the text, of what is behind it
	Bold, Faint, Italic, Underline, Reverse bool
}

// Theme is one theme, complete.
type Theme struct {
	Name       string
	About      string
	Background Background
	File       string // "" when it is built in
	deepest    Depth  // never drawn with more colours than this
	specs      [tokens]spec
}

// Style is how a token looks where there are that many colours. Without any,
// only attributes are left, which were not chosen to tell everything: use the
// monochrome theme there.
func (t Theme) Style(token Token, depth Depth) Style {
	return t.specs[token].at(max(depth, t.deepest))
}

// color is a colour with its values for fewer colours; "" is none of its own.
type color struct{ full, of256, of16 string }

func (c color) at(d Depth) string {
	switch {
	case d == NoColor:
		return ""
	case d == Colors16 && c.of16 != "":
		return own(c.of16)
	case d == Colors256 && c.of256 != "":
		return own(c.of256)
	}
	return own(c.full)
}

// terminal is the word for the terminal's own colour.
const terminal = "default"

func own(value string) string {
	if value == terminal {
		return ""
	}
	return value
}

// spec is the style of a token before the depth is known.
type spec struct {
	color, on  color
	attributes Style // without colours
	of256      *spec
	of16       *spec
}

func (s spec) at(d Depth) Style {
	switch {
	case d == Colors256 && s.of256 != nil:
		s = *s.of256
	case d == Colors16 && s.of16 != nil:
		s = *s.of16
	}
	out := s.attributes
	out.Color, out.On = s.color.at(d), s.on.at(d)
	return out
}
