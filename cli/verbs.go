package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"gantry/engine"
)

// verb is one entry of the command tree. build is only called when the verb is
// typed, or to show or search the whole tree.
type verb struct {
	name  string
	group string
	build func() *cobra.Command
}

const (
	groupCommon = "Common Commands"
	groupManage = "Management Commands"
	groupOther  = "Commands"
)

func (a *app) verbs() []verb {
	return []verb{
		{"run", groupCommon, a.runCmd},
		{"exec", groupCommon, a.execCmd},
		{"ps", groupCommon, a.psCmd},
		{"logs", groupCommon, a.logsCmd},
		{"pull", groupCommon, a.pullCmd},
		{"push", groupCommon, a.pushCmd},
		{"images", groupCommon, a.imagesCmd},
		{"login", groupCommon, a.loginCmd},
		{"logout", groupCommon, a.logoutCmd},
		{"info", groupCommon, a.infoCmd},
		{"demo", groupCommon, a.demoCmd},
		{"version", groupCommon, a.versionCmd},

		{"autostart", groupManage, a.autostartCmd},
		{"container", groupManage, a.containerCmd},
		{"image", groupManage, a.imageCmd},
		{"job", groupManage, a.jobCmd},
		{"system", groupManage, a.systemCmd},
		{"volume", groupManage, a.volumeCmd},
		{"network", groupManage, a.networkCmd},
		{"config", groupManage, a.configCmd},

		{"attach", groupOther, a.attachCmd},
		{"commit", groupOther, a.commitCmd},
		{"completion", groupOther, a.completionCmd},
		{"cp", groupOther, a.cpCmd},
		{"create", groupOther, a.createCmd},
		{"diff", groupOther, a.diffCmd},
		{"events", groupOther, a.eventsCmd},
		{"export", groupOther, a.exportCmd},
		{"history", groupOther, a.historyCmd},
		{"import", groupOther, a.importCmd},
		{"inspect", groupOther, a.inspectCmd},
		{"kill", groupOther, a.killCmd},
		{"load", groupOther, a.loadCmd},
		{"pause", groupOther, a.pauseCmd},
		{"port", groupOther, a.portCmd},
		{"rename", groupOther, a.renameCmd},
		{"restart", groupOther, a.restartCmd},
		{"rm", groupOther, a.rmCmd},
		{"rmi", groupOther, a.rmiCmd},
		{"save", groupOther, a.saveCmd},
		{"start", groupOther, a.startCmd},
		{"stats", groupOther, a.statsCmd},
		{"stop", groupOther, a.stopCmd},
		{"tag", groupOther, a.tagCmd},
		{"top", groupOther, a.topCmd},
		{"unpause", groupOther, a.unpauseCmd},
		{"update", groupOther, a.updateCmd},
		{"wait", groupOther, a.waitCmd},
	}
}

// root is the tree: only the verb in args when there is one, else all.
func (a *app) root(args []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "gantry [OPTIONS] COMMAND",
		Short: "A container workbench: the engine and its terminal front end in one program",
		Long: "A container workbench: the engine and its terminal front end in one program.\n" +
			"Without a command it opens the workbench.",
		Example: "  gantry\n  gantry run -it --rm alpine sh\n  gantry ps -a\n  gantry logs -f web",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.prog.UI == nil || !isTerminal(a.std.In) || !isTerminal(a.std.Out) {
				return cmd.Help()
			}
			if term := a.env("TERM"); term == "" || term == "dumb" {
				return fmt.Errorf("%w: open workbench: this terminal cannot move its cursor (TERM is %q); use commands such as gantry ps and gantry logs, or set TERM to what the terminal is", engine.ErrUnsupported, term)
			}
			a.hold() // the workbench reads its own keys and signals
			return a.prog.UI(cmd.Context(), a.global)
		},
		Args:    a.noSuchVerb,
		Version: a.prog.Version,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Use: "help [COMMAND]", Short: "Help about any command", Hidden: true, Run: helpRun})
	a.dress(root)
	root.SetVersionTemplate("gantry version {{.Version}}\n")
	flags := root.PersistentFlags()
	flags.StringVar(&a.global.Root, "root", a.env("GANTRY_ROOT"), "Directory of images and containers")
	flags.StringVar(&a.global.Run, "run", a.env("GANTRY_RUN"), "Directory of sockets and locks, on a file system that a reboot empties")
	flags.StringVar(&a.global.Config, "config", "", "Configuration file")
	a.looks(root)
	root.Flags().BoolP("version", "v", false, "Print version information and quit")
	verbs := a.verbs()
	if typed := typedVerb(args); typed != "" {
		for _, v := range verbs {
			if v.name == typed {
				root.AddCommand(v.build())
				return root
			}
		}
	}
	for _, v := range verbs {
		cmd := v.build()
		cmd.Annotations = map[string]string{"group": v.group}
		root.AddCommand(cmd)
	}
	return root
}

