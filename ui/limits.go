package ui

import (
	"context"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/dialogs"
)

// askUpdate asks for new limits; those of a single container are filled in.
func (m *Model) askUpdate(cs []engine.ContainerSummary) tea.Cmd {
	if len(cs) > 1 {
		return m.openLimits(cs, engine.Resources{})
	}
	return m.inquire("Read the limits of", cs[0].Name, func(ctx context.Context) func(*Model) tea.Cmd {
		d, err := m.eng.Containers().Inspect(ctx, string(cs[0].ID))
		return func(m *Model) tea.Cmd {
			if err != nil {
				return m.fail(err)
			}
			return m.openLimits(cs, d.HostConfig.Resources)
		}
	})
}

func (m *Model) openLimits(cs []engine.ContainerSummary, now engine.Resources) tea.Cmd {
	names := containerNames(cs)
	none := pick(len(cs), "no limit", "as it is")
	return m.openForm(dialogs.Form{
		Name: "Change limits", About: sumNames(names, "containers"), Yes: "change",
		Fields: []dialogs.Field{
			{Key: "memory", Label: "memory", Value: sizeWord(now.Memory), Hint: none + "; 256m, 2g", Check: checked(size)},
			{Key: "swap", Label: "with swap", Value: swapWord(now.MemorySwap), Hint: none + "; memory and swap together, -1 without end", Check: checked(swap)},
			{Key: "cpus", Label: "cpus", Value: cpusWord(now.NanoCpus), Hint: none + "; 1.5", Check: checked(cpus)},
			{Key: "pids", Label: "pids", Value: pidsWord(now.PidsLimit), Hint: none + "; 100 processes, -1 without end", Check: checked(pids)},
		},
		Note: func(dialogs.Values) string {
			return "It holds at once, also while it runs. An empty field stays as it is."
		},
		Preview: func(v dialogs.Values) string {
			change, _ := changed(v, now)
			return updateCommand(change, names)
		},
		Check: func(v dialogs.Values) string {
			change, err := changed(v, now)
			if err == nil && change == (engine.Resources{}) {
				return "nothing is changed"
			}
			return errText(err)
		},
		Tag: formTag(func(v dialogs.Values) tea.Cmd {
			change, err := changed(v, now)
			if err != nil {
				return m.fail(err)
			}
			return m.do(m.each("Change", "changed", updateCommand(change, names), cs, func(ctx context.Context, id string) error {
				return m.eng.Containers().Update(ctx, id, engine.UpdateOptions{Resources: change})
			}))
		}),
	})
}

// swap is size, or -1 for no limit.
func swap(s string) (int64, error) {
	if s == "-1" {
		return -1, nil
	}
	return size(s)
}

func swapWord(n int64) string {
	if n == -1 {
		return "-1"
	}
	return sizeWord(n)
}

// changed is what differs from what holds now.
func changed(v dialogs.Values, now engine.Resources) (engine.Resources, error) {
	r, err := limits(v)
	if err != nil {
		return r, err
	}
	if r.MemorySwap, err = swap(v.Text("swap")); err != nil {
		return r, err
	}
	for _, p := range []struct{ new, old *int64 }{{&r.Memory, &now.Memory}, {&r.MemorySwap, &now.MemorySwap}, {&r.NanoCpus, &now.NanoCpus}, {&r.PidsLimit, &now.PidsLimit}} {
		if *p.new == *p.old {
			*p.new = 0
		}
	}
	return r, nil
}

func updateCommand(r engine.Resources, names []string) string {
	words := []string{"gantry update"}
	for _, p := range []struct{ flag, value string }{{"-m", sizeWord(r.Memory)}, {"--memory-swap", swapWord(r.MemorySwap)}, {"--cpus", cpusWord(r.NanoCpus)}, {"--pids-limit", pidsWord(r.PidsLimit)}} {
		if p.value != "" {
			words = append(words, p.flag+" "+p.value)
		}
	}
	return strings.Join(append(words, names...), " ")
}
