package ui

import (
	"gantry/ui/keys"
	"gantry/ui/tabs"
)

// Actions are everything that can be done in the workbench, for its key
// reference.
func Actions() []keys.Action { return actions() }

// actions are everything that can be done, most important first within a
// scope. Their handlers are in handlers.go; a test checks that each has one.
// What is done in a tab is described there (tabs.Actions).
func actions() []keys.Action {
	var all []keys.Action
	for _, part := range [][]keys.Action{containerActions(), imageActions(), volumeActions(), networkActions(), jobActions(), listActions(), tabs.Actions(), logActions(), globalActions(), viewActions(), demoActions(), motions()} {
		all = append(all, part...)
	}
	return all
}

func containerActions() []keys.Action {
	list := []keys.Action{
		{ID: "container.log", Keys: []string{"enter"}, Title: "Into the detail", Help: "Give the log, or the tab that is shown, the focus", Short: "open"},
		{ID: "container.stop", Keys: []string{"s"}, Word: "stop", Args: "[CONTAINER…]", Command: "gantry stop OBJECT",
			Title: "Stop", Help: "Send the stop signal, and kill after the timeout", Short: "stop", Asks: true},
		{ID: "container.start", Keys: []string{"S"}, Word: "start", Args: "[CONTAINER…]", Command: "gantry start OBJECT",
			Title: "Start", Help: "Start a container that does not run", Short: "start"},
		{ID: "container.restart", Keys: []string{"r"}, Word: "restart", Args: "[CONTAINER…]", Command: "gantry restart OBJECT",
			Title: "Restart", Help: "Stop and start again", Short: "restart", Asks: true},
		{ID: "container.shell", Keys: []string{"E"}, Word: "shell", Args: "[CONTAINER]", Command: "gantry exec -it OBJECT sh",
			Title: "Shell", Help: "Open a shell in the container: bash where there is one, else sh", Short: "shell"},
		{ID: "container.remove", Keys: []string{"d"}, Word: "rm", Args: "[CONTAINER…]", Command: "gantry rm -f OBJECT",
			Title: "Remove…", Help: "Remove containers, running ones by force", Short: "remove…", Asks: true},
		{ID: "container.logfull", Keys: []string{"m"}, Word: "logs", Args: "[CONTAINER]", Command: "gantry logs -f OBJECT",
			Title: "Log, full screen", Help: "Zoom the container's log"},
		{ID: "container.browse", Keys: []string{"w"}, Word: "open", Args: "[CONTAINER]", Command: "xdg-open http://localhost:PORT",
			Title: "Open in a browser", Help: "Open, or copy, the address of a port that it publishes"},
		{ID: "container.run", Keys: []string{"n"}, Word: "run", Args: "[IMAGE [COMMAND…]]", Command: "gantry run -d OBJECT",
			Title: "Run a new container…", Help: "Create and start a container from an image"},
		{ID: "container.exec", Keys: []string{"e"}, Word: "exec", Args: "[CONTAINER COMMAND…]", Command: "gantry exec -it OBJECT COMMAND",
			Title: "Run a command in it…", Help: "Run a further program in the container, with the terminal"},
		{ID: "container.attach", Keys: []string{"a"}, Word: "attach", Args: "[CONTAINER]", Command: "gantry attach OBJECT",
			Title: "Attach…", Help: "Connect the terminal to the container's program", Asks: true},
		{ID: "container.stats", Keys: []string{"t"}, Word: "stats", Args: "[CONTAINER]", Command: "gantry stats OBJECT",
			Title: "Stats", Help: "Charts of processor, memory, IO and pressure"},
		{ID: "container.files", Keys: []string{"F"}, Word: "files", Args: "[CONTAINER]", Command: "gantry diff OBJECT",
			Title: "Files", Help: "Look through its files, what it changed, and copy in and out"},
		{ID: "container.inspect", Keys: []string{"i"}, Word: "inspect", Args: "[CONTAINER]", Command: "gantry inspect OBJECT",
			Title: "Inspect", Help: "Everything there is to know, as a tree"},
		{ID: "container.pause", Keys: []string{"p"}, Word: "pause", Args: "[CONTAINER…]", Command: "gantry pause OBJECT",
			Title: "Pause or go on", Help: "Freeze all processes, or let them run again"},
		{ID: "container.kill", Keys: []string{"K"}, Word: "kill", Args: "[CONTAINER… [SIGNAL]]", Command: "gantry kill OBJECT",
			Title: "Send a signal…", Help: "Choose one, such as KILL, which ends it at once", Asks: true},
		{ID: "container.rename", Keys: []string{"R"}, Word: "rename", Args: "[CONTAINER] NAME", Command: "gantry rename OBJECT NAME",
			Title: "Rename…", Help: "Give the container another name"},
		{ID: "container.update", Keys: []string{"u"}, Word: "update", Args: "[CONTAINER…]", Command: "gantry update OBJECT",
			Title: "Change limits…", Help: "Memory, processors and processes, while it runs"},
		{ID: "container.commit", Keys: []string{"c"}, Word: "commit", Args: "[CONTAINER [NAME]]", Command: "gantry commit OBJECT NAME",
			Title: "Make an image of it…", Help: "An image of its files and its configuration"},
		{ID: "container.prune", Keys: []string{"b"}, Word: "prune", Command: "gantry system prune",
			Title: "Prune…", Help: "Remove what nothing needs, after a look at all of it", Asks: true},
	}
	return within(keys.Containers, list)
}

