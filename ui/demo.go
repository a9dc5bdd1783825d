package ui

import (
	"context"

	tea "charm.land/bubbletea/v2"
	"github.com/docker/go-units"

	"gantry/engine"
	"gantry/internal/demo"
	"gantry/ui/dialogs"
	"gantry/ui/keys"
)

func demoActions() []keys.Action {
	return []keys.Action{
		{ID: "demo.start", Scope: keys.Welcome, Keys: []string{"D"}, Word: "demo", Command: "gantry demo -d",
			Title: "Start the demo", Help: "Five containers to look at, without a network", Short: "demo"},
		{ID: "demo.remove", Scope: keys.Global, Word: "demo-rm", Command: "gantry demo --rm",
			Title: "Remove the demo…", Help: "Remove the demo's containers and its image", Asks: true},
	}
}

func demoHandlers() map[keys.ID]handler {
	return map[keys.ID]handler{
		"demo.start": always((*Model).startDemo),
		"demo.remove": {
			disabled: func(m *Model) string {
				if cs, img := m.demoParts(); len(cs) == 0 && img == nil {
					return "there is no demo"
				}
				return ""
			},
			run: (*Model).askRemoveDemo,
		},
	}
}

func (m *Model) startDemo() tea.Cmd {
	eng, version := m.eng, m.opts.Version
	return m.do(operation{
		name: "Start", past: "started", command: "gantry demo -d", objects: []string{"the demo"},
		one: func(ctx context.Context, _ int) (string, error) {
			return "", demo.Up(ctx, eng, demo.Options{Version: version})
		},
	})
}

// demoParts are what there is of the demo, by its label.
func (m *Model) demoParts() (cs []engine.ContainerSummary, img *engine.ImageSummary) {
	for _, c := range m.state.Containers {
		if _, ours := c.Labels[demo.Label]; ours {
			cs = append(cs, c)
		}
	}
	for i := range m.state.Images {
		if _, ours := m.state.Images[i].Labels[demo.Label]; ours {
			img = &m.state.Images[i]
		}
	}
	return cs, img
}

// askRemoveDemo names everything that goes.
func (m *Model) askRemoveDemo() tea.Cmd {
	cs, img := m.demoParts()
	objects := m.containerObjects(cs)
	note := "Nothing else goes: these carry the demo's label."
	if img != nil {
		size := units.HumanSize(float64(img.Size))
		objects = append(objects, dialogs.Object{Name: imageName(*img), About: "image, " + size})
		note = size + " come back. " + note
	}
	eng, command := m.eng, "gantry demo --rm"
	return m.ask(dialogs.Confirm{
		Name: "Remove", Question: "Remove the demo?", Yes: "remove", Objects: objects, Note: note, Command: command,
	}, func() tea.Cmd {
		m.containers.Unmark()
		return m.do(operation{
			name: "Remove", past: "removed", command: command, objects: []string{"the demo"},
			one: func(ctx context.Context, _ int) (string, error) { return "", demo.Remove(ctx, eng) },
		})
	})
}
