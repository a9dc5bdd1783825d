package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// parseTime reads what docker takes for --since and --until: a Go duration
// before now ("10m", "1h30m"), seconds since 1970 with an optional fraction, or
// a date with more or less detail, local time unless it says otherwise.
func parseTime(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		return now.Add(-d), nil
	}
	if t, ok := parseUnix(s); ok {
		return t, nil
	}
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04",
		"2006-01-02Z07:00", "2006-01-02",
	} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("parse time %q: want a duration such as 10m, seconds since 1970, or a date such as 2006-01-02T15:04:05Z", s)
}

// parseUnix reads "1136073845" and "1136073845.000000001".
func parseUnix(s string) (time.Time, bool) {
	whole, frac, hasFrac := strings.Cut(s, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	if !hasFrac {
		return time.Unix(sec, 0), true
	}
	if len(frac) > 9 {
		frac = frac[:9]
	}
	nsec, err := strconv.ParseInt(frac+strings.Repeat("0", 9-len(frac)), 10, 64)
	return time.Unix(sec, nsec), err == nil && nsec >= 0
}
