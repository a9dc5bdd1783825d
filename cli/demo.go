package cli

import (
	"fmt"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"gantry/internal/demo"
)

func (a *app) demoCmd() *cobra.Command {
	var remove, detach bool
	cmd := &cobra.Command{
		Use: "demo [OPTIONS]", Short: "Run an app of five containers to look at, and open the workbench",
		Long: "Run an app of five containers to look at, and open the workbench.\n\n" +
			"It needs no network: its image is made of the gantry that runs. The containers use about\n" +
			"a seventh of a core and 150 MB at most; gantry demo --rm removes all of it again.",
		Example: "  gantry demo\n  gantry demo -d\n  gantry demo --rm",
		Args:    args(0, 0), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if remove {
				return a.removeDemo(cmd)
			}
			return a.demo(cmd, detach)
		},
	}
	cmd.Flags().BoolVar(&remove, "rm", false, "Remove the demo's containers and its image")
	cmd.Flags().BoolVarP(&detach, "detach", "d", false, "Start the demo without opening the workbench")
	cmd.MarkFlagsMutuallyExclusive("rm", "detach")
	return cmd
}

func (a *app) demo(cmd *cobra.Command, detach bool) error {
	ctx := cmd.Context()
	eng, err := a.engine(ctx)
	if err != nil {
		return err
	}
	report := func(text string) { fmt.Fprintln(a.std.Err, "demo: "+text) }
	if err := demo.Up(ctx, eng, demo.Options{Version: a.prog.Version, Report: report}); err != nil {
		return err
	}
	if detach || a.prog.UI == nil || !isTerminal(a.std.In) || !isTerminal(a.std.Out) {
		a.println("The demo runs: gantry shows it, gantry demo --rm removes it.")
		return nil
	}
	a.hold() // the workbench reads its own keys and signals
	return a.prog.UI(ctx, a.global)
}

func (a *app) removeDemo(cmd *cobra.Command) error {
	ctx := cmd.Context()
	eng, err := a.engine(ctx)
	if err != nil {
		return err
	}
	found, err := demo.Find(ctx, eng)
	if err != nil {
		return err
	}
	if !found.Any() {
		a.println("There is no demo.")
		return nil
	}
	if err := demo.Remove(ctx, eng); err != nil {
		return err
	}
	for _, c := range found.Containers {
		a.println(c.Name)
	}
	if found.Image {
		a.println(demo.Image, "("+units.HumanSize(float64(found.ImageSize))+")")
	}
	return nil
}
