package ui

import (
	"cmp"
	"fmt"
	"strings"

	"gantry/engine"
	"gantry/ui/lists"
	"gantry/ui/widgets"
)

// imageSpec is the list of images.
func (m *Model) imageSpec() lists.Spec[engine.ImageSummary] {
	type row = engine.ImageSummary
	name := func(img *row) string { return strings.Join(img.Tags, " ") }
	byName := func(a, b *row) int { return cmp.Or(natural(name(a), name(b)), cmp.Compare(a.ID, b.ID)) }
	muted := func(f func(*row) string) func(*row, int) lists.Cell {
		return func(img *row, _ int) lists.Cell { return lists.Cell{Text: f(img), Style: m.styles.Muted} }
	}
	return lists.Spec[row]{
		ID:   func(img *row) string { return string(img.ID) },
		Keys: []string{"id", "name", "platform", "used"}, Named: []string{"platform", "used"},
		Field: func(img *row, key string) string {
			switch key {
			case "id":
				return string(img.ID)
			case "name":
				return name(img)
			case "used":
				return used(img)
			}
			return img.Platform.String()
		},
		Orders: []lists.Order[row]{
			{ID: "name", Title: "by name", Compare: byName},
			{ID: "size", Title: "by size", Compare: func(a, b *row) int { return cmp.Compare(a.Size, b.Size) }, Down: true},
			{ID: "age", Title: "by age", Compare: func(a, b *row) int { return b.Created.Compare(a.Created) }},
			{ID: "used", Title: "by use", Compare: func(a, b *row) int { return cmp.Compare(len(a.Containers), len(b.Containers)) }, Down: true},
		},
		Columns: []lists.Column[row]{
			{Title: "name", Order: "name", Min: 18, Max: 60, Measure: func(img *row) int { return widgets.Width(imageLabel(img)) }, Grow: true, Cell: func(img *row, _ int) lists.Cell {
				text, style := imageLabel(img), m.styles.Text
				if len(img.Tags) == 0 {
					style = m.styles.Muted
				}
				return lists.Cell{Text: text, Style: style, Name: true}
			}},
			{Title: "size", Order: "size", Min: 6, Right: true, Gap: 2, Cell: func(img *row, _ int) lists.Cell {
				return lists.Cell{Text: widgets.Bytes(float64(img.Size)), Style: m.styles.Text}
			}},
			{Title: "age", Order: "age", Min: 4, Right: true, Rank: 1, Cell: muted(func(img *row) string { return m.age(img.Created) })},
			{Title: "used", Order: "used", Min: 4, Max: 8, Measure: func(img *row) int { return widgets.Width(used(img)) }, Right: true, Rank: 2, Cell: func(img *row, _ int) lists.Cell {
				return lists.Cell{Text: used(img), Else: []string{"used"}, Style: m.styles.Muted}
			}},
		},
	}
}

// used tells whether containers were made of an image, and how many.
func used(img *engine.ImageSummary) string {
	switch n := len(img.Containers); n {
	case 0:
		return ""
	case 1:
		return "used"
	default:
		return fmt.Sprintf("used %d", n)
	}
}

// imageLabel is the name of an image, and how many others it has.
func imageLabel(img *engine.ImageSummary) string {
	name := safeText(imageName(*img))
	if n := len(img.Tags) - 1; n > 0 {
		name += fmt.Sprintf(" +%d", n)
	}
	return name
}
