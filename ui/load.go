package ui

import (
	"strings"

	"gantry/engine"
	"gantry/ui/glyph"
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

// now is the processor time of the last second, in cores.
func (l load) now() float64 {
	if len(l.cores) == 0 {
		return 0
	}
	return l.cores[len(l.cores)-1]
}

// spark is a chart one cell high of the last samples. Its top is what was used
// most, so that the shape shows, but no less than a tenth of a core: idling
// stays flat.
func (l load) spark(width int) string {
	cores := l.cores[max(0, len(l.cores)-width):]
	top := 0.1
	for _, v := range cores {
		top = max(top, v)
	}
	blocks := []rune(glyph.Blocks)
	var b strings.Builder
	for _, v := range cores {
		b.WriteRune(blocks[min(int(v/top*float64(len(blocks))), len(blocks)-1)])
	}
	return b.String()
}
