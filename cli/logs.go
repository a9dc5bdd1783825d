package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"gantry/engine"
	"gantry/logs"
)

// nanoFixed is RFC 3339 with all nine digits, so that lines align.
const nanoFixed = "2006-01-02T15:04:05.000000000Z07:00"

type logFlags struct {
	follow, timestamps bool
	since, until, tail string
}

func (a *app) logsCmd() *cobra.Command {
	var flags logFlags
	cmd := &cobra.Command{
		Use:   "logs [OPTIONS] CONTAINER [CONTAINER...]",
		Short: "Fetch the logs of a container, or of several in the order of time",
		Example: "  gantry logs -f --tail 100 web\n" +
			"  gantry logs --since 10m -t web\n" +
			"  gantry logs -f web db",
		Args:              args(1, -1),
		ValidArgsFunction: a.completeContainers(-1, anyState),
		RunE: func(cmd *cobra.Command, names []string) error {
			q, err := flags.query()
			if err != nil {
				return &usageError{cmd: cmd, err: err}
			}
			return a.logs(cmd.Context(), names, q, flags.timestamps)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&flags.follow, "follow", "f", false, "Follow log output")
	f.StringVar(&flags.since, "since", "", `Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)`)
	f.StringVar(&flags.until, "until", "", `Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)`)
	f.StringVarP(&flags.tail, "tail", "n", "all", "Number of lines to show from the end of the logs")
	f.BoolVarP(&flags.timestamps, "timestamps", "t", false, "Show timestamps")
	return cmd
}

func (l logFlags) query() (logs.Query, error) {
	q := logs.Query{Follow: l.follow, Tail: -1, Stdout: true, Stderr: true}
	now := time.Now()
	var err error
	if q.Since, err = parseTime(l.since, now); err != nil {
		return q, fmt.Errorf("--since: %w", err)
	}
	if q.Until, err = parseTime(l.until, now); err != nil {
		return q, fmt.Errorf("--until: %w", err)
	}
	if l.tail != "all" {
		if q.Tail, err = strconv.Atoi(l.tail); err != nil {
			return q, fmt.Errorf("--tail %q: want a number of lines, or all", l.tail)
		}
		q.Tail = max(q.Tail, -1)
	}
	return q, nil
}

func (a *app) logs(ctx context.Context, names []string, q logs.Query, timestamps bool) error {
	containers, err := a.containers(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := newLogWriter(a.std, timestamps)
	seq := containers.Logs(ctx, names[0], q)
	if len(names) > 1 {
		seq = mergeLogs(ctx, containers, names, q, w)
	}
	for entry, err := range seq {
		if err != nil {
			w.flush()
			return err
		}
		if err := w.write(entry); err != nil {
			return err
		}
		if q.Follow {
			// Followed lines go out as they come; the rest in blocks.
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return w.flush()
}

// logWriter prints entries; the two streams keep their order on a terminal
// because a change of stream flushes the other.
type logWriter struct {
	out, err   *bufio.Writer
	last       *bufio.Writer
	timestamps bool
	gutter     int             // width of the source names, 0: none
	open       map[string]bool // streams whose last line was partial
}

func newLogWriter(std IO, timestamps bool) *logWriter {
	return &logWriter{
		out: bufio.NewWriterSize(std.Out, 64<<10), err: bufio.NewWriterSize(std.Err, 8<<10),
		timestamps: timestamps, open: map[string]bool{},
	}
}

func (w *logWriter) write(e logs.Entry) error {
	to := w.out
	if e.Stream == logs.Stderr {
		to = w.err
	}
	if w.last != to && w.last != nil {
		if err := w.last.Flush(); err != nil {
			return err
		}
	}
	w.last = to
	key := e.Source + e.Stream.String()
	if !w.open[key] {
		if w.gutter > 0 {
			fmt.Fprintf(to, "%-*s | ", w.gutter, e.Source)
		}
		if w.timestamps {
			to.WriteString(e.Time.UTC().Format(nanoFixed))
			to.WriteByte(' ')
		}
	}
	to.Write(e.Line)
	if w.open[key] = e.Partial; e.Partial {
		return nil
	}
	_, err := io.WriteString(to, "\n")
	return err
}

func (w *logWriter) flush() error {
	if err := w.out.Flush(); err != nil {
		return err
	}
	return w.err.Flush()
}

// mergeLogs reads several containers in the order of time, with their names in
// front. Followed logs come as they are written: there is no later line to wait
// for that would put them in order.
func mergeLogs(ctx context.Context, c engine.Containers, names []string, q logs.Query, w *logWriter) iter.Seq2[logs.Entry, error] {
	for _, name := range names {
		w.gutter = max(w.gutter, len(name))
	}
	named := func(i int, q logs.Query) iter.Seq2[logs.Entry, error] {
		return func(yield func(logs.Entry, error) bool) {
			for e, err := range c.Logs(ctx, names[i], q) {
				e.Source = names[i]
				if !yield(e, err) {
					return
				}
			}
		}
	}
	if q.Follow {
		return followAll(len(names), func(i int) iter.Seq2[logs.Entry, error] { return named(i, q) })
	}
	return inOrder(len(names), func(i int) iter.Seq2[logs.Entry, error] { return named(i, q) })
}

// inOrder merges n sequences by time.
func inOrder(n int, open func(i int) iter.Seq2[logs.Entry, error]) iter.Seq2[logs.Entry, error] {
	return func(yield func(logs.Entry, error) bool) {
		type head struct {
			next func() (logs.Entry, error, bool)
			e    logs.Entry
			err  error
			ok   bool
		}
		heads := make([]head, n)
		for i := range heads {
			next, stop := iter.Pull2(open(i))
			defer stop()
			heads[i].next = next
			heads[i].e, heads[i].err, heads[i].ok = next()
		}
		for {
			first := -1
			for i, h := range heads {
				if h.ok && (first < 0 || h.err != nil || h.e.Time.Before(heads[first].e.Time)) {
					first = i
				}
			}
			if first < 0 {
				return
			}
			h := &heads[first]
			if !yield(h.e, h.err) || h.err != nil {
				return
			}
			h.e, h.err, h.ok = h.next()
		}
	}
}

// followAll merges n endless sequences as they come.
func followAll(n int, open func(i int) iter.Seq2[logs.Entry, error]) iter.Seq2[logs.Entry, error] {
	type item struct {
		e   logs.Entry
		err error
	}
	return func(yield func(logs.Entry, error) bool) {
		items, done, ended := make(chan item), make(chan struct{}), make(chan struct{}, n)
		defer close(done)
		for i := range n {
			go func() {
				defer func() { ended <- struct{}{} }()
				for e, err := range open(i) {
					e.Line = append([]byte(nil), e.Line...) // it is ours only until the next one
					select {
					case items <- item{e, err}:
					case <-done:
						return
					}
				}
			}()
		}
		for left := n; left > 0; {
			select {
			case it := <-items:
				if !yield(it.e, it.err) || it.err != nil {
					return
				}
			case <-ended:
				left--
			}
		}
	}
}
