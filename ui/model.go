package ui

import (
	"context"
	"fmt"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/themes"
	"gantry/ui/dialogs"
	"gantry/ui/feed"
	"gantry/ui/keys"
	"gantry/ui/styles"
)

// pane is one of the page's parts that can have the focus.
type pane int

const (
	containersPane pane = iota
	imagesPane
	logPane
	panes
)

// list is a cursor in rows and the first row that is shown.
type list struct{ cursor, offset int }

// Model is the root of the workbench. Make one with New.
type Model struct {
	ctx      context.Context
	eng      engine.Engine
	opts     Options
	styles   styles.Styles
	now      func() time.Time
	keys     *keys.Registry
	handlers map[keys.ID]handler

	dialogs  []dialogs.Dialog
	toast    string
	toastBad bool
	toastGen int
	busy     int      // operations that run
	history  []string // what was done, as commands
	jobs     map[engine.ID]*feed.Job

	width, height int
	focus         pane
	help          bool
	zoom          bool
	filtering     bool            // keys go into the filter of the focused pane
	filter        map[pane]string // what rows must hold
	marks         map[engine.ID]bool

	info       engine.Info
	lists      *feed.Lists
	state      feed.State
	loaded     bool
	containers list
	images     list
	chosen     engine.ID // the container under the cursor: it stays chosen when rows move
	chosenImg  string

	detail detail
}

// Options of the workbench.
type Options struct {
	// Command makes a process of this program with other arguments, to which
	// the terminal can be handed over. nil: that cannot be done.
	Command func(args ...string) *exec.Cmd
	// Keys gives actions other keys than their own.
	Keys map[string][]string
	// Theme is the name of a theme; "" goes by the terminal's background.
	Theme string
	// ActAtOnce names what does not ask first: "stop", "restart".
	ActAtOnce []string
}

// New makes the workbench. It follows the engine until ctx ends.
func New(ctx context.Context, eng engine.Engine, opts Options) *Model {
	m := &Model{
		ctx: ctx, eng: eng, opts: opts, styles: styles.New(themes.Dark()), now: time.Now,
		lists: feed.NewLists(ctx, eng), filter: make(map[pane]string), handlers: handlers(),
	}
	m.detail = newDetail(m)
	var problems []string
	m.keys, problems = keys.New(actions()).Remap(opts.Keys)
	if t, ok := themes.ByName(opts.Theme); ok {
		m.styles = styles.New(t)
	} else if opts.Theme != "" {
		problems = append(problems, fmt.Sprintf("there is no theme %q; there are dark and light", opts.Theme))
	}
	if len(problems) > 0 {
		m.open(dialogs.Message{Name: "The configuration", Text: strings.Join(problems, "\n"), Hint: "everything else works; gantry config check names the file"})
	}
	return m
}

// Run shows the workbench on the terminal until the user leaves it.
func Run(ctx context.Context, eng engine.Engine, opts Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// 30 frames a second: the renderer's ticker is what an idle program costs.
	p := tea.NewProgram(New(ctx, eng, opts), tea.WithContext(ctx), tea.WithFPS(30))
	stop := quitOnHangUp(ctx, p)
	defer stop()
	_, err := p.Run()
	return err
}

// quitOnHangUp ends the program in order when its terminal goes away: bubbletea
// does so for other signals, and a terminal may outlive the one who hangs up.
func quitOnHangUp(ctx context.Context, p *tea.Program) (stop func()) {
	ctx, cancel := signal.NotifyContext(ctx, syscall.SIGHUP)
	unhook := context.AfterFunc(ctx, p.Quit)
	return func() {
		unhook()
		cancel()
	}
}

type (
	stateMsg struct{ feed.State }
	infoMsg  struct {
		info engine.Info
		err  error
	}
	settledMsg struct{ gen int } // the cursor has rested: its detail may be opened
	ageMsg     struct{}          // ages in the lists grow
)

// Init implements tea.Model.
func (m *Model) Init() tea.Cmd {
	return tea.Batch(m.nextState(), m.readInfo(), tea.RequestBackgroundColor, ageTick())
}

// ageTick renews the ages in the lists. Once a minute is what the smallest
// unit after the first minute needs.
func ageTick() tea.Cmd {
	return tea.Tick(time.Minute, func(time.Time) tea.Msg { return ageMsg{} })
}

func (m *Model) nextState() tea.Cmd {
	lists := m.lists
	return func() tea.Msg {
		if s, ok := lists.Next(); ok {
			return stateMsg{s}
		}
		return nil
	}
}

func (m *Model) readInfo() tea.Cmd {
	ctx, eng := m.ctx, m.eng
	return func() tea.Msg {
		info, err := eng.Info(ctx)
		return infoMsg{info, err}
	}
}

// rest is how long the cursor stays on an object before its detail is opened,
// so that scrolling through a list opens nothing.
const rest = 60 * time.Millisecond

// follow makes the detail show what is chosen, once the cursor rests.
func (m *Model) follow() tea.Cmd {
	if m.focus != logPane {
		m.detail.side = m.focus
	}
	m.place()
	if m.subject() == m.detail.shown {
		return nil
	}
	m.detail.rests++
	gen := m.detail.rests
	return tea.Tick(rest, func(time.Time) tea.Msg { return settledMsg{gen} })
}
