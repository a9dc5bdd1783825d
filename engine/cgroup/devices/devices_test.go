package devices_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"pgregory.net/rapid"

	"gantry/engine/cgroup/devices"
)

func ptr(n int64) *int64 { return &n }

var denyAll = specs.LinuxDeviceCgroup{Access: "rwm"}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		in   []specs.LinuxDeviceCgroup
		want devices.Set
	}{
		{"nothing", nil, nil},
		{"absent numbers, type and access", []specs.LinuxDeviceCgroup{{Allow: true}},
			devices.Set{{Type: 'a', Major: devices.Any, Minor: devices.Any, Access: devices.All, Allow: true}}},
		{"a with -1", []specs.LinuxDeviceCgroup{{Allow: true, Type: "a", Major: ptr(-1), Minor: ptr(-1), Access: "rwm"}},
			devices.Set{{Type: 'a', Major: devices.Any, Minor: devices.Any, Access: devices.All, Allow: true}}},
		{"deny all forgets what was before", []specs.LinuxDeviceCgroup{
			{Allow: true, Type: "c", Major: ptr(1), Minor: ptr(3), Access: "r"}, denyAll,
			{Allow: true, Type: "b", Major: ptr(8), Access: "mw"}},
			devices.Set{{Type: 'b', Major: 8, Minor: devices.Any, Access: devices.Mknod | devices.Write, Allow: true}}},
	} {
		got, err := devices.Parse(tt.in)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, got, cmp.Transformer("nil", func(s devices.Set) []devices.Rule { return append([]devices.Rule{}, s...) })); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]specs.LinuxDeviceCgroup{
		"type":             {Type: "x"},
		"access":           {Type: "c", Access: "rx"},
		"number below":     {Type: "c", Major: ptr(-2)},
		"number above":     {Type: "c", Minor: ptr(1 << 32)},
		"type a, a number": {Type: "a", Major: ptr(1)},
	} {
		if _, err := devices.Parse([]specs.LinuxDeviceCgroup{r}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestAllRequestedBitsMustBeGranted(t *testing.T) {
	t.Parallel()
	set, err := devices.Parse([]specs.LinuxDeviceCgroup{denyAll,
		{Allow: true, Type: "c", Major: ptr(1), Minor: ptr(5), Access: "r"},
		{Allow: true, Type: "c", Major: ptr(1), Access: "m"},
		{Allow: true, Type: "c", Major: ptr(2), Access: "rwm"},
		{Allow: false, Type: "c", Major: ptr(2), Minor: ptr(9), Access: "w"},
	})
	if err != nil {
		t.Fatal(err)
	}
	const r, w, m = devices.Read, devices.Write, devices.Mknod
	for _, tt := range []struct {
		kind         byte
		major, minor int64
		want         devices.Access
		ok           bool
	}{
		{'c', 1, 5, r, true}, {'c', 1, 5, w, false}, {'c', 1, 5, r | w, false}, {'c', 1, 5, r | m, true},
		{'b', 1, 5, r, false}, {'c', 1, 6, r, false}, {'c', 1, 6, m, true},
		{'c', 2, 8, r | w | m, true}, {'c', 2, 9, r, true}, {'c', 2, 9, r | w, false}, {'c', 3, 0, r, false},
	} {
		if got := set.Allows(tt.kind, tt.major, tt.minor, tt.want); got != tt.ok {
			t.Errorf("%c %d:%d %s: %v, want %v", tt.kind, tt.major, tt.minor, tt.want, got, tt.ok)
		}
		if got := set.Run(tt.kind, tt.major, tt.minor, tt.want); got != tt.ok {
			t.Errorf("the program says %v for %c %d:%d %s", got, tt.kind, tt.major, tt.minor, tt.want)
		}
	}
}

func TestStandardDevices(t *testing.T) {
	t.Parallel()
	s := devices.Standard()
	for _, d := range [][2]int64{{1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {5, 0}, {5, 2}, {136, 7}} {
		if !s.Allows('c', d[0], d[1], devices.All) {
			t.Errorf("c %d:%d is denied", d[0], d[1])
		}
	}
	for _, d := range [][2]int64{{1, 1}, {1, 2}, {1, 4}, {5, 1}, {10, 229}} {
		if s.Allows('c', d[0], d[1], devices.Read) || s.Allows('b', d[0], d[1], devices.Read) {
			t.Errorf("%d:%d can be read", d[0], d[1])
		}
	}
}

// rules draws sets over few numbers, so that rules meet.
func rules() *rapid.Generator[devices.Set] {
	number := rapid.SampledFrom([]int64{devices.Any, 0, 1, 1<<32 - 1})
	return rapid.Custom(func(t *rapid.T) devices.Set {
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) devices.Rule {
			r := devices.Rule{
				Type:   rapid.SampledFrom([]byte("abc")).Draw(t, "type"),
				Major:  number.Draw(t, "major"),
				Minor:  number.Draw(t, "minor"),
				Access: devices.Access(rapid.IntRange(1, 7).Draw(t, "access")),
				Allow:  rapid.Bool().Draw(t, "allow"),
			}
			if r.Type == 'a' {
				r.Major, r.Minor = devices.Any, devices.Any
			}
			return r
		}), 0, 8).Draw(t, "rules")
	})
}

