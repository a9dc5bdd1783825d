package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"gantry/engine"
)

type pruneFlags struct {
	all, force bool
	filter     filters
}

func (p *pruneFlags) add(cmd *cobra.Command, allHelp string) {
	f := cmd.Flags()
	if allHelp != "" {
		f.BoolVarP(&p.all, "all", "a", false, allHelp)
	}
	f.Var(&p.filter, "filter", `Provide filter values (e.g. "until=<timestamp>")`)
	f.BoolVarP(&p.force, "force", "f", false, "Do not prompt for confirmation")
}

// options checks the filters; until becomes a date, because the engine may be
// slow to get to it.
func (p *pruneFlags) options(known []string) (engine.PruneOptions, error) {
	opts := engine.PruneOptions{All: p.all, Filters: engine.Filters{}}
	for key, values := range p.filter {
		switch {
		case !slices.Contains(known, key):
			return opts, fmt.Errorf("--filter %s: this prune knows the filters %s", key, strings.Join(known, ", "))
		case key != "until":
			opts.Filters[key] = values
		default:
			for _, v := range values {
				t, err := parseTime(v, time.Now())
				if err != nil {
					return opts, fmt.Errorf("--filter until: %w", err)
				}
				opts.Filters[key] = append(opts.Filters[key], t.UTC().Format(time.RFC3339Nano))
			}
		}
	}
	return opts, nil
}

// confirm asks on the terminal's behalf. Without an answer it is no.
func (a *app) confirm(ctx context.Context, question string) error {
	answer, err := a.ask(ctx, question+" [y/N] ")
	switch {
	case ctx.Err() != nil:
		return err
	case strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes"):
		return nil
	}
	return withHint(errors.New("nothing was removed: not confirmed"), "answer y, or use --force")
}

// pruneVerb is what tells one prune verb from the others.
type pruneVerb struct {
	use, short, example string
	allHelp             string   // of --all; "": there is none
	filters             []string // that it knows
	warning             func(all bool) string
	do                  func(context.Context, engine.PruneOptions) (int64, error)
}

// pruneFilters are those of most prune verbs.
var pruneFilters = []string{"until", "label", "label!"}

func (a *app) prune(use, short, example, allHelp string, warning func(all bool) string, do func(context.Context, engine.PruneOptions) (int64, error)) *cobra.Command {
	return a.pruneKind(pruneVerb{use: use, short: short, example: example, allHelp: allHelp, filters: pruneFilters, warning: warning, do: do})
}

// pruneKind is what the prune verbs share: check, ask, do, report.
func (a *app) pruneKind(v pruneVerb) *cobra.Command {
	var flags pruneFlags
	cmd := &cobra.Command{
		Use: v.use, Short: v.short, Example: v.example, Args: args(0, 0), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts, err := flags.options(v.filters)
			if err != nil {
				return &usageError{cmd: cmd, err: err}
			}
			if !flags.force {
				if err := a.confirm(cmd.Context(), v.warning(flags.all)+"\nAre you sure you want to continue?"); err != nil {
					return err
				}
			}
			bytes, err := v.do(cmd.Context(), opts)
			if err != nil {
				return err
			}
			a.println("Total reclaimed space:", units.HumanSize(float64(bytes)))
			return nil
		},
	}
	flags.add(cmd, v.allHelp)
	return cmd
}

func (a *app) pruneContainersCmd() *cobra.Command {
	return a.prune("prune [OPTIONS]", "Remove all stopped containers", "  gantry container prune --filter until=24h", "",
		func(bool) string { return "WARNING! This will remove all stopped containers." }, a.pruneContainers)
}

func (a *app) pruneContainers(ctx context.Context, opts engine.PruneOptions) (int64, error) {
	containers, err := a.containers(ctx)
	if err != nil {
		return 0, err
	}
	report, err := containers.Prune(ctx, opts)
	a.listPruned("Deleted Containers:", report)
	return report.Reclaimed, err
}

func (a *app) pruneImagesCmd() *cobra.Command {
	return a.prune("prune [OPTIONS]", "Remove unused images", "  gantry image prune\n  gantry image prune -a --filter until=240h",
		"Remove all unused images, not just dangling ones", imageWarning, a.pruneImages)
}

func imageWarning(all bool) string {
	if all {
		return "WARNING! This will remove all images without at least one container associated to them."
	}
	return "WARNING! This will remove all dangling images."
}

func (a *app) pruneImages(ctx context.Context, opts engine.PruneOptions) (int64, error) {
	images, err := a.images(ctx)
	if err != nil {
		return 0, err
	}
	report, err := images.Prune(ctx, opts)
	a.listPruned("Deleted Images:", report)
	return report.Reclaimed, err
}

func (a *app) listPruned(title string, report engine.PruneReport) {
	if len(report.Deleted) == 0 {
		return
	}
	a.println(title)
	for _, name := range report.Deleted {
		a.println(name)
	}
	a.println()
}

func (a *app) pruneSystemCmd() *cobra.Command {
	volumes := false
	warning := func(all bool) string {
		images := "dangling images"
		if all {
			images = "images without at least one container associated to them"
		}
		lines := "WARNING! This will remove:\n  - all stopped containers\n"
		if volumes {
			lines += "  - all anonymous volumes not used by at least one container\n"
		}
		return lines + "  - all " + images + "\n"
	}
	cmd := a.prune("prune [OPTIONS]", "Remove unused data", "  gantry system prune\n  gantry system prune -af --volumes",
		"Remove all unused images not just dangling ones", warning,
		func(ctx context.Context, opts engine.PruneOptions) (int64, error) {
			return a.pruneSystem(ctx, opts, volumes)
		})
	cmd.Flags().BoolVar(&volumes, "volumes", false, "Prune anonymous volumes")
	return cmd
}

// pruneSystem removes containers first: they hold images and volumes.
func (a *app) pruneSystem(ctx context.Context, opts engine.PruneOptions, volumes bool) (total int64, err error) {
	if len(opts.Filters["until"]) > 0 && volumes {
		return 0, errors.New(`the "until" filter is not supported with "--volumes"`)
	}
	kinds := []func(context.Context, engine.PruneOptions) (int64, error){a.pruneContainers}
	if volumes {
		kinds = append(kinds, func(ctx context.Context, opts engine.PruneOptions) (int64, error) {
			opts.All = false // -a is for images
			return a.pruneVolumes(ctx, opts)
		})
	}
	for _, prune := range append(kinds, a.pruneImages) {
		n, err := prune(ctx, opts)
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}
