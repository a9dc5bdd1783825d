package tabs

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/logs"
	"gantry/ui/feed"
	"gantry/ui/logtext"
	"gantry/ui/widgets"
)

// sift is which lines of a log are wanted.
type sift struct {
	include, exclude prompt // texts, or /expressions/
	least            logtext.Level
	window           time.Duration // only what is younger; 0: all
	since            time.Time     // when that began

	from  *anchor // where the log was when typing began; nil: it followed
	round int     // rests of earlier keys do not count
}

// choice is which lines a reading of the log has.
type choice struct {
	include, exclude string
	least            logtext.Level
	window           time.Duration
	since            time.Time
	without          logs.Stream
}

// wanted is what was chosen; a text that is no expression yet changes nothing.
func (t *Log) wanted() choice {
	s := &t.sift
	c := choice{least: s.least, window: s.window, since: s.since, without: t.without}
	c.include, c.exclude = s.include.text, s.exclude.text
	if _, err := logtext.Compile(c.include); err != nil && c.include != "" {
		c.include = t.read.include
	}
	if _, err := logtext.Compile(c.exclude); err != nil && c.exclude != "" {
		c.exclude = t.read.exclude
	}
	return c
}

// keep is what the source of the log chooses lines by; nil: it shows all.
func (c choice) keep() func() func(feed.Line) bool {
	in, _ := logtext.Compile(c.include)
	out, _ := logtext.Compile(c.exclude)
	if in == nil && out == nil && c.least == logtext.None {
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
				grave = level >= c.least
			}
			kept = (c.least == logtext.None || grave) && (in == nil || in.In(text)) && (out == nil || !out.In(text))
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
	return t.resift(t.anchor())
}

// siftRest is how long keys rest before what they typed is looked for.
const siftRest = 120 * time.Millisecond

// siftMsg tells that keys have rested.
type siftMsg struct {
	tab   *Log
	round int
}

// openSift begins to type what lines must hold, or must not.
func (t *Log) openSift(p *prompt) {
	p.open()
	t.sift.from = t.anchor()
}

// sifted takes a key of that; it holds when keys rest, so that one sees what one
// types, and esc goes back.
func (t *Log) sifted(p *prompt, key string) tea.Cmd {
	changed := p.key(key)
	if _, err := logtext.Compile(p.text); err != nil && p.text != "" && key == "enter" {
		p.typing = true
		return nil
	}
	if t.sift.round++; !p.typing {
		t.unrest()
		return t.resift(t.sift.from)
	}
	if !changed {
		return nil
	}
	t.unrest()
	ctx, stop := context.WithCancel(t.parent)
	t.stopRest = stop
	return after(ctx, siftRest, siftMsg{t, t.sift.round})
}

// unrest no longer waits for keys to rest.
func (t *Log) unrest() {
	if t.stopRest != nil {
		t.stopRest()
	}
	t.stopRest = nil
}

// unsift shows all lines again.
func (t *Log) unsift() tea.Cmd {
	t.sift = sift{round: t.sift.round}
	return t.resift(t.anchor())
}

func (t *Log) notSifted() string {
	if t.wanted().chips() == "" {
		return "all lines are shown"
	}
	return ""
}

// windows are the spans of time that digits choose behind T.
var windows = map[string]time.Duration{
	"0": 0, "1": time.Minute, "2": 5 * time.Minute, "3": 15 * time.Minute, "4": time.Hour, "5": 6 * time.Hour, "6": 24 * time.Hour,
}

// windowsHelp says so in full, or with less around it where that has no room:
// each digit is a choice, and none may be cut off.
func windowsHelp(width int) string {
	const short = " 1:1m 2:5m 3:15m 4:1h 5:6h 6:1d 0:all"
	for _, help := range []string{
		" only the last  1: 1m  2: 5m  3: 15m  4: 1h  5: 6h  6: 1d  0: all",
		" last  1: 1m  2: 5m  3: 15m  4: 1h  5: 6h  6: 1d  0: all",
	} {
		if widgets.Width(help) <= width {
			return help
		}
	}
	return short
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
	return t.resift(t.anchor())
}

// jumped takes a key of the time to go to.
func (t *Log) jumped(key string) tea.Cmd {
	t.jump.key(key)
	if t.jump.typing || key != "enter" || t.jump.text == "" {
		return nil
	}
	at, ok := moment(t.jump.text, t.now())
	if !ok {
		t.jump.typing, t.note = true, "no time; 14:05 is one, so is 10m"
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
func (c choice) chips() string {
	var words []string
	if c.least != logtext.None {
		words = append(words, "level "+levelNames[c.least]+" and up")
	}
	if c.include != "" {
		words = append(words, "&"+safe(c.include))
	}
	if c.exclude != "" {
		words = append(words, "!"+safe(c.exclude))
	}
	if c.window > 0 {
		words = append(words, "since "+c.since.Local().Format("15:04:05"))
	}
	return strings.Join(words, "  ")
}
