package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"gantry/engine"
)

// statsInterval is the pace of sampling and of the screen.
const statsInterval = time.Second

type statsFlags struct {
	all, noStream, noTrunc bool
	format                 string
}

func (a *app) statsCmd() *cobra.Command {
	var flags statsFlags
	cmd := &cobra.Command{
		Use:   "stats [OPTIONS] [CONTAINER...]",
		Short: "Display a live stream of container(s) resource usage statistics",
		Long: "Display a live stream of container(s) resource usage statistics.\n\n" +
			"Besides docker's placeholders --format knows .Cores (processors in use), .Throttled\n" +
			"(share of periods in which the CPU limit stopped it), .MemPeak and .OOMKills.",
		Example: "  gantry stats\n" +
			"  gantry stats --no-stream web db\n" +
			"  gantry stats --format 'table {{.Name}}\\t{{.Cores}}\\t{{.Throttled}}\\t{{.MemUsage}}'",
		ValidArgsFunction: a.completeContainers(-1, engine.Running, engine.Paused),
		RunE: func(cmd *cobra.Command, names []string) error {
			return a.stats(cmd.Context(), flags, names)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&flags.all, "all", "a", false, "Show all containers (default shows just running)")
	f.StringVar(&flags.format, "format", "", formatHelp)
	f.BoolVar(&flags.noStream, "no-stream", false, "Disable streaming stats and only pull the first result")
	f.BoolVar(&flags.noTrunc, "no-trunc", false, "Do not truncate output")
	return cmd
}

// statsRow holds docker's placeholders and a few of gantry's.
type statsRow struct {
	BlockIO   string
	CPUPerc   string
	Container string
	Cores     string
	ID        string
	MemPeak   string
	MemPerc   string
	MemUsage  string
	Name      string
	NetIO     string
	OOMKills  string
	PIDs      string
	Throttled string
}

func (a *app) stats(ctx context.Context, flags statsFlags, names []string) error {
	p := printer[statsRow]{
		format: flags.format,
		table:  "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}",
		header: statsRow{
			BlockIO: "BLOCK I/O", CPUPerc: "CPU %", Container: "CONTAINER", Cores: "CORES", ID: "CONTAINER ID",
			MemPeak: "MEM PEAK", MemPerc: "MEM %", MemUsage: "MEM USAGE / LIMIT", Name: "NAME", NetIO: "NET I/O",
			OOMKills: "OOM KILLS", PIDs: "PIDS", Throttled: "THROTTLED",
		},
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	containers, err := a.containers(ctx)
	if err != nil {
		return err
	}
	m := &meter{containers: containers, rows: map[engine.ID]*reading{}}
	defer m.wait()
	defer cancel()
	for first := true; ; first = false {
		if err := m.follow(ctx, names, flags.all, first); err != nil {
			return err
		}
		if first {
			// One sample has no rate: the first screen comes with the second.
			if err := m.until(ctx, 2); err != nil {
				return err
			}
		}
		if err := a.showStats(p, m.snapshot(flags.noTrunc), flags.noStream, first); err != nil || flags.noStream {
			return err
		}
		select {
		case <-time.After(statsInterval):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// showStats prints a screen: in place on a terminal, one after the other else.
func (a *app) showStats(p printer[statsRow], rows []statsRow, once, first bool) error {
	var b bytes.Buffer
	if err := p.write(&b, rows); err != nil {
		return err
	}
	out := b.Bytes()
	if !once && a.ansi(a.std.Out) {
		// Each line clears its rest, and the end what is below: no flicker.
		out = bytes.ReplaceAll(out, []byte("\n"), []byte("\x1b[K\n"))
		home := "\x1b[H"
		if first {
			home = "\x1b[2J\x1b[H"
		}
		out = slices.Concat([]byte(home), out, []byte("\x1b[J"))
	}
	_, err := a.std.Out.Write(out)
	return err
}

// meter follows the samples of a changing set of containers.
type meter struct {
	containers engine.Containers
	wg         sync.WaitGroup

	mu   sync.Mutex // guards the rest
	rows map[engine.ID]*reading
}

// reading is what is known of one container.
type reading struct {
	summary   engine.ContainerSummary
	asked     string // as the user named it
	samples   int
	cur, prev engine.Sample
	following bool
	err       error
	gone      bool
}

func (m *meter) wait() { m.wg.Wait() }

// follow looks which containers there are and starts to sample new ones. Named
// containers have to exist the first time.
func (m *meter) follow(ctx context.Context, names []string, all, first bool) error {
	list, err := m.containers.List(ctx, engine.ListOptions{All: all || len(names) > 0})
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.rows {
		r.gone = true
	}
	asked, err := m.choose(ctx, list.Items, names, first)
	if err != nil {
		return err
	}
	for _, c := range list.Items {
		name, wanted := asked[c.ID]
		if !wanted {
			continue
		}
		r := m.rows[c.ID]
		if r == nil {
			r = &reading{asked: name}
			m.rows[c.ID] = r
		}
		r.summary, r.gone = c, false
		if c.Status.Status.Live() && !r.following {
			r.following, r.samples, r.err = true, 0, nil
			m.wg.Go(func() { m.sample(ctx, c.ID, r) })
		}
	}
	for id, r := range m.rows {
		if r.gone {
			delete(m.rows, id)
		}
	}
	return nil
}

// choose maps the IDs that are shown to what the user called them.
func (m *meter) choose(ctx context.Context, items []engine.ContainerSummary, names []string, strict bool) (map[engine.ID]string, error) {
	asked := map[engine.ID]string{}
	if len(names) == 0 {
		for _, c := range items {
			asked[c.ID] = string(c.ID)
		}
	}
	for _, name := range names {
		d, err := m.containers.Inspect(ctx, name)
		switch {
		case err == nil:
			asked[d.ID] = name
		case strict || !errors.Is(err, engine.ErrNotFound):
			return nil, err
		}
	}
	return asked, nil
}

func (m *meter) sample(ctx context.Context, id engine.ID, r *reading) {
	for s, err := range m.containers.Stats(ctx, string(id), engine.StatsOptions{Interval: statsInterval}) {
		m.mu.Lock()
		if r.err = err; err == nil {
			r.prev, r.cur = r.cur, s
			r.samples++
		}
		m.mu.Unlock()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r.following = false
}

// until waits until every live container has n samples, or is not there any
// more, for at most a few intervals.
func (m *meter) until(ctx context.Context, n int) error {
	for range 40 {
		if m.have(n) {
			return nil
		}
		select {
		case <-time.After(statsInterval / 10):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (m *meter) have(n int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.rows {
		if r.following && r.err == nil && r.samples < n {
			return false
		}
	}
	return true
}

func (m *meter) snapshot(noTrunc bool) []statsRow {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*reading
	for _, r := range m.rows {
		all = append(all, r)
	}
	slices.SortFunc(all, func(x, y *reading) int {
		return cmp.Or(-x.summary.Created.Compare(y.summary.Created), cmp.Compare(x.summary.ID, y.summary.ID))
	})
	rows := make([]statsRow, len(all))
	for i, r := range all {
		rows[i] = r.row(noTrunc)
	}
	return rows
}

func (r *reading) row(noTrunc bool) statsRow {
	row := statsRow{
		Container: r.asked, ID: r.summary.ID.Short(), Name: r.summary.Name,
		BlockIO: "--", CPUPerc: "--", Cores: "--", MemPeak: "--", MemPerc: "--", MemUsage: "-- / --",
		NetIO: "--", OOMKills: "--", PIDs: "--", Throttled: "--",
	}
	if noTrunc {
		row.ID = string(r.summary.ID)
	}
	if !r.following || r.samples == 0 {
		if !r.summary.Status.Status.Live() { // docker shows zeroes for those that do not run
			row.CPUPerc, row.MemPerc, row.MemUsage, row.NetIO, row.BlockIO, row.PIDs = "0.00%", "0.00%", "0B / 0B", "0B / 0B", "0B / 0B", "0"
		}
		return row
	}
	s := r.cur
	if r.samples > 1 {
		rates := engine.Rate(r.prev, s)
		row.CPUPerc = percent(100 * rates.Cores)
		row.Cores = strconv.FormatFloat(rates.Cores, 'f', 2, 64)
		row.Throttled = percent(rates.ThrottledPercentage)
	}
	row.MemUsage = units.BytesSize(float64(s.Memory.Usage)) + " / " + units.BytesSize(float64(s.Memory.Limit))
	if s.Memory.Limit > 0 {
		row.MemPerc = percent(100 * float64(s.Memory.Usage) / float64(s.Memory.Limit))
	}
	row.MemPeak = units.BytesSize(float64(s.Memory.Peak))
	row.OOMKills = fmt.Sprint(s.Memory.OOMKills)
	row.NetIO = size3(float64(s.Network.RxBytes)) + " / " + size3(float64(s.Network.TxBytes))
	row.BlockIO = size3(float64(s.IO.ReadBytes)) + " / " + size3(float64(s.IO.WriteBytes))
	row.PIDs = fmt.Sprint(s.PIDs)
	return row
}

func percent(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) + "%" }
