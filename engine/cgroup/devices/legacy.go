package devices

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The v1 controller (kernel's cgroup-v1/devices.rst) has a default, allow or
// deny, and a list of exceptions to it. Under "deny" an access is granted
// when ONE exception grants all of its bits; under "allow" it is refused when
// any exception holds one of its bits. Removing an exception needs its exact
// numbers: "deny c 1:5" does nothing to an exception "c 1:*".

// ApplyLegacy gives the v1 group in dir the permissions of a set. Of a running
// group only what differs is touched, grants first, so that the container
// never loses what it keeps.
func ApplyLegacy(dir string, s Set) error {
	want, err := s.legacy()
	if err != nil {
		return fmt.Errorf("apply device rules: %w", err)
	}
	list, err := os.ReadFile(filepath.Join(dir, "devices.list"))
	if err != nil {
		return fmt.Errorf("apply device rules: %w", err)
	}
	for _, c := range want.changes(parseLegacy(string(list))) {
		f, err := os.OpenFile(filepath.Join(dir, c.file), os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteString(c.value)
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			return fmt.Errorf("apply device rule %q: %w", c.value, err)
		}
	}
	return nil
}

// legacy is a state of the v1 controller. Exceptions are of type b or c, and
// no two have the same numbers.
type legacy struct {
	allow      bool // the default
	exceptions []Rule
}

// change is one write.
type change struct{ file, value string }

// legacy translates a set, or says which rule v1 cannot express.
func (s Set) legacy() (legacy, error) {
	var l legacy
	for _, r := range s {
		if r.all() {
			l = legacy{allow: r.Allow}
			continue
		}
		for _, one := range r.split() {
			if err := l.apply(one); err != nil {
				return l, err
			}
		}
	}
	l.widen()
	return l, nil
}

// split replaces type a, which v1 has for everything at once only.
func (r Rule) split() []Rule {
	if r.Type != 'a' {
		return []Rule{r}
	}
	b, c := r, r
	b.Type, c.Type = 'b', 'c'
	return []Rule{b, c}
}

// apply adds an exception for a rule against the default, and takes the
// rule's access out of the exceptions for one that agrees with it.
func (l *legacy) apply(r Rule) error {
	if r.Allow != l.allow {
		l.add(r)
		return nil
	}
	kept := l.exceptions[:0:0]
	for _, e := range l.exceptions {
		switch {
		case r.covers(e):
			e.Access &^= r.Access
		case e.overlaps(r) && e.Access&r.Access != 0:
			return fmt.Errorf("rule %q after %q cannot be expressed on cgroup v1: %w", r, e, errors.ErrUnsupported)
		}
		if e.Access != 0 {
			kept = append(kept, e)
		}
	}
	l.exceptions = kept
	return nil
}

func (l *legacy) add(r Rule) {
	i := slices.IndexFunc(l.exceptions, r.sameDevice)
	if i < 0 {
		l.exceptions = append(l.exceptions, r)
		return
	}
	l.exceptions[i].Access |= r.Access
}

// widen gives every grant the bits that wider grants hold as well, because
// the kernel does not add up two exceptions for one request.
func (l *legacy) widen() {
	if l.allow {
		return
	}
	for i, e := range l.exceptions {
		for _, wide := range l.exceptions {
			if wide.covers(e) {
				l.exceptions[i].Access |= wide.Access
			}
		}
	}
}

func (r Rule) sameDevice(o Rule) bool {
	return r.Type == o.Type && r.Major == o.Major && r.Minor == o.Minor
}

// overlaps tells whether some device matches both.
func (r Rule) overlaps(o Rule) bool {
	meet := func(a, b int64) bool { return a == b || a == Any || b == Any }
	return r.Type == o.Type && meet(r.Major, o.Major) && meet(r.Minor, o.Minor)
}

// changes are the writes that lead from one state to another.
func (l legacy) changes(from legacy) []change {
	if l.allow || from.allow {
		// Exceptions to "allow" are not listed by the kernel, so a group that
		// has that default starts over.
		return l.rewrite()
	}
	var cs []change
	for _, e := range l.exceptions {
		if missing := e.Access &^ from.access(e); missing != 0 {
			e.Access = missing
			cs = append(cs, change{"devices.allow", e.String()})
		}
	}
	for _, e := range from.exceptions {
		if extra := e.Access &^ l.access(e); extra != 0 {
			e.Access = extra
			cs = append(cs, change{"devices.deny", e.String()})
		}
	}
	return cs
}

func (l legacy) rewrite() []change {
	base, exception := "devices.deny", "devices.allow"
	if l.allow {
		base, exception = exception, base
	}
	cs := []change{{base, "a"}}
	for _, e := range l.exceptions {
		cs = append(cs, change{exception, e.String()})
	}
	return cs
}

// access is what the exception with the numbers of r holds.
func (l legacy) access(r Rule) Access {
	if i := slices.IndexFunc(l.exceptions, r.sameDevice); i >= 0 {
		return l.exceptions[i].Access
	}
	return 0
}

// parseLegacy reads devices.list: "c 1:3 rwm" lines, or "a *:* rwm" alone.
func parseLegacy(list string) legacy {
	var l legacy
	for line := range strings.SplitSeq(list, "\n") {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue
		}
		if f[0] == "a" {
			return legacy{allow: true}
		}
		major, minor, _ := strings.Cut(f[1], ":")
		r := Rule{Type: f[0][0], Major: parseNumber(major), Minor: parseNumber(minor), Allow: true}
		r.Access, _ = parseAccess(f[2])
		l.add(r)
	}
	return l
}

// parseNumber reads a device number or a star.
func parseNumber(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return Any
	}
	return n
}
