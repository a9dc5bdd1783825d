package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"gantry/engine"
)

func (a *app) topCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "top CONTAINER [ps OPTIONS]",
		Short:             "Display the running processes of a container",
		Example:           "  gantry top web\n  gantry top web -o pid,comm",
		Args:              args(1, -1),
		ValidArgsFunction: a.completeContainers(1, engine.Running, engine.Paused),
		RunE: func(cmd *cobra.Command, args []string) error {
			containers, err := a.containers(cmd.Context())
			if err != nil {
				return err
			}
			table, err := containers.Top(cmd.Context(), args[0], args[1:])
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(a.std.Out, 20, 1, 3, ' ', 0)
			fmt.Fprintln(w, strings.Join(table.Titles, "\t"))
			for _, p := range table.Processes {
				for i := range p {
					p[i] = printable(p[i], "") // a program names itself as it likes
				}
				fmt.Fprintln(w, strings.Join(p, "\t"))
			}
			return w.Flush()
		},
	}
	cmd.Flags().SetInterspersed(false) // what follows is for ps
	return cmd
}