// dress gives root the behaviour that all commands inherit.
func (a *app) dress(root *cobra.Command) {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.DisableFlagsInUseLine = true
	root.SetIn(a.std.In)
	root.SetOut(a.std.Out)
	root.SetErr(a.std.Err)
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { a.help(cmd) })
	root.SetUsageFunc(func(cmd *cobra.Command) error { a.help(cmd); return nil })
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{cmd: cmd, err: err, flag: true}
	})
}

func helpRun(cmd *cobra.Command, args []string) {
	if sub, _, err := cmd.Root().Find(args); err == nil {
		sub.InitDefaultHelpFlag()
		_ = sub.Help()
		return
	}
	_ = cmd.Root().Help()
}

// typedVerb is the first argument that is not a global flag or its value.
func typedVerb(args []string) string {
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; {
		case arg == "--root", arg == "--run", arg == "--config", arg == "--theme":
			i++
		case !strings.HasPrefix(arg, "-"):
			return arg
		}
	}
	return ""
}

// noSuchVerb refuses an argument that is no command and names the nearest.
func (a *app) noSuchVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if instead, ok := absentVerbs[args[0]]; ok && !cmd.HasParent() {
		return withHint(fmt.Errorf("%s: %w: gantry does not have this command of docker's", args[0], engine.ErrUnsupported), instead)
	}
	err := fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())
	if near := nearest(args[0], cmd.Commands()); near != "" {
		return withHint(err, fmt.Sprintf("did you mean %s?", near))
	}
	return &usageError{cmd: cmd, err: err}
}

// nearest finds the command that was probably meant: the one with the fewest
// edits, and not more than half of its letters.
func nearest(typed string, cmds []*cobra.Command) string {
	best, fewest := "", len(typed)
	for _, c := range cmds {
		for _, name := range append([]string{c.Name()}, c.Aliases...) {
			if n := edits(strings.ToLower(typed), name); n < fewest && n <= (len(name)+1)/2 {
				best, fewest = name, n
			}
		}
	}
	return best
}

// edits counts the insertions, deletions, replacements and swaps of neighbours
// that make a into b (optimal string alignment).
func edits(a, b string) int {
	before, above := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			replace := above[j]
			if a[i] != b[j] {
				replace++
			}
			row[j+1] = min(row[j]+1, above[j+1]+1, replace)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above = above, row
	}
	return above[len(b)]
}

// family is a command that only has sub-commands.
func (a *app) family(name, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: name + " COMMAND", Short: short, Args: a.noSuchVerb,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(subs...)
	return cmd
}

// as is a command under another name, for the long forms ("container ls").
func as(name string, cmd *cobra.Command, aliases ...string) *cobra.Command {
	_, rest, _ := strings.Cut(cmd.Use, " ")
	cmd.Use = strings.TrimSpace(name + " " + rest)
	cmd.Aliases = aliases
	return cmd
}

func (a *app) containerCmd() *cobra.Command {
	return a.family("container", "Manage containers",
		a.attachCmd(), a.commitCmd(), a.cpCmd(), a.createCmd(), a.diffCmd(), a.execCmd(), a.exportCmd(), as("inspect", a.inspectKindCmd("container")), a.killCmd(), a.logsCmd(),
		as("ls", a.psCmd(), "ps", "list"), a.pauseCmd(), a.portCmd(), a.pruneContainersCmd(), a.renameCmd(), a.restartCmd(),
		as("rm", a.rmCmd(), "remove"), a.runCmd(), a.startCmd(), a.statsCmd(), a.stopCmd(), a.topCmd(), a.unpauseCmd(),
		a.updateCmd(), a.waitCmd())
}

func (a *app) imageCmd() *cobra.Command {
	return a.family("image", "Manage images",
		a.historyCmd(), a.importCmd(), a.inspectKindCmd("image"), a.loadCmd(), as("ls", a.imagesCmd(), "list"),
		a.pruneImagesCmd(), a.pullCmd(), a.pushCmd(), as("rm", a.rmiCmd(), "remove"), a.saveCmd(), a.tagCmd())
}

func (a *app) systemCmd() *cobra.Command {
	return a.family("system", "Manage the engine", a.diskUsageCmd(), a.eventsCmd(), a.infoCmd(), a.pruneSystemCmd())
}

// args checks how many arguments there are, max -1 for any number.
func args(min, max int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, got []string) error {
		err := countArgs(cmd.CommandPath(), len(got), min, max)
		if err == nil {
			return nil
		}
		return &usageError{cmd: cmd, err: err, count: true}
	}
}

func countArgs(what string, n, min, max int) error {
	switch {
	case n >= min && (max < 0 || n <= max):
		return nil
	case min == max && min == 0:
		return fmt.Errorf("%q takes no arguments", what)
	case min == max:
		return fmt.Errorf("%q takes exactly %s, got %d", what, plural(min, "argument"), n)
	case n < min:
		return fmt.Errorf("%q needs at least %s", what, plural(min, "argument"))
	}
	return fmt.Errorf("%q takes at most %s, got %d", what, plural(max, "argument"), n)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
