package ui_test

import (
	"context"
	"testing"
	"time"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/ui/uitest"
)

// TestHealthIsSeen: a verdict that changes shows in the list at once, counts as
// a failure, and the detail says what the last check found.
func TestHealthIsSeen(t *testing.T) {
	drive(t, 120, 40, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		check := func(s engine.HealthStatus, code int, output string) {
			t.Helper()
			if err := e.Check("db", s, engine.HealthResult{Start: time.Now(), End: time.Now(), ExitCode: code, Output: output}); err != nil {
				t.Fatal(err)
			}
			d.Pass(200 * time.Millisecond)
		}
		check(engine.HealthHealthy, 0, "")
		wants(t, d, "✚ db")
		check(engine.HealthUnhealthy, 7, "no route to \x1b[2Jdb\n")
		wants(t, d, "! db")
		wants(t, d, "▲ Its last check failed with code 7: no route to db")
		check(engine.HealthUnhealthy, -1, "Health check exceeded timeout (1s)")
		check(engine.HealthHealthy, 0, "")
		wants(t, d, "✚ db")
		lacks(t, d, "Its last check")
	})
}

// TestRunFormChecksHealth: the form hands the check on as the command line does.
func TestRunFormChecksHealth(t *testing.T) {
	drive(t, 120, 50, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		e.Program("sleep", fake.Idle)
		d.Keys(":")
		for _, r := range "run --name watched --health-cmd 'probe -x' --health-interval 3s alpine:3.20 sleep 60" {
			d.Keys(string(r))
		}
		d.Keys("enter")
		d.Pass(time.Second)
		c, err := e.Containers().Inspect(context.Background(), "watched")
		if err != nil {
			t.Fatal(err)
		}
		h := c.Config.Healthcheck
		if h == nil || len(h.Test) != 2 || h.Test[0] != "CMD-SHELL" || h.Test[1] != "probe -x" || h.Interval != 3*time.Second {
			t.Errorf("health check %+v", h)
		}
	})
}
