package portspec_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/engine"
	"gantry/internal/portspec"
)

// flat is a map as lines "80/tcp 127.0.0.1 8080".
func flat(m engine.PortMap) []string {
	var lines []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		for _, b := range m[k] {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s:%s", k, b.HostIP, b.HostPort)))
		}
	}
	return lines
}

func TestPublish(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string][]string{
		"80":                            {"80/tcp :"},
		"80/udp":                        {"80/udp :"},
		"80/SCTP":                       {"80/sctp :"},
		"8080:80":                       {"80/tcp :8080"},
		":80":                           {"80/tcp :"},
		"0:80":                          {"80/tcp :"},
		"127.0.0.1:8080:80":             {"80/tcp 127.0.0.1:8080"},
		"127.0.0.1::80/udp":             {"80/udp 127.0.0.1:"},
		"0.0.0.0:8080:80":               {"80/tcp 0.0.0.0:8080"},
		"[::1]:8080:80":                 {"80/tcp ::1:8080"},
		"[::]::80":                      {"80/tcp :::"},
		"::1:8080:80":                   {"80/tcp ::1:8080"},
		"2001:db8::1:8080:80":           {"80/tcp 2001:db8::1:8080"},
		"8000-8002":                     {"8000/tcp :", "8001/tcp :", "8002/tcp :"},
		"8000-8002:80":                  {"80/tcp :8000-8002"},
		"8000-8001:80-81":               {"80/tcp :8000", "81/tcp :8001"},
		"127.0.0.1:9000-9001:80-81/udp": {"80/udp 127.0.0.1:9000", "81/udp 127.0.0.1:9001"},
		"80-80:81-81":                   {"81/tcp :80"},
		"published=8080,target=80":      {"80/tcp :8080"},
		"target=80":                     {"80/tcp :"},
		"target=53,protocol=udp,published=5353,mode=ingress": {"53/udp :5353"},
		"published=8000-8001,target=80-81":                   {"80/tcp :8000", "81/tcp :8001"},
		"65535:65535":                                        {"65535/tcp :65535"},
	} {
		m, err := portspec.Publish([]string{spec})
		if err != nil {
			t.Errorf("%q: %v", spec, err)
		} else if diff := cmp.Diff(want, flat(m)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", spec, diff)
		}
	}
	m, err := portspec.Publish([]string{"8080:80", "127.0.0.1:9090:80"})
	if want := []string{"80/tcp :8080", "80/tcp 127.0.0.1:9090"}; err != nil || !slices.Equal(flat(m), want) {
		t.Errorf("two ports of the host for one: %v, %v", flat(m), err)
	}
}

func TestPublishRefuses(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		"":                    "not a port",
		"x":                   "not a port",
		"-1":                  "not a port",
		"+80":                 "not a port",
		"80 ":                 "not a port",
		"65536":               "not a port",
		"0":                   "1 to 65535",
		"8080:":               "not a port",
		"x:80":                "not a port",
		"0-5:80":              "not a port",
		"80/":                 "unknown protocol",
		"80/icmp":             "unknown protocol",
		"80/tcp/udp":          "unknown protocol",
		"81-80":               "ends before it begins",
		"8000-8001:80-82":     "different lengths",
		"8000:80-82":          "different lengths",
		"localhost:80:80":     "not an address",
		"300.0.0.1:80:80":     "not an address",
		"[::1:80:80":          "not an address",
		"fe80::1%eth0:80:80":  "not an address",
		"published=80":        "missing",
		"target=80,foo=1":     "unknown option",
		"target=80,published": "no value",
	} {
		_, err := portspec.Publish([]string{spec})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), fmt.Sprintf("-p %q", spec)) {
			t.Errorf("%q: %v, want an error about %q", spec, err, want)
		}
	}
}

