package ui

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"gantry/engine"
	"gantry/ui/glyph"
	"gantry/ui/lists"
	"gantry/ui/widgets"
)

// The labels that compose gives its containers.
const (
	projectLabel = "com.docker.compose.project"
	serviceLabel = "com.docker.compose.service"
)

// project may be anything that somebody wrote on a container.
func project(c *engine.ContainerSummary) string { return safeText(c.Labels[projectLabel]) }

// containerSpec is the list of containers.
func (m *Model) containerSpec() lists.Spec[engine.ContainerSummary] {
	type row = engine.ContainerSummary
	text := func(f func(*row) (string, lipgloss.Style)) func(*row, int) lists.Cell {
		return func(c *row, _ int) lists.Cell {
			t, style := f(c)
			return lists.Cell{Text: t, Style: style}
		}
	}
	return lists.Spec[row]{
		ID:    func(c *row) string { return string(c.ID) },
		Group: project,
		Keys:  []string{"id", "name", "image", "status", "command", "project", "port", "label"}, Named: []string{"command", "port", "label"},
		Field: containerField,
		Orders: []lists.Order[row]{
			{ID: "project", Title: "by project", Compare: byName, Grouped: true, Alone: "name"},
			{ID: "name", Title: "by name", Compare: byName},
			{ID: "cpu", Title: "by CPU", Compare: func(a, b *row) int { return cmp.Compare(m.load(a.ID).now(), m.load(b.ID).now()) }, Down: true},
			{ID: "memory", Title: "by memory", Compare: func(a, b *row) int { return cmp.Compare(m.load(a.ID).memory, m.load(b.ID).memory) }, Down: true},
			{ID: "age", Title: "by age", Compare: func(a, b *row) int { return since(b).Compare(since(a)) }},
			{ID: "state", Title: "by state", Compare: byState},
			{ID: "image", Title: "by image", Compare: func(a, b *row) int { return cmp.Compare(a.Image, b.Image) }},
		},
		Columns: []lists.Column[row]{
			{Order: "state", Min: 1, Cell: text(func(c *row) (string, lipgloss.Style) {
				sign, _, style := m.styles.Status(c.Status)
				return sign, style
			})},
			{Title: "name", Order: "name", Min: 10, Max: 40, Measure: func(c *row) int { return widgets.Width(m.rowName(c)) },
				Cell: text(func(c *row) (string, lipgloss.Style) { return m.rowName(c), m.nameStyle(c) })},
			{Title: "cpu", Order: "cpu", Min: 6, Right: true, Cell: m.cpuCell},
			{Min: 5, Max: 20, Rank: 4, Cell: m.sparkCell},
			{Title: "memory", Order: "memory", Min: 8, Right: true, Rank: 2, Cell: text(func(c *row) (string, lipgloss.Style) {
				if l := m.load(c.ID); l.memory > 0 {
					return widgets.BinaryBytes(float64(l.memory)), m.styles.Text
				}
				return "", m.styles.Muted
			})},
			{Title: "ports", Min: 6, Max: 28, Rank: 3, If: func() bool { return m.usage.ports }, Measure: func(c *row) int { return widgets.Width(portsText(c)) }, Cell: m.portsCell},
			{Title: glyph.Restarting, Min: 2, Right: true, Rank: 4, If: func() bool { return m.usage.restarts }, Cell: text(func(c *row) (string, lipgloss.Style) {
				if c.RestartCount == 0 {
					return "", m.styles.Muted
				}
				return itoa(c.RestartCount), m.styles.Warn
			})},
			{Title: "age", Order: "age", Min: 4, Right: true, Rank: 5, Cell: text(func(c *row) (string, lipgloss.Style) {
				return m.age(since(c)), m.styles.Muted
			})},
			{Title: "image", Order: "image", Min: 14, Rank: 6, Gap: 2, Grow: true, Cell: func(c *row, _ int) lists.Cell {
				return lists.Cell{Text: safeText(c.Image), Style: m.styles.Muted, Name: true}
			}},
		},
	}
}

// byName compares numbers in names as numbers: api-2 comes before api-10.
func byName(a, b *engine.ContainerSummary) int { return natural(a.Name, b.Name) }

