package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gantry/engine"
)

func (a *app) jobCmd() *cobra.Command {
	return a.family("job", "Manage work that goes on in the background", a.jobAttachCmd(), a.jobCancelCmd(), a.jobListCmd(), a.jobRemoveCmd())
}

func (a *app) startJob(ctx context.Context, spec engine.JobSpec) error {
	jobs, err := a.jobs(ctx)
	if err != nil {
		return err
	}
	id, err := jobs.Start(ctx, spec)
	if err == nil {
		a.println(id)
	}
	return err
}

// jobRow holds the placeholders of job ls.
type jobRow struct {
	Ended    string
	Error    string
	ID       string
	Kind     string
	Progress string
	Started  string
	State    string
	Target   string
}

func (a *app) jobListCmd() *cobra.Command {
	var format string
	var quiet, noTrunc bool
	cmd := &cobra.Command{
		Use: "ls [OPTIONS]", Aliases: []string{"list"}, Short: "List jobs",
		Example: "  gantry job ls\n  gantry job ls --format '{{.ID}} {{.State}}'",
		Args:    args(0, 0), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p := printer[jobRow]{
				format: format,
				table:  "{{.ID}}\t{{.Kind}}\t{{.Target}}\t{{.State}}\t{{.Started}}\t{{.Progress}}",
				header: jobRow{Ended: "ENDED", Error: "ERROR", ID: "JOB ID", Kind: "KIND", Progress: "PROGRESS", Started: "STARTED", State: "STATE", Target: "TARGET"},
			}
			if quiet {
				p.quiet = "{{.ID}}"
			}
			jobs, err := a.jobs(cmd.Context())
			if err != nil {
				return err
			}
			list, err := jobs.List(cmd.Context())
			if err != nil {
				return err
			}
			rows := make([]jobRow, len(list))
			for i, j := range list {
				rows[i] = newJobRow(j, noTrunc)
			}
			return p.write(a.std.Out, rows)
		},
	}
	cmd.Flags().StringVar(&format, "format", "", formatHelp)
	cmd.Flags().BoolVar(&noTrunc, "no-trunc", false, "Don't truncate output")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "Only display job IDs")
	return cmd
}

func newJobRow(j engine.Job, noTrunc bool) jobRow {
	r := jobRow{
		ID: j.ID.Short(), Kind: j.Spec.Kind, Target: jobTarget(j.Spec), State: string(j.State), Error: j.Error,
		Started: ago(j.Started), Progress: jobProgress(j),
	}
	if noTrunc {
		r.ID = string(j.ID)
	}
	if !j.Ended.IsZero() {
		r.Ended = ago(j.Ended)
	}
	return r
}

// jobTarget is what the job is about: its reference, else its parameters.
func jobTarget(s engine.JobSpec) string {
	if ref := s.Args["ref"]; ref != "" {
		return ref
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(s.Args)) {
		parts = append(parts, k+"="+s.Args[k])
	}
	return strings.Join(parts, " ")
}

// jobProgress adds the parts up: "12.3MB/45MB, 2/5 parts".
func jobProgress(j engine.Job) string {
	var done, total int64
	var parts, finished int
	for _, p := range j.Progress {
		if p.ID == "" {
			continue
		}
		parts++
		if p.State.Finished() {
			finished++
		}
		done, total = done+p.Done, total+p.Total
	}
	switch {
	case parts == 0:
		return ""
	case total == 0:
		return fmt.Sprintf("%d/%d parts", finished, parts)
	}
	return fmt.Sprintf("%s/%s, %d/%d parts", size3(float64(done)), size3(float64(total)), finished, parts)
}

func (a *app) jobAttachCmd() *cobra.Command {
	return &cobra.Command{
		Use: "attach JOB", Short: "Follow the progress of a job; ctrl+c leaves it, and it goes on",
		Example: "  gantry job attach 3f2a", Args: args(1, 1), ValidArgsFunction: a.completeJobs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			jobs, err := a.jobs(cmd.Context())
			if err != nil {
				return err
			}
			end, err := a.watchProgress(a.std.Out, jobs.Follow(cmd.Context(), args[0]), jobWords)
			if err != nil {
				return err
			}
			if end.text != "" {
				a.println(end.text)
			}
			return nil
		},
	}
}

func (a *app) jobCancelCmd() *cobra.Command {
	return &cobra.Command{
		Use: "cancel JOB [JOB...]", Short: "Stop jobs", Example: "  gantry job cancel 3f2a",
		Args: args(1, -1), ValidArgsFunction: a.completeJobs(-1, engine.JobRunning),
		RunE: func(cmd *cobra.Command, ids []string) error {
			jobs, err := a.jobs(cmd.Context())
			if err != nil {
				return err
			}
			return a.each(ids, func(id string) error { return jobs.Cancel(cmd.Context(), id) })
		},
	}
}

func (a *app) jobRemoveCmd() *cobra.Command {
	return &cobra.Command{
		Use: "rm JOB [JOB...]", Short: "Forget jobs that have ended", Example: "  gantry job rm $(gantry job ls -q)",
		Args: args(1, -1), ValidArgsFunction: a.completeJobs(-1, engine.JobDone, engine.JobFailed, engine.JobCanceled, engine.JobLost),
		RunE: func(cmd *cobra.Command, ids []string) error {
			jobs, err := a.jobs(cmd.Context())
			if err != nil {
				return err
			}
			return a.each(ids, func(id string) error { return jobs.Remove(cmd.Context(), id) })
		},
	}
}
