package tabs

import (
	"fmt"
	"time"

	"charm.land/lipgloss/v2"

	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// View implements Panel.
func (t *Stats) View(width, height int) []string {
	s := t.styles()
	why := blank{kind: "container", chosen: t.id != "", known: !t.ring.empty()}
	if t.ring.empty() {
		why.err = t.err
		if t.state != nil {
			why.over = []string{"There is nothing to measure. " + ended(*t.state, t.now()), "The charts begin by themselves when it starts."}
		}
	}
	if lines, instead := why.lines(s, width, height); instead {
		return lines
	}
	lines := t.remarks(s, width)
	if room := max(1, height/3); len(lines) > room {
		lines = lines[:room]
	}
	silent := t.silent(s, width, height)
	lines = append(lines, t.charts(s, width, height-len(lines)-len(silent))...)
	return stack(lines, silent, height)
}

// silent names what the host does not tell, where there is room for it: a chart
// that is missing would be looked for.
func (t *Stats) silent(s styles.Styles, width, height int) []string {
	if t.ring.last.Pressure != nil || height < 16 {
		return nil
	}
	return []string{s.Muted.Render(widgets.Fit(" No pressure: the kernel of this host does not measure it (PSI).", width))}
}

// drawn is what the charts were drawn for last, and they: between two samples
// they stay as they are, whatever else happens on the screen.
type drawn struct {
	seen          int
	width, height int
	made          *styles.Making
	lines         []string
}

func (t *Stats) charts(s styles.Styles, width, height int) []string {
	d := &t.drawn
	if d.seen != t.ring.seen || d.width != width || d.height != height || d.made != s.Made || s.Made == nil {
		*d = drawn{t.ring.seen, width, height, s.Made, charts(s, t.gauges(s), &t.ring, width, height)}
	}
	return d.lines
}

// remarks say in words what needs attention: a chart does not tell that the
// kernel killed something.
func (t *Stats) remarks(s styles.Styles, width int) []string {
	var lines []string
	say := func(style lipgloss.Style, text string) {
		for _, l := range widgets.WrapFit(text, width-2, 2) {
			lines = append(lines, " "+style.Render(l)+" ")
		}
	}
	switch {
	case t.err != nil:
		say(s.Bad, glyph.Problem+" "+safe(t.err.Error()))
	case t.state != nil:
		say(s.Text, glyph.Exited+" "+ended(*t.state, t.now())+" These are its last minutes.")
	}
	last := t.ring.last
	if n := last.Memory.OOMKills; n > 0 {
		text := fmt.Sprintf(glyph.Problem+" out of memory: the kernel has killed %s", count(int(n), "process", "processes"))
		if limit := t.memoryLimit(); limit > 0 {
			text += " at the limit of " + widgets.BinaryBytes(limit)
		}
		say(s.Bad, text)
	}
	if c := last.CPU; c.ThrottledPeriods > 0 {
		held := time.Duration(c.ThrottledTime).Round(100 * time.Millisecond)
		if now := t.ring.latest().throttled; now > 0 {
			say(s.Warn, fmt.Sprintf(glyph.Problem+" the CPU limit holds it back: throttled in %s of the periods now, %s in all", widgets.Percent(now), held))
		} else {
			say(s.Muted, fmt.Sprintf("the CPU limit has held it back for %s in all, not now", held))
		}
	}
	return lines
}

// lowest is a line of text with one row of curve below. Where there is no room
// for that the curve stands in the line.
const lowest = 2

// charts lays the gauges out: in one, two or three columns, or as a line each
// where there is no room. An odd one out has a row for itself, the first.
func charts(s styles.Styles, all []gauge, r *ring, width, height int) []string {
	cols := min(1+width/62, 3, len(all))
	rows := (len(all) + cols - 1) / cols
	if height < rows*lowest {
		return brief(s, all, r, width, height)
	}
	align(all, r)
	var lines []string
	for row := range rows {
		first, n := row*cols, cols
		if odd := rows*cols - len(all); odd > 0 {
			if row == 0 {
				n = cols - odd
			} else {
				first -= odd
			}
		}
		h := height/rows + btoi(row < height%rows)
		lines = append(lines, beside(s, all[first:first+n], r, width, h)...)
	}
	return lines
}

// beside draws gauges next to each other.
func beside(s styles.Styles, gs []gauge, r *ring, width, height int) []string {
	lines := make([]string, height)
	for i, g := range gs {
		w := width/len(gs) + btoi(i < width%len(gs))
		for y, l := range g.render(s, r, w, height) {
			lines[y] += l
		}
	}
	return lines
}

// render is a line of text and the chart below it, with a free column at the
// right.
func (g gauge) render(s styles.Styles, r *ring, width, height int) []string {
	name := widgets.Fit(" "+g.name, min(width, 1+len(g.name)))
	room := width - widgets.Width(name)
	lines := []string{s.Title.Render(name) + s.Text.Render(widgets.Fit("  "+g.value(room-2), room))}
	for _, l := range g.chart(s, r, width-2).Render(width-2, height-1) {
		lines = append(lines, " "+l+" ")
	}
	return lines
}

// brief is one line per gauge: name, value, and what is left for its curve.
func brief(s styles.Styles, all []gauge, r *ring, width, height int) []string {
	const name, value = 9, 21
	var lines []string
	for _, g := range all[:min(len(all), max(0, height))] {
		line := s.Title.Render(widgets.Fit(" "+g.name, min(name, width)))
		rest := width - name
		if rest > 0 {
			line += s.Text.Render(widgets.Fit(" "+g.brief, min(value, rest)))
			rest -= value
		}
		if rest > 1 {
			line += g.plot(s, r, rest-1).Render(rest-1, 1)[0] + " "
		} else if rest == 1 {
			line += " "
		}
		lines = append(lines, line)
	}
	return lines
}

// align gives all gauges the same margins, so that a moment stands at the same
// place in each.
func align(gs []gauge, r *ring) {
	left, right := 0, 0
	for _, g := range gs {
		top, _ := g.scaled(r)
		left = max(left, widgets.Width(g.format(top)), widgets.Width(g.format(top/2)))
		right = max(right, widgets.Width(g.wholeAt(top)))
	}
	for i := range gs {
		gs[i].left, gs[i].right = left, right
	}
}

// wholeAt is what stands at the right of the top of the scale: what the limit
// is, where the scale ends with it.
func (g gauge) wholeAt(top float64) string {
	if top == g.limit {
		return g.whole
	}
	return ""
}

// chart is the plot with its axes.
func (g gauge) chart(s styles.Styles, r *ring, width int) widgets.Chart {
	top, _ := g.scaled(r)
	c := widgets.Chart{
		Axis: s.Border, Labels: s.Muted, Top: g.format(top), Middle: g.format(top / 2), Bottom: "0", RightTop: g.wholeAt(top), Left: g.left, Right: g.right,
	}
	room := max(1, width-c.Margins(width))
	c.Plot = g.plot(s, r, room)
	_, per := r.columns(2*room, g.curves[0].of)
	c.Since, c.Until = "-"+(time.Duration(2*room*per)*time.Second).String(), "now"
	return c
}

// scaled is the top of a scale that holds all curves, and the limit where it is
// in sight: when a quarter of it is used. Below that it would press the curve
// flat.
func (g gauge) scaled(r *ring) (top, limit float64) {
	peak := 0.0
	for _, c := range g.curves {
		peak = max(peak, r.peak(c.of))
	}
	top = g.scale(peak, g.least)
	if g.limit > 0 && peak >= g.limit/4 {
		limit = g.limit
		if peak <= g.limit { // else the limit is a line inside
			top = g.limit
		}
	}
	return top, limit
}

// plot draws the curves.
func (g gauge) plot(s styles.Styles, r *ring, width int) widgets.Plot {
	p := widgets.Plot{LimitStyle: s.Limit, ASCII: s.ASCII()}
	for i, c := range g.curves {
		values, _ := r.columns(2*width, c.of)
		style := g.style
		if i > 0 {
			style = s.Series[min(i, len(s.Series)-1)]
		}
		p.Series = append(p.Series, widgets.Series{Values: values, Style: style, Fill: len(g.curves) == 1, Dash: c.dash})
	}
	p.Max, p.Limit = g.scaled(r)
	return p
}
