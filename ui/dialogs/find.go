package dialogs

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sahilm/fuzzy"
)

// match is an item that fits, and the letters of its text that do.
type match struct {
	item  int
	runes []int // byte positions in the text
	rank  rank
	score int // of the letters, among those that are scattered
}

// rank says how well an item fits. What somebody types is the beginning of a
// word more often than anything else.
type rank int

const (
	wordRank    rank = iota // it is, or begins, a word
	insideRank              // it stands somewhere in the text
	letterRank              // its letters do, in this order
	detailsRank             // it stands in the details
	noRank
)

// find is a search for what was typed, best first.
func find(typed string, items []Item) []match {
	var out []match
	typed = strings.ToLower(strings.TrimSpace(typed))
	for i, it := range items {
		m := match{item: i}
		if typed != "" {
			m = fit(typed, it)
			m.item = i
		}
		if m.rank != noRank {
			out = append(out, m)
		}
	}
	if len(out) > 0 && slices.ContainsFunc(out, func(m match) bool { return m.rank < letterRank }) {
		// Scattered letters are of no use where others have the word.
		out = slices.DeleteFunc(out, func(m match) bool { return m.rank == letterRank && m.score < 0 })
	}
	slices.SortStableFunc(out, func(a, b match) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(b.score, a.score)) })
	return out
}

// fit ranks one item.
func fit(typed string, it Item) match {
	text := strings.ToLower(it.Text)
	if at := wordStart(text, typed); at >= 0 {
		return match{runes: run(at, len(typed)), rank: wordRank}
	}
	if it.Also == typed {
		return match{rank: wordRank, score: 1}
	}
	if strings.HasPrefix(it.Also, typed) {
		return match{rank: insideRank, score: 1}
	}
	if at := strings.Index(text, typed); at >= 0 {
		return match{runes: run(at, len(typed)), rank: insideRank}
	}
	if found := fuzzy.Find(typed, []string{it.Text}); len(found) > 0 {
		return match{runes: found[0].MatchedIndexes, rank: letterRank, score: found[0].Score}
	}
	if strings.Contains(strings.ToLower(it.Detail), typed) {
		return match{rank: detailsRank}
	}
	return match{rank: noRank}
}

// wordStart is where a word of text begins with what was typed, -1 for nowhere.
func wordStart(text, typed string) int {
	for at := 0; ; {
		i := strings.Index(text[at:], typed)
		if i < 0 {
			return -1
		}
		if at += i; at == 0 || text[at-1] == ' ' {
			return at
		}
		at += len(typed)
	}
}

// run are the positions from at on.
func run(at, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = at + i
	}
	return out
}
