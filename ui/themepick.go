package ui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/themes"
	"gantry/ui/dialogs"
	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// noColours tells why no theme can be chosen.
func (m *Model) noColours() string {
	if m.look.Depth == themes.NoColor {
		return "there are no colours here: the terminal has none, or NO_COLOR is set"
	}
	return ""
}

func themeWords(m *Model, args []string) []string {
	if len(args) > 1 {
		return nil
	}
	return m.look.names
}

// themeWith takes the name of a theme.
func themeWith(m *Model, args []string) (tea.Cmd, error) {
	name, library := args[0], m.opts.Themes
	if err := themes.Missing(name, m.look.names); err != nil {
		return nil, err
	}
	return func() tea.Msg { // themes are files
		choice, problems := library.Choose(name)
		return changeMsg(func(m *Model) tea.Cmd {
			m.wear(choice)
			if len(problems) > 0 {
				return m.say(problems[0].String(), true)
			}
			return m.keepTheme(choice)
		})
	}, nil
}

// askTheme shows the themes. All are read before, so that looking at one after
// another costs no more than drawing it.
func (m *Model) askTheme() tea.Cmd {
	library, names := m.opts.Themes, m.look.names
	return func() tea.Msg {
		choices := make([]themes.Choice, len(names))
		for i, name := range names {
			choices[i], _ = library.Choose(name) // what is wrong in one, gantry config check tells
		}
		return changeMsg(func(m *Model) tea.Cmd { return m.pickTheme(choices) })
	}
}

func (m *Model) pickTheme(choices []themes.Choice) tea.Cmd {
	before := m.look.choice
	d := themePick{choices: choices, dark: m.look.dark, show: m.wear}
	d.at = max(0, slices.IndexFunc(choices, func(c themes.Choice) bool { return c.Name == before.Name }))
	d.tag = func(m *Model, r dialogs.Result) tea.Cmd {
		if !r.OK {
			m.wear(before)
			return nil
		}
		return m.keepTheme(choices[r.Pick])
	}
	m.open(d)
	return nil
}

// wear draws in a theme from now on.
func (m *Model) wear(c themes.Choice) {
	m.look.choice = c
	m.restyle()
}

// keepTheme says how the theme outlives the program. The configuration file is
// the user's: gantry does not write into it.
func (m *Model) keepTheme(c themes.Choice) tea.Cmd {
	name := c.Name
	if name == m.opts.Theme || name == themes.Auto && m.opts.Theme == "" {
		return m.say("the theme is "+name, false)
	}
	file := m.opts.Config.File
	if file == "" {
		file = "config.toml"
	}
	m.open(dialogs.Message{
		Name: "The theme is " + name, Text: fmt.Sprintf("theme = %q", name),
		Hint: "To keep it, write this below [ui] in " + file + ".",
	})
	return nil
}

// themePick shows every theme on the screen itself while the cursor goes over
// their names.
type themePick struct {
	tag     resultTag
	choices []themes.Choice
	at      int
	dark    bool
	show    func(themes.Choice)
}

func (d themePick) Title() string { return "Theme" }

// Bright implements dialogs.Bright: the page is looked at.
func (d themePick) Bright() bool { return true }

func (d themePick) Hints() []string {
	return []string{glyph.Upwards + "/" + glyph.Downward + " look", "enter take it", "esc as it was"}
}

func (d themePick) Key(key, _ string) (dialogs.Dialog, dialogs.Result) {
	last := len(d.choices) - 1
	switch key {
	case "esc", "q", "ctrl+c":
		return nil, dialogs.Result{Tag: d.tag}
	case "enter", "space":
		return nil, dialogs.Result{Tag: d.tag, OK: true, Pick: d.at}
	case "down", "j", "tab", "ctrl+n":
		d.at = min(d.at+1, last)
	case "up", "k", "shift+tab", "ctrl+p":
		d.at = max(d.at-1, 0)
	case "g", "home":
		d.at = 0
	case "G", "end":
		d.at = last
	default:
		if i, clicked := rowOf(key); clicked {
			d.at = min(i, last)
		}
	}
	d.show(d.choices[d.at])
	return d, dialogs.Result{}
}

