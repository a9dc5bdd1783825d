package tabs

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/keys"
	"gantry/ui/styles"
)

// Document shows everything that the engine knows of an object, as a tree.
type Document[T any] struct {
	jsonPage
	reading[T]
	styles     func() styles.Styles
	name, kind string
}

type (
	// ImageConfig is a Document of an image.
	ImageConfig = Document[engine.ImageDetail]
	// VolumeInspect is a Document of a volume.
	VolumeInspect = Document[engine.Volume]
	// NetworkInspect is a Document of a network.
	NetworkInspect = Document[engine.Network]
)

// NewImageConfig makes the tab. It shows nothing before Open.
func NewImageConfig(eng engine.Engine, s func() styles.Styles, _ func() time.Time) *ImageConfig {
	return newDocument(s, "Config", "image", func(ctx context.Context, ref string) (engine.ImageDetail, error) {
		return eng.Images().Inspect(ctx, ref)
	})
}

// NewVolumeInspect makes the tab. It shows nothing before Open.
func NewVolumeInspect(eng engine.Engine, s func() styles.Styles, _ func() time.Time) *VolumeInspect {
	return newDocument(s, "Inspect", "volume", func(ctx context.Context, ref string) (engine.Volume, error) {
		v, err := eng.Volumes().Inspect(ctx, ref)
		return v.Volume, err
	})
}

// NewNetworkInspect makes the tab. It shows nothing before Open.
func NewNetworkInspect(eng engine.Engine, s func() styles.Styles, _ func() time.Time) *NetworkInspect {
	return newDocument(s, "Inspect", "network", func(ctx context.Context, ref string) (engine.Network, error) {
		return eng.Networks().Inspect(ctx, ref)
	})
}

func newDocument[T any](s func() styles.Styles, name, kind string, read func(context.Context, string) (T, error)) *Document[T] {
	return &Document[T]{styles: s, name: name, kind: kind, reading: reading[T]{read: read}}
}

// Name implements Panel.
func (t *Document[T]) Name() string { return t.name }

// Open implements ObjectTab. Folds and the cursor's path stay.
func (t *Document[T]) Open(ctx context.Context, ref string) tea.Cmd {
	if ref != t.ref {
		t.tree.SetReveal(false)
	}
	return t.open(ctx, ref)
}

// Close implements Panel.
func (t *Document[T]) Close() { t.close() }

// Refresh implements Panel.
func (t *Document[T]) Refresh() tea.Cmd { return t.refresh() }

// Update implements Panel.
func (t *Document[T]) Update(msg tea.Msg) (bool, tea.Cmd) {
	ok, cmd := t.accept(msg)
	if ok && t.reading.err == nil {
		t.show(t.value)
	}
	return ok, cmd
}

// Bind implements Panel.
func (t *Document[T]) Bind(id keys.ID) (Bound, bool) { return t.bind(id, t.loaded) }

// Status implements Panel.
func (t *Document[T]) Status() string {
	if !t.loaded {
		return ""
	}
	return t.status()
}

// View implements Panel.
func (t *Document[T]) View(width, height int) []string {
	if lines, instead := t.reading.instead(t.styles(), t.kind, width, height); instead {
		return lines
	}
	if t.jsonPage.err != nil {
		return stack(problem(t.styles(), width, t.jsonPage.err), nil, height)
	}
	return t.view(t.styles(), width, height)
}
