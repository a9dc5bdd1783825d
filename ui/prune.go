package ui

import (
	"context"
	"errors"
	"slices"
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
	pruneAnonymous
	pruneVolumes
	pruneNetworks
)

// found is what a prune would remove.
type found struct {
	containers, nameless, unused, anonymous, volumes, networks engine.PruneReport

	sizes map[string]int64 // of containers and volumes
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
	if f.anonymous, err = eng.Volumes().Prune(ctx, engine.PruneOptions{DryRun: true}); err != nil {
		return f, err
	}
	if f.volumes, err = eng.Volumes().Prune(ctx, engine.PruneOptions{DryRun: true, All: true}); err != nil {
		return f, err
	}
	if f.networks, err = eng.Networks().Prune(ctx, engine.PruneOptions{DryRun: true}); err != nil && !errors.Is(err, engine.ErrUnsupported) {
		return f, err
	}
	f.sizes, err = sizesOf(ctx, eng, f.containers.Deleted)
	return f, err
}

// sizesOf are the bytes of containers by ID, and of all volumes by name.
func sizesOf(ctx context.Context, eng engine.Engine, containers []string) (map[string]int64, error) {
	list, err := eng.Containers().List(ctx, engine.ListOptions{All: true, Size: true, Filters: engine.Filters{"id": containers}})
	if err != nil {
		return nil, err
	}
	sizes := make(map[string]int64)
	for _, c := range list.Items {
		sizes[string(c.ID)] = c.SizeRw
	}
	volumes, err := eng.Volumes().List(ctx, engine.VolumeListOptions{Size: true})
	for _, v := range volumes.Items {
		sizes[v.Name] = v.Size
	}
	return sizes, err
}

// askPrune names each object that could go, and the bytes that come back.
// Layers that several images share are counted once, by the engine.
func (m *Model) askPrune(f found) tea.Cmd {
	nameless := m.imageObjects(f.nameless, nil)
	groups := []dialogs.Group{
		{Name: "containers that do not run", Objects: m.prunedContainers(f), Bytes: f.containers.Reclaimed},
		{Name: "images without a name", Objects: nameless, Bytes: f.nameless.Reclaimed},
		{Name: "images that no container uses", Objects: m.imageObjects(f.unused, f.nameless.Deleted), Bytes: max(0, f.unused.Reclaimed-f.nameless.Reclaimed), Needs: pruneNameless + 1},
		{Name: "volumes without a name that nothing mounts", Objects: f.volumeObjects(f.anonymous.Deleted, nil), Bytes: f.anonymous.Reclaimed},
		{Name: "volumes with a name that nothing mounts", Objects: f.volumeObjects(f.volumes.Deleted, f.anonymous.Deleted),
			Bytes: max(0, f.volumes.Reclaimed-f.anonymous.Reclaimed), Needs: pruneAnonymous + 1},
		{Name: "networks that nothing is connected to", Objects: m.networkObjects(f.networks.Deleted)},
	}
	any := false
	for i := range groups {
		// What has a name was meant to stay; a volume's data cannot be had again.
		groups[i].On = (i == pruneContainers || i == pruneNameless || i == pruneNetworks && m.focus == networksPane || i == pruneAnonymous && m.focus == volumesPane) && len(groups[i].Objects) > 0
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

// volumeObjects are volumes by name, without those that are named elsewhere.
func (f found) volumeObjects(names, without []string) []dialogs.Object {
	var out []dialogs.Object
	for _, n := range names {
		if slices.Contains(without, n) {
			continue
		}
		about := ""
		if size := f.sizes[n]; size >= 0 {
			about = bytesText(size)
		}
		out = append(out, dialogs.Object{Name: n, About: about})
	}
	return out
}

func (m *Model) networkObjects(names []string) []dialogs.Object {
	out := make([]dialogs.Object, len(names))
	for i, name := range names {
		out[i].Name = name
		for k := range m.state.Networks {
			if n := &m.state.Networks[k]; n.Name == name {
				out[i].About = subnetText(n)
			}
		}
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
	var words []string
	add := func(all, some bool, command string) {
		switch {
		case all:
			words = append(words, command+" -af")
		case some:
			words = append(words, command+" -f")
		}
	}
	add(on[pruneUnused], on[pruneNameless], "gantry image prune")
	add(on[pruneVolumes], on[pruneAnonymous], "gantry volume prune")
	add(false, on[pruneNetworks], "gantry network prune")
	add(false, on[pruneContainers], "gantry container prune")
	return strings.Join(words, " && ")
}

// prune removes what was ticked, in one piece of work. Containers go last: one
// that goes would set more images and volumes free than were named.
func (m *Model) prune(on []bool) tea.Cmd {
	type step struct {
		on    bool
		all   bool
		prune func(context.Context, engine.PruneOptions) (engine.PruneReport, error)
	}
	steps := []step{
		{on[pruneNameless] || on[pruneUnused], on[pruneUnused], m.eng.Images().Prune},
		{on[pruneAnonymous] || on[pruneVolumes], on[pruneVolumes], m.eng.Volumes().Prune},
		{on[pruneNetworks], false, m.eng.Networks().Prune},
		{on[pruneContainers], false, m.eng.Containers().Prune},
	}
	return m.do(operation{name: "Prune", past: "pruned", command: pruneCommand(on), objects: []string{"what nothing needs"},
		one: func(ctx context.Context, _ int) (string, error) {
			var bytes int64
			for _, s := range steps {
				if !s.on {
					continue
				}
				r, err := s.prune(ctx, engine.PruneOptions{All: s.all})
				if bytes += r.Reclaimed; err != nil {
					return "", err
				}
			}
			return bytesText(bytes) + " came back", nil
		}})
}
