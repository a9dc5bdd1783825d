package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gantry/engine"
	"gantry/images"
)

func TestParseTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("here", 3600))
	for s, want := range map[string]string{
		"10m":                       "2026-03-01T11:50:00+01:00",
		"1h30m":                     "2026-03-01T10:30:00+01:00",
		"0s":                        "2026-03-01T12:00:00+01:00",
		"1136073845":                "2006-01-01T01:04:05+01:00",
		"1136073845.000000001":      "2006-01-01T01:04:05.000000001+01:00",
		"1136073845.5":              "2006-01-01T01:04:05.5+01:00",
		"2006-01-02T15:04:05Z":      "2006-01-02T16:04:05+01:00",
		"2006-01-02T15:04:05.123Z":  "2006-01-02T16:04:05.123+01:00",
		"2006-01-02T15:04:05+02:00": "2006-01-02T14:04:05+01:00",
		"2006-01-02T15:04:05":       "2006-01-02T15:04:05+01:00",
		"2006-01-02T15:04":          "2006-01-02T15:04:00+01:00",
		"2006-01-02Z":               "2006-01-02T01:00:00+01:00",
		"2006-01-02":                "2006-01-02T00:00:00+01:00",
		"yesterday":                 "",
		"1136073845.x":              "",
		"2006-13-02":                "",
	} {
		got, err := parseTime(s, now)
		if (err == nil) != (want != "") || err == nil && got.In(now.Location()).Format(time.RFC3339Nano) != want {
			t.Errorf("parseTime(%q) = %v, %v; want %s", s, got, err, want)
		}
	}
}

func TestStatusText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := func(d time.Duration) time.Time { return time.Now().Add(-d) }
		for want, s := range map[string]engine.ContainerState{
			"Created":                      {Status: engine.Created},
			"Up Less than a second":        {Status: engine.Running, StartedAt: at(0)},
			"Up About a minute":            {Status: engine.Running, StartedAt: at(time.Minute)},
			"Up 3 minutes (Paused)":        {Status: engine.Paused, StartedAt: at(3 * time.Minute)},
			"Exited (137) 2 hours ago":     {Status: engine.Exited, ExitCode: 137, FinishedAt: at(2 * time.Hour)},
			"Restarting (1) 5 seconds ago": {Status: engine.Restarting, ExitCode: 1, FinishedAt: at(5 * time.Second)},
			"Removal In Progress":          {Status: engine.Removing},
			"Dead":                         {Status: engine.Dead},
		} {
			if got := statusText(s); got != want {
				t.Errorf("%s: %q, want %q", s.Status, got, want)
			}
		}
	})
}

func TestShortImage(t *testing.T) {
	t.Parallel()
	d := images.Digest("sha256:" + strings.Repeat("ab", 32))
	for image, want := range map[string]string{
		"alpine":                     "alpine",
		"alpine:latest":              "alpine:latest",
		"docker.io/library/alpine:3": "alpine:3",
		"reg.example:5000/a/b":       "reg.example:5000/a/b",
		"alpine@" + string(d):        "alpine",
		"alpine:3@" + string(d):      "alpine:3",
		string(d):                    "abababababab",
		"abababababab":               "abababababab",
		"!not a reference!":          "!not a reference!",
	} {
		if got := shortImage(engine.ContainerSummary{Image: image, ImageID: d}); got != want {
			t.Errorf("shortImage(%q) = %q, want %q", image, got, want)
		}
	}
}

// TestGuard: a panic finds the terminal restored, and goes on.
func TestGuard(t *testing.T) {
	t.Parallel()
	restored := false
	defer func() {
		if r := recover(); r != "broken" || !restored {
			t.Errorf("recovered %v, restored %v", r, restored)
		}
	}()
	guard(func() { restored = true }, func() { panic("broken") })
}

func TestNearest(t *testing.T) {
	t.Parallel()
	cmds := (&app{}).root(nil).Commands()
	for typed, want := range map[string]string{
		"rnu": "run", "imgaes": "images", "kil": "kill", "PS": "ps", "contaner": "container", "inspekt": "inspect", "zzz": "", "q": "",
	} {
		if got := nearest(typed, cmds); got != want {
			t.Errorf("nearest(%q) = %q, want %q", typed, got, want)
		}
	}
}

