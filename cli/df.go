package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"gantry/engine"
)

func (a *app) diskUsageCmd() *cobra.Command {
	var verbose bool
	var format string
	cmd := &cobra.Command{
		Use: "df [OPTIONS]", Short: "Show disk usage",
		Example: "  gantry system df\n  gantry system df -v\n  gantry system df --format '{{.Type}} {{.Reclaimable}}'",
		Args:    args(0, 0), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			system, err := a.system(cmd.Context())
			if err != nil {
				return err
			}
			usage, err := system.DiskUsage(cmd.Context())
			if err != nil {
				return err
			}
			if verbose {
				return a.verboseUsage(usage, format)
			}
			p := printer[usageRow]{format: format, table: "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}", header: usageHeader}
			return p.write(a.std.Out, usageRows(usage))
		},
	}
	cmd.Flags().StringVar(&format, "format", "", formatHelp)
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "Show detailed information on space usage")
	return cmd
}

// usageRow holds docker's placeholders, in the order of its JSON.
type usageRow struct {
	Active      string
	Reclaimable string
	Size        string
	TotalCount  string
	Type        string
}

var usageHeader = usageRow{Active: "ACTIVE", Reclaimable: "RECLAIMABLE", Size: "SIZE", TotalCount: "TOTAL", Type: "TYPE"}

// newUsageRow tells how much would come back, and what part of all it is.
func newUsageRow(kind string, s engine.UsageSum) usageRow {
	r := usageRow{Type: kind, TotalCount: strconv.Itoa(s.Total), Active: strconv.Itoa(s.Active), Size: units.HumanSize(float64(s.Size)), Reclaimable: units.HumanSize(float64(s.Reclaimable))}
	if s.Size > 0 {
		r.Reclaimable += fmt.Sprintf(" (%d%%)", s.Reclaimable*100/s.Size)
	}
	return r
}

func usageRows(u engine.DiskUsage) []usageRow {
	images, containers, volumes := u.Sums()
	return []usageRow{newUsageRow("Images", images), newUsageRow("Containers", containers), newUsageRow("Local Volumes", volumes)}
}

// verboseUsage prints a table for each kind, or all of it through a template.
func (a *app) verboseUsage(u engine.DiskUsage, format string) error {
	images := make([]imageRow, 0, len(u.Images))
	for _, i := range u.Images {
		for _, row := range imageRows(i.ImageSummary, false, false) {
			row.SharedSize, row.UniqueSize = units.HumanSize(float64(i.Shared)), units.HumanSize(float64(i.Unique))
			images = append(images, row)
		}
	}
	containers := make([]containerRow, 0, len(u.Containers))
	for _, c := range u.Containers {
		row := newContainerRow(c, true, false)
		row.Size = units.HumanSizeWithPrecision(float64(c.SizeRw), 3)
		containers = append(containers, row)
	}
	volumes := make([]volumeRow, 0, len(u.Volumes))
	for _, v := range u.Volumes {
		volumes = append(volumes, newVolumeRow(v))
	}
	if format != "" && !strings.HasPrefix(format, "table") {
		all := struct {
			Images     []imageRow
			Containers []containerRow
			Volumes    []volumeRow
		}{images, containers, volumes}
		p := printer[any]{format: format}
		return p.write(a.std.Out, []any{all})
	}
	return usageTables(a.std.Out, images, containers, volumes)
}

func usageTables(w io.Writer, images []imageRow, containers []containerRow, volumes []volumeRow) error {
	fmt.Fprint(w, "Images space usage:\n\n")
	i := printer[imageRow]{
		table:  "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}",
		header: imageHeader(),
	}
	if err := i.write(w, images); err != nil {
		return err
	}
	fmt.Fprint(w, "\nContainers space usage:\n\n")
	c := printer[containerRow]{
		table:  "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}",
		header: containerHeader(),
	}
	if err := c.write(w, containers); err != nil {
		return err
	}
	fmt.Fprint(w, "\nLocal Volumes space usage:\n\n")
	v := printer[volumeRow]{table: "{{.Name}}\t{{.Links}}\t{{.Size}}", header: volumeHeader()}
	return v.write(w, volumes)
}
