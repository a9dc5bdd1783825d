package ui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/dialogs"
	"gantry/ui/glyph"
	"gantry/ui/keys"
)

// actions are everything that can be done, most important first within a
// scope. Their handlers are in the map below; a test checks that each has one.
func actions() []keys.Action {
	return []keys.Action{
		{ID: "container.log", Scope: keys.Containers, Keys: []string{"enter"}, Title: "Into the detail", Help: "Give the log, or the tab that is shown, the focus", Short: "open"},
		{ID: "container.stop", Scope: keys.Containers, Keys: []string{"s"}, Title: "Stop", Help: "Send the stop signal, and kill after the timeout", Short: "stop", Asks: true},
		{ID: "container.start", Scope: keys.Containers, Keys: []string{"S"}, Title: "Start", Help: "Start a container that does not run", Short: "start"},
		{ID: "container.restart", Scope: keys.Containers, Keys: []string{"r"}, Title: "Restart", Help: "Stop and start again", Short: "restart", Asks: true},
		{ID: "container.shell", Scope: keys.Containers, Keys: []string{"E"}, Title: "Shell", Help: "Open a shell in the container", Short: "shell"},
		{ID: "container.remove", Scope: keys.Containers, Keys: []string{"d"}, Title: "Remove…", Help: "Remove containers, running ones by force", Short: "remove…", Asks: true},
		{ID: "container.logfull", Scope: keys.Containers, Keys: []string{"m"}, Title: "Log, full screen", Help: "Zoom the container's log"},
		{ID: "container.stats", Scope: keys.Containers, Keys: []string{"t"}, Title: "Stats", Help: "Charts of processor, memory, IO and pressure"},
		{ID: "container.inspect", Scope: keys.Containers, Keys: []string{"i"}, Title: "Inspect", Help: "Everything there is to know, as a tree"},
		{ID: "container.attach", Scope: keys.Containers, Keys: []string{"a"}, Title: "Attach", Help: "Connect the terminal to the container's program"},
		{ID: "container.pause", Scope: keys.Containers, Keys: []string{"p"}, Title: "Pause or go on", Help: "Freeze all processes, or let them run again"},
		{ID: "container.kill", Scope: keys.Containers, Keys: []string{"K"}, Title: "Kill…", Help: "Send SIGKILL", Asks: true},
		{ID: "container.rename", Scope: keys.Containers, Keys: []string{"R"}, Title: "Rename…", Help: "Give the container another name"},
		{ID: "container.run", Scope: keys.Containers, Keys: []string{"n"}, Title: "Run a new container…", Help: "Create and start a container from an image"},
		{ID: "container.prune", Scope: keys.Containers, Keys: []string{"b"}, Title: "Prune…", Help: "Remove every container that does not run", Asks: true},

		{ID: "image.pull", Scope: keys.Images, Keys: []string{"P"}, Title: "Pull…", Help: "Fetch an image from its registry", Short: "pull"},
		{ID: "image.run", Scope: keys.Images, Keys: []string{"n"}, Title: "Run…", Help: "Create and start a container from this image", Short: "run"},
		{ID: "image.tag", Scope: keys.Images, Keys: []string{"t"}, Title: "Tag…", Help: "Give the image another name", Short: "tag"},
		{ID: "image.push", Scope: keys.Images, Keys: []string{"U"}, Title: "Push…", Help: "Send the image to its registry", Short: "push", Asks: true},
		{ID: "image.remove", Scope: keys.Images, Keys: []string{"d"}, Title: "Remove…", Help: "Remove the name, and the image with its last name", Short: "remove…", Asks: true},
		{ID: "image.prune", Scope: keys.Images, Keys: []string{"b"}, Title: "Prune…", Help: "Remove every image that no container uses", Asks: true},

		{ID: "job.show", Scope: keys.Jobs, Keys: []string{"enter"}, Title: "Progress", Help: "How far each part of the job is", Short: "open"},
		{ID: "job.cancel", Scope: keys.Jobs, Keys: []string{"s"}, Title: "Cancel…", Help: "End the job; what was fetched stays for the next time", Short: "cancel", Asks: true},
		{ID: "job.remove", Scope: keys.Jobs, Keys: []string{"d"}, Title: "Remove", Help: "Take jobs that are over off the list", Short: "remove"},

		{ID: "mark", Scope: keys.Lists, Keys: []string{"space"}, Title: "Mark", Help: "Mark the row, or all below a heading: actions then go to all marked ones", Short: "mark"},
		{ID: "mark.range", Scope: keys.Lists, Keys: []string{"v"}, Title: "Mark a range", Help: "Begin a range at the cursor, or end it; shift with an arrow does so too"},
		{ID: "mark.all", Scope: keys.Lists, Keys: []string{"*"}, Title: "Mark all", Help: "Mark every row that is shown; esc takes marks away"},
		{ID: "sort", Scope: keys.Lists, Keys: []string{"o"}, Title: "Sort", Help: "Sort by the next column", Short: "sort"},
		{ID: "sort.reverse", Scope: keys.Lists, Keys: []string{"O"}, Title: "Sort the other way", Help: "Turn the order round"},
		{ID: "fold", Scope: keys.Lists, Keys: []string{"z"}, Title: "Fold", Help: "Close or open the project"},
		{ID: "fold.all", Scope: keys.Lists, Keys: []string{"Z"}, Title: "Fold all", Help: "Close all projects, or open them"},

		{ID: "log.follow", Scope: keys.Log, Keys: []string{"f"}, Title: "Follow", Help: "Follow the end, or stop following", Short: "follow"},

		{ID: "filter", Scope: keys.Global, Keys: []string{"/"}, Title: "Filter", Help: "Show only rows that hold a text", Short: "filter"},
		{ID: "menu", Scope: keys.Global, Keys: []string{"x"}, Title: "Menu", Help: "Everything that can be done here", Short: "more"},
		{ID: "palette", Scope: keys.Global, Keys: []string{":"}, Title: "Palette", Help: "Find an action by name"},
		{ID: "copy", Scope: keys.Global, Keys: []string{"y"}, Title: "Copy ID", Help: "Copy the ID of what is under the cursor"},
		{ID: "history", Scope: keys.Global, Keys: []string{"@"}, Title: "Command log", Help: "What was done, as commands"},
		{ID: "pane.containers", Scope: keys.Global, Keys: []string{"1"}, Title: "Containers", Help: "Go to the containers"},
		{ID: "pane.images", Scope: keys.Global, Keys: []string{"2"}, Title: "Images", Help: "Go to the images"},
		{ID: "pane.jobs", Scope: keys.Global, Keys: []string{"8"}, Title: "Jobs", Help: "Go to the jobs: pulls and pushes that run or are over"},
		{ID: "pane.next", Scope: keys.Global, Keys: []string{"tab", "l", "right"}, Title: "Next pane", Help: "Give the next pane the focus", Short: "pane"},
		{ID: "pane.previous", Scope: keys.Global, Keys: []string{"shift+tab", "h", "left"}, Title: "Previous pane", Help: "Give the previous pane the focus"},
		{ID: "tab.next", Scope: keys.Global, Keys: []string{"]"}, Title: "Next tab", Help: "The next side of what is chosen", Short: "tab"},
		{ID: "tab.previous", Scope: keys.Global, Keys: []string{"["}, Title: "Previous tab", Help: "The previous side of what is chosen"},
		{ID: "zoom", Scope: keys.Global, Keys: []string{"+"}, Title: "Zoom", Help: "Give the pane the whole screen"},
		{ID: "unzoom", Scope: keys.Global, Keys: []string{"_"}, Title: "Zoom back", Help: "Show all panes again"},
		{ID: "back", Scope: keys.Global, Keys: []string{"esc"}, Title: "Back", Help: "Clear filter and marks, leave a zoom, go to the containers"},
		{ID: "suspend", Scope: keys.Global, Keys: []string{"ctrl+z"}, Title: "Suspend", Help: "Back to the shell; fg returns"},
		{ID: "quit", Scope: keys.Global, Keys: []string{"q", "ctrl+c"}, Title: "Quit", Help: "Leave; containers and jobs go on", Short: "quit"},
		{ID: "help", Scope: keys.Global, Keys: []string{"?"}, Title: "Help", Help: "All keys", Short: "help"},
	}
}

