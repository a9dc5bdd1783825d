package ui

import (
	"context"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/dialogs"
)

// The kinds of the prune sheet, in its order.
const (
	pruneContainers = iota
	pruneNameless
	pruneUnused
)

// found is what a prune would remove.
type found struct {
	containers, nameless, unused engine.PruneReport
	sizes                        map[string]int64 // of containers
}

// findPrune asks the engine what could go, and shows all of it.
func (m *Model) findPrune() tea.Cmd {
	return m.inquire("Look for", "what nothing needs", func(ctx context.Context) func(*Model) tea.Cmd {
		f, err := find(ctx, m.eng)
		return func(m *Model) tea.Cmd {
			if err != nil {
				return m.fail(err)
			}
			return m.askPrune(f)
		}
	})
}

func find(ctx context.Context, eng engine.Engine) (f found, err error) {
	if f.containers, err = eng.Containers().Prune(ctx, engine.PruneOptions{DryRun: true}); err != nil {
		return f, err
	}
	if f.nameless, err = eng.Images().Prune(ctx, engine.PruneOptions{DryRun: true}); err != nil {
		return f, err
	}
	if f.unused, err = eng.Images().Prune(ctx, engine.PruneOptions{DryRun: true, All: true}); err != nil {
		return f, err
	}
	list, err := eng.Containers().List(ctx, engine.ListOptions{All: true, Size: true, Filters: engine.Filters{"id": f.containers.Deleted}})
	f.sizes = make(map[string]int64)
	for _, c := range list.Items {
		f.sizes[string(c.ID)] = c.SizeRw
	}
	return f, err
}

// askPrune names each object that could go, and the bytes that come back.
// Layers that several images share are counted once, by the engine.
func (m *Model) askPrune(f found) tea.Cmd {
	nameless := m.imageObjects(f.nameless, nil)
	groups := []dialogs.Group{
		{Name: "containers that do not run", Objects: m.prunedContainers(f), Bytes: f.containers.Reclaimed},
		{Name: "images without a name", Objects: nameless, Bytes: f.nameless.Reclaimed},
		{Name: "images that no container uses", Objects: m.imageObjects(f.unused, f.nameless.Deleted), Bytes: max(0, f.unused.Reclaimed-f.nameless.Reclaimed), Needs: pruneNameless + 1},
	}
	any := false
	for i := range groups {
		groups[i].On = i != pruneUnused && len(groups[i].Objects) > 0
		any = any || len(groups[i].Objects) > 0
	}
	if !any {
		return m.say("nothing to prune: everything is needed", false)
	}
	m.open(dialogs.Sheet{
		Name: "Prune", Question: "What may go?", Groups: groups, Yes: "remove", Size: bytesText, Command: pruneCommand,
		Note: "Layers that several images share are counted once; their compressed copies go too.",
		Tag:  sheetTag(func(on []bool) tea.Cmd { return m.prune(on) }),
	})
	return nil
}

func (m *Model) prunedContainers(f found) []dialogs.Object {
	var out []dialogs.Object
	for _, id := range f.containers.Deleted {
		o := dialogs.Object{Name: m.nameOf(id), About: bytesText(f.sizes[id])}
		for _, c := range m.state.Containers {
			if string(c.ID) == id {
				o.About = m.stateWord(c) + "  " + o.About
			}
		}
		out = append(out, o)
	}
	return out
}

// imageObjects are the images of a report, by name, without those of another.
func (m *Model) imageObjects(r engine.PruneReport, without []string) []dialogs.Object {
	skip := make(map[string]bool)
	for _, s := range without {
		skip[s] = true
	}
	var out []dialogs.Object
	for _, s := range r.Deleted {
		id, ok := strings.CutPrefix(s, "deleted: ")
		if !ok || skip[s] {
			continue
		}
		o := dialogs.Object{Name: id}
		for _, img := range m.state.Images {
			if string(img.ID) == id {
				o.Name, o.About = strings.Join(img.Tags, ", "), bytesText(img.Size)
				if o.Name == "" {
					o.Name = img.ID.Short()
				}
			}
		}
		out = append(out, o)
	}
	return out
}

// pruneCommand is the command line for what is ticked.
func pruneCommand(on []bool) string {
	images := ""
	switch {
	case on[pruneUnused]:
		images = "gantry image prune -af"
	case on[pruneNameless]:
		images = "gantry image prune -f"
	}
	containers := ""
	if on[pruneContainers] {
		containers = "gantry container prune -f"
	}
	if images != "" && containers != "" {
		return images + " && " + containers
	}
	return images + containers
}

// prune removes what was ticked, in one piece of work. Images go first: a
// container that goes would set more of them free than were named.
func (m *Model) prune(on []bool) tea.Cmd {
	eng, command := m.eng, pruneCommand(on)
	return m.do(operation{name: "Prune", past: "pruned", command: command, objects: []string{"what nothing needs"},
		one: func(ctx context.Context, _ int) (string, error) {
			var bytes int64
			if on[pruneNameless] || on[pruneUnused] {
				r, err := eng.Images().Prune(ctx, engine.PruneOptions{All: on[pruneUnused]})
				if bytes = r.Reclaimed; err != nil {
					return "", err
				}
			}
			if on[pruneContainers] {
				r, err := eng.Containers().Prune(ctx, engine.PruneOptions{})
				if bytes += r.Reclaimed; err != nil {
					return "", err
				}
			}
			return bytesText(bytes) + " came back", nil
		}})
}
