package tabs

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/keys"
	"gantry/ui/styles"
)

// ImageConfig shows everything that the engine knows of an image.
type ImageConfig struct {
	jsonPage
	reading[engine.ImageDetail]
	styles func() styles.Styles
}

// NewImageConfig makes the tab. It shows nothing before Open.
func NewImageConfig(eng engine.Engine, s func() styles.Styles, _ func() time.Time) *ImageConfig {
	read := func(ctx context.Context, ref string) (engine.ImageDetail, error) {
		return eng.Images().Inspect(ctx, ref)
	}
	return &ImageConfig{styles: s, reading: reading[engine.ImageDetail]{read: read}}
}

// Name implements Panel.
func (t *ImageConfig) Name() string { return "Config" }

// Open implements ImageTab. Folds and the cursor's path stay.
func (t *ImageConfig) Open(ctx context.Context, ref string) tea.Cmd {
	if ref != t.ref {
		t.tree.SetReveal(false)
	}
	return t.open(ctx, ref)
}

// Close implements Panel.
func (t *ImageConfig) Close() { t.close() }

// Refresh implements Panel.
func (t *ImageConfig) Refresh() tea.Cmd { return t.refresh() }

// Update implements Panel.
func (t *ImageConfig) Update(msg tea.Msg) (bool, tea.Cmd) {
	ok, cmd := t.accept(msg)
	if ok && t.reading.err == nil {
		t.show(t.value)
	}
	return ok, cmd
}

// Bind implements Panel.
func (t *ImageConfig) Bind(id keys.ID) (Bound, bool) { return t.bind(id, t.loaded) }

// Status implements Panel.
func (t *ImageConfig) Status() string {
	if !t.loaded {
		return ""
	}
	return t.status()
}

// View implements Panel.
func (t *ImageConfig) View(width, height int) []string {
	if lines, instead := t.reading.instead(t.styles(), "image", width, height); instead {
		return lines
	}
	if t.jsonPage.err != nil {
		return stack(problem(t.styles(), width, t.jsonPage.err), nil, height)
	}
	return t.view(t.styles(), width, height)
}
