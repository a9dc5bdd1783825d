package ui

import (
	"fmt"
	"time"

	"gantry/engine"
	"gantry/images"
	"gantry/ui/dialogs"
)

// healthFields ask how a container is checked.
func healthFields() []dialogs.Field {
	return []dialogs.Field{
		{Key: "health", Label: "health", Hint: "the image's own; a command that fails when it is ill"},
		{Key: "health-interval", Label: "every", Hint: "30s, or as the image says", Check: checked(interval)},
	}
}

// interval reads the time between two checks.
func interval(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Millisecond {
		return 0, fmt.Errorf("%w interval %q: want a time such as 30s or 1m", engine.ErrInvalid, s)
	}
	return d, nil
}

// healthCheck is what the fields say, nil for what the image has.
func healthCheck(v dialogs.Values) (*images.Healthcheck, error) {
	d, err := interval(v.Text("health-interval"))
	if err != nil || d == 0 && v.Text("health") == "" {
		return nil, err
	}
	h := &images.Healthcheck{Interval: d}
	if c := v.Text("health"); c != "" {
		h.Test = []string{"CMD-SHELL", c}
	}
	return h, nil
}
