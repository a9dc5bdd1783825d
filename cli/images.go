package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"gantry/engine"
	"gantry/images"
)

type imagesFlags struct {
	engine.ImageListOptions
	digests, noTrunc, quiet bool
	filter                  filters
	format                  string
}

func (a *app) imagesCmd() *cobra.Command {
	var flags imagesFlags
	cmd := &cobra.Command{
		Use:   "images [OPTIONS] [REPOSITORY[:TAG]]",
		Short: "List images",
		Example: "  gantry images\n" +
			"  gantry images --filter dangling=true -q\n" +
			"  gantry images --format '{{.Repository}}:{{.Tag}} {{.Size}}' 'team/*'",
		Args:              args(0, 1),
		ValidArgsFunction: a.completeImages(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				flags.Reference = args[0]
			}
			return a.listImages(cmd, flags)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&flags.All, "all", "a", false, "Show all images (default hides intermediate images)")
	f.BoolVar(&flags.digests, "digests", false, "Show digests")
	f.VarP(&flags.filter, "filter", "f", "Filter output based on conditions provided")
	f.StringVar(&flags.format, "format", "", formatHelp)
	f.BoolVar(&flags.noTrunc, "no-trunc", false, "Don't truncate output")
	f.BoolVarP(&flags.quiet, "quiet", "q", false, "Only show image IDs")
	_ = cmd.RegisterFlagCompletionFunc("filter", cobra.FixedCompletions(
		[]string{"before=", "dangling=", "label=", "reference=", "since="}, cobra.ShellCompDirectiveNoSpace))
	return cmd
}

// imageRow holds docker's placeholders, in the order of its JSON.
type imageRow struct {
	Containers   string
	CreatedAt    string
	CreatedSince string
	Digest       string
	ID           string
	Platform     string
	Problem      string `json:",omitempty"` // why the image cannot be used
	Repository   string
	SharedSize   string
	Size         string
	Tag          string
	UniqueSize   string
	VirtualSize  string
}

func imageHeader() imageRow {
	return imageRow{
		Containers: "CONTAINERS", CreatedAt: "CREATED AT", CreatedSince: "CREATED", Digest: "DIGEST", ID: "IMAGE ID",
		Platform: "PLATFORM", Problem: "PROBLEM", Repository: "REPOSITORY", SharedSize: "SHARED SIZE", Size: "SIZE", Tag: "TAG",
		UniqueSize: "UNIQUE SIZE", VirtualSize: "SIZE",
	}
}

func (a *app) listImages(cmd *cobra.Command, flags imagesFlags) error {
	p := printer[imageRow]{
		format: flags.format,
		table:  "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}",
		header: imageHeader(),
	}
	if flags.digests {
		p.table = "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
	}
	if flags.quiet {
		p.quiet = "{{.ID}}"
	}
	opts := flags.ImageListOptions
	opts.Filters = engine.Filters(flags.filter)
	ctx := cmd.Context()
	store, err := a.images(ctx)
	if err != nil {
		return err
	}
	found, err := store.List(ctx, opts)
	if err != nil {
		return err
	}
	var rows []imageRow
	for _, img := range found.Items {
		rows = append(rows, imageRows(img, flags.digests || p.uses("Digest"), flags.noTrunc)...)
	}
	if err := p.write(a.std.Out, rows); err != nil {
		return err
	}
	if !flags.quiet && (flags.format == "" || strings.HasPrefix(flags.format, "table")) {
		a.warnOfProblems(found.Items)
	}
	return nil
}

// warnOfProblems names the images of a table that cannot be used.
func (a *app) warnOfProblems(list []engine.ImageSummary) {
	for _, img := range list {
		if img.Problem == "" {
			continue
		}
		name := img.ID.Short()
		if len(img.Tags) > 0 {
			name = img.Tags[0]
		}
		fmt.Fprintf(a.std.Err, "WARNING: image %s cannot be used: %s\n", printable(name, ""), printable(img.Problem, ""))
	}
}

// imageRows is a row per tag, and with digests per tag and digest; an image
// without a tag has one row.
func imageRows(img engine.ImageSummary, digests, noTrunc bool) []imageRow {
	row := imageRow{
		ID: img.ID.Short(), CreatedAt: img.Created.Local().Format("2006-01-02 15:04:05 -0700 MST"),
		CreatedSince: "N/A", Containers: strconv.Itoa(len(img.Containers)), Platform: img.Platform.String(),
		Size: size3(float64(img.Size)), VirtualSize: size3(float64(img.Size)), SharedSize: "N/A", UniqueSize: "N/A",
		Repository: "<none>", Tag: "<none>", Digest: "<none>", Problem: img.Problem,
	}
	if img.Created.Year() > 1980 { // reproducible builds are dated 1970 or 1980
		row.CreatedSince = ago(img.Created)
	}
	if noTrunc {
		row.ID = string(img.ID)
	}
	byRepo := map[string][]string{}
	var repos []string
	for _, d := range img.RepoDigests {
		if repo, digest, ok := strings.Cut(d, "@"); ok {
			if _, seen := byRepo[repo]; !seen {
				repos = append(repos, repo)
			}
			byRepo[repo] = append(byRepo[repo], digest)
		}
	}
	var rows []imageRow
	tagged := map[string]bool{}
	for _, tag := range img.Tags {
		ref, err := images.ParseRef(tag)
		if err != nil {
			continue
		}
		row.Repository, row.Tag, row.Digest = ref.FamiliarName(), ref.Tag, "<none>"
		rows = append(rows, withDigests(row, byRepo[row.Repository], digests)...)
		tagged[row.Repository] = true
	}
	for _, repo := range repos {
		if list := byRepo[repo]; !tagged[repo] {
			row.Repository, row.Tag, row.Digest = repo, "<none>", "<none>"
			rows = append(rows, withDigests(row, list, digests)...)
		}
	}
	if len(rows) == 0 {
		rows = []imageRow{row}
	}
	return rows
}

func withDigests(row imageRow, digests []string, show bool) []imageRow {
	if !show || len(digests) == 0 {
		return []imageRow{row}
	}
	var rows []imageRow
	for _, d := range digests {
		row.Digest = d
		rows = append(rows, row)
	}
	return rows
}
