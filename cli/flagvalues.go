package cli

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/docker/go-units"

	"gantry/engine"
)

// list is a flag that may be given several times. Unlike pflag's string slice
// it does not split at commas.
type list []string

func (l *list) Set(s string) error { *l = append(*l, s); return nil }
func (l *list) String() string     { return "" }
func (l *list) Type() string       { return "list" }

// filters are --filter key=value.
type filters engine.Filters

func (f *filters) Set(s string) error {
	key, value, ok := strings.Cut(s, "=")
	if !ok {
		return fmt.Errorf("filter %q: want key=value", s)
	}
	if *f == nil {
		*f = filters{}
	}
	key = strings.ToLower(strings.TrimSpace(key))
	(*f)[key] = append((*f)[key], strings.TrimSpace(value))
	return nil
}
func (f *filters) String() string { return "" }
func (f *filters) Type() string   { return "filter" }

// bytesValue is a size with an optional unit: 512m, 1g.
type bytesValue int64

func (b *bytesValue) Set(s string) error {
	n, err := units.RAMInBytes(s)
	*b = bytesValue(n)
	return err
}

func (b *bytesValue) String() string {
	if *b == 0 {
		return ""
	}
	return units.BytesSize(float64(*b))
}
func (b *bytesValue) Type() string { return "bytes" }

// swapValue is a size, or -1 for no limit.
type swapValue int64

func (b *swapValue) Set(s string) error {
	if s == "-1" {
		*b = -1
		return nil
	}
	n, err := units.RAMInBytes(s)
	*b = swapValue(n)
	return err
}

func (b *swapValue) String() string {
	if *b <= 0 {
		return ""
	}
	return units.BytesSize(float64(*b))
}
func (b *swapValue) Type() string { return "bytes" }

// cpusValue is a number of processors, kept in billionths.
type cpusValue int64

func (c *cpusValue) Set(s string) error {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || f < 0 || f > 1e6 {
		return fmt.Errorf("%q is not a number of CPUs; want for instance 1.5", s)
	}
	*c = cpusValue(math.Round(f * 1e9))
	return nil
}

func (c *cpusValue) String() string {
	if *c == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(*c)/1e9, 'f', -1, 64)
}
func (c *cpusValue) Type() string { return "decimal" }

// ulimits are name=soft[:hard].
type ulimits []engine.Ulimit

func (u *ulimits) Set(s string) error {
	l, err := units.ParseUlimit(s)
	if err != nil {
		return err
	}
	*u = append(*u, engine.Ulimit{Name: l.Name, Soft: l.Soft, Hard: l.Hard})
	return nil
}
func (u *ulimits) String() string { return "" }
func (u *ulimits) Type() string   { return "ulimit" }

// streamNames are the values of --attach.
type streamNames []string

func (s *streamNames) Set(v string) error {
	v = strings.ToLower(v)
	if v != "stdin" && v != "stdout" && v != "stderr" {
		return errors.New("valid streams are STDIN, STDOUT and STDERR")
	}
	*s = append(*s, v)
	return nil
}
func (s *streamNames) String() string { return "" }
func (s *streamNames) Type() string   { return "list" }
