package tabs

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/ui/feed"
	"gantry/ui/logtext"
	"gantry/ui/widgets"
)

// sift is which lines of a log are shown.
type sift struct {
	include, exclude prompt // texts, or /expressions/
	least            logtext.Level
	window           time.Duration // only what is younger; 0: all
	since            time.Time     // when that began
}

// keep is what the source of the log chooses lines by; nil: it shows all.
func (s *sift) keep() func() func(feed.Line) bool {
	in, _ := logtext.Compile(s.include.text)
	out, _ := logtext.Compile(s.exclude.text)
	least := s.least
	if in == nil && out == nil && least == logtext.None {
		return nil
	}
	return func() func(feed.Line) bool {
		// A line that tells no level goes with the one before it, as the lines of
		// a stack go with their error; so do the parts of a long one.
		kept, grave := false, false
		return func(l feed.Line) bool {
			if l.Mark || l.Cont && kept {
				return true
			}
			if l.Cont {
				return false
			}
			text := widgets.Print(l.Raw).Text
			if level := logtext.LevelOf(text[:min(len(text), 1<<10)]).Level; level != logtext.None {
				grave = level >= least
			}
			kept = (least == logtext.None || grave) && (in == nil || in.In(text)) && (out == nil || !out.In(text))
			return kept
		}
	}
}

// levels are what v goes through.
var levels = []logtext.Level{logtext.None, logtext.Info, logtext.Warn, logtext.Error}

var levelNames = map[logtext.Level]string{logtext.Info: "info", logtext.Warn: "warn", logtext.Error: "error"}

// nextLevel shows only graver lines, and after errors alone all again.
func (t *Log) nextLevel() tea.Cmd {
	for i, l := range levels {
		if l == t.sift.least {
			t.sift.least = levels[(i+1)%len(levels)]
			break
		}
	}
	return t.begin()
}

// sifted takes a key of what lines must hold, or must not; what was typed holds
// with enter.
func (t *Log) sifted(p *prompt, key string) tea.Cmd {
	p.key(key)
	if _, err := logtext.Compile(p.text); p.typing || err != nil && p.text != "" {
		p.typing = p.typing || err != nil && key == "enter"
		return nil
	}
	if p.text == p.before {
		return nil
	}
	return t.begin()
}

// unsift shows all lines again.
func (t *Log) unsift() tea.Cmd {
	t.sift = sift{}
	return t.begin()
}

func (t *Log) notSifted() string {
	if t.sift.chips() == "" {
		return "all lines are shown"
	}
	return ""
}

// windows are the spans of time that digits choose behind T.
var windows = map[string]time.Duration{
	"0": 0, "1": time.Minute, "2": 5 * time.Minute, "3": 15 * time.Minute, "4": time.Hour, "5": 6 * time.Hour, "6": 24 * time.Hour,
}

// windowsHelp says so, in as much room as there is.
func windowsHelp(width int) string {
	if width < 60 {
		return " 1: 1m 2: 5m 3: 15m 4: 1h 5: 6h 0: all"
	}
	return " only the last  1: 1m  2: 5m  3: 15m  4: 1h  5: 6h  6: 1d  0: all"
}

// windowed takes the digit behind T; any other key changes nothing.
func (t *Log) windowed(key string) tea.Cmd {
	t.asksWindow = false
	span, ok := windows[key]
	if !ok || span == t.sift.window && span == 0 {
		return nil
	}
	t.sift.window, t.sift.since = span, time.Time{}
	if span > 0 {
		t.sift.since = t.now().Add(-span)
	}
	return t.begin()
}

// jumped takes a key of the time to go to.
func (t *Log) jumped(key string) tea.Cmd {
	t.jump.key(key)
	if t.jump.typing || key != "enter" || t.jump.text == "" {
		return nil
	}
	at, ok := moment(t.jump.text, t.now())
	if !ok {
		t.jump.typing, t.note = true, "that is no time; 14:05 is one, and 10m, and 2006-01-02 15:04"
		return nil
	}
	t.pause()
	return t.ask(pageRequest{kind: timePage, at: at})
}

// moment reads a time of the day, which is the last one of that name, a day with
// one, or how long ago it was.
func moment(text string, now time.Time) (time.Time, bool) {
	text = strings.TrimSpace(text)
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), true
	}
	now = now.Local()
	for _, layout := range []string{"15:04", "15:04:05"} {
		if at, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			at = time.Date(now.Year(), now.Month(), now.Day(), at.Hour(), at.Minute(), at.Second(), 0, now.Location())
			if at.After(now) {
				at = at.AddDate(0, 0, -1)
			}
			return at, true
		}
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", time.RFC3339} {
		if at, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// chips say which lines are shown, "" for all of them.
func (s *sift) chips() string {
	var words []string
	if s.least != logtext.None {
		words = append(words, "level "+levelNames[s.least]+" and up")
	}
	for _, p := range []struct {
		sign string
		of   prompt
	}{{"&", s.include}, {"!", s.exclude}} {
		text := p.of.text
		if p.of.typing { // it does not hold yet
			text = p.of.before
		}
		if text != "" {
			words = append(words, p.sign+safe(text))
		}
	}
	if s.window > 0 {
		words = append(words, "since "+s.since.Local().Format("15:04:05"))
	}
	return strings.Join(words, "  ")
}
