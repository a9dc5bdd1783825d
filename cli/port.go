package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"gantry/engine"
	"gantry/internal/portspec"
)

func (a *app) portCmd() *cobra.Command {
	return &cobra.Command{
		Use:               "port CONTAINER [PRIVATE_PORT[/PROTO]]",
		Short:             "List port mappings or a specific mapping for the container",
		Example:           "  gantry port web\n  gantry port web 80",
		Args:              args(1, 2),
		ValidArgsFunction: a.completeContainers(1, engine.Running, engine.Paused),
		RunE: func(cmd *cobra.Command, args []string) error {
			containers, err := a.containers(cmd.Context())
			if err != nil {
				return err
			}
			c, err := containers.Inspect(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			all := portspec.List(c.NetworkSettings.Ports)
			if len(args) == 1 {
				for _, p := range all {
					fmt.Fprintf(a.std.Out, "%s -> %s\n", p.Port, p.Host)
				}
				return nil
			}
			return a.printPort(args[0], args[1], all)
		},
	}
}

// printPort prints where one port of a container is published.
func (a *app) printPort(container, port string, all []portspec.Published) error {
	r, proto, err := portspec.Parse(port)
	if err != nil {
		return err
	}
	key := portspec.Key(r.First, proto)
	found := false
	for _, p := range all {
		if p.Port == key {
			found = true
			fmt.Fprintln(a.std.Out, p.Host)
		}
	}
	if !found {
		return fmt.Errorf("no public port '%s' published for %s", key, container)
	}
	return nil
}
