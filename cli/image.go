package cli

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gantry/engine"
)

func (a *app) tagCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
		Short:   "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
		Example: "  gantry tag app:dev registry.example/team/app:1.0",
		Args:    args(2, 2), ValidArgsFunction: a.completeImages(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := a.images(cmd.Context())
			if err != nil {
				return err
			}
			return store.Tag(cmd.Context(), args[0], args[1])
		},
	}
}

func (a *app) rmiCmd() *cobra.Command {
	var opts engine.ImageRemoveOptions
	cmd := &cobra.Command{
		Use:     "rmi [OPTIONS] IMAGE [IMAGE...]",
		Short:   "Remove one or more images",
		Example: "  gantry rmi alpine:3.20\n  gantry rmi -f $(gantry images -q --filter dangling=true)",
		Args:    args(1, -1), ValidArgsFunction: a.completeImages(-1),
		RunE: func(cmd *cobra.Command, names []string) error { return a.rmi(cmd.Context(), opts, names) },
	}
	cmd.Flags().BoolVarP(&opts.Force, "force", "f", false, "Force removal of the image")
	cmd.Flags().BoolVar(&opts.NoPrune, "no-prune", false, "Do not delete untagged parents")
	return cmd
}

// rmi prints what went. With --force an image that is not there is no failure,
// as in docker.
func (a *app) rmi(ctx context.Context, opts engine.ImageRemoveOptions, names []string) error {
	store, err := a.images(ctx)
	if err != nil {
		return err
	}
	failed := false
	for _, name := range names {
		removed, err := store.Remove(ctx, name, opts)
		for _, r := range removed {
			if r.Untagged != "" {
				a.println("Untagged:", r.Untagged)
			} else {
				a.println("Deleted:", r.Deleted)
			}
		}
		if errors.Is(err, context.Canceled) {
			return err
		}
		if err != nil {
			a.complain(err)
			failed = failed || !opts.Force || !errors.Is(err, engine.ErrNotFound)
		}
	}
	if failed {
		return &exitError{code: exitFailure}
	}
	return nil
}

type historyFlags struct {
	format                string
	human, noTrunc, quiet bool
}

func (a *app) historyCmd() *cobra.Command {
	var flags historyFlags
	cmd := &cobra.Command{
		Use: "history [OPTIONS] IMAGE", Short: "Show the history of an image",
		Example: "  gantry history --no-trunc alpine",
		Args:    args(1, 1), ValidArgsFunction: a.completeImages(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.history(cmd.Context(), flags, args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.format, "format", "", formatHelp)
	f.BoolVarP(&flags.human, "human", "H", true, "Print sizes and dates in human readable format")
	f.BoolVar(&flags.noTrunc, "no-trunc", false, "Don't truncate output")
	f.BoolVarP(&flags.quiet, "quiet", "q", false, "Only show image IDs")
	return cmd
}

// historyRow holds docker's placeholders, in the order of its JSON.
type historyRow struct {
	Comment      string
	CreatedAt    string
	CreatedBy    string
	CreatedSince string
	ID           string
	Size         string
}

func (a *app) history(ctx context.Context, flags historyFlags, name string) error {
	p := printer[historyRow]{
		format: flags.format,
		table:  "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
		header: historyRow{Comment: "COMMENT", CreatedAt: "CREATED AT", CreatedBy: "CREATED BY", CreatedSince: "CREATED", ID: "IMAGE", Size: "SIZE"},
	}
	if !flags.human {
		p.table = strings.Replace(p.table, "CreatedSince", "CreatedAt", 1)
	}
	if flags.quiet {
		p.quiet = "{{.ID}}"
	}
	store, err := a.images(ctx)
	if err != nil {
		return err
	}
	entries, err := store.History(ctx, name)
	if err != nil {
		return err
	}
	rows := make([]historyRow, len(entries))
	for i, e := range entries {
		rows[i] = newHistoryRow(e, flags)
	}
	return p.write(a.std.Out, rows)
}

func newHistoryRow(e engine.HistoryEntry, flags historyFlags) historyRow {
	r := historyRow{
		Comment: e.Comment, CreatedAt: e.Created.Local().Format(time.RFC3339), CreatedSince: "N/A",
		CreatedBy: strings.ReplaceAll(e.CreatedBy, "\t", " "), ID: e.ID, Size: size3(float64(e.Size)),
	}
	if e.Created.Year() >= 2000 {
		r.CreatedSince = ago(e.Created)
	}
	if !flags.human {
		r.CreatedSince, r.Size = r.CreatedAt, strconv.FormatInt(e.Size, 10)
	}
	if !flags.noTrunc {
		r.CreatedBy = ellipsis(r.CreatedBy, 45)
		if id := strings.TrimPrefix(r.ID, "sha256:"); len(id) > 12 && id[0] != '<' {
			r.ID = id[:12]
		}
	}
	return r
}
