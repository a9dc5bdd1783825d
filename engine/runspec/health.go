package runspec

import (
	"cmp"
	"fmt"
	"time"

	"gantry/engine"
	"gantry/images"
)

// docker's, for what a health check leaves open.
const (
	checkInterval = 30 * time.Second
	checkTimeout  = 30 * time.Second
	startInterval = 5 * time.Second
	checkRetries  = 3
)

// mergeHealth lays a user's health check over the image's, member by member.
func mergeHealth(user, img *images.Healthcheck) *images.Healthcheck {
	if user == nil || img == nil {
		return cmp.Or(user, img)
	}
	h := *user
	if len(h.Test) == 0 {
		h.Test = img.Test
	}
	h.Interval = cmp.Or(h.Interval, img.Interval)
	h.Timeout = cmp.Or(h.Timeout, img.Timeout)
	h.StartPeriod = cmp.Or(h.StartPeriod, img.StartPeriod)
	h.StartInterval = cmp.Or(h.StartInterval, img.StartInterval)
	h.Retries = cmp.Or(h.Retries, img.Retries)
	return &h
}

// checkHealth refuses what no check can be made of.
func checkHealth(h *images.Healthcheck) error {
	if h == nil {
		return nil
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"interval", h.Interval}, {"timeout", h.Timeout}, {"start period", h.StartPeriod}, {"start interval", h.StartInterval}} {
		if d.value != 0 && d.value < time.Millisecond {
			return fmt.Errorf("%w health check: %s %v: want at least 1ms, or 0 for the default", engine.ErrInvalid, d.name, d.value)
		}
	}
	if h.Retries < 0 {
		return fmt.Errorf("%w health check: %d retries: want 0, for the default, or more", engine.ErrInvalid, h.Retries)
	}
	return nil
}

// Health is a check with its defaults and the arguments of its program, nil
// where nothing is checked. shell is that of the image, for CMD-SHELL.
func Health(h *images.Healthcheck, shell []string) (_ *images.Healthcheck, argv []string) {
	if h == nil || len(h.Test) < 2 {
		return nil, nil
	}
	switch h.Test[0] {
	case "CMD":
		argv = h.Test[1:]
	case "CMD-SHELL":
		if len(shell) == 0 {
			shell = []string{"/bin/sh", "-c"}
		}
		argv = append(append([]string{}, shell...), h.Test[1:]...)
	default: // NONE, and what docker does not know either
		return nil, nil
	}
	out := *h
	out.Interval = cmp.Or(h.Interval, checkInterval)
	out.Timeout = cmp.Or(h.Timeout, checkTimeout)
	out.StartInterval = cmp.Or(h.StartInterval, startInterval)
	out.Retries = cmp.Or(h.Retries, checkRetries)
	return &out, argv
}