// handler is what an action does, and why it cannot be done now ("" when it
// can).
type handler struct {
	disabled func(m *Model) string
	run      func(m *Model) tea.Cmd
}

// always makes the handler of an action that can be done at any time.
func always(run func(m *Model) tea.Cmd) handler {
	return handler{func(*Model) string { return "" }, run}
}

// onContainers makes the handler of an action on the chosen containers. fits
// tells why one of them does not suit.
func onContainers(fits func(engine.ContainerSummary) string, run func(m *Model, cs []engine.ContainerSummary) tea.Cmd) handler {
	return handler{
		disabled: func(m *Model) string {
			cs := m.targets()
			if len(cs) == 0 {
				return "there is no container"
			}
			why := ""
			for _, c := range cs {
				if why = fits(c); why == "" {
					return ""
				}
			}
			return why
		},
		run: func(m *Model) tea.Cmd {
			var cs []engine.ContainerSummary
			for _, c := range m.targets() {
				if fits(c) == "" {
					cs = append(cs, c)
				}
			}
			return run(m, cs)
		},
	}
}

func onImage(run func(m *Model, img engine.ImageSummary) tea.Cmd) handler {
	return handler{
		disabled: func(m *Model) string {
			if _, ok := m.image(); !ok {
				return "there is no image"
			}
			return ""
		},
		run: func(m *Model) tea.Cmd {
			img, _ := m.image()
			return run(m, img)
		},
	}
}