func TestBar(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		done, total int64
		cols        int
		want        string
	}{
		{0, 100, 64, "[>                  ]  0B/100B"},
		{50, 100, 64, "[=========>        ]  50B/100B"},
		{100, 100, 200, "[" + strings.Repeat("=", 49) + ">]  100B/100B"},
		{150, 100, 200, "[" + strings.Repeat("=", 49) + ">]  100B/100B"},
		{5, 10, 40, "5B/10B"},
	} {
		if got := bar(test.done, test.total, test.cols); got != test.want {
			t.Errorf("bar(%d, %d, %d) = %q, want %q", test.done, test.total, test.cols, got, test.want)
		}
	}
}

// screenLines plays the few sequences that bars use and returns the lines.
func screenLines(t *testing.T, s string) []string {
	t.Helper()
	lines, row := []string{""}, 0
	for s != "" {
		switch {
		case strings.HasPrefix(s, "\x1b[2K"):
			lines[row], s = "", s[4:]
		case strings.HasPrefix(s, "\x1b[J"):
			lines, s = append(lines[:row], ""), s[3:]
		case strings.HasPrefix(s, "\x1b["):
			var n int
			if _, err := fmt.Sscanf(s, "\x1b[%dA", &n); err != nil || n > row {
				t.Fatalf("row %d: unexpected %q", row, s)
			}
			row -= n
			s = s[strings.IndexByte(s, 'A')+1:]
		case s[0] == '\n':
			if row++; row == len(lines) {
				lines = append(lines, "")
			}
			s = s[1:]
		default:
			i := strings.IndexAny(s, "\x1b\n")
			if i < 0 {
				i = len(s)
			}
			lines[row], s = lines[row]+s[:i], s[i:]
		}
	}
	return lines
}

// TestBarView: whatever order parts finish in, and however many there are, the
// last picture has one line per part.
func TestBarView(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, rows := range []int{3, 5, 24} {
			var b bytes.Buffer
			v := newBarView(&b, pullWords, 100, rows)
			const n = 8
			tell := func(i int, s images.ProgressState, done int64) {
				if err := v.show(images.Progress{ID: fmt.Sprintf("part-%d", i), State: s, Done: done, Total: 1000}); err != nil {
					t.Fatal(err)
				}
				if v.drawn >= rows {
					t.Fatalf("%d lines on a screen of %d rows", v.drawn, rows)
				}
			}
			for i := range n {
				tell(i, images.Downloading, 0)
			}
			for k := range n {
				i := (k*5 + 3) % n
				time.Sleep(barInterval)
				tell(i, images.Downloading, 500)
				tell(i, images.Done, 1000)
			}
			if err := v.end(); err != nil {
				t.Fatal(err)
			}
			var want []string
			for i := range n {
				want = append(want, fmt.Sprintf("part-%d: Pull complete", i))
			}
			if got := strings.Join(screenLines(t, b.String()), "\n"); got != strings.Join(want, "\n")+"\n" {
				t.Errorf("%d rows: the last picture is\n%s", rows, got)
			}
		}
	})
}

// TestBarRate: a fast network does not draw more often than people see.
func TestBarRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var writes counter
		v := newBarView(&writes, pullWords, 100, 24)
		for i := range 10_000 {
			if err := v.show(images.Progress{ID: "a", State: images.Downloading, Done: int64(i), Total: 10_000}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Microsecond)
		}
		if writes > 17 { // 1 s
			t.Errorf("drawn %d times in a second", writes)
		}
	})
}

type counter int

func (c *counter) Write(b []byte) (int, error) { *c++; return len(b), nil }

func BenchmarkTree(b *testing.B) {
	for _, args := range [][]string{{"ps"}, {"run", "busybox"}, {"--help"}} {
		b.Run(args[0], func(b *testing.B) {
			for b.Loop() {
				(&app{}).root(args)
			}
		})
	}
}

func BenchmarkPs(b *testing.B) {
	p := printer[containerRow]{table: "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}", header: containerHeader()}
	for _, n := range []int{10, 1000} {
		rows := make([]containerRow, n)
		for i := range rows {
			rows[i] = newContainerRow(engine.ContainerSummary{ID: engine.NewID(), Image: "alpine:3", Name: "web", Command: []string{"sh"}}, false, false)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if err := p.write(new(bytes.Buffer), rows); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
