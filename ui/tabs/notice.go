package tabs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"gantry/engine"
	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// notice fills a tab that has nothing else to show: one sentence, and what can
// be done about it.
func notice(s styles.Styles, width int, what, hint string) []string {
	return paragraphs(width, paragraph{s.Text, what}, paragraph{s.Muted, hint})
}

// problem is an error in words with its hint.
func problem(s styles.Styles, width int, err error) []string {
	return paragraphs(width, paragraph{s.Bad, glyph.Problem + " " + safe(err.Error())}, paragraph{s.Muted, hintFor(err)})
}

type paragraph struct {
	style lipgloss.Style
	text  string
}

func paragraphs(width int, ps ...paragraph) []string {
	lines := []string{""}
	for _, p := range ps {
		if p.text == "" {
			continue
		}
		for _, l := range widgets.WrapFit(p.text, width-2, 6) {
			lines = append(lines, " "+p.style.Render(l)+" ")
		}
	}
	return lines
}

// hintFor is the engine's own hint, or what is known about the class of the
// error.
func hintFor(err error) string {
	var op *engine.OpError
	if errors.As(err, &op) && op.Hint != "" {
		return sentence(safe(op.Hint))
	}
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return "It has been removed. Choose another one."
	case errors.Is(err, engine.ErrPermission):
		return "Run gantry as a user who may do this."
	case errors.Is(err, engine.ErrUnsupported):
		return "This engine cannot tell."
	case errors.Is(err, context.DeadlineExceeded):
		return "The engine is slow to answer. It will be asked again when the container changes."
	}
	return "It will be asked again when something changes; opening the tab again asks at once."
}

func sentence(s string) string {
	if s == "" {
		return ""
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}

// safe is widgets.Safe for strings that come from containers and images.
func safe(s string) string { return widgets.Safe([]byte(s)) }

// stack puts body above foot into height lines; the body is cut.
func stack(body, foot []string, height int) []string {
	if len(foot) > height {
		foot = foot[:max(0, height)]
	}
	room := max(0, height-len(foot))
	if len(body) > room {
		body = body[:room]
	}
	if len(foot) == 0 {
		return body
	}
	lines := make([]string, 0, height)
	lines = append(lines, body...)
	for len(lines) < room {
		lines = append(lines, "")
	}
	return append(lines, foot...)
}

// count writes a number with its noun: "1 process", "12 processes".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// ofFilter is count with what a filter leaves of it.
func ofFilter(shown, all int, filter, one, many string) string {
	if filter == "" {
		return count(all, one, many)
	}
	return fmt.Sprintf("%d of %s"+glyph.Sep+"/%s/", shown, count(all, one, many), safe(filter))
}

// ago is a short age: "40s", "3m", "2h", "4d".
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(0, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// ended says how a container that does not run came to be so.
func ended(c engine.ContainerState, now time.Time) string {
	var words []string
	switch c.Status {
	case engine.Created:
		return "It has not been started yet."
	case engine.Exited:
		words = append(words, fmt.Sprintf("It exited with code %d", c.ExitCode))
	default:
		words = append(words, "It is "+string(c.Status))
	}
	if c.OOMKilled {
		words = append(words, "killed for want of memory")
	}
	if c.Error != "" {
		words = append(words, safe(c.Error))
	}
	if !c.FinishedAt.IsZero() && c.Status == engine.Exited {
		words = append(words, ago(now.Sub(c.FinishedAt))+" ago")
	}
	return strings.Join(words, ", ") + "."
}
