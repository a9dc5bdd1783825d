package ui

import (
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/dialogs"
	"gantry/ui/keys"
)

// handler is what an action does, and why it cannot be done now ("" when it
// can).
type handler struct {
	disabled func(m *Model) string
	run      func(m *Model) tea.Cmd
	// with does it with the words that were typed behind its name in the
	// palette; nil: it takes none.
	with func(m *Model, args []string) (tea.Cmd, error)
	// words are what can stand at the end of the arguments so far.
	words func(m *Model, args []string) []string
	// look is words where finding out takes I/O: it is called outside of Update,
	// and so without the model.
	look func(args []string) []string
}

// always makes the handler of an action that can be done at any time.
func always(run func(m *Model) tea.Cmd) handler {
	return handler{disabled: func(*Model) string { return "" }, run: run}
}

// shows is always for what only changes what is shown.
func shows(change func(m *Model)) handler {
	return always(func(m *Model) tea.Cmd { change(m); return nil })
}

// taking adds what an action does with arguments, and which there can be.
func (h handler) taking(words func(m *Model, args []string) []string, with func(m *Model, args []string) (tea.Cmd, error)) handler {
	h.words, h.with = words, with
	return h
}

// looking adds what is looked up for its arguments.
func (h handler) looking(look func(args []string) []string) handler {
	h.look = look
	return h
}

// onContainers makes the handler of an action on the chosen containers, or on
// those that are named behind it. fits tells why one of them does not suit.
func onContainers(fits func(engine.ContainerSummary) string, run func(m *Model, cs []engine.ContainerSummary) tea.Cmd) handler {
	fitting := func(m *Model) []engine.ContainerSummary {
		var cs []engine.ContainerSummary
		for _, c := range m.targets() {
			if fits(c) == "" {
				cs = append(cs, c)
			}
		}
		return cs
	}
	return handler{
		disabled: func(m *Model) string {
			cs := m.targets()
			if len(cs) == 0 {
				return "there is no container"
			}
			if len(fitting(m)) > 0 {
				return ""
			}
			return fits(cs[0])
		},
		run: func(m *Model) tea.Cmd { return run(m, fitting(m)) },
		with: func(m *Model, args []string) (tea.Cmd, error) {
			cs, err := m.named(args)
			if err != nil {
				return nil, err
			}
			for _, c := range cs {
				if why := fits(c); why != "" {
					return nil, fmt.Errorf("%s: %s", c.Name, why)
				}
			}
			return run(m, cs), nil
		},
		words: func(m *Model, args []string) []string { return m.containerNames(fits, args) },
	}
}

// onOne is onContainers for what goes to a single one: the first.
func onOne(fits func(engine.ContainerSummary) string, run func(m *Model, c engine.ContainerSummary) tea.Cmd) handler {
	h := onContainers(fits, func(m *Model, cs []engine.ContainerSummary) tea.Cmd { return run(m, cs[0]) })
	words, disabled := h.words, h.disabled
	h.disabled = func(m *Model) string {
		if n := len(m.targets()); n > 1 {
			return fmt.Sprintf("one at a time; %d are chosen", n)
		}
		return disabled(m)
	}
	h.words = func(m *Model, args []string) []string {
		if len(args) > 1 {
			return nil
		}
		return words(m, args)
	}
	return h
}

// onImages makes the handler of an action on the chosen images, or on those
// that are named behind it.
func onImages(run func(m *Model, imgs []engine.ImageSummary) tea.Cmd) handler {
	return handler{
		disabled: func(m *Model) string {
			if len(m.imageTargets()) == 0 {
				return "there is no image"
			}
			return ""
		},
		run: func(m *Model) tea.Cmd { return run(m, m.imageTargets()) },
		with: func(m *Model, args []string) (tea.Cmd, error) {
			imgs, err := m.namedImages(args)
			if err != nil {
				return nil, err
			}
			return run(m, imgs), nil
		},
		words: func(m *Model, args []string) []string { return m.imageNames(args) },
	}
}

