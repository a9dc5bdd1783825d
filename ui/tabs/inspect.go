package tabs

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/styles"
)

// Inspect is a Document of a container.
type Inspect struct {
	Document[engine.ContainerDetail]
}

// NewInspect makes the tab. It shows nothing before Open.
func NewInspect(eng engine.Engine, s func() styles.Styles, _ func() time.Time) *Inspect {
	return &Inspect{*newDocument(s, "Inspect", "container", readDetail(eng).read)}
}

// readDetail is the reading that Inspect, Env and Mounts each do for
// themselves: only one of them is open.
func readDetail(eng engine.Engine) reading[engine.ContainerDetail] {
	return reading[engine.ContainerDetail]{read: func(ctx context.Context, ref string) (engine.ContainerDetail, error) {
		return eng.Containers().Inspect(ctx, ref)
	}}
}

// Open implements Tab.
func (t *Inspect) Open(ctx context.Context, id engine.ID) tea.Cmd {
	return t.Document.Open(ctx, string(id))
}
