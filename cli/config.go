package cli

import (
	"cmp"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func (a *app) configCmd() *cobra.Command {
	return a.family("config", "Manage the configuration file", &cobra.Command{
		Use: "check", Short: "Name every mistake in the configuration file with its line",
		Example: "  gantry config check\n  gantry --config ./gantry.toml config check",
		Args:    args(0, 0), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			if a.prog.Config == nil {
				return errors.New("check configuration: this program has none")
			}
			c, err := a.prog.Config(a.global.Config)
			switch {
			case err != nil:
				return err
			case c.Path == "":
				a.println("There is no configuration file: the defaults hold.")
			default:
				a.println(c.Path + ": no mistakes")
			}
			return nil
		},
	}, a.themesCmd())
}

// themesCmd lists what the workbench can be drawn in.
func (a *app) themesCmd() *cobra.Command {
	return &cobra.Command{
		Use: "themes", Short: "List the themes of the workbench",
		Example: "  gantry config themes\n  gantry --theme high-contrast",
		Args:    args(0, 0), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			if a.prog.Themes == nil {
				return errors.New("list themes: this program has none")
			}
			themes, err := a.prog.Themes(a.global.Config)
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(a.std.Out, 10, 1, 3, ' ', 0)
			fmt.Fprintln(w, "THEME\tBACKGROUND\tFROM\tABOUT")
			for _, t := range themes {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", t.Name, t.Background, cmp.Or(printable(t.File, ""), "gantry"), printable(t.About, ""))
			}
			return w.Flush()
		},
	}
}

// looks adds the flags of the workbench.
func (a *app) looks(root *cobra.Command) {
	f := root.Flags()
	f.StringVar(&a.global.Theme, "theme", "", "Theme of the workbench: dark, light, high-contrast, terminal, monochrome or your own")
	f.BoolVar(&a.global.ASCII, "ascii", false, "Draw the workbench with ASCII only")
	_ = root.RegisterFlagCompletionFunc("theme", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		if a.prog.Themes == nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		themes, _ := a.prog.Themes(a.global.Config)
		var names []string
		for _, t := range themes {
			names = append(names, t.Name+"\t"+t.About)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
}
