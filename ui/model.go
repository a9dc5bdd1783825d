package ui

import (
	"context"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/internal/tomldoc"
	"gantry/themes"
	"gantry/ui/dialogs"
	"gantry/ui/feed"
	"gantry/ui/keys"
	"gantry/ui/lists"
	"gantry/ui/styles"
)

// pane is one of the page's parts that can have the focus.
type pane int

const (
	containersPane pane = iota
	imagesPane
	volumesPane
	networksPane
	jobsPane
	detailPane
	sidePane // the log beside the detail, where the screen is wide
	panes
)

// Model is the root of the workbench. Make one with New.
type Model struct {
	ctx      context.Context
	eng      engine.Engine
	opts     Options
	look     look
	styles   styles.Styles // of the look
	now      func() time.Time
	keys     *keys.Registry
	handlers map[keys.ID]handler

	dialogs    []dialogs.Dialog
	toast      string
	toastBad   bool
	toastMuted bool
	toastGen   int
	busy       int            // operations that run
	history    []dialogs.Item // what was done, as commands
	lines      []string       // that were typed into the palette
	works      map[int]*work
	lastWork   int
	jobs       map[engine.ID]*jobView
	execs      map[engine.ID]string // the command that was last run in a container
	wanted     string               // the ID of a container that is to be chosen as soon as it is there

	width, height int
	focus         pane
	zoom          bool
	filtering     bool // keys go into the filter of the focused list
	split         splits
	pointer       pointer

	info       engine.Info
	feed       *feed.Lists
	state      feed.State
	listed     bool // lists have come, or an error in their place
	containers *lists.List[engine.ContainerSummary]
	images     *lists.List[engine.ImageSummary]
	volumes    *lists.List[engine.VolumeSummary]
	networks   *lists.List[engine.Network]
	jobList    *lists.List[engine.Job]
	loads      map[engine.ID]*load
	host       hostLoad
	samples    *feed.Samples
	usage      usage
	sizes      sizes
	under      pane // the list that stands below the containers where only one does
	metering   bool // whether rows and host are measured
	ages       int  // how often the ages were renewed
	soon       bool // they are again within seconds

	detail  detail
	details uint64 // grows with what may have changed the details

	offer int // of the welcome, that enter takes

	restyled int // how often the styles were changed
	memo     *memo
}

// splits are what the splitters were dragged to; 0: never.
type splits struct{ left, lower, right int }

// Options of the workbench.
type Options struct {
	// Command makes a process of this program with other arguments, to which
	// the terminal can be handed over. nil: that cannot be done.
	Command func(args ...string) *exec.Cmd
	// Keys gives actions other keys than their own.
	Keys map[string][]string
	// Theme is the name of a theme; "" goes by the terminal's background.
	Theme  string
	Themes themes.Library
	// Terminal is what the terminal can show. The zero one can show everything.
	Terminal Terminal
	// LearnBackground is told when the background is not what Terminal says,
	// so that the next start begins in the right colours; nil: nobody learns.
	LearnBackground func(light bool)
	// StateDir is where lines of the palette are kept; "": nowhere.
	StateDir string
	// DetachKeys leave a terminal that is attached: "ctrl-p,ctrl-q".
	DetachKeys string
	// Browser is the command that opens a URL; empty: it can only be copied.
	Browser []string
	// NoMouse leaves the mouse to the terminal.
	NoMouse bool
	// ActAtOnce names what does not ask first: "stop", "restart".
	ActAtOnce []string
	// Config is where the options come from, for what is said about them.
	Config Config
	// Version is gantry's, for the demo that it makes.
	Version string
}

// New makes the workbench. It follows the engine until ctx ends.
func New(ctx context.Context, eng engine.Engine, opts Options) *Model {
	m := &Model{
		ctx: ctx, eng: eng, opts: opts, now: time.Now,
		feed: feed.NewLists(ctx, eng), samples: feed.NewSamples(ctx, eng), metering: true, jobs: make(map[engine.ID]*jobView), loads: make(map[engine.ID]*load),
		handlers: handlers(), memo: &memo{},
	}
	m.containers, m.images, m.jobList = lists.New(m.containerSpec()), lists.New(m.imageSpec()), lists.New(m.jobSpec())
	m.volumes, m.networks, m.under = lists.New(m.volumeSpec()), lists.New(m.networkSpec()), imagesPane
	m.detail = newDetail(m)
	m.pointer.off = opts.NoMouse
	var problems []tomldoc.Problem
	m.keys, m.look, problems = opts.configure()
	m.restyle()
	if len(problems) > 0 {
		m.openProblems(problems)
	}
	return m
}

// Run shows the workbench on the terminal until the user leaves it.
func Run(ctx context.Context, eng engine.Engine, opts Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p, pace := newProgram(New(ctx, eng, opts), tea.WithContext(ctx), tea.WithColorProfile(opts.Terminal.profile()))
	defer pace.stop()
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
	ageMsg     struct{ gen int } // ages in the lists grow
)

// Init implements tea.Model.
func (m *Model) Init() tea.Cmd {
	return tea.Batch(m.nextState(), m.nextTick(), m.readLines(), tea.RequestBackgroundColor, m.ageTick())
}

// ageTick renews the ages in the lists: once a minute, which is what the
// smallest unit after the first minute needs, and more often while something
// is younger than that.
func (m *Model) ageTick() tea.Cmd {
	every := time.Minute
	if m.soon = m.young(); m.soon {
		every = 10 * time.Second
	}
	m.ages++
	gen := m.ages
	return tea.Tick(every, func(time.Time) tea.Msg { return ageMsg{gen} })
}

// hasten renews the ages sooner than planned when something young has come.
func (m *Model) hasten() tea.Cmd {
	if m.soon || !m.young() {
		return nil
	}
	return m.ageTick()
}

// young tells whether something began less than a minute ago.
func (m *Model) young() bool {
	limit := m.now().Add(-time.Minute)
	for i := range m.state.Containers {
		if since(&m.state.Containers[i]).After(limit) {
			return true
		}
	}
	for i := range m.state.Jobs {
		if m.state.Jobs[i].Started.After(limit) {
			return true
		}
	}
	return false
}

func (m *Model) nextState() tea.Cmd {
	f := m.feed
	return func() tea.Msg {
		if s, ok := f.Next(); ok {
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
	if m.list(m.focus) != nil && m.focus != jobsPane {
		m.detail.side = m.focus
	}
	if isLower(m.focus) {
		m.under = m.focus
	}
	m.place()
	if m.subject() == m.detail.shown && (!m.wide() || m.chosen() == m.detail.logged) {
		return nil
	}
	m.detail.rests++
	gen := m.detail.rests
	return tea.Tick(rest, func(time.Time) tea.Msg { return settledMsg{gen} })
}