func onImage(run func(m *Model, img engine.ImageSummary) tea.Cmd) handler {
	h := onImages(func(m *Model, imgs []engine.ImageSummary) tea.Cmd { return run(m, imgs[0]) })
	disabled := h.disabled
	h.disabled = func(m *Model) string {
		if n := len(m.imageTargets()); n > 1 {
			return fmt.Sprintf("one at a time; %d are chosen", n)
		}
		return disabled(m)
	}
	return h
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

// unfrozen is a container in which something can run now.
func unfrozen(c engine.ContainerSummary) string {
	if c.Status.Paused {
		return "it is paused; let it go on first"
	}
	return running(c)
}

// handlers has one for each action.
func handlers() map[keys.ID]handler {
	all := make(map[keys.ID]handler)
	for _, part := range []map[keys.ID]handler{containerHandlers(), imageHandlers(), volumeHandlers(), networkHandlers(), jobHandlers(), listHandlers(), tabHandlers(), motionHandlers(), globalHandlers(), viewHandlers(), demoHandlers()} {
		for id, h := range part {
			all[id] = h
		}
	}
	return all
}

func containerHandlers() map[keys.ID]handler {
	return map[keys.ID]handler{
		"container.log":     onContainers(whatever, (*Model).enter),
		"container.logfull": onOne(whatever, (*Model).logFull),
		"container.browse":  onOne(reachable, (*Model).browse),
		"container.start":   onContainers(stopped, (*Model).start),
		"container.stop":    onContainers(running, (*Model).askStop),
		"container.restart": onContainers(whatever, (*Model).askRestart),
		"container.kill":    onContainers(running, (*Model).askKill).taking(killWords, killWith),
		"container.pause":   onContainers(running, (*Model).pause),
		"container.remove":  onContainers(whatever, (*Model).askRemove),
		"container.rename":  onOne(whatever, (*Model).askRename).taking(oneContainer, renameWith),
		"container.commit":  onOne(whatever, (*Model).askCommit).taking(oneContainer, commitWith),
		"container.update":  onContainers(whatever, (*Model).askUpdate),
		"container.shell":   onOne(unfrozen, (*Model).shell),
		"container.exec":    onOne(unfrozen, (*Model).askExec).taking(oneContainer, execWith),
		"container.attach":  onOne(unfrozen, (*Model).askAttach),
		"container.run":     always((*Model).askRun).taking(runWords, runWith),
		"container.prune":   always((*Model).findPrune),
		"container.stats":   goTab("Stats").taking(oneContainer, tabWith("Stats")),
		"container.files":   toFiles(containersPane, keys.Containers).taking(oneContainer, tabWith(filesTab)),
		"container.inspect": goTab("Inspect").taking(oneContainer, tabWith("Inspect")),
	}
}

func imageHandlers() map[keys.ID]handler {
	return map[keys.ID]handler{
		"image.pull":   always((*Model).askPull).taking(func(m *Model, args []string) []string { return m.imageNames(args) }, pullWith),
		"image.open":   onImage(func(m *Model, _ engine.ImageSummary) tea.Cmd { m.focus = detailPane; return nil }),
		"image.run":    onImage(func(m *Model, img engine.ImageSummary) tea.Cmd { return m.askRunOf(imageName(img)) }),
		"image.tag":    onImage((*Model).askTag).taking(func(m *Model, args []string) []string { return m.imageNames(args) }, tagWith),
		"image.push":   onImages((*Model).askPush),
		"image.remove": onImages((*Model).askRemoveImages),
		"image.save":   onImages((*Model).askSave).taking(func(m *Model, args []string) []string { return m.imageNames(args) }, saveWith).looking(lookFile(-1)),
		"image.load":   always((*Model).askLoad).taking(nil, loadWith).looking(lookFile(0)),
		"image.import": always((*Model).askImport).taking(nil, importWith).looking(lookFile(0)),
		"image.login":  always((*Model).askLogin).taking(registryWords, loginWith),
		"image.logout": always((*Model).askLogout).taking(registryWords, logoutWith),
		"image.files":  toFiles(imagesPane, keys.Images),
		"image.prune":  always((*Model).findPrune),
	}
}

func jobHandlers() map[keys.ID]handler {
	return map[keys.ID]handler{
		"job.show":   onJobs(anyJob, func(m *Model, js []*engine.Job) tea.Cmd { return m.showJob(js[0]) }),
		"job.cancel": onJobs(jobRuns, (*Model).askCancelJobs),
		"job.remove": onJobs(jobOver, (*Model).removeJobs),
	}
}

func listHandlers() map[keys.ID]handler {
	return map[keys.ID]handler{
		"mark":         onList(mark),
		"mark.all":     onList(lister.MarkAll),
		"mark.range":   onList(lister.Range),
		"sort":         onList(lister.NextOrder),
		"sort.reverse": onList(lister.Reverse),
		"fold":         onList(func(l lister) { l.Fold() }),
		"fold.all":     onList(lister.FoldAll),
		"mark.down":    onList(func(l lister) { l.Extend(1) }),
		"mark.up":      onList(func(l lister) { l.Extend(-1) }),
		"filter":       shows(func(m *Model) { m.filtering = m.list(m.focus) != nil }).taking(nil, filterWith),
		"copy":         always((*Model).copyID),
		"history":      always((*Model).showHistory),

		"pane.containers": shows(func(m *Model) { m.focus = containersPane }),
		"pane.images":     shows(func(m *Model) { m.focus = imagesPane }),
		"pane.volumes":    shows(func(m *Model) { m.focus = volumesPane }),
		"pane.networks":   shows(func(m *Model) { m.focus = networksPane }),
		"pane.jobs":       {disabled: (*Model).noJobs, run: func(m *Model) tea.Cmd { m.focus = jobsPane; return nil }},
		"list.next":       shows(func(m *Model) { m.turnList(1) }),
		"list.previous":   shows(func(m *Model) { m.turnList(-1) }),
	}
}

func globalHandlers() map[keys.ID]handler {
	return map[keys.ID]handler{
		"menu":    shows(func(m *Model) { m.openMenu(m.scope()) }),
		"palette": shows((*Model).openPalette),
		"work":    always((*Model).showWork),
		"usage":   always((*Model).findUsage),
		"theme":   handler{disabled: (*Model).noColours, run: (*Model).askTheme}.taking(themeWords, themeWith),
		"help":    shows((*Model).openHelp),
	}
}

func viewHandlers() map[keys.ID]handler {
	return map[keys.ID]handler{
		"pane.next":     shows(func(m *Model) { m.turnFocus(1) }),
		"pane.previous": shows(func(m *Model) { m.turnFocus(-1) }),
		"tab.next":      always(func(m *Model) tea.Cmd { return m.turn(1) }),
		"tab.previous":  always(func(m *Model) tea.Cmd { return m.turn(-1) }),
		"zoom":          shows(func(m *Model) { m.zoom = true }),
		"unzoom":        shows(func(m *Model) { m.zoom = false }),
		"back":          shows((*Model).back),
		"mouse":         always((*Model).toggleMouse),
		"meters":        always((*Model).toggleMeters),
		"suspend":       always(func(*Model) tea.Cmd { return tea.Suspend }),
		"quit": always(func(m *Model) tea.Cmd {
			if m.clearFilter() {
				return nil
			}
			return m.askQuit()
		}),
	}
}

func (m *Model) logFull(c engine.ContainerSummary) tea.Cmd {
	m.containers.Select(string(c.ID))
	m.focus, m.zoom = detailPane, true
	m.showTab("Log")
	return nil
}

// tabWith shows a tab of the container that is named.
func tabWith(tab string) func(m *Model, args []string) (tea.Cmd, error) {
	return func(m *Model, args []string) (tea.Cmd, error) {
		cs, err := m.named(args)
		if err != nil {
			return nil, err
		}
		m.containers.Select(string(cs[0].ID))
		m.focus = containersPane
		m.showTab(tab)
		return nil, nil
	}
}

// scope is what the keys mean now.
func (m *Model) scope() keys.Scope {
	if p := m.focused(); p != nil {
		return p.Scope()
	}
	if m.focus == detailPane {
		return keys.Detail
	}
	return m.listScope(m.focus)
}

// listScope is what the keys mean where a list has the focus.
func (m *Model) listScope(p pane) keys.Scope {
	switch p {
	case imagesPane:
		return keys.Images
	case volumesPane:
		return keys.Volumes
	case networksPane:
		return keys.Networks
	case jobsPane:
		return keys.Jobs
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
		return m.say(a.Name()+": "+why, true)
	}
	return h.run(m)
}

// openMenu lists what can be done where the focus is.
func (m *Model) openMenu(scope keys.Scope) {
	list := slices.Collect(m.keys.Effective(scope))
	items := make([]dialogs.Item, len(list))
	for i, a := range list {
		items[i] = m.item(a, a.Title)
	}
	m.open(dialogs.Pick{Tag: pickTag(func(m *Model, i int) tea.Cmd { return m.act(list[i]) }), Name: "What to do", About: m.menuSubject(scope), Items: items})
}

// menuSubject names what the actions of a menu go to.
func (m *Model) menuSubject(scope keys.Scope) string {
	switch scope {
	case keys.Containers:
		return sumNames(containerNames(m.targets()), "containers")
	case keys.Images:
		var names []string
		for _, img := range m.imageTargets() {
			names = append(names, imageName(img))
		}
		return sumNames(names, "images")
	}
	return ""
}

// item is an action as a row of a menu.
func (m *Model) item(a keys.Action, text string) dialogs.Item {
	key := ""
	if len(a.Keys) > 0 {
		key = a.Keys[0]
	}
	return dialogs.Item{Text: text, Key: key, Detail: a.Help, Disabled: m.handlers[a.ID].disabled(m)}
}
