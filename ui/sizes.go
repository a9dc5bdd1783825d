package ui

import (
	"context"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/glyph"
	"gantry/ui/widgets"
)

// sizes are what volumes take on the disk. To know it all files have to be
// looked at, so it is measured for the rows on the screen, one at a time, and
// again only when somebody comes back to look.
type sizes struct {
	known  map[string]volumeSize
	busy   string // the volume that is being measured
	cancel context.CancelFunc
}

type volumeSize struct {
	bytes int64 // -1: it cannot be told
	at    time.Time
}

// fresh is how long a size is taken for true while one looks.
const fresh = time.Minute

// of is 0 for what is not known.
func (s *sizes) of(name string) int64 { return max(0, s.known[name].bytes) }

// sizeMsg is the size of a volume.
type sizeMsg struct {
	name  string
	bytes int64
	lost  bool // broken off: it is still not known
}

// wantSizes measures the next volume whose row is on the screen, and nothing
// when there is none or it is not looked at any more.
func (m *Model) wantSizes() tea.Cmd {
	files, ok := m.eng.Volumes().(engine.Browsable)
	if !ok {
		return nil
	}
	if m.layout().of(volumesPane).h == 0 {
		if m.sizes.cancel != nil {
			m.sizes.cancel()
		}
		return nil
	}
	if m.sizes.busy != "" {
		return nil
	}
	for v := range m.volumes.Visible {
		if elsewhere(v) {
			continue
		}
		if s, ok := m.sizes.known[v.Name]; ok && (m.focus != volumesPane || m.now().Sub(s.at) < fresh) {
			continue
		}
		return m.measure(files.Files(), v.Name)
	}
	return nil
}

func (m *Model) measure(reader engine.FileReader, name string) tea.Cmd {
	ctx, cancel := context.WithCancel(m.ctx)
	m.sizes.busy, m.sizes.cancel = name, cancel
	return func() tea.Msg {
		defer cancel()
		sum, err := reader.Measure(ctx, name, "/")
		switch {
		case ctx.Err() != nil:
			return sizeMsg{name: name, lost: true}
		case err != nil:
			return sizeMsg{name: name, bytes: -1}
		}
		return sizeMsg{name: name, bytes: sum.Bytes}
	}
}

// measuredVolume takes a size; the next one is asked for after every message.
func (m *Model) measuredVolume(msg sizeMsg) {
	m.sizes.busy, m.sizes.cancel = "", nil
	if msg.lost {
		return
	}
	if m.sizes.known == nil {
		m.sizes.known = make(map[string]volumeSize)
	}
	m.sizes.known[msg.name] = volumeSize{bytes: msg.bytes, at: m.now()}
	if order, _ := m.volumes.Ordered(); order.ID == "size" {
		m.volumes.Resort()
	} else {
		m.volumes.Touch()
	}
}

// forgetSizes drops those of volumes that are gone: another one may get the
// name.
func (m *Model) forgetSizes() {
	there := make(map[string]time.Time, len(m.state.Volumes))
	for i := range m.state.Volumes {
		there[m.state.Volumes[i].Name] = m.state.Volumes[i].CreatedAt
	}
	for name, s := range m.sizes.known {
		if made, ok := there[name]; !ok || made.After(s.at) {
			delete(m.sizes.known, name)
		}
	}
}

// elsewhere tells of a volume that is a directory of the host: what is in it is
// not the volume's to give back, and may be all of a disk.
func elsewhere(v *engine.VolumeSummary) bool {
	return slices.Contains(strings.Split(v.Options["o"], ","), "bind")
}

// sizeText is a volume's size, as far as it is known.
func (m *Model) sizeText(v *engine.VolumeSummary) string {
	s, ok := m.sizes.known[v.Name]
	switch {
	case ok && s.bytes < 0, elsewhere(v):
		return glyph.Dash
	case !ok:
		return glyph.Ellipsis
	}
	return widgets.Bytes(float64(s.bytes))
}