func whatever(engine.ContainerSummary) string { return "" }

func running(c engine.ContainerSummary) string {
	if !c.Status.Running {
		return "it is not running"
	}
	return ""
}

func stopped(c engine.ContainerSummary) string {
	if c.Status.Running {
		return "it is running already"
	}
	return ""
}

// handlers has one for each action.
func handlers() map[keys.ID]handler {
	h := map[keys.ID]handler{
		"container.log": onContainers(whatever, (*Model).enter),
		"container.logfull": onContainers(whatever, func(m *Model, _ []engine.ContainerSummary) tea.Cmd {
			m.focus, m.zoom = detailPane, true
			m.showTab("Log")
			return nil
		}),
		"container.start":   onContainers(stopped, (*Model).start),
		"container.stop":    onContainers(running, (*Model).askStop),
		"container.restart": onContainers(whatever, (*Model).askRestart),
		"container.kill":    onContainers(running, (*Model).askKill),
		"container.pause":   onContainers(running, (*Model).pause),
		"container.remove":  onContainers(whatever, (*Model).askRemove),
		"container.rename":  onContainers(whatever, (*Model).askRename),
		"container.shell":   onContainers(running, (*Model).shell),
		"container.attach":  onContainers(running, (*Model).attach),
		"container.run":     always((*Model).askRun),
		"container.prune":   always((*Model).askPruneContainers),
		"image.pull":        always((*Model).askPull),
		"image.run":         onImage(func(m *Model, _ engine.ImageSummary) tea.Cmd { return m.askRun() }),
		"image.tag":         onImage((*Model).askTag),
		"image.push":        onImage((*Model).askPush),
		"image.remove":      onImage((*Model).askRemoveImage),
		"image.prune":       always((*Model).askPruneImages),
		"log.follow":        always(func(m *Model) tea.Cmd { return m.tabKey("f") }),
		"filter":            always(func(m *Model) tea.Cmd { m.filtering = m.list(m.focus) != nil; return nil }),
		"mark":              onList(mark),
		"mark.all":          onList(lister.MarkAll),
		"mark.range":        onList(lister.Range),
		"sort":              onList(lister.NextOrder),
		"sort.reverse":      onList(lister.Reverse),
		"fold":              onList(func(l lister) { l.Fold() }),
		"fold.all":          onList(lister.FoldAll),
		"job.show":          onJobs(anyJob, func(m *Model, js []*engine.Job) tea.Cmd { return m.showJob(js[0]) }),
		"job.cancel":        onJobs(jobRuns, (*Model).askCancelJobs),
		"job.remove":        onJobs(jobOver, (*Model).removeJobs),
		"menu":              always(func(m *Model) tea.Cmd { m.openMenu(m.scope(), "What to do"); return nil }),
		"palette":           always(func(m *Model) tea.Cmd { m.openMenu("", "Everything"); return nil }),
		"copy":              always((*Model).copyID),
		"history":           always(func(m *Model) tea.Cmd { m.showHistory(); return nil }),
		"pane.containers":   always(func(m *Model) tea.Cmd { m.focus = containersPane; return nil }),
		"pane.images":       always(func(m *Model) tea.Cmd { m.focus = imagesPane; return nil }),
		"pane.jobs":         {disabled: (*Model).noJobs, run: func(m *Model) tea.Cmd { m.focus = jobsPane; return nil }},
		"pane.next":         always(func(m *Model) tea.Cmd { m.turnFocus(1); return nil }),
		"pane.previous":     always(func(m *Model) tea.Cmd { m.turnFocus(-1); return nil }),
		"tab.next":          always(func(m *Model) tea.Cmd { return m.turn(1) }),
		"tab.previous":      always(func(m *Model) tea.Cmd { return m.turn(-1) }),
		"container.stats":   goTab("Stats"),
		"container.inspect": goTab("Inspect"),
		"zoom":              always(func(m *Model) tea.Cmd { m.zoom = true; return nil }),
		"unzoom":            always(func(m *Model) tea.Cmd { m.zoom = false; return nil }),
		"back":              always(func(m *Model) tea.Cmd { m.back(); return nil }),
		"suspend":           always(func(*Model) tea.Cmd { return tea.Suspend }),
		"help":              always(func(m *Model) tea.Cmd { m.help = true; return nil }),
	}
	h["quit"] = always(func(m *Model) tea.Cmd {
		if m.clearFilter() {
			return nil
		}
		return tea.Quit
	})
	return h
}

