package tabs

import (
	"math"
	"testing"
	"time"

	"gantry/engine"
)

func TestVariablesThatLookSecret(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, mask string }{
		{"DB_PASSWORD=x", hidden}, {"MYSQL_PWD=x", hidden}, {"github_token=x", hidden}, {"API_KEY=x", hidden}, {"APIKEY=x", hidden},
		{"AWS_SECRET_ACCESS_KEY=x", hidden}, {"SSH_AUTH=x", hidden}, {"KEY=x", hidden}, {"PASS=x", hidden}, {"TOKENS=a=b", hidden},
		{"PWD=/app", ""}, {"OLDPWD=/app", ""}, {"MONKEY=x", ""}, {"KEYBOARD=de", ""}, {"COMPASS=n", ""}, {"AUTHOR=me", ""}, {"PASSWORD=", ""}, {"PATH=/bin", ""}, {"", ""}, {"NAMEONLY", ""},
		{"URL=postgres://me:pw@db/x", "postgres://me:" + hidden + "@db/x"},
		{"URLS=amqp://:pw@a,https://b:pw2@c/", "amqp://:" + hidden + "@a,https://b:" + hidden + "@c/"},
		{"URL=https://host:8080/path@x", ""}, {"URL=https://me@host/", ""},
	} {
		if got := parseVariable(c.in).mask; got != c.mask {
			t.Errorf("%s is shown as %q, want %q", c.in, got, c.mask)
		}
	}
}

func TestQuantities(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]float64{
		"7": 7, "0.5": 0.5, "-1": -1, "00:01:30": 90, "01:30": 90, "2-03:00:00": 51 * 3600, "100:00:00": 360000,
	} {
		if got, ok := quantity(in); !ok || got != want {
			t.Errorf("%s is %g, %v; want %g", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "root", "?", "Jan02", "1:2:3:4", "a-00:00", "00:x0", "pts/0", "NaN"} {
		if got, ok := quantity(in); ok {
			t.Errorf("%q is the quantity %g", in, got)
		}
	}
}

func TestInstructions(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`/bin/sh -c #(nop)  CMD ["sh"]`:            `CMD ["sh"]`,
		"/bin/sh -c apk add curl":                  "RUN apk add curl",
		"RUN /bin/sh -c make # buildkit":           "RUN make",
		"COPY . /app # buildkit":                   "COPY . /app",
		"RUN |1 A=1 /bin/sh -c echo $A # buildkit": "RUN |1 A=1 /bin/sh -c echo $A",
		"": "",
	} {
		if got := instruction(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// sampleAt is second s of a container that always uses half a core.
func sampleAt(s int) engine.Sample {
	return engine.Sample{Time: time.Unix(int64(s), 0), CPU: engine.CPUSample{Usage: uint64(s) * 5e8}, Memory: engine.MemSample{Usage: uint64(s)}}
}

func TestRing(t *testing.T) {
	t.Parallel()
	var r ring
	for s := range 1000 {
		r.add(sampleAt(s))
	}
	if len(r.points) != kept || r.latest().memory != 999 || r.latest().cores != 0.5 {
		t.Errorf("%d points, the last is %+v", len(r.points), r.latest())
	}
	// Twenty seconds without samples are twenty gaps, and a rate over them
	// is not one of now.
	r.add(sampleAt(1020))
	n := len(r.points)
	if p := r.points[n-2]; !math.IsNaN(p.memory) {
		t.Errorf("no gap: %+v", p)
	}
	if p := r.points[n-22]; math.IsNaN(p.memory) {
		t.Errorf("the gap is too long: %+v", p)
	}
	if p := r.latest(); p.memory != 1020 || !math.IsNaN(p.cores) {
		t.Errorf("after the gap: %+v", p)
	}
	// A counter that goes back belongs to another start.
	again := sampleAt(1021)
	again.CPU.Usage = 1
	r.add(again)
	if p := r.latest(); !math.IsNaN(p.cores) {
		t.Errorf("a rate across a restart: %+v", p)
	}
}

// TestColumnsDoNotFlicker: a peak keeps its column while it moves, and its
// height.
func TestColumnsDoNotFlicker(t *testing.T) {
	t.Parallel()
	var r ring
	memory := func(p point) float64 { return p.memory }
	for s := range kept {
		v := sampleAt(s)
		v.Memory.Usage = 1
		if s == kept-7 {
			v.Memory.Usage = 100
		}
		r.add(v)
	}
	for s := kept; s < kept+60; s++ {
		v := sampleAt(s)
		v.Memory.Usage = 1
		r.add(v)
		values, per := r.columns(60, memory)
		if per != 5 {
			t.Fatalf("%d seconds per column, want 5", per)
		}
		peaks := 0
		for _, v := range values {
			if v == 100 {
				peaks++
			}
		}
		if peaks != 1 {
			t.Fatalf("at second %d the peak is in %d columns", s, peaks)
		}
	}
}

func TestPromptEdits(t *testing.T) {
	t.Parallel()
	p := prompt{text: "old"}
	p.open()
	for _, k := range []string{"backspace", "backspace", "backspace", "a", "space", "é", "漢", "f5", "up", "shift+tab", "alt+x"} {
		p.key(k)
	}
	if p.text != "a é漢" || !p.typing {
		t.Errorf("typed %q", p.text)
	}
	p.key("backspace")
	if p.text != "a é" {
		t.Errorf("a backspace left %q", p.text)
	}
	p.key("esc")
	if p.text != "old" || p.typing {
		t.Errorf("esc left %q", p.text)
	}
	p.open()
	p.key("ctrl+u")
	p.key("backspace") // in an empty line: leave
	if p.typing || p.text != "" {
		t.Errorf("backspace in an empty line left %q, typing %v", p.text, p.typing)
	}
}
