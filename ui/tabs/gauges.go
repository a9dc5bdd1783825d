package tabs

import (
	"fmt"
	"math"
	"strings"

	"charm.land/lipgloss/v2"

	"gantry/engine"
	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// gauge is one chart of the stats tab: what it is called, what it says now,
// and what it draws.
type gauge struct {
	name   string
	parts  []string // the current value, most important part first
	needs  int      // how many of them make sense only together; 0 is 1
	brief  string   // the same in a dozen and a half cells
	style  lipgloss.Style
	curves []curve
	limit  float64
	whole  string // what the limit is, at the right edge: "100 %"
	scale  func(peak, least float64) float64
	least  float64 // the smallest top of the scale
	format func(float64) string

	left, right int // cells of the margins, the same for all
}

// curve is one line of a gauge.
type curve struct {
	of   func(point) float64
	dash int
}

const measuring = "measuring " + glyph.Ellipsis

func (g *gauge) say(parts ...string) { g.parts = append(g.parts, parts...) }

// value is as many parts as fit, or the brief form when that is too few.
func (g gauge) value(width int) string {
	needs := min(max(1, g.needs), len(g.parts))
	s := strings.Join(g.parts[:needs], glyph.Sep)
	if widgets.Width(s) > width {
		return g.brief
	}
	for _, part := range g.parts[needs:] {
		next := s + glyph.Sep + part
		if widgets.Width(next) > width {
			break
		}
		s = next
	}
	return s
}

// gauges are the charts that the samples give reason for.
func (t *Stats) gauges(s styles.Styles) []gauge {
	all := []gauge{t.cpu(s), t.memory(s), t.io(s), t.processes(s)}
	if t.ring.last.Pressure != nil {
		all = append(all, t.pressure(s))
	}
	if n := t.ring.last.Network; n.RxBytes+n.TxBytes > 0 {
		all = append(all, t.network(s))
	}
	return all
}

func (t *Stats) cpu(s styles.Styles) gauge {
	c, now := t.ring.last.CPU, t.ring.latest().cores
	g := gauge{
		name: "CPU", style: s.Series[0], curves: []curve{{of: func(p point) float64 { return p.cores }}},
		limit: c.Limit, scale: widgets.NiceMax, least: 0.1, format: cores,
	}
	if math.IsNaN(now) {
		g.say(measuring)
		g.brief = measuring
		return g
	}
	g.brief = cores(now) + " cores"
	switch {
	case c.Limit > 0:
		share := widgets.Percent(100 * now / c.Limit)
		g.say(fmt.Sprintf("%s of %g cores", cores(now), c.Limit), share+" of the limit")
		g.brief = cores(now) + " cores " + share
		g.whole = "100 %"
	case c.Online > 0:
		g.say(g.brief, fmt.Sprintf("%s of %s", widgets.Percent(100*now/float64(c.Online)), count(c.Online, "processor", "processors")), "no limit")
	default:
		g.say(g.brief)
	}
	return g
}

// memoryLimit is 0 where the only limit is the host's memory, which the
// engine reports in its place.
func (t *Stats) memoryLimit() float64 {
	if l := t.ring.last.Memory.Limit; t.host == 0 || l < t.host {
		return float64(l)
	}
	return 0
}

func (t *Stats) memory(s styles.Styles) gauge {
	m, limit := t.ring.last.Memory, t.memoryLimit()
	used := float64(m.Usage)
	g := gauge{
		name: "Memory", style: s.Series[0], curves: []curve{{of: func(p point) float64 { return p.memory }}},
		parts: []string{widgets.BinaryBytes(used)}, brief: widgets.BinaryBytes(used), limit: limit, scale: widgets.NiceBinaryMax, least: 1 << 20, format: widgets.BinaryBytes,
	}
	if limit > 0 {
		share := widgets.Percent(100 * used / limit)
		g.parts[0] += " of " + widgets.BinaryBytes(limit)
		g.say(share + " of the limit")
		g.brief += " " + share
		g.whole = "100 %"
		if used > 0.9*limit {
			g.style = s.Warn
		}
	} else {
		g.say("no limit")
	}
	for _, part := range []struct {
		name  string
		bytes uint64
	}{{"peak", m.Peak}, {"cache", m.Cache}, {"swap", m.Swap}} {
		if part.bytes > 0 {
			g.say(part.name + " " + widgets.BinaryBytes(float64(part.bytes)))
		}
	}
	return g
}

func (t *Stats) io(s styles.Styles) gauge {
	p, io := t.ring.latest(), t.ring.last.IO
	g := gauge{
		name: "IO", style: s.Series[0], scale: widgets.NiceMax, least: 1000, format: perSecond,
		curves: []curve{{of: func(p point) float64 { return p.read }}, {of: func(p point) float64 { return p.write }, dash: 2}},
	}
	g.rates("read", p.read, "write", p.write)
	g.say(fmt.Sprintf("in all %s and %s", widgets.Bytes(float64(io.ReadBytes)), widgets.Bytes(float64(io.WriteBytes))))
	return g
}

func (t *Stats) network(s styles.Styles) gauge {
	p, n := t.ring.latest(), t.ring.last.Network
	g := gauge{
		name: "Network", style: s.Series[0], scale: widgets.NiceMax, least: 1000, format: perSecond,
		curves: []curve{{of: func(p point) float64 { return p.rx }}, {of: func(p point) float64 { return p.tx }, dash: 2}},
	}
	g.rates("in", p.rx, "out", p.tx)
	g.say(fmt.Sprintf("in all %s and %s", widgets.Bytes(float64(n.RxBytes)), widgets.Bytes(float64(n.TxBytes))))
	return g
}

// rates writes the values of a solid and a dashed curve, which are their
// legend too.
func (g *gauge) rates(first string, a float64, second string, b float64) {
	if math.IsNaN(a) {
		g.say(measuring)
		g.brief = measuring
		return
	}
	g.say(glyph.Solid+" "+first+" "+perSecond(a), glyph.Dashed+" "+second+" "+perSecond(b))
	g.needs = 2
	g.brief = fmt.Sprintf("%.1s %s %.1s %s", first, widgets.Bytes(a), second, perSecond(b))
}

func (t *Stats) processes(s styles.Styles) gauge {
	last := t.ring.last
	g := gauge{
		name: "PIDs", style: s.Series[0], curves: []curve{{of: func(p point) float64 { return p.pids }}},
		parts: []string{fmt.Sprint(last.PIDs)}, brief: fmt.Sprint(last.PIDs), limit: float64(last.PIDLimit), scale: widgets.NiceMax, least: 5,
		format: func(v float64) string { return fmt.Sprintf("%.0f", v) },
	}
	if last.PIDLimit > 0 {
		g.parts[0] += fmt.Sprintf(" of %d", last.PIDLimit)
		g.brief += fmt.Sprintf(" of %d", last.PIDLimit)
		g.whole = "limit"
		if float64(last.PIDs) > 0.9*float64(last.PIDLimit) {
			g.style = s.Warn
		}
	} else {
		g.say("no limit")
	}
	return g
}

// pressure is how long tasks waited for what they could not get (PSI).
func (t *Stats) pressure(s styles.Styles) gauge {
	p := t.ring.last.Pressure
	if p == nil {
		p = &engine.Pressure{}
	}
	return gauge{
		name: "Pressure", style: s.Series[0], scale: widgets.NiceMax, least: 10, format: widgets.Percent,
		parts: []string{
			fmt.Sprintf(glyph.Solid+" cpu %.0f %%", p.CPUSome), fmt.Sprintf(glyph.Dashed+" mem %.0f %%", p.MemorySome), fmt.Sprintf(glyph.Dotted+" io %.0f %%", p.IOSome),
			"of the last 10 s spent waiting",
		},
		brief: fmt.Sprintf("cpu %.0f mem %.0f io %.0f", p.CPUSome, p.MemorySome, p.IOSome), needs: 3,
		curves: []curve{
			{of: func(p point) float64 { return p.cpuWait }},
			{of: func(p point) float64 { return p.memWait }, dash: 3},
			{of: func(p point) float64 { return p.ioWait }, dash: 1},
		},
	}
}

func cores(v float64) string {
	if v >= 9.995 {
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func perSecond(v float64) string { return widgets.Bytes(v) + "/s" }
