package cli

import (
	"errors"

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
	})
}