func imageActions() []keys.Action {
	list := []keys.Action{
		{ID: "image.open", Keys: []string{"enter"}, Command: "gantry image inspect OBJECT", Title: "Into the detail", Help: "Give the tab that is shown the focus", Short: "open"},
		{ID: "image.pull", Keys: []string{"P"}, Word: "pull", Args: "[IMAGE…]", Command: "gantry pull OBJECT",
			Title: "Pull…", Help: "Fetch an image from its registry", Short: "pull"},
		{ID: "image.run", Keys: []string{"n"}, Command: "gantry run -d OBJECT",
			Title: "Run…", Help: "Create and start a container from this image", Short: "run"},
		{ID: "image.tag", Keys: []string{"t"}, Word: "tag", Args: "[IMAGE] NAME", Command: "gantry tag OBJECT NAME",
			Title: "Tag…", Help: "Give the image another name", Short: "tag"},
		{ID: "image.push", Keys: []string{"U"}, Word: "push", Args: "[IMAGE]", Command: "gantry push OBJECT",
			Title: "Push…", Help: "Send the image to its registry", Short: "push", Asks: true},
		{ID: "image.remove", Keys: []string{"d"}, Word: "rmi", Args: "[IMAGE…]", Command: "gantry rmi OBJECT",
			Title: "Remove…", Help: "Remove the name, and the image with its last name", Short: "remove…", Asks: true},
		{ID: "image.save", Keys: []string{"S"}, Word: "save", Args: "[IMAGE… FILE]", Command: "gantry save -o FILE OBJECT",
			Title: "Save to a file…", Help: "Write images into an archive, to carry them elsewhere"},
		{ID: "image.load", Keys: []string{"ctrl+o"}, Word: "load", Args: "[FILE]", Command: "gantry load -i FILE",
			Title: "Load from a file…", Help: "Read images from an archive that save has made"},
		{ID: "image.import", Keys: []string{"I"}, Word: "import", Args: "[FILE [NAME]]", Command: "gantry import FILE OBJECT",
			Title: "Import a file system…", Help: "Make an image of an archive of files"},
		{ID: "image.files", Keys: []string{"F"}, Command: "gantry export $(gantry create OBJECT) | tar -t",
			Title: "Files", Help: "Look through the files of the image, and copy out"},
		{ID: "image.login", Word: "login", Args: "[REGISTRY]", Command: "gantry login REGISTRY",
			Title: "Log in to a registry…", Help: "Keep a name and password for pull and push"},
		{ID: "image.logout", Word: "logout", Args: "[REGISTRY]", Command: "gantry logout REGISTRY",
			Title: "Log out of a registry…", Help: "Forget its name and password"},
		{ID: "image.prune", Keys: []string{"b"}, Command: "gantry image prune",
			Title: "Prune…", Help: "Remove what nothing needs, after a look at all of it", Asks: true},
	}
	return within(keys.Images, list)
}

func jobActions() []keys.Action {
	list := []keys.Action{
		{ID: "job.show", Keys: []string{"enter"}, Command: "gantry job attach OBJECT", Title: "Progress", Help: "How far each part of the job is", Short: "open"},
		{ID: "job.cancel", Keys: []string{"s"}, Command: "gantry job cancel OBJECT", Title: "Cancel…", Help: "End the job; what was fetched stays for the next time", Short: "cancel", Asks: true},
		{ID: "job.remove", Keys: []string{"d"}, Command: "gantry job rm OBJECT", Title: "Remove", Help: "Take jobs that are over off the list", Short: "remove"},
	}
	return within(keys.Jobs, list)
}

