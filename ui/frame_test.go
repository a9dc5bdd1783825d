package ui

import (
	"context"
	"fmt"
	"image/color"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/images"
	"gantry/ui/feed"
)

// stocked is a workbench with n containers, each measured, that nothing feeds.
func stocked(b testing.TB, n int) *Model {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	e := fake.New()
	b.Cleanup(func() {
		cancel()
		if err := e.Close(); err != nil {
			b.Error(err)
		}
	})
	m := New(ctx, e, Options{})
	var s feed.State
	now := time.Now()
	for i := range n {
		id := engine.ID(fmt.Sprintf("%064d", i))
		c := engine.ContainerSummary{ID: id, Name: fmt.Sprintf("shop-%d-api-%d", i%40, i), Image: "shop/api:dev", Created: now.Add(-time.Hour),
			Labels: map[string]string{projectLabel: fmt.Sprintf("shop-%d", i%40)}, Status: engine.ContainerState{Status: engine.Running, Running: true, StartedAt: now.Add(-time.Hour)}}
		s.Containers = append(s.Containers, c)
		l := &load{memory: 118 << 20}
		for j := range samplesKept {
			l.cores = append(l.cores, float64((i+j)%10)/10)
		}
		m.loads[id] = l
		s.Images = append(s.Images, engine.ImageSummary{Image: images.Image{ID: images.Digest(fmt.Sprintf("sha256:%064d", i)), Tags: []string{fmt.Sprintf("shop/api:%d", i)}, Size: 1 << 20, Created: now}})
	}
	m.Update(tea.WindowSizeMsg{Width: 120, Height: 40})
	m.Update(stateMsg{s})
	return m
}

// TestMemo: what was kept of earlier frames is what would be drawn anew.
func TestMemo(t *testing.T) {
	m := stocked(t, 30)
	keys := []string{"j", "j", "space", "v", "j", "v", "o", "O", "o", "z", "2", "j", "o", "1", "z", "Z", "/", "7", "enter", "esc", "esc", "]", "[", "enter", "j", "esc", "+", "_", "%", "%",
		"x", "esc", "tab", "tab", "tab", "?", "esc"}
	check := func(after string) {
		t.Helper()
		kept := m.View().Content
		m.memo = &memo{}
		if fresh := m.View().Content; fresh != kept {
			t.Fatalf("after %s:\n%s\nwould be\n%s", after, kept, fresh)
		}
	}
	for _, size := range []tea.WindowSizeMsg{{Width: 120, Height: 40}, {Width: 200, Height: 50}, {Width: 80, Height: 24}, {Width: 40, Height: 12}} {
		m.Update(size)
		check(fmt.Sprint(size))
		for _, k := range keys {
			msg := tea.KeyPressMsg{Code: rune(k[0]), Text: k}
			if special, ok := map[string]rune{"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "space": ' '}[k]; ok {
				msg = tea.KeyPressMsg{Code: special}
			}
			m.Update(msg)
			check(k)
		}
		m.Update(stateMsg{m.state})
		check("a new state")
		m.Update(tickMsg{Samples: []engine.Sample{{ID: m.state.Containers[3].ID, Time: time.Now(), Memory: engine.MemSample{Usage: 5 << 30}}}})
		check("samples")
		m.Update(ageMsg{m.ages})
		check("ages")
		m.Update(tea.BackgroundColorMsg{Color: color.White})
		check("a light background")
	}
}

// BenchmarkFrame is what the root pays for a frame: after a step of the cursor,
// after a message that changes nothing, after a second's samples, after a
// change of the containers.
func BenchmarkFrame(b *testing.B) {
	for _, n := range []int{50, 1000, 5000} {
		b.Run(fmt.Sprintf("key/%d", n), func(b *testing.B) {
			m := stocked(b, n)
			b.ReportAllocs()
			key := "j"
			for i := 0; b.Loop(); i++ {
				if i%(n/2) == n/2-1 {
					key = map[string]string{"j": "k", "k": "j"}[key]
				}
				m.Update(tea.KeyPressMsg{Code: rune(key[0]), Text: key})
				m.View()
			}
		})
		b.Run(fmt.Sprintf("same/%d", n), func(b *testing.B) {
			m := stocked(b, n)
			b.ReportAllocs()
			for b.Loop() {
				m.Update(nil)
				m.View()
			}
		})
		b.Run(fmt.Sprintf("samples/%d", n), func(b *testing.B) {
			m := stocked(b, n)
			var t tickMsg
			for c := range m.containers.Visible {
				t.Samples = append(t.Samples, engine.Sample{ID: c.ID, Time: time.Now()})
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				for j := range t.Samples {
					t.Samples[j].Time = t.Samples[j].Time.Add(time.Second)
					t.Samples[j].CPU.Usage += uint64(i+j) % 10 * 1e8
				}
				m.Update(t)
				m.View()
			}
		})
		b.Run(fmt.Sprintf("change/%d", n), func(b *testing.B) {
			m := stocked(b, n)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m.state.Containers[0].Status.Paused = i%2 == 0
				m.Update(stateMsg{m.state})
				m.View()
			}
		})
	}
}
