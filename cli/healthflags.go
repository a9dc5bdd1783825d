package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"gantry/images"
)

// healthFlags are those of run and create that say how a container is checked.
type healthFlags struct {
	cmd                                           string
	interval, timeout, startPeriod, startInterval time.Duration
	retries                                       int
	none                                          bool
}

func (h *healthFlags) add(f *pflag.FlagSet) {
	f.StringVar(&h.cmd, "health-cmd", "", "Command to run to check health")
	f.DurationVar(&h.interval, "health-interval", 0, "Time between running the check (ms|s|m|h) (default 0s: that of the image, or 30s)")
	f.DurationVar(&h.timeout, "health-timeout", 0, "Maximum time to allow one check to run (ms|s|m|h) (default 0s: that of the image, or 30s)")
	f.IntVar(&h.retries, "health-retries", 0, "Consecutive failures needed to report unhealthy (default 0: that of the image, or 3)")
	f.DurationVar(&h.startPeriod, "health-start-period", 0, "Start period for the container to initialize before starting health-retries countdown (ms|s|m|h) (default 0s)")
	f.DurationVar(&h.startInterval, "health-start-interval", 0, "Time between running the check during the start period (ms|s|m|h) (default 0s: that of the image, or 5s)")
	f.BoolVar(&h.none, "no-healthcheck", false, "Disable any container-specified HEALTHCHECK")
}

// check is what the flags say, nil where they say nothing.
func (h *healthFlags) check() (*images.Healthcheck, error) {
	check := images.Healthcheck{Interval: h.interval, Timeout: h.timeout, Retries: h.retries, StartPeriod: h.startPeriod, StartInterval: h.startInterval}
	given := h.cmd != "" || h.interval != 0 || h.timeout != 0 || h.retries != 0 || h.startPeriod != 0 || h.startInterval != 0
	switch {
	case h.none && given:
		return nil, errors.New("--no-healthcheck conflicts with --health-* options")
	case h.none:
		return &images.Healthcheck{Test: []string{"NONE"}}, nil
	case !given:
		return nil, nil
	case h.retries < 0:
		return nil, errors.New("--health-retries cannot be negative")
	}
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{{"interval", h.interval}, {"timeout", h.timeout}, {"start-period", h.startPeriod}, {"start-interval", h.startInterval}} {
		if d.value < 0 {
			return nil, fmt.Errorf("--health-%s cannot be negative", d.flag)
		}
	}
	if h.cmd != "" {
		check.Test = []string{"CMD-SHELL", h.cmd}
	}
	return &check, nil
}