// listActions hold in whichever list has the focus.
func listActions() []keys.Action {
	list := []keys.Action{
		{ID: "mark", Keys: []string{"space"}, Title: "Mark", Help: "Mark the row, or all below a heading: actions then go to all marked ones", Short: "mark"},
		{ID: "mark.range", Keys: []string{"v"}, Title: "Mark a range", Help: "Begin a range at the cursor, or end it"},
		{ID: "mark.all", Keys: []string{"*"}, Title: "Mark all", Help: "Mark every row that is shown; esc takes marks away"},
		{ID: "sort", Keys: []string{"o"}, Title: "Sort", Help: "Sort by the next column", Short: "sort"},
		{ID: "sort.reverse", Keys: []string{"O"}, Title: "Sort the other way", Help: "Turn the order round"},
		{ID: "fold", Keys: []string{"z"}, Title: "Fold", Help: "Close or open the project"},
		{ID: "fold.all", Keys: []string{"Z"}, Title: "Fold all", Help: "Close all projects, or open them"},
		{ID: "filter", Keys: []string{"/"}, Title: "Filter", Word: "filter", Args: "TEXT", Help: "Show only rows that hold a text", Short: "filter"},
		{ID: "copy", Keys: []string{"y"}, Title: "Copy ID", Help: "Copy the ID of what is under the cursor"},
		{ID: "history", Keys: []string{"@"}, Title: "Command log", Word: "history", Help: "What was done, as commands"},
		{ID: "mark.down", Keys: []string{"shift+down"}, Title: "Mark downwards", Help: "Mark from here to the next row"},
		{ID: "mark.up", Keys: []string{"shift+up"}, Title: "Mark upwards", Help: "Mark from here to the row before"},
		{ID: "pane.containers", Keys: []string{"1"}, Title: "Containers", Word: "containers", Command: "gantry ps -a", Help: "Go to the containers"},
		{ID: "pane.images", Keys: []string{"2"}, Title: "Images", Word: "images", Command: "gantry images", Help: "Go to the images"},
		{ID: "pane.volumes", Keys: []string{"3"}, Title: "Volumes", Word: "volumes", Command: "gantry volume ls", Help: "Go to the volumes"},
		{ID: "pane.networks", Keys: []string{"4"}, Title: "Networks", Word: "networks", Command: "gantry network ls", Help: "Go to the networks"},
		{ID: "pane.jobs", Keys: []string{"8"}, Title: "Jobs", Word: "jobs", Command: "gantry job ls", Help: "Go to the jobs: pulls and pushes that run or are over"},
		{ID: "list.next", Keys: []string{"l", "right"}, Title: "Next list", Help: "Give the next list the focus"},
		{ID: "list.previous", Keys: []string{"h", "left"}, Title: "Previous list", Help: "Give the list before the focus"},
	}
	return within(keys.Lists, list)
}

// logActions are those of the log that it needs the root for.
func logActions() []keys.Action {
	list := []keys.Action{
		{ID: "log.save", Keys: []string{"ctrl+s"}, Title: "Save the log…", Help: "Write all of the log into a file", Short: "save", Command: "gantry logs OBJECT"},
		{ID: "log.zoom", Keys: []string{"Z"}, Title: "Full screen", Help: "Give the log the whole screen, or take it back"},
	}
	return within(keys.Log, list)
}

func motions() []keys.Action {
	var list []keys.Action
	for _, m := range keys.Motions() {
		list = append(list, m.Action)
	}
	return list
}

// globalActions hold whatever has the focus.
func globalActions() []keys.Action {
	list := []keys.Action{
		{ID: "menu", Keys: []string{"x"}, Title: "Menu", Help: "Everything that can be done here", Short: "more"},
		{ID: "palette", Keys: []string{":"}, Title: "Palette", Help: "Find an action by name, with arguments"},
		{ID: "usage", Keys: []string{"#"}, Title: "Disk usage", Word: "df", Command: "gantry system df", Help: "What images, containers and volumes take, and what could come back"},
		{ID: "work", Keys: []string{"."}, Title: "What is under way", Word: "work", Help: "Show the work that runs now, to watch or to cancel it"},
	}
	return within(keys.Global, list)
}

// viewActions move around and leave.
func viewActions() []keys.Action {
	list := []keys.Action{
		{ID: "pane.next", Keys: []string{"tab"}, Title: "Next pane", Help: "Give the next pane the focus, the detail among them", Short: "pane"},
		{ID: "pane.previous", Keys: []string{"shift+tab"}, Title: "Previous pane", Help: "Give the previous pane the focus"},
		{ID: "tab.next", Keys: []string{"]"}, Title: "Next tab", Help: "The next side of what is chosen", Short: "tab"},
		{ID: "tab.previous", Keys: []string{"["}, Title: "Previous tab", Help: "The previous side of what is chosen"},
		{ID: "zoom", Keys: []string{"+"}, Title: "Zoom", Help: "Give the pane the whole screen"},
		{ID: "unzoom", Keys: []string{"_"}, Title: "Zoom back", Help: "Show all panes again"},
		{ID: "back", Keys: []string{"esc"}, Title: "Back", Short: "back", Help: "Undo one step: a search, a filter, marks, a zoom; from the detail to its list"},
		{ID: "theme", Title: "Theme…", Word: "theme", Args: "[NAME]", Help: "Look at the themes, and choose one"},
		{ID: "meters", Keys: []string{"%"}, Title: "Meters", Word: "meters", Help: "Measure what the rows on the screen and the host use, or stop it"},
		{ID: "mouse", Keys: []string{"ctrl+t"}, Title: "Mouse", Word: "mouse", Help: "Leave the mouse to the terminal, which then selects text, or take it back"},
		{ID: "suspend", Keys: []string{"ctrl+z"}, Title: "Suspend", Help: "Back to the shell; fg returns"},
		{ID: "quit", Keys: []string{"q", "ctrl+c"}, Title: "Quit", Word: "quit", Help: "Leave; containers and jobs go on", Short: "quit"},
		{ID: "help", Keys: []string{"?"}, Title: "Help", Word: "help", Help: "All keys", Short: "help"},
	}
	return within(keys.Global, list)
}

func within(s keys.Scope, list []keys.Action) []keys.Action {
	for i := range list {
		list[i].Scope = s
	}
	return list
}
