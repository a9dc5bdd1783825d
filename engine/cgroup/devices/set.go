package devices

import (
	"fmt"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Access is a set of ways to use a device, in the bits of
// struct bpf_cgroup_dev_ctx.
type Access uint8

const (
	Mknod Access = 1 << iota
	Read
	Write

	All = Mknod | Read | Write
)

func (a Access) String() string {
	var b strings.Builder
	for _, l := range []struct {
		bit  Access
		name byte
	}{{Read, 'r'}, {Write, 'w'}, {Mknod, 'm'}} {
		if a&l.bit != 0 {
			b.WriteByte(l.name)
		}
	}
	return b.String()
}

// Any stands for every major or minor number in a Rule.
const Any = -1

// Rule grants or takes away access to the devices that it matches.
type Rule struct {
	Type         byte // 'b', 'c', or 'a' for both
	Major, Minor int64
	Access       Access
	Allow        bool
}

func (r Rule) String() string {
	return fmt.Sprintf("%c %s:%s %s", r.Type, number(r.Major), number(r.Minor), r.Access)
}

func number(n int64) string {
	if n == Any {
		return "*"
	}
	return fmt.Sprint(n)
}

// all tells whether the rule decides about every access to every device.
func (r Rule) all() bool {
	return r.Type == 'a' && r.Major == Any && r.Minor == Any && r.Access == All
}

// covers tells whether the rule matches every device that other matches.
func (r Rule) covers(other Rule) bool {
	return (r.Type == 'a' || r.Type == other.Type) &&
		(r.Major == Any || r.Major == other.Major) &&
		(r.Minor == Any || r.Minor == other.Minor)
}

// Set is rules in order of application, over a default of "denied". Make one
// with Parse.
type Set []Rule

// Parse reads the rules of an OCI specification. Absent numbers mean all, an
// absent access means all of it, and the type may be absent ("a").
func Parse(rules []specs.LinuxDeviceCgroup) (Set, error) {
	var s Set
	for i, in := range rules {
		r, err := parseRule(in)
		if err != nil {
			return nil, fmt.Errorf("device rule %d: %w", i, err)
		}
		if r.all() {
			// Nothing before it matters any more.
			s = s[:0]
			if !r.Allow {
				continue
			}
		}
		s = append(s, r)
	}
	return s, nil
}

func parseRule(in specs.LinuxDeviceCgroup) (Rule, error) {
	r := Rule{Major: Any, Minor: Any, Allow: in.Allow}
	switch in.Type {
	case "", "a":
		r.Type = 'a'
	case "b", "c":
		r.Type = in.Type[0]
	case "u": // the unbuffered synonym of mknod(1)
		r.Type = 'c'
	default:
		return r, fmt.Errorf("unknown device type %q (a, b or c)", in.Type)
	}
	for _, n := range []struct {
		in  *int64
		out *int64
	}{{in.Major, &r.Major}, {in.Minor, &r.Minor}} {
		if n.in == nil || *n.in == Any {
			continue
		}
		if *n.in < 0 || *n.in > 1<<32-1 {
			return r, fmt.Errorf("device number %d is out of range", *n.in)
		}
		*n.out = *n.in
	}
	if r.Type == 'a' && (r.Major != Any || r.Minor != Any) {
		return r, fmt.Errorf("device type a takes no numbers, has %s:%s", number(r.Major), number(r.Minor))
	}
	var err error
	r.Access, err = parseAccess(in.Access)
	return r, err
}

func parseAccess(text string) (Access, error) {
	if text == "" {
		return All, nil
	}
	var a Access
	for _, c := range text {
		switch c {
		case 'r':
			a |= Read
		case 'w':
			a |= Write
		case 'm':
			a |= Mknod
		default:
			return 0, fmt.Errorf("unknown device access %q (r, w and m)", text)
		}
	}
	return a, nil
}

// effective leaves out rules that never have a say, because a later one decides
// about everything that they are about. Whoever makes rules repeats those of
// Standard.
func (s Set) effective() Set {
	var out Set
	for i, r := range s {
		decided := func(later Rule) bool { return later.covers(r) && later.Access|r.Access == later.Access }
		if !slices.ContainsFunc(s[i+1:], decided) {
			out = append(out, r)
		}
	}
	return out
}

// Allows decides one request: whether every requested bit is granted.
func (s Set) Allows(kind byte, major, minor int64, want Access) bool {
	request := Rule{Type: kind, Major: major, Minor: minor}
	for i := len(s) - 1; i >= 0 && want != 0; i-- {
		r := s[i]
		if !r.covers(request) {
			continue
		}
		if r.Allow {
			want &^= r.Access
		} else if want&r.Access != 0 {
			return false
		}
	}
	return want == 0
}

// Standard is what every container may use whatever its rules say: the
// devices that the OCI runtime specification makes the runtime provide, and
// making (not opening) device nodes.
func Standard() Set {
	s := Set{
		{Type: 'c', Major: Any, Minor: Any, Access: Mknod, Allow: true},
		{Type: 'b', Major: Any, Minor: Any, Access: Mknod, Allow: true},
	}
	for _, d := range [][2]int64{
		{1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, // null, zero, full, random, urandom
		{5, 0}, {5, 2}, // tty, ptmx
		{136, Any}, // pts, the console among them
	} {
		s = append(s, Rule{Type: 'c', Major: d[0], Minor: d[1], Access: All, Allow: true})
	}
	return s
}
