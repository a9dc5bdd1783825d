package ui_test

import (
	"strings"
	"testing"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/ui/uitest"
)

// TestLabelsDrawNothing: what somebody wrote on a container, or a registry into
// an error, is text in the lists: it has no colour, no link and no bell.
func TestLabelsDrawNothing(t *testing.T) {
	const evil = "ev\x1b[2J\x1b[31mil\x1b]8;;http://evil\x1b\\\a\x9b5m"
	hostile := func(t *testing.T) *fake.Engine {
		e := shop(t)
		e.AddContainer(fake.Container{Name: "odd", Image: "alpine:3.20", Command: []string{evil}, Error: evil, Labels: map[string]string{"com.docker.compose.project": evil}})
		e.AddContainer(fake.Container{Name: "gone", Image: "alpine:3.20", Command: []string{"x"}, State: engine.Exited, ExitCode: 3, Error: evil})
		return e
	}
	drive(t, 200, 50, hostile, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		wants(t, d, "▾ evil", "start failed · evil", "exited 3 · evil")
		for _, bad := range []string{"\x1b[31m", "\x1b]8;", "\a", "\x1b[2J", "\x9b"} {
			if strings.Contains(d.Raw(), bad) {
				t.Errorf("%q is drawn", bad)
			}
		}
	})
}
