package ui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/feed"
	"gantry/ui/glyph"
	"gantry/ui/widgets"
)

// samplesKept is how many samples the small chart of a row shows.
const samplesKept = 20

// load is what the row of a container shows of its use.
type load struct {
	cores  []float64 // oldest first, at most samplesKept
	memory uint64
	last   engine.Sample
}

// load of a container that was never sampled is empty.
func (m *Model) load(id engine.ID) load {
	if l := m.loads[id]; l != nil {
		return *l
	}
	return load{}
}

// add takes a sample. Over a longer gap, or across a restart, a rate says
// nothing about now: the chart begins anew.
func (l *load) add(s engine.Sample) {
	const gap = 3 * feed.Pace
	if s.Time.Sub(l.last.Time) > gap || s.CPU.Usage < l.last.CPU.Usage {
		l.cores = nil
	} else {
		l.cores = append(l.cores, engine.Rate(l.last, s).Cores)
		l.cores = l.cores[max(0, len(l.cores)-samplesKept):]
	}
	l.last, l.memory = s, s.Memory.Usage
}

// now is the processor time of the last second, in cores.
func (l load) now() float64 {
	if len(l.cores) == 0 {
		return 0
	}
	return l.cores[len(l.cores)-1]
}

// spark is a chart of the last samples. Its top is what was used most, so that
// the shape shows, but no less than a twenty-fifth of a core: idling stays flat.
func (l load) spark(width int) string { return spark(l.cores, width, 0.04) }

// spark is a chart one cell high of the last values; its top is the largest of
// them, or least.
func spark(values []float64, width int, least float64) string {
	values = values[max(0, len(values)-width):]
	top := least
	for _, v := range values {
		top = max(top, v)
	}
	blocks := []rune(glyph.Blocks)
	var b strings.Builder
	for _, v := range values {
		b.WriteRune(blocks[max(0, min(int(v/top*float64(len(blocks))), len(blocks)-1))])
	}
	return b.String()
}

// tickMsg is what was measured at one moment.
type tickMsg feed.Tick

func (m *Model) nextTick() tea.Cmd {
	f := m.samples
	return func() tea.Msg {
		if t, ok := f.Next(); ok {
			return tickMsg(t)
		}
		return nil
	}
}

// measured takes samples into the rows and the header.
func (m *Model) measured(t tickMsg) tea.Cmd {
	for _, s := range t.Samples {
		l := m.loads[s.ID]
		if l == nil {
			l = &load{}
			m.loads[s.ID] = l
		}
		l.add(s)
	}
	if t.Host != nil {
		m.host.add(*t.Host)
	}
	if order, _ := m.containers.Ordered(); order.ID == "cpu" || order.ID == "memory" {
		m.containers.Resort()
	} else if len(t.Samples) > 0 {
		m.containers.Touch()
	}
	return m.nextTick()
}

// wantSamples says what is to be measured: the running containers whose rows
// are on the screen. An order by use needs all of them.
func (m *Model) wantSamples() {
	if !m.metering || m.layout().of(containersPane).h == 0 {
		m.samples.Want(m.metering, nil)
		return
	}
	var ids []engine.ID
	if order, _ := m.containers.Ordered(); order.ID == "cpu" || order.ID == "memory" {
		for i := range m.state.Containers {
			if c := &m.state.Containers[i]; c.Status.Status == engine.Running {
				ids = append(ids, c.ID)
			}
		}
	} else {
		for c := range m.containers.Visible {
			if c.Status.Status == engine.Running {
				ids = append(ids, c.ID)
			}
		}
	}
	slices.Sort(ids)
	m.samples.Want(true, ids)
}

// forgetLoads drops what was measured of containers that do not run any more.
func (m *Model) forgetLoads() {
	running := make(map[engine.ID]bool, len(m.state.Containers))
	for i := range m.state.Containers {
		c := &m.state.Containers[i]
		running[c.ID] = c.Status.Running
	}
	for id := range m.loads {
		if !running[id] {
			delete(m.loads, id)
		}
	}
}

// toggleMeters turns measuring off, so that nothing at all moves by itself, or
// on again.
func (m *Model) toggleMeters() tea.Cmd {
	m.metering = !m.metering
	clear(m.loads)
	m.host = hostLoad{}
	m.containers.Resort()
	if m.metering {
		return m.say("measuring the containers on the screen", false)
	}
	return m.say("measuring nothing", false)
}

// hostLoad is what the header shows of the engine's machine.
type hostLoad struct {
	busy []float64 // share of all processors, 0 to 1, oldest first
	last engine.HostSample
}

func (h *hostLoad) add(s engine.HostSample) {
	const kept = 8
	if dt := s.Total - h.last.Total; h.last.Total > 0 && s.Total > h.last.Total && s.Busy >= h.last.Busy && s.Time.Sub(h.last.Time) < time.Minute {
		h.busy = append(h.busy, float64(s.Busy-h.last.Busy)/float64(dt))
		h.busy = h.busy[max(0, len(h.busy)-kept):]
	}
	h.last = s
}

// gauges tell how the host does, the most important first.
func (m *Model) gauges() []fact {
	h, s := m.host, m.styles
	var out []fact
	if n := len(h.busy); n > 0 {
		out = append(out, plain(s.Muted, widgets.FitLeft("cpu "+spark(h.busy, 5, 1), 9)).add(plain(s.Text, fmt.Sprintf("%4.0f %%", 100*h.busy[n-1]))))
	}
	if h.last.MemoryTotal > 0 {
		out = append(out, m.share("mem ", h.last.MemoryUsed, h.last.MemoryTotal, widgets.BinaryBytes))
	}
	if h.last.StoreTotal > 0 {
		out = append(out, m.share("disk ", h.last.StoreUsed, h.last.StoreTotal, widgets.Bytes))
	}
	return out
}

// share is "6.1/23 GiB": the unit once, and a warning when little is left.
func (m *Model) share(name string, used, total uint64, bytes func(float64) string) fact {
	const little = 0.92
	a, b := bytes(float64(used)), bytes(float64(total))
	if n, unit, _ := strings.Cut(a, " "); strings.HasSuffix(b, " "+unit) {
		a = n
	}
	style := m.styles.Text
	if float64(used) > little*float64(total) {
		style = m.styles.Warn
	}
	return plain(m.styles.Muted, name).add(plain(style, a+"/"+b))
}
