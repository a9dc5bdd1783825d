package logtext_test

import (
	"strings"
	"testing"

	"gantry/ui/logtext"
)

func TestLevelOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line  string
		level logtext.Level
		word  string
	}{
		{"ERROR payment gateway timeout", logtext.Error, "ERROR"},
		{"2026-01-02 12:04:51 WARN slow query", logtext.Warn, "WARN"},
		{"12:04 INFO  0 ERROR in the last minute", logtext.Info, "INFO"},
		{"2026/01/02 12:04:51 [error] 31#31: *1 open() failed", logtext.Error, "error"},
		{"[Wed Jan 02] [core:warn] x", logtext.None, ""},
		{"panic: runtime error: index out of range", logtext.Error, "panic"},
		{"fatal error: all goroutines are asleep", logtext.Error, "error"},
		{"2026-01-02 UTC [1] FATAL:  role does not exist", logtext.Error, "FATAL"},
		{"db-1  | error: relation does not exist", logtext.Error, "error"},
		{`{"time":"x","level":"error","msg":"boom"}`, logtext.Error, "error"},
		{`{"level": "warning","msg":"ERROR"}`, logtext.Warn, "warning"},
		{`{"severity":"DEBUG"}`, logtext.Debug, "DEBUG"},
		{`{"level":50,"time":1}`, logtext.Error, "50"},
		{`{"level":7,"time":1}`, logtext.None, ""},
		{`time=x level=warn msg="it is bad"`, logtext.Warn, "warn"},
		{`ts=1 lvl=eror`, logtext.None, ""},
		{"E0102 12:04:51.000 1 main.go:1] broken", logtext.Error, "E"},
		{"W0102 12:04:51.000 1 main.go:1] odd", logtext.Warn, "W"},
		{"an error happened somewhere", logtext.None, ""},
		{"NO_ERROR", logtext.None, ""},
		{"GET /error/ERROR-12 200", logtext.None, ""},
		{"WARNING: deprecated", logtext.Warn, "WARNING"},
		{"Traceback (most recent call last):", logtext.Error, "Traceback"},
		{"Warning: x", logtext.Warn, "Warning"},
		{"<warn> NetworkManager", logtext.Warn, "warn"},
		{strings.Repeat("x", 300) + " ERROR", logtext.None, ""},
		{"level", logtext.None, ""}, {`level="`, logtext.None, ""}, {"", logtext.None, ""},
	} {
		got := logtext.LevelOf(c.line)
		if got.Level != c.level || c.line[got.From:got.To] != c.word {
			t.Errorf("%.60q: level %d of %q, want %d of %q", c.line, got.Level, c.line[got.From:got.To], c.level, c.word)
		}
	}
}

func FuzzLevelOf(f *testing.F) {
	f.Add(`{"level": "err`)
	f.Fuzz(func(t *testing.T, line string) {
		got := logtext.LevelOf(line)
		if got.From < 0 || got.To < got.From || got.To > len(line) || (got.Level == logtext.None) != (got.To == 0) {
			t.Errorf("%q: %+v", line, got)
		}
	})
}

func TestPattern(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, text string
		places        int
	}{
		{"error", "ERROR error", 2}, {"Error", "ERROR Error", 1}, {`\W+`, "a - b", 1}, {`\D`, "1a2", 1}, {`x*`, "ab", 0}, {"time(out|r)", "Timeout timer", 2},
		{"漢", "漢字", 1}, {"e", strings.Repeat("e", 1000), 100},
	} {
		p, err := logtext.Compile(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(p.Places(c.text)); got != c.places {
			t.Errorf("%q is found %d times in %.20q, want %d", c.pattern, got, c.text, c.places)
		}
	}
	if p, err := logtext.Compile(""); p != nil || err != nil || p.In("x") || p.Places("x") != nil {
		t.Error("nothing is searched for, and found")
	}
}

func TestPatternErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"a(b": `a "(" is not closed`, "a)b": `a ")" has no "("`, "[a": `"[a" is not closed`, "*a": `nothing stands before "*"`, `a\`: `a "\" at the end`,
		"a{2,1}": "invalid repeat count: {2,1}", "(?z)": "(?z",
	} {
		if _, err := logtext.Compile(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", pattern, err, want)
		}
	}
}

func BenchmarkLevelOf(b *testing.B) {
	for name, line := range map[string]string{
		"word": "2026-01-02 12:04:51.120 ERROR payment gateway timeout order=8812", "none": strings.Repeat("GET /cart 200 12ms ", 20), "json": `{"time":"2026-01-02T12:04:51Z","level":"info","msg":"x"}`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				logtext.LevelOf(line)
			}
		})
	}
}
