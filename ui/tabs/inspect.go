package tabs

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/keys"
	"gantry/ui/styles"
)

// Inspect shows everything that the engine knows of a container.
type Inspect struct {
	jsonPage
	reading[engine.ContainerDetail]
	styles func() styles.Styles
}

// NewInspect makes the tab. It shows nothing before Open.
func NewInspect(eng engine.Engine, s func() styles.Styles, _ func() time.Time) *Inspect {
	return &Inspect{styles: s, reading: readDetail(eng)}
}

// readDetail is the reading that Inspect, Env and Mounts each do for
// themselves: only one of them is open.
func readDetail(eng engine.Engine) reading[engine.ContainerDetail] {
	return reading[engine.ContainerDetail]{read: func(ctx context.Context, ref string) (engine.ContainerDetail, error) {
		return eng.Containers().Inspect(ctx, ref)
	}}
}

// Name implements Panel.
func (t *Inspect) Name() string { return "Inspect" }

// Open implements Tab. Folds and the cursor's path stay; another container's
// secrets are hidden again.
func (t *Inspect) Open(ctx context.Context, id engine.ID) tea.Cmd {
	if string(id) != t.ref {
		t.tree.SetReveal(false)
	}
	return t.open(ctx, string(id))
}

// Close implements Panel.
func (t *Inspect) Close() { t.close() }

// Refresh implements Panel.
func (t *Inspect) Refresh() tea.Cmd { return t.refresh() }

// Update implements Panel.
func (t *Inspect) Update(msg tea.Msg) (bool, tea.Cmd) {
	ok, cmd := t.accept(msg)
	if ok && t.reading.err == nil {
		t.show(t.value)
	}
	return ok, cmd
}

// Bind implements Panel.
func (t *Inspect) Bind(id keys.ID) (Bound, bool) { return t.bind(id, t.loaded) }

// Status implements Panel.
func (t *Inspect) Status() string {
	if !t.loaded {
		return ""
	}
	return t.status()
}

// View implements Panel.
func (t *Inspect) View(width, height int) []string {
	if lines, instead := t.reading.instead(t.styles(), "container", width, height); instead {
		return lines
	}
	if t.jsonPage.err != nil {
		return stack(problem(t.styles(), width, t.jsonPage.err), nil, height)
	}
	return t.view(t.styles(), width, height)
}