// A click on a row is a press of a key that no keyboard has.
func keyOf(row int) string { return "row " + strconv.Itoa(row) }

func rowOf(key string) (row int, ok bool) {
	n, ok := strings.CutPrefix(key, "row ")
	row, err := strconv.Atoi(n)
	return row, ok && err == nil
}

func (d themePick) View(width, height int, s styles.Styles) dialogs.Body {
	sample := append([]string{""}, sample(s, width)...)
	if height < len(sample)+4 {
		sample = nil
	}
	room := max(1, height-len(sample))
	offset := widgets.Window(len(d.choices), room, d.at, max(0, d.at-room/2))
	var body dialogs.Body
	for i := offset; i < min(len(d.choices), offset+room); i++ {
		key := keyOf(i)
		if i == d.at {
			key = "enter"
		}
		body.Spots = append(body.Spots, dialogs.Spot{Line: len(body.Lines), To: width, Key: key})
		body.Lines = append(body.Lines, d.row(i, width, s))
	}
	body.Lines = append(body.Lines, sample...)
	return body
}

func (d themePick) row(i, width int, s styles.Styles) string {
	c := d.choices[i]
	const name = 22
	about := c.For(d.dark).About
	if c.Dark.Name != c.Light.Name {
		about = "dark or light, by the background"
	}
	mark, text, muted := "  ", s.Text, s.Muted
	if i == d.at {
		mark, text, muted = s.Bar(true).Render(glyph.Bar)+s.On(text).Render(" "), s.On(text), s.On(muted)
	}
	return mark + text.Render(widgets.Fit(c.Name, min(name, width-2))) + muted.Render(widgets.Fit(about, max(0, width-2-name)))
}

// sample is something of everything, since a page never shows all of it.
func sample(s styles.Styles, width int) []string {
	var status []string
	for _, it := range []struct {
		sign, word string
		style      func(...string) string
	}{
		{glyph.Running, "running", s.OK.Render}, {glyph.Paused, "paused", s.Busy.Render}, {glyph.Failed, "exited 1", s.Bad.Render},
		{glyph.Exited, "exited 0", s.Muted.Render}, {glyph.Problem, "near its limit", s.Warn.Render},
	} {
		status = append(status, it.style(it.sign+" "+it.word))
	}
	lines := []string{
		strings.Join(status, "  "),
		s.Muted.Render("12:04:52 ") + s.Border.Render(glyph.Gutter) + s.LogInfo.Render(" info ") + s.LogDebug.Render(" debug ") + s.LogWarn.Render(" warning ") +
			s.Stderr.Render(" "+glyph.GutterError) + s.LogError.Render(" error ") + " " + s.Match.Render("found") + " " + s.MatchHere.Render("found here"),
		s.Name.Render("name") + s.Punct.Render(": ") + s.String.Render(`"text"`) + s.Punct.Render(", ") + s.Number.Render("42") + s.Punct.Render(", ") + s.Word.Render("true") +
			"   " + s.Added.Render("+ added") + "  " + s.Modified.Render("~ modified") + "  " + s.Removed.Render("- removed"),
		chart(s) + "  " + sources(s),
	}
	for i := range lines {
		lines[i] = widgets.Slice(lines[i], 0, width)
	}
	return lines
}

// chart is the curves of a chart side by side.
func chart(s styles.Styles) string {
	out := ""
	for _, c := range s.Series {
		out += c.Render(glyph.Blocks)
	}
	return out + s.Limit.Render(glyph.Horizontal+glyph.Horizontal)
}

func sources(s styles.Styles) string {
	out := s.Muted.Render("merged ")
	for i, c := range s.Sources {
		out += c.Render(fmt.Sprintf("%s%d", glyph.GutterError, i+1))
	}
	return out
}
