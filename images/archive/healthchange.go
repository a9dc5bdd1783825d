package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gantry/images"
)

// changeHealth reads `[OPTIONS] CMD command` or `NONE`.
func changeHealth(c *images.Config, args string) error {
	var h images.Healthcheck
	for strings.HasPrefix(args, "--") {
		word, rest, _ := strings.Cut(args, " ")
		if err := healthOption(&h, word); err != nil {
			return err
		}
		args = strings.TrimSpace(rest)
	}
	kind, command, _ := strings.Cut(args, " ")
	command = strings.TrimSpace(command)
	switch strings.ToUpper(kind) {
	case "NONE":
		if command != "" {
			return errors.New("NONE takes no arguments")
		}
		c.Healthcheck = &images.Healthcheck{Test: []string{"NONE"}}
		return nil
	case "CMD":
	default:
		return fmt.Errorf("%q: want CMD or NONE", kind)
	}
	if command == "" {
		return errors.New("there is no command behind CMD")
	}
	var list []string
	if strings.HasPrefix(command, "[") && json.Unmarshal([]byte(command), &list) == nil {
		if len(list) == 0 {
			return errors.New("there is no command behind CMD")
		}
		h.Test = append([]string{"CMD"}, list...)
	} else {
		h.Test = []string{"CMD-SHELL", command}
	}
	c.Healthcheck = &h
	return nil
}

func healthOption(h *images.Healthcheck, word string) error {
	name, value, _ := strings.Cut(strings.TrimPrefix(word, "--"), "=")
	durations := map[string]*time.Duration{
		"interval": &h.Interval, "timeout": &h.Timeout, "start-period": &h.StartPeriod, "start-interval": &h.StartInterval,
	}
	if d := durations[name]; d != nil {
		v, err := time.ParseDuration(value)
		if err != nil || v < 0 || v > 0 && v < time.Millisecond {
			return fmt.Errorf("--%s=%s: want a duration such as 30s, of 1ms at least", name, value)
		}
		*d = v
		return nil
	}
	if name != "retries" {
		return fmt.Errorf("unknown option --%s; there are interval, timeout, start-period, start-interval and retries", name)
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		return fmt.Errorf("--retries=%s: want a number", value)
	}
	h.Retries = n
	return nil
}
