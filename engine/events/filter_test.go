package events_test

import (
	"strings"
	"testing"

	"gantry/engine"
	"gantry/engine/events"
)

func TestFilters(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("4f", 32)
	digest := "sha256:" + strings.Repeat("ab", 32)
	web := engine.Event{Kind: engine.KindContainer, Action: "exec_start", ID: id, Attributes: map[string]string{
		"name": "web", "image": "alpine:3.22", "tier": "front", "empty": "",
	}}
	byID := engine.Event{Kind: engine.KindContainer, Action: "start", ID: id, Attributes: map[string]string{"image": digest}}
	pull := engine.Event{Kind: engine.KindImage, Action: "pull", ID: "registry.example:5000/team/app:1", Attributes: map[string]string{"name": "registry.example:5000/team/app:1"}}
	untag := engine.Event{Kind: engine.KindImage, Action: "untag", ID: digest}
	f := func(pairs ...string) engine.Filters {
		m := engine.Filters{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = append(m[pairs[i]], pairs[i+1])
		}
		return m
	}
	for _, tt := range []struct {
		filters engine.Filters
		ev      engine.Event
		want    bool
	}{
		{nil, web, true},
		{engine.Filters{"type": nil}, web, true},
		{f("type", "container"), web, true},
		{f("type", "image"), web, false},
		{f("type", "image", "type", "container"), web, true},
		{f("event", "exec_start"), web, true},
		{f("event", "exec_start: sh"), web, true},
		{f("event", "exec"), web, false},
		{f("event", "start", "event", "exec_start"), web, true},
		{f("container", "web"), web, true},
		{f("container", "/web"), web, true},
		{f("container", "we"), web, false},
		{f("container", id), web, true},
		{f("container", "4f4f"), web, true},
		{f("container", "f4"), web, false},
		{f("container", ""), web, false},
		{f("container", "registry"), pull, false},
		{f("image", "alpine"), web, true},
		{f("image", "alpine:3.22"), web, true},
		{f("image", "alpine:3"), web, false},
		{f("image", "alp"), web, false},
		{f("image", "docker.io/library/alpine"), web, true},
		{f("image", "docker.io/library/alpine:3.22"), web, true},
		{f("image", "other/alpine"), web, false},
		{f("image", ""), web, false},
		{f("image", "registry.example:5000/team/app"), pull, true},
		{f("image", "registry.example:5000/team/app:1"), pull, true},
		{f("image", "registry.example:5000/team/app:2"), pull, false},
		{f("image", digest), untag, true},
		{f("image", "abab"), untag, true},
		{f("image", "sha256:abab"), untag, true},
		{f("image", "ab"), untag, false},
		{f("image", "abab"), byID, true},
		{f("image", "baba"), byID, false},
		{f("label", "tier"), web, true},
		{f("label", "tier=front"), web, true},
		{f("label", "tier=back"), web, false},
		{f("label", "empty"), web, true},
		{f("label", "empty="), web, true},
		{f("label", "tier", "label", "none"), web, false},
		{f("label", "tier", "label", "empty"), web, true},
		{f("type", "container", "event", "die"), web, false},
		{f("type", "container", "event", "exec_start", "container", "web", "image", "alpine", "label", "tier"), web, true},
	} {
		got, err := events.Includes(tt.filters, tt.ev)
		if err != nil || got != tt.want {
			t.Errorf("%v on %s %s: got %v, %v, want %v", tt.filters, tt.ev.Kind, tt.ev.ID, got, err, tt.want)
		}
	}
}
