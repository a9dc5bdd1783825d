package ui

import (
	"context"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/dialogs"
)

// findUsage asks the engine what its objects take, which means to look at all
// their files, and shows it beside what the header says of the disk.
func (m *Model) findUsage() tea.Cmd {
	return m.inquire("Measure", "what the store takes", func(ctx context.Context) func(*Model) tea.Cmd {
		u, err := m.eng.System().DiskUsage(ctx)
		return func(m *Model) tea.Cmd {
			if err != nil {
				return m.fail(err)
			}
			m.openUsage(u)
			return nil
		}
	})
}

func (m *Model) openUsage(u engine.DiskUsage) {
	m.record("gantry system df", true)
	m.open(dialogs.Message{
		Name: "Disk usage", What: m.info.Root, Text: usageText(u), Hint: m.diskText(),
		Buttons: []dialogs.Button{{Key: "b", Word: "prune", Short: "prune"}},
		Tag: resultTag(func(m *Model, r dialogs.Result) tea.Cmd {
			if r.Key != "b" {
				return nil
			}
			return m.findPrune()
		}),
	})
}

// usageText is a table that fits into the narrowest dialog.
func usageText(u engine.DiskUsage) string {
	images, containers, volumes := u.Sums()
	lines := []string{fmt.Sprintf("%-10s %4s %8s %8s", "", "all", "size", "unused")}
	var sum engine.UsageSum
	for _, row := range []struct {
		name string
		engine.UsageSum
	}{{"images", images}, {"containers", containers}, {"volumes", volumes}} {
		lines = append(lines, fmt.Sprintf("%-10s %4d %8s %8s", row.name, row.Total, bytesText(row.Size), bytesText(row.Reclaimable)))
		sum.Size, sum.Reclaimable = sum.Size+row.Size, sum.Reclaimable+row.Reclaimable
	}
	lines = append(lines, fmt.Sprintf("%-10s %4s %8s %8s", "together", "", bytesText(sum.Size), bytesText(sum.Reclaimable)))
	return strings.Join(lines, "\n")
}

// diskText is what the gauge of the header is about: all of the file system.
func (m *Model) diskText() string {
	h := m.host.last
	if h.StoreTotal == 0 {
		return ""
	}
	return fmt.Sprintf("Of its file system %s of %s are used, by whatever is on it.", bytesText(int64(h.StoreUsed)), bytesText(int64(h.StoreTotal)))
}
