package tabs_test

import (
	"context"
	"testing"

	tea "charm.land/bubbletea/v2"

	"gantry/engine/fake"
	"gantry/ui/tabs"
)

// BenchmarkView is what one frame of each tab costs, at the size of a usual
// terminal.
func BenchmarkView(b *testing.B) {
	for _, c := range []struct {
		name string
		open func(*fake.Engine, context.Context) (tabs.Panel, tea.Cmd)
	}{
		{"stats", opener(tabs.NewStats, "api-1")}, {"inspect", opener(tabs.NewInspect, "api-1")}, {"env", opener(tabs.NewEnv, "api-1")},
		{"mounts", opener(tabs.NewMounts, "api-1")}, {"processes", opener(tabs.NewProcesses, "api-1")}, {"events", opener(tabs.NewEvents, "api-1")},
		{"network", opener(tabs.NewNetwork, "api-1")}, {"files", imageOpener(tabs.NewVolumeFiles, "data")},
		{"config", imageOpener(tabs.NewImageConfig, "shop/api:dev")}, {"history", imageOpener(tabs.NewImageHistory, "shop/api:dev")},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := shop()
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			tab, cmd := c.open(e, ctx)
			tab.Place(118, 36, true)
			tab.Update(cmd())
			b.ReportAllocs()
			for b.Loop() {
				tab.View(118, 36)
			}
			b.StopTimer()
			tab.Close()
			if err := e.Close(); err != nil {
				b.Error(err)
			}
		})
	}
}
