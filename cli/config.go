package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"gantry/internal/config"
)

// loadConfig reads the file of --config, else the one that config.Locate finds;
// without a file it returns the defaults and file "".
func (a *app) loadConfig() (c config.Config, problems []config.Problem, err error) {
	file := a.global.Config
	if file == "" {
		file, _ = config.Locate(a.env)
	}
	if file == "" {
		return config.Default(), nil, nil
	}
	if c, problems, err = config.LoadFile(file); err != nil {
		return config.Default(), nil, fmt.Errorf("read configuration: %w", err)
	}
	return c, problems, nil
}

func (a *app) configCmd() *cobra.Command {
	return a.family("config", "Manage the configuration file", &cobra.Command{
		Use: "check", Short: "Name every mistake in the configuration file with its line",
		Example: "  gantry config check\n  gantry --config ./gantry.toml config check",
		Args:    args(0, 0), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			c, problems, err := a.loadConfig()
			if err != nil {
				return err
			}
			for _, p := range problems {
				fmt.Fprintln(a.std.Err, p)
			}
			switch {
			case len(problems) > 0:
				return fmt.Errorf("the configuration has %s", plural(len(problems), "mistake"))
			case c.File == "":
				a.println("There is no configuration file: the defaults hold.")
			default:
				a.println(c.File + ": no mistakes")
			}
			return nil
		},
	})
}
