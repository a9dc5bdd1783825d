package cli

import (
	"bufio"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/spf13/cobra"

	"gantry/engine"
)

type eventFlags struct {
	since, until, format string
	filter               filters
}

func (a *app) eventsCmd() *cobra.Command {
	var flags eventFlags
	cmd := &cobra.Command{
		Use:   "events [OPTIONS]",
		Short: "Get real time events from the engine",
		Example: "  gantry events --since 1h --filter event=die\n" +
			"  gantry events --format '{{.Action}} {{.Actor.Attributes.name}}'",
		Args:              args(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.events(cmd, flags) },
	}
	f := cmd.Flags()
	f.VarP(&flags.filter, "filter", "f", "Filter output based on conditions provided")
	f.StringVar(&flags.format, "format", "",
		"Format output using a custom template:\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template")
	f.StringVar(&flags.since, "since", "", "Show all events created since timestamp")
	f.StringVar(&flags.until, "until", "", "Stream events until this timestamp")
	_ = cmd.RegisterFlagCompletionFunc("filter", cobra.FixedCompletions(
		[]string{"container=", "event=", "image=", "label=", "type=", "volume="}, cobra.ShellCompDirectiveNoSpace))
	return cmd
}

// message is an event with docker's field names.
type message struct {
	Status   string `json:"status,omitempty"`
	ID       string `json:"id,omitempty"`
	From     string `json:"from,omitempty"`
	Type     string
	Action   string
	Actor    actor
	Scope    string `json:"scope"`
	Time     int64  `json:"time"`
	TimeNano int64  `json:"timeNano"`
	Seq      uint64 `json:"seq"`
}

type actor struct {
	ID         string
	Attributes map[string]string
}

func newMessage(ev engine.Event) message {
	m := message{
		Type: string(ev.Kind), Action: ev.Action, Actor: actor{ID: ev.ID, Attributes: ev.Attributes},
		Scope: "local", Time: ev.Time.Unix(), TimeNano: ev.Time.UnixNano(), Seq: uint64(ev.Seq),
	}
	if ev.Kind != engine.KindJob && ev.Kind != engine.KindVolume {
		m.Status, m.ID, m.From = ev.Action, ev.ID, ev.Attributes["image"]
	}
	return m
}

func (a *app) events(cmd *cobra.Command, flags eventFlags) error {
	opts := engine.WatchOptions{Filters: engine.Filters(flags.filter)}
	now := time.Now()
	var err error
	if opts.Since, err = parseTime(flags.since, now); err != nil {
		return &usageError{cmd: cmd, err: fmt.Errorf("--since: %w", err)}
	}
	if opts.Until, err = parseTime(flags.until, now); err != nil {
		return &usageError{cmd: cmd, err: fmt.Errorf("--until: %w", err)}
	}
	var tmpl *template.Template
	if flags.format == "json" {
		flags.format = "{{json .}}"
	}
	if flags.format != "" {
		if tmpl, err = parseTemplate(flags.format, templateFuncs()); err != nil {
			return &usageError{cmd: cmd, err: err}
		}
	}
	ctx := cmd.Context()
	eng, err := a.engine(ctx)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(a.std.Out)
	for ev, err := range eng.Watch(ctx, opts) {
		if err != nil {
			return err
		}
		if tmpl != nil {
			err = executeLine(w, tmpl, newMessage(ev))
		} else {
			_, err = fmt.Fprintln(w, eventLine(ev))
		}
		if err == nil {
			err = w.Flush()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// eventLine is docker's line: time, type, action, ID and the attributes.
func eventLine(ev engine.Event) string {
	line := fmt.Sprintf("%s %s %s %s", ev.Time.Local().Format(nanoFixed), ev.Kind, ev.Action, ev.ID)
	if len(ev.Attributes) == 0 {
		return line
	}
	var attrs []string
	for _, k := range slices.Sorted(maps.Keys(ev.Attributes)) {
		attrs = append(attrs, k+"="+ev.Attributes[k])
	}
	// Labels are an image's, and a newline in one would begin another event.
	return line + printable(" ("+strings.Join(attrs, ", ")+")", "")
}