// everyRequest calls f for each request that a set of rules() can tell apart.
func everyRequest(f func(kind byte, major, minor int64, want devices.Access)) {
	for _, kind := range []byte("bc") {
		for _, major := range []int64{0, 1, 2, 1<<32 - 1} {
			for _, minor := range []int64{0, 1, 2, 1<<32 - 1} {
				for want := devices.Access(1); want <= devices.All; want++ {
					f(kind, major, minor, want)
				}
			}
		}
	}
}

func TestProgramDecidesAsSet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		set := rules().Draw(t, "set")
		everyRequest(func(kind byte, major, minor int64, want devices.Access) {
			if got := set.Run(kind, major, minor, want); got != set.Allows(kind, major, minor, want) {
				t.Fatalf("%v: the program says %v for %c %d:%d %s", set, got, kind, major, minor, want)
			}
		})
	})
}

// v1 cannot add up two exceptions that merely overlap, so it may be stricter;
// it must never be wider, from whatever state it comes.
func TestLegacyIsNeverWiderThanSet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var from devices.Set
		if rapid.Bool().Draw(t, "update") {
			from = rules().Draw(t, "from")
		}
		set := rules().Draw(t, "set")
		everyRequest(func(kind byte, major, minor int64, want devices.Access) {
			got, err := set.LegacyAllows(from, kind, major, minor, want)
			if err == nil && got && !set.Allows(kind, major, minor, want) {
				t.Fatalf("%v after %v: v1 grants %c %d:%d %s", set, from, kind, major, minor, want)
			}
		})
	})
}

func TestLegacyOfUsualRules(t *testing.T) {
	t.Parallel()
	usual, err := devices.Parse([]specs.LinuxDeviceCgroup{denyAll,
		{Allow: true, Type: "c", Major: ptr(5), Minor: ptr(1), Access: "rwm"}})
	if err != nil {
		t.Fatal(err)
	}
	usual = append(usual, devices.Standard()...)
	everyRequest(func(kind byte, major, minor int64, want devices.Access) {
		got, err := usual.LegacyAllows(nil, kind, major, minor, want)
		if err != nil || got != usual.Allows(kind, major, minor, want) {
			t.Errorf("v1 says %v, %v for %c %d:%d %s", got, err, kind, major, minor, want)
		}
	})
}

func TestLegacyUpdateTouchesOnlyWhatDiffers(t *testing.T) {
	t.Parallel()
	rule := func(minor int64, access devices.Access) devices.Rule {
		return devices.Rule{Type: 'c', Major: 1, Minor: minor, Access: access, Allow: true}
	}
	from := devices.Set{rule(3, devices.All), rule(5, devices.Read)}
	to := devices.Set{rule(3, devices.All), rule(5, devices.Write), rule(7, devices.Read)}
	got, err := devices.LegacyWrites(from, to)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"devices.allow c 1:5 w", "devices.allow c 1:7 r", "devices.deny c 1:5 r"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLegacyRefusesHoleInWildcard(t *testing.T) {
	t.Parallel()
	set := devices.Set{
		{Type: 'c', Major: 1, Minor: devices.Any, Access: devices.All, Allow: true},
		{Type: 'c', Major: 1, Minor: 5, Access: devices.Write},
	}
	if _, err := devices.LegacyWrites(nil, set); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("err = %v, want ErrUnsupported", err)
	}
}
