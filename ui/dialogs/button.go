package dialogs

import (
	"fmt"
	"strings"
	"time"

	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Button is a way on from a dialog. Its key is shown on it. Short is its word
// where there is little room.
type Button struct{ Key, Word, Short string }

func button(key, word string) Button {
	short, _, _ := strings.Cut(word, " ")
	return Button{key, word, strings.TrimRight(short, ",")}
}

// buttons draws a row of buttons with the selected one marked, not by colour
// alone, and tells where each can be clicked. line is the row's place.
func buttons(s styles.Styles, width, line, selected int, list ...Button) (string, []Spot) {
	list = append([]Button(nil), list...)
	gap := 2
	if rowWidth(list, gap) > width {
		for i, b := range list {
			if gap = 0; b.Short != "" {
				list[i].Word = b.Short
			}
		}
	}
	var b strings.Builder
	var spots []Spot
	col := 0
	for i, it := range list {
		w := widgets.Width(it.Key+it.Word) + 4
		if col+w > width && col > 0 {
			break
		}
		if i == selected {
			b.WriteString(s.Bar(true).Render(glyph.Bar) + s.On(s.Key.Bold(true)).Render(" "+it.Key) + s.On(s.Text).Render(" "+it.Word+" "))
		} else {
			b.WriteString("  " + s.Key.Render(it.Key) + s.Muted.Render(" "+it.Word+" "))
		}
		spots = append(spots, Spot{line, col, col + w, it.Key})
		col += w
		if col+gap <= width {
			b.WriteString(strings.Repeat(" ", gap))
			col += gap
		}
	}
	return b.String(), spots
}

func rowWidth(list []Button, gap int) int {
	w := 0
	for _, b := range list {
		w += widgets.Width(b.Key+b.Word) + 4 + gap
	}
	return w - gap
}

// hints are buttons as the footer shows them.
func hints(list []Button) []string {
	out := make([]string, len(list))
	for i, b := range list {
		out[i] = b.Key + " " + b.Word
	}
	return out
}

// Took is how long something took: "40ms", "0.4 s", "2m10s".
func Took(d time.Duration) string {
	switch {
	case d < 100*time.Millisecond:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// plural is "1 layer" or "3 layers".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return itoa(n) + " " + many
}