func TestExpose(t *testing.T) {
	t.Parallel()
	got, err := portspec.Expose([]string{"80", "53/udp", "8000-8001"})
	if want := []string{"53/udp", "80/tcp", "8000/tcp", "8001/tcp"}; err != nil || !slices.Equal(slices.Sorted(maps.Keys(got)), want) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"8080:80", "x", "80/icmp", "0", "9-8"} {
		if _, err := portspec.Expose([]string{bad}); err == nil || !strings.Contains(err.Error(), "--expose") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	bind := func(all ...string) []engine.PortBinding {
		var b []engine.PortBinding
		for _, s := range all {
			i := strings.LastIndexByte(s, ':')
			b = append(b, engine.PortBinding{HostIP: s[:i], HostPort: s[i+1:]})
		}
		return b
	}
	for _, c := range []struct {
		m    engine.PortMap
		want string
	}{
		{nil, ""},
		{engine.PortMap{"80/tcp": nil, "53/udp": nil}, "53/udp, 80/tcp"},
		{engine.PortMap{"80/tcp": nil, "81/tcp": nil, "82/tcp": nil, "90/tcp": nil}, "80-82/tcp, 90/tcp"},
		{engine.PortMap{"80/tcp": bind("0.0.0.0:8080", ":::8080")}, "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"},
		{engine.PortMap{"80/tcp": bind("0.0.0.0:80", ":::80"), "81/tcp": bind("0.0.0.0:81", ":::81")}, "0.0.0.0:80-81->80-81/tcp, [::]:80-81->80-81/tcp"},
		{engine.PortMap{"80/tcp": bind("127.0.0.1:80"), "81/tcp": nil, "82/tcp": bind("127.0.0.1:9000")}, "127.0.0.1:80->80/tcp, 81/tcp, 127.0.0.1:9000->82/tcp"},
		{engine.PortMap{"53/udp": bind("0.0.0.0:53"), "53/tcp": bind("0.0.0.0:53")}, "0.0.0.0:53->53/tcp, 0.0.0.0:53->53/udp"},
		{engine.PortMap{"nonsense": nil}, ""},
	} {
		if got := portspec.Text(c.m); got != c.want {
			t.Errorf("%v: %q, want %q", c.m, got, c.want)
		}
	}
	list := portspec.List(engine.PortMap{"80/tcp": bind("0.0.0.0:8080", ":::8080"), "443/tcp": bind("127.0.0.1:443"), "9/udp": nil})
	want := []portspec.Published{{"443/tcp", "127.0.0.1:443"}, {"80/tcp", "0.0.0.0:8080"}, {"80/tcp", "[::]:8080"}}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFilter(t *testing.T) {
	t.Parallel()
	m := engine.PortMap{"80/tcp": {{HostIP: "0.0.0.0", HostPort: "8080"}}, "53/udp": nil}
	for _, c := range []struct {
		key, value string
		want       bool
	}{
		{"publish", "8080", true}, {"publish", "8000-8100/tcp", true}, {"publish", "80", false}, {"publish", "8080/udp", false},
		{"expose", "80", true}, {"expose", "53/udp", true}, {"expose", "50-60", false}, {"expose", "8080", false},
	} {
		match, err := portspec.Filter(c.key, []string{"1", c.value})
		if err != nil || match(m) != c.want {
			t.Errorf("%s=%s: %v, %v", c.key, c.value, !c.want, err)
		}
	}
	if _, err := portspec.Filter("publish", []string{"x"}); err == nil {
		t.Error("nonsense is accepted")
	}
}

func FuzzPublish(f *testing.F) {
	for _, s := range []string{"80", "127.0.0.1:8000-8010:80/udp", "[::1]::9", "published=1,target=2", ":::::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := portspec.Publish([]string{s})
		if err != nil {
			return
		}
		for key := range m {
			if r, _, err := portspec.Parse(key); err != nil || r.Count() != 1 {
				t.Errorf("%q makes the key %q", s, key)
			}
		}
	})
}
