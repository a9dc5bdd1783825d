package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"gantry/engine"
	"gantry/images"
	"gantry/internal/portspec"
)

type psFlags struct {
	engine.ListOptions
	filter  filters
	format  string
	latest  bool
	last    int
	noTrunc bool
	quiet   bool
}

func (a *app) psCmd() *cobra.Command {
	var flags psFlags
	cmd := &cobra.Command{
		Use:   "ps [OPTIONS]",
		Short: "List containers",
		Example: "  gantry ps -a\n" +
			"  gantry ps -q --filter status=exited --filter label=tier=web\n" +
			"  gantry ps --format 'table {{.Names}}\\t{{.Status}}'",
		Args:              args(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.ps(cmd, flags) },
	}
	f := cmd.Flags()
	f.BoolVarP(&flags.All, "all", "a", false, "Show all containers (default shows just running)")
	f.VarP(&flags.filter, "filter", "f", "Filter output based on conditions provided")
	f.StringVar(&flags.format, "format", "", formatHelp)
	f.IntVarP(&flags.last, "last", "n", -1, "Show n last created containers (includes all states)")
	f.BoolVarP(&flags.latest, "latest", "l", false, "Show the latest created container (includes all states)")
	f.BoolVar(&flags.noTrunc, "no-trunc", false, "Don't truncate output")
	f.BoolVarP(&flags.quiet, "quiet", "q", false, "Only display container IDs")
	f.BoolVarP(&flags.Size, "size", "s", false, "Display total file sizes")
	_ = cmd.RegisterFlagCompletionFunc("filter", cobra.FixedCompletions(
		[]string{"ancestor=", "before=", "exited=", "expose=", "health=", "id=", "label=", "name=", "network=", "publish=", "since=", "status=", "volume="}, cobra.ShellCompDirectiveNoSpace))
	return cmd
}

func (a *app) ps(cmd *cobra.Command, flags psFlags) error {
	p := printer[containerRow]{
		format: flags.format,
		table:  "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}",
		header: containerHeader(),
	}
	if flags.Size {
		p.table += "\t{{.Size}}"
	}
	if flags.quiet {
		p.quiet = "{{.ID}}"
	}
	opts := flags.ListOptions
	opts.Filters = engine.Filters(flags.filter)
	opts.Size = opts.Size || p.uses("Size")
	opts.Last = max(flags.last, 0)
	if flags.latest {
		opts.Last = 1
	}
	ctx := cmd.Context()
	containers, err := a.containers(ctx)
	if err != nil {
		return err
	}
	found, err := containers.List(ctx, opts)
	if err != nil {
		return err
	}
	rows := make([]containerRow, len(found.Items))
	for i, c := range found.Items {
		rows[i] = newContainerRow(c, opts.Size, flags.noTrunc)
	}
	return p.write(a.std.Out, rows)
}

// containerRow holds docker's placeholders, in the order of its JSON.
type containerRow struct {
	Command      string
	CreatedAt    string
	ID           string
	Image        string
	Labels       string
	LocalVolumes string
	Mounts       string
	Names        string
	Networks     string
	Platform     any // *platformCell, or the heading
	Ports        string
	RunningFor   string
	Size         string
	State        string
	Status       string
	labels
}

func containerHeader() containerRow {
	return containerRow{
		Command: "COMMAND", CreatedAt: "CREATED AT", ID: "CONTAINER ID", Image: "IMAGE", Labels: "LABELS",
		LocalVolumes: "LOCAL VOLUMES", Mounts: "MOUNTS", Names: "NAMES", Networks: "NETWORKS", Platform: "PLATFORM", Ports: "PORTS",
		RunningFor: "CREATED", Size: "SIZE", State: "STATE", Status: "STATUS", labels: labels{heading: true},
	}
}

func newContainerRow(c engine.ContainerSummary, size, noTrunc bool) containerRow {
	r := containerRow{
		Command: strings.Join(c.Command, " "), CreatedAt: c.Created.Local().Format("2006-01-02 15:04:05 -0700 MST"),
		ID: string(c.ID), Image: c.Image, Labels: pairs(c.Labels), Names: c.Name,
		Networks: strings.Join(c.Networks, ","), RunningFor: ago(c.Created), Ports: portspec.Text(c.Ports),
		Platform: platformOf(c.Platform),
		State:    string(c.Status.Status), Status: statusText(c.Status), labels: labels{of: c.Labels},
	}
	mounts := make([]string, len(c.Mounts))
	volumes := 0
	for i, m := range c.Mounts {
		if m.Type == "volume" {
			volumes++
		}
		if mounts[i] = m.Name; m.Name == "" {
			mounts[i] = m.Source
		}
		if !noTrunc {
			mounts[i] = ellipsis(mounts[i], 15)
		}
	}
	r.Mounts, r.LocalVolumes = strings.Join(mounts, ","), strconv.Itoa(volumes)
	r.Size = size3(0)
	if size {
		r.Size = size3(float64(c.SizeRw))
		if c.SizeRootFs > 0 {
			r.Size += fmt.Sprintf(" (virtual %s)", size3(float64(c.SizeRootFs)))
		}
	}
	if !noTrunc {
		r.ID, r.Image, r.Command = c.ID.Short(), shortImage(c), ellipsis(r.Command, 20)
	}
	r.Command = strconv.Quote(r.Command)
	return r
}

// platformCell is os/arch in a table and an object in JSON, as docker has it.
type platformCell struct{ images.Platform }

// platformOf is nil, docker's "<nil>" and null, for a container whose platform
// is not known.
func platformOf(p images.Platform) *platformCell {
	if p == (images.Platform{}) {
		return nil
	}
	return &platformCell{p}
}

// shortImage is the image as the user named it without registry defaults and
// digest, or the short ID when that is what was named.
func shortImage(c engine.ContainerSummary) string {
	if hex := strings.TrimPrefix(c.Image, "sha256:"); len(hex) >= 12 && strings.HasPrefix(c.ImageID.Hex(), hex) {
		return c.ImageID.Short()
	}
	ref, err := images.ParseRef(c.Image)
	if err != nil {
		return c.Image
	}
	if ref.Digest != "" && ref.Tag != "" {
		return ref.WithTag(ref.Tag).Familiar()
	}
	if ref.Digest != "" {
		return ref.FamiliarName()
	}
	if !strings.HasSuffix(c.Image, ":"+ref.Tag) {
		return ref.FamiliarName() // latest was not typed
	}
	return ref.Familiar()
}

// healthText stands behind how long a container is up.
func healthText(h *engine.Health) string {
	switch {
	case h == nil:
		return ""
	case h.Status == engine.HealthStarting:
		return " (health: starting)"
	}
	return " (" + string(h.Status) + ")"
}

// statusText is docker's STATUS column.
func statusText(s engine.ContainerState) string {
	up := func() string { return units.HumanDuration(time.Since(s.StartedAt)) }
	switch s.Status {
	case engine.Running:
		return "Up " + up() + healthText(s.Health)
	case engine.Paused:
		return "Up " + up() + " (Paused)"
	case engine.Restarting:
		return fmt.Sprintf("Restarting (%d) %s", s.ExitCode, ago(s.FinishedAt))
	case engine.Removing:
		return "Removal In Progress"
	case engine.Dead:
		return "Dead"
	case engine.Exited:
		return fmt.Sprintf("Exited (%d) %s", s.ExitCode, ago(s.FinishedAt))
	}
	return "Created"
}