func natural(a, b string) int {
	for a != "" && b != "" {
		x, y := digits(a), digits(b)
		if x > 0 && y > 0 {
			n, o := strings.TrimLeft(a[:x], "0"), strings.TrimLeft(b[:y], "0")
			if c := cmp.Or(cmp.Compare(len(n), len(o)), cmp.Compare(n, o)); c != 0 {
				return c
			}
			a, b = a[x:], b[y:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// byState puts first what needs a look: what failed, then what runs.
func byState(a, b *engine.ContainerSummary) int {
	return cmp.Or(cmp.Compare(urgency(a), urgency(b)), byName(a, b))
}

func urgency(c *engine.ContainerSummary) int {
	switch s := c.Status; {
	case s.Status == engine.Dead || s.OOMKilled:
		return 0
	case s.Status == engine.Restarting:
		return 1
	case s.Status == engine.Exited && s.ExitCode != 0 || startFailed(c):
		return 2
	case s.Status == engine.Running && s.Health != nil && s.Health.Status == engine.HealthUnhealthy:
		return 2
	case s.Running:
		return 3
	}
	return 4
}

// startFailed tells of a container whose program never ran: no attempt to start
// it got as far.
func startFailed(c *engine.ContainerSummary) bool {
	return c.Status.Status == engine.Created && c.Status.Error != ""
}

// since is when the container's present state began.
func since(c *engine.ContainerSummary) time.Time {
	switch {
	case c.Status.Running && !c.Status.StartedAt.IsZero():
		return c.Status.StartedAt
	case !c.Status.Running && !c.Status.FinishedAt.IsZero():
		return c.Status.FinishedAt
	}
	return c.Created
}

func containerField(c *engine.ContainerSummary, key string) string {
	switch key {
	case "id":
		return string(c.ID)
	case "name":
		return c.Name
	case "image":
		return c.Image
	case "status":
		return string(c.Status.Status)
	case "command":
		return strings.Join(c.Command, " ")
	case "project":
		return project(c)
	case "port":
		return portsText(c)
	}
	return labelText(c.Labels)
}

// rowName is the name without that of the project, which stands above it.
func (m *Model) rowName(c *engine.ContainerSummary) string {
	if order, _ := m.containers.Ordered(); !order.Grouped {
		return c.Name
	}
	for _, sep := range []string{"-", "_"} {
		if short, ok := strings.CutPrefix(c.Name, project(c)+sep); ok && project(c) != "" && short != "" {
			return short
		}
	}
	return c.Name
}

// nameStyle keeps what does not run in the background.
func (m *Model) nameStyle(c *engine.ContainerSummary) lipgloss.Style {
	if c.Status.Running || urgency(c) < 3 {
		return m.styles.Text
	}
	return m.styles.Muted
}

// cpuCell is the processor time in cores. A container that does not run has
// none: there it says how it ended.
func (m *Model) cpuCell(c *engine.ContainerSummary, _ int) lists.Cell {
	if c.Status.Status != engine.Running {
		return m.endCell(c)
	}
	l := m.load(c.ID)
	if len(l.cores) == 0 { // not measured, or not yet
		_, word, _ := m.styles.Status(c.Status)
		return lists.Cell{Text: word, Style: m.styles.Muted, Over: 1}
	}
	return lists.Cell{Text: fmt.Sprintf("%.2fc", l.now()), Style: m.styles.Text}
}

// endCell says in words why a container does not run: "exited 137 · OOM killed
// · 40s", over the columns that it has nothing to say in.
func (m *Model) endCell(c *engine.ContainerSummary) lists.Cell {
	const over = 5 // chart, memory, ports, restarts, age
	_, word, style := m.styles.Status(c.Status)
	age := m.age(since(c))
	join := func(parts ...string) string { return strings.Join(parts, glyph.Sep) }
	if startFailed(c) {
		return lists.Cell{Text: join(word, safeText(c.Status.Error)), Else: []string{word}, Style: style, Over: over}
	}
	if c.Status.Status == engine.Restarting {
		code, times := fmt.Sprintf("exited %d", c.Status.ExitCode), glyph.Restarting+itoa(c.RestartCount)
		return lists.Cell{Text: join(word, times, code, age), Else: []string{join(word, times), word}, Style: style, Over: over}
	}
	if c.Status.Status != engine.Exited || c.Status.ExitCode == 0 && !c.Status.OOMKilled {
		if c.Status.Status != engine.Paused {
			style = m.styles.Muted
		}
		return lists.Cell{Text: join(word, age), Else: []string{word}, Style: style, Over: over}
	}
	code := fmt.Sprintf("exited %d", c.Status.ExitCode)
	switch {
	case c.Status.OOMKilled:
		return lists.Cell{Text: join(code, "OOM killed", age), Else: []string{join("OOM killed", age), "OOM killed"}, Style: style, Over: over}
	case c.Status.Error != "":
		return lists.Cell{Text: join(code, safeText(c.Status.Error), age), Else: []string{join(code, age), code}, Style: style, Over: over}
	}
	return lists.Cell{Text: join(code, age), Else: []string{code}, Style: style, Over: over}
}

func (m *Model) sparkCell(c *engine.ContainerSummary, width int) lists.Cell {
	return lists.Cell{Text: widgets.FitLeft(m.load(c.ID).spark(width), width), Style: m.styles.Muted}
}

// tally stands at the right end of a project's heading: how many of its
// containers run, and how many have failed, which a fold would hide.
func (m *Model) tally(name string) []lists.Cell {
	failed := 0
	for _, c := range m.containers.InGroup(name) {
		if urgency(c) < 3 {
			failed++
		}
	}
	running, all := m.running(name)
	out := []lists.Cell{{Text: fmt.Sprintf("%d/%d", running, all), Style: m.styles.Muted}}
	if failed > 0 {
		out = append([]lists.Cell{{Text: fmt.Sprintf("%s %d", glyph.Failed, failed), Style: m.styles.Bad}, {Text: "  "}}, out...)
	}
	return out
}

// running is how many containers of a project run, and how many there are.
func (m *Model) running(name string) (running, all int) {
	for _, c := range m.containers.InGroup(name) {
		all++
		if c.Status.Running {
			running++
		}
	}
	return running, all
}

// age is how long ago something was, as the screen tells it.
func (m *Model) age(at time.Time) string { return age(m.now().Sub(at)) }

// age is a short duration: 5s, 3m, 2h, 4d, 1y. In the first minute it goes in
// steps of ten seconds, so that a screen is drawn anew no more often.
func age(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds())/10*10)
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	case d < 2*365*24*time.Hour:
		return fmt.Sprintf("%dd", int(d.Hours()/24))
	}
	return fmt.Sprintf("%dy", int(d.Hours()/24/365))
}
