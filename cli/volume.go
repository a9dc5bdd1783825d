package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"gantry/engine"
)

func (a *app) volumeCmd() *cobra.Command {
	return a.family("volume", "Manage volumes",
		a.createVolumeCmd(), as("inspect", a.inspectKindCmd("volume")), a.listVolumesCmd(), a.pruneVolumesCmd(), a.removeVolumesCmd())
}

func (a *app) volumes(ctx context.Context) (engine.Volumes, error) {
	eng, err := a.engine(ctx)
	if err != nil {
		return nil, err
	}
	return eng.Volumes(), nil
}

func (a *app) createVolumeCmd() *cobra.Command {
	opts := engine.VolumeCreateOptions{}
	var labels, options list
	cmd := &cobra.Command{
		Use: "create [OPTIONS] [VOLUME]", Short: "Create a volume",
		Example: "  gantry volume create data\n" +
			"  gantry volume create --label project=shop --opt type=none --opt o=bind --opt device=/srv/shop shop",
		Args: args(0, 1), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, names []string) error {
			if len(names) > 0 {
				opts.Name = names[0]
				if opts.Name == "" {
					return &usageError{cmd: cmd, err: fmt.Errorf("the name of the volume is empty")}
				}
			}
			var err error
			if opts.Labels, err = labelMap(nil, labels); err != nil {
				return &usageError{cmd: cmd, err: err}
			}
			if opts.Options, err = optionMap("--opt", options); err != nil {
				return &usageError{cmd: cmd, err: err}
			}
			volumes, err := a.volumes(cmd.Context())
			if err != nil {
				return err
			}
			v, err := volumes.Create(cmd.Context(), opts)
			if err == nil {
				a.println(v.Name)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVarP(&opts.Driver, "driver", "d", "local", "Specify volume driver name")
	f.Var(&labels, "label", "Set metadata for a volume")
	f.VarP(&options, "opt", "o", "Set driver specific options")
	_ = cmd.RegisterFlagCompletionFunc("driver", cobra.FixedCompletions([]string{"local"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("opt", cobra.FixedCompletions([]string{"type=none", "o=bind", "device="}, cobra.ShellCompDirectiveNoSpace))
	return cmd
}

// optionMap reads KEY=VALUE options.
func optionMap(flag string, given []string) (map[string]string, error) {
	var m map[string]string
	for _, s := range given {
		key, value, _ := strings.Cut(s, "=")
		if key == "" {
			return nil, fmt.Errorf("%s %q: want KEY=VALUE", flag, s)
		}
		if m == nil {
			m = map[string]string{}
		}
		m[key] = value
	}
	return m, nil
}

// volumeRow holds docker's placeholders, in the order of its JSON.
type volumeRow struct {
	Availability string
	Driver       string
	Group        string
	Labels       string
	Links        string
	Mountpoint   string
	Name         string
	Scope        string
	Size         string
	Status       string
	labels
}

func volumeHeader() volumeRow {
	return volumeRow{
		Availability: "AVAILABILITY", Driver: "DRIVER", Group: "GROUP", Labels: "LABELS", Links: "LINKS", Mountpoint: "MOUNTPOINT",
		Name: "VOLUME NAME", Scope: "SCOPE", Size: "SIZE", Status: "STATUS", labels: labels{heading: true},
	}
}

func newVolumeRow(v engine.VolumeSummary) volumeRow {
	row := volumeRow{
		Availability: "N/A", Driver: v.Driver, Group: "N/A", Labels: pairs(v.Labels), Links: strconv.Itoa(len(v.Containers)),
		Mountpoint: v.Mountpoint, Name: v.Name, Scope: v.Scope, Size: "N/A", Status: "N/A", labels: labels{of: v.Labels},
	}
	if v.Size >= 0 {
		row.Size = size3(float64(v.Size))
	}
	return row
}

func (a *app) listVolumesCmd() *cobra.Command {
	var filter filters
	var quiet bool
	p := printer[volumeRow]{table: "{{.Driver}}\t{{.Name}}", header: volumeHeader()}
	cmd := &cobra.Command{
		Use: "ls [OPTIONS]", Aliases: []string{"list"}, Short: "List volumes",
		Example: "  gantry volume ls\n" +
			"  gantry volume ls --filter dangling=true -q\n" +
			"  gantry volume ls --format 'table {{.Name}}\\t{{.Links}}\\t{{.Size}}'",
		Args: args(0, 0), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			volumes, err := a.volumes(cmd.Context())
			if err != nil {
				return err
			}
			if quiet {
				p.quiet = "{{.Name}}"
			}
			found, err := volumes.List(cmd.Context(), engine.VolumeListOptions{Size: p.uses("Size"), Filters: engine.Filters(filter)})
			if err != nil {
				return err
			}
			rows := make([]volumeRow, 0, len(found.Items))
			for _, v := range found.Items {
				rows = append(rows, newVolumeRow(v))
			}
			return p.write(a.std.Out, rows)
		},
	}
	f := cmd.Flags()
	f.VarP(&filter, "filter", "f", `Provide filter values (e.g. "dangling=true")`)
	f.StringVar(&p.format, "format", "", formatHelp)
	f.BoolVarP(&quiet, "quiet", "q", false, "Only display volume names")
	_ = cmd.RegisterFlagCompletionFunc("filter", cobra.FixedCompletions(
		[]string{"dangling=true", "driver=local", "label=", "name="}, cobra.ShellCompDirectiveNoSpace))
	return cmd
}

func (a *app) removeVolumesCmd() *cobra.Command {
	var opts engine.VolumeRemoveOptions
	cmd := &cobra.Command{
		Use: "rm [OPTIONS] VOLUME [VOLUME...]", Aliases: []string{"remove"}, Short: "Remove one or more volumes",
		Long:    "Remove one or more volumes. You cannot remove a volume that is in use by a container.",
		Example: "  gantry volume rm data\n  gantry volume rm $(gantry volume ls -q --filter dangling=true)",
		Args:    args(1, -1), ValidArgsFunction: a.completeVolumes(-1),
		RunE: func(cmd *cobra.Command, names []string) error {
			volumes, err := a.volumes(cmd.Context())
			if err != nil {
				return err
			}
			return a.each(names, func(name string) error { return volumes.Remove(cmd.Context(), name, opts) })
		},
	}
	cmd.Flags().BoolVarP(&opts.Force, "force", "f", false, "Force the removal of one or more volumes")
	return cmd
}

func (a *app) pruneVolumesCmd() *cobra.Command {
	warning := func(all bool) string {
		if all {
			return "WARNING! This will remove all local volumes not used by at least one container."
		}
		return "WARNING! This will remove anonymous local volumes not used by at least one container."
	}
	return a.pruneKind(pruneVerb{
		use: "prune [OPTIONS]", short: "Remove unused local volumes", example: "  gantry volume prune\n  gantry volume prune -af",
		allHelp: "Remove all unused volumes, not just anonymous ones", filters: []string{"all", "label", "label!"},
		warning: warning, do: a.pruneVolumes,
	})
}

func (a *app) pruneVolumes(ctx context.Context, opts engine.PruneOptions) (int64, error) {
	volumes, err := a.volumes(ctx)
	if err != nil {
		return 0, err
	}
	report, err := volumes.Prune(ctx, opts)
	a.listPruned("Deleted Volumes:", report)
	return report.Reclaimed, err
}

// completeVolumes offers the names of volumes.
func (a *app) completeVolumes(max int) completer {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if !wantsMore(args, max) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.volumeNames(cmd.Context(), args), cobra.ShellCompDirectiveNoFileComp
	}
}

// volumeNames lists the volumes that have been named, but for those in without.
func (a *app) volumeNames(ctx context.Context, without []string) []string {
	volumes, err := a.volumes(ctx)
	if err != nil {
		return nil
	}
	list, err := volumes.List(ctx, engine.VolumeListOptions{})
	if err != nil {
		return nil
	}
	given := map[string]bool{}
	for _, s := range without {
		given[s] = true
	}
	var names []string
	for _, v := range list.Items {
		if given[v.Name] {
			continue
		}
		about := "not in use"
		if n := len(v.Containers); n > 0 {
			about = "in use by " + plural(n, "container")
		}
		names = append(names, cobra.CompletionWithDesc(v.Name, about))
	}
	return names
}

// completeVolumeFlag completes -v: a volume's name with the colon that comes
// next, or else a path.
func (a *app) completeVolumeFlag(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	if strings.HasPrefix(typed, "/") || strings.HasPrefix(typed, ".") || strings.Contains(typed, ":") {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var out []string
	for _, s := range a.volumeNames(cmd.Context(), nil) {
		name, about, _ := strings.Cut(s, "\t")
		out = append(out, cobra.CompletionWithDesc(name+":", about))
	}
	return out, cobra.ShellCompDirectiveNoSpace
}
