package tabs

import (
	"slices"
	"sort"

	"gantry/logs"
	"gantry/ui/feed"
)

// past is a part of a log that stands still while one reads it. It is a value:
// what grows at one end is another past, so that a view can go back to the one
// that it had.
type past struct {
	lines []feed.Line
	first int64 // number of lines[0]
	head  bool  // nothing is older
	kin   bool  // the numbers are those of the feed
}

// How much a past holds at most: what is far from where it grows goes.
const (
	pastLines = 2 * feed.KeptLines
	pastBytes = 16 << 20
)

func (p past) end() int64 { return p.first + int64(len(p.lines)) }

// oldest and newest are what pages before and after this one are asked by: a
// line, and the nearest place in the journal.
func (p past) oldest() (l feed.Line, place logs.Pos) {
	if len(p.lines) == 0 {
		return l, place
	}
	if i := slices.IndexFunc(p.lines, placed); i >= 0 {
		place = p.lines[i].Pos
	}
	return p.lines[0], place
}

func (p past) newest() (l feed.Line, place logs.Pos) {
	for i := len(p.lines) - 1; i >= 0 && !place.Known(); i-- {
		place = p.lines[i].Pos
	}
	if n := len(p.lines); n > 0 {
		l = p.lines[n-1]
	}
	return l, place
}

func placed(l feed.Line) bool { return l.Pos.Known() }

// withOlder puts a page in front.
func (p past) withOlder(pg feed.Page) past {
	p.first -= int64(len(pg.Lines))
	p.lines = slices.Concat(pg.Lines, p.lines)
	p.head = pg.Head
	size := 0
	for i, l := range p.lines {
		if size += len(l.Raw); i >= pastLines || size > pastBytes && i > len(pg.Lines) {
			p.lines = p.lines[:i:i]
			break
		}
	}
	return p
}

// withNewer puts lines behind.
func (p past) withNewer(lines []feed.Line) past {
	p.lines = slices.Concat(p.lines, lines)
	size := 0
	for i := len(p.lines) - 1; i >= 0; i-- {
		size += len(p.lines[i].Raw)
		if kept := len(p.lines) - i; kept > pastLines || size > pastBytes && kept > len(lines) {
			p.first += int64(i + 1)
			p.lines, p.head = slices.Clone(p.lines[i+1:]), false
			break
		}
	}
	return p
}

// meet gives the lines the numbers that the feed has for them, when the two
// have one in common. by is what the numbers moved.
func (p past) meet(kept []feed.Line, first int64) (q past, by int64, ok bool) {
	i := slices.IndexFunc(kept, placed)
	if i < 0 {
		return p, 0, false
	}
	at := kept[i].Pos
	j := sort.Search(len(p.lines), func(j int) bool { return !p.placeFrom(j).Before(at) })
	for j < len(p.lines) && !placed(p.lines[j]) {
		j++
	}
	if j == len(p.lines) || p.lines[j].Pos != at {
		return p, 0, false
	}
	by = first + int64(i) - p.first - int64(j)
	p.first += by
	p.kin = true
	return p, by, true
}

// placeFrom is the place of line j, or of the next one that has any: marks do
// not.
func (p past) placeFrom(j int) logs.Pos {
	for ; j < len(p.lines); j++ {
		if placed(p.lines[j]) {
			return p.lines[j].Pos
		}
	}
	return logs.Pos{Segment: 1 << 62}
}
