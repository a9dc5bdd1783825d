package ui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"gantry/engine"
	"gantry/ui/glyph"
	"gantry/ui/lists"
	"gantry/ui/widgets"
)

// volumeSpec is the list of volumes.
func (m *Model) volumeSpec() lists.Spec[engine.VolumeSummary] {
	type row = engine.VolumeSummary
	byName := func(a, b *row) int {
		return cmp.Or(cmp.Compare(btoi(a.Anonymous()), btoi(b.Anonymous())), natural(a.Name, b.Name))
	}
	muted := func(f func(*row) string) func(*row, int) lists.Cell {
		return func(v *row, _ int) lists.Cell { return lists.Cell{Text: f(v), Style: m.styles.Muted} }
	}
	return lists.Spec[row]{
		ID:   func(v *row) string { return v.Name },
		Keys: []string{"name", "used", "driver", "label"}, Named: []string{"driver", "label"},
		Field: func(v *row, key string) string {
			switch key {
			case "name":
				return v.Name
			case "used":
				return strings.Join(namesOf(m.mounting(v.Name)), " ")
			case "driver":
				return v.Driver
			}
			return labelText(v.Labels)
		},
		Orders: []lists.Order[row]{
			{ID: "name", Title: "by name", Compare: byName},
			{ID: "size", Title: "by size", Compare: func(a, b *row) int { return cmp.Compare(m.sizes.of(a.Name), m.sizes.of(b.Name)) }, Down: true},
			{ID: "used", Title: "by use", Compare: func(a, b *row) int { return cmp.Compare(len(m.mounting(a.Name)), len(m.mounting(b.Name))) }, Down: true},
			{ID: "age", Title: "by age", Compare: func(a, b *row) int { return b.CreatedAt.Compare(a.CreatedAt) }},
		},
		Columns: []lists.Column[row]{
			{Min: 1, Cell: func(v *row, _ int) lists.Cell {
				sign, style := m.volumeSign(v)
				return lists.Cell{Text: sign, Style: style}
			}},
			{Title: "name", Order: "name", Min: 12, Max: 60, Measure: func(v *row) int { return widgets.Width(volumeName(v)) }, Cell: func(v *row, _ int) lists.Cell {
				style := m.styles.Text
				if v.Anonymous() {
					style = m.styles.Muted
				}
				return lists.Cell{Text: volumeName(v), Style: style}
			}},
			{Title: "size", Order: "size", Min: 6, Right: true, Cell: func(v *row, _ int) lists.Cell {
				return lists.Cell{Text: m.sizeText(v), Style: m.styles.Text}
			}},
			{Title: "used by", Order: "used", Min: 10, Gap: 2, Grow: true, Cell: m.usedByCell},
			{Title: "driver", Min: 6, Rank: 3, Cell: muted(func(v *row) string { return v.Driver })},
			{Title: "age", Order: "age", Min: 4, Right: true, Rank: 2, Cell: muted(func(v *row) string { return m.age(v.CreatedAt) })},
		},
	}
}

// volumeName is how a volume is called on the screen: one without a name has 64
// digits of which nobody reads more than a few.
func volumeName(v *engine.VolumeSummary) string {
	if v.Anonymous() && len(v.Name) > 12 {
		return v.Name[:12] + glyph.Ellipsis
	}
	return v.Name
}

// volumeSign tells whether a volume is in use now, or by anybody at all.
func (m *Model) volumeSign(v *engine.VolumeSummary) (string, lipgloss.Style) {
	users := m.mounting(v.Name)
	switch {
	case slices.ContainsFunc(users, func(c *engine.ContainerSummary) bool { return c.Status.Running }):
		return glyph.Running, m.styles.OK
	case len(users) > 0:
		return glyph.Exited, m.styles.Muted
	}
	return " ", m.styles.Muted
}

func (m *Model) usedByCell(v *engine.VolumeSummary, _ int) lists.Cell {
	names := namesOf(m.mounting(v.Name))
	style := m.styles.Muted
	switch n := len(names); n {
	case 0:
		text := "nothing"
		if v.Anonymous() {
			text = "nothing" + glyph.Sep + "no name"
		}
		return lists.Cell{Text: text, Else: []string{"nothing"}, Style: style}
	case 1:
		return lists.Cell{Text: names[0], Style: style}
	default:
		return lists.Cell{Text: strings.Join(names, ", "), Else: []string{fmt.Sprintf("%s +%d", names[0], n-1), fmt.Sprintf("%d containers", n)}, Style: style}
	}
}

func labelText(labels map[string]string) string {
	all := ""
	for k, v := range labels {
		all += k + "=" + v + " "
	}
	return all
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
