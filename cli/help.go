package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// help prints a command's help in docker's layout, with examples.
func (a *app) help(cmd *cobra.Command) {
	w := cmd.OutOrStdout()
	path, rest, _ := strings.Cut(cmd.Use, " ")
	if cmd.HasParent() {
		path = cmd.CommandPath()
	}
	fmt.Fprintf(w, "Usage:  %s\n", strings.TrimSpace(path+" "+rest))
	text := cmd.Long
	if text == "" {
		text = cmd.Short
	}
	fmt.Fprintf(w, "\n%s\n", text)
	if len(cmd.Aliases) > 0 {
		parent := cmd.Parent().CommandPath()
		fmt.Fprintf(w, "\nAliases:\n  %s, %s %s\n", cmd.CommandPath(), parent, strings.Join(cmd.Aliases, ", "+parent+" "))
	}
	if cmd.Example != "" {
		fmt.Fprintf(w, "\nExamples:\n%s\n", cmd.Example)
	}
	for _, group := range []string{groupCommon, groupManage, groupOther} {
		listCommands(w, cmd, group)
	}
	width := 80
	if cols, _, ok := terminalSize(a.std.Out); ok {
		width = max(cols, 60)
	}
	title := "Options"
	if !cmd.HasParent() {
		title = "Global Options"
	}
	if f := cmd.Flags().Lookup("help"); f != nil {
		f.Usage = "Print usage"
	}
	if flags := cmd.LocalFlags(); flags.HasAvailableFlags() {
		fmt.Fprintf(w, "\n%s:\n%s", title, flags.FlagUsagesWrapped(width))
	}
	if cmd.HasSubCommands() {
		fmt.Fprintf(w, "\nRun '%s COMMAND --help' for more information on a command.\n", cmd.CommandPath())
	}
}

// listCommands prints the sub-commands of a group; those without a group are
// in the last one.
func listCommands(w io.Writer, cmd *cobra.Command, group string) {
	var subs []*cobra.Command
	longest := 9
	for _, sub := range cmd.Commands() {
		g := sub.Annotations["group"]
		if g == group || g == "" && group == groupOther && sub.IsAvailableCommand() {
			subs = append(subs, sub)
			longest = max(longest, len(sub.Name()))
		}
	}
	if len(subs) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s:\n", group)
	for _, sub := range subs {
		fmt.Fprintf(w, "  %-*s   %s\n", longest, sub.Name(), sub.Short)
	}
}
