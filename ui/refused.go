package ui

import (
	"context"
	"errors"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Refused is the page that stands for the workbench when there is no engine to
// show: what failed, what to do next, and what this host has and lacks.
type Refused struct {
	err           error
	found         []engine.Feature
	look          look
	styles        styles.Styles
	width, height int
}

// NewRefused makes the page of an engine that did not open.
func NewRefused(err error, found []engine.Feature, opts Options) *Refused {
	_, look, _ := opts.configure() // what is wrong with the configuration is not what keeps it from opening
	return &Refused{err: err, found: found, look: look, styles: look.styles()}
}

// ShowRefused shows that page until its reader leaves.
func ShowRefused(ctx context.Context, err error, found []engine.Feature, opts Options) error {
	p := tea.NewProgram(NewRefused(err, found, opts), tea.WithContext(ctx), tea.WithFPS(10), tea.WithColorProfile(opts.Terminal.profile()))
	stop := quitOnHangUp(ctx, p)
	defer stop()
	_, shown := p.Run()
	return shown
}

// Init implements tea.Model.
func (r *Refused) Init() tea.Cmd { return tea.RequestBackgroundColor }

// Update implements tea.Model.
func (r *Refused) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		r.width, r.height = msg.Width, msg.Height
	case tea.BackgroundColorMsg:
		r.look.dark = msg.IsDark()
		r.styles = r.look.styles()
	case tea.KeyPressMsg:
		switch msg.String() {
		case "q", "esc", "enter", "ctrl+c":
			return r, tea.Quit
		}
	}
	return r, nil
}

// View implements tea.Model.
func (r *Refused) View() tea.View {
	v := tea.NewView("")
	v.AltScreen = true
	v.WindowTitle = "gantry"
	if r.width == 0 || r.height < 4 {
		return v
	}
	s := r.styles
	p := widgets.Pane{Title: "gantry", Width: r.width, Height: r.height - 1, Focused: true, Border: s.Focus, Bold: s.FocusTitle}
	w, h := p.Inner()
	c := card{s: s, width: w}
	if h > 15+len(r.found) && w > 30 {
		c.crane()
	}
	c.title("Containers cannot run here.")
	hint := ""
	var op *engine.OpError
	if errors.As(r.err, &op) {
		hint = op.Hint
	}
	c.problem(r.err.Error(), hint)
	c.gap()
	for _, f := range r.found {
		c.feature(f)
	}
	lines := append(p.Render(c.middle(h)), " "+s.Key.Render("q")+s.Muted.Render(" quit"))
	v.SetContent(s.Glyphs.Screen(strings.Join(lines, "\n")))
	return v
}

// feature is a line of what the host has or lacks.
func (c *card) feature(f engine.Feature) {
	width := min(c.width-4, 90)
	sign, style, text := glyph.Done, c.s.OK, f.Name
	if !f.OK {
		sign, style = glyph.Failed, c.s.Bad
		if f.Note != "" {
			text += ": " + f.Note
		}
		if f.Hint != "" {
			text += "; " + f.Hint
		}
	}
	for i, line := range widgets.Break(text, width-2) {
		if i > 0 {
			sign = " "
		}
		c.centre(style.Render(sign)+" "+c.s.Text.Render(widgets.Fit(line, width-2)), width)
	}
}