// scope is what the keys mean now.
func (m *Model) scope() keys.Scope {
	switch m.focus {
	case imagesPane:
		return keys.Images
	case jobsPane:
		return keys.Jobs
	case detailPane, sidePane:
		if own, ok := m.focused().(interface{ Scope() keys.Scope }); ok {
			return own.Scope()
		}
		return keys.Detail
	}
	return keys.Containers
}

// act does an action, or says why not.
func (m *Model) act(a keys.Action) tea.Cmd {
	h, ok := m.handlers[a.ID]
	if !ok {
		return nil
	}
	if why := h.disabled(m); why != "" {
		return m.say(strings.TrimSuffix(a.Title, glyph.Ellipsis)+": "+why, true)
	}
	return h.run(m)
}

// openMenu lists the actions of a scope, or all that can be done now.
func (m *Model) openMenu(scope keys.Scope, title string) {
	var list []keys.Action
	for _, a := range m.keys.All() {
		if a.Scope == scope || scope == "" && (a.Scope == keys.Global || a.Scope == m.scope() || a.Scope == keys.Images || a.Scope == keys.Containers) {
			list = append(list, a)
		}
	}
	items := make([]dialogs.Item, len(list))
	for i, a := range list {
		key := ""
		if len(a.Keys) > 0 {
			key = a.Keys[0]
		}
		items[i] = dialogs.Item{Text: a.Title, Key: key, Detail: a.Help, Disabled: m.handlers[a.ID].disabled(m)}
		if scope == "" && a.Scope == keys.Images {
			items[i].Text = "Image: " + a.Title
		}
	}
	m.open(dialogs.Pick{Tag: menuTag(list), Name: title, Items: items})
}

// menuTag remembers what the rows of a menu stand for.
type menuTag []keys.Action
