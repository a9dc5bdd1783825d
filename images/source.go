package images

import (
	"fmt"
	"slices"
	"strings"
)

// Position is a place in a build file: Line counts from 1; Column counts bytes
// from 1, and is 0 where only the line is known.
type Position struct {
	Line   int `json:"line"`
	Column int `json:"column,omitempty"`
}

// Range is a part of a build file, both ends included. The zero Range is
// nowhere.
type Range struct {
	Start Position `json:"start"`
	End   Position `json:"end"`
}

// Finding is what the linter of a build file found: something that builds, but
// that its author probably did not mean.
type Finding struct {
	Rule        string `json:"rule"`          // "JSONArgsRecommended"
	Description string `json:"description"`   // of the rule
	URL         string `json:"url,omitempty"` // where the rule is explained
	Message     string `json:"message"`       // what it says about this place
	Fix         string `json:"fix,omitempty"` // what to write instead
	At          Range  `json:"at"`
	Lines       []Line `json:"lines,omitempty"` // around the place
}

// SourceError is a mistake in a build file, with its place. Error is one
// paragraph; Excerpt shows the lines, as compilers do.
type SourceError struct {
	File  string `json:"file"`
	At    Range  `json:"at"`
	Lines []Line `json:"lines,omitempty"` // around the place
	Hint  string `json:"hint,omitempty"`  // the nearest valid word, or what to do
	Err   error  `json:"-"`
}

// Line is one line of a build file. Marked ones belong to the place that is
// meant.
type Line struct {
	Number int    `json:"number"`
	Text   string `json:"text"`
	Marked bool   `json:"marked,omitempty"`
}

func (e *SourceError) Error() string {
	s := e.File
	if e.At.Start.Line > 0 {
		s += fmt.Sprintf(":%d", e.At.Start.Line)
		if e.At.Start.Column > 0 {
			s += fmt.Sprintf(":%d", e.At.Start.Column)
		}
	}
	s += ": " + e.Err.Error()
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

func (e *SourceError) Unwrap() error { return e.Err }

// Excerpt is the lines around the mistake, those that are meant behind ">>>",
// and a caret below its column. It ends with a line break; it is empty when the
// place is not known.
func (e *SourceError) Excerpt() string { return Excerpt(e.Lines, e.At.Start) }

// Excerpt prints lines as docker does, and a caret below the column of at.
func Excerpt(lines []Line, at Position) string {
	if len(lines) == 0 {
		return ""
	}
	const rule = "--------------------\n"
	var b strings.Builder
	b.WriteString(rule)
	for _, l := range lines {
		mark := "   "
		if l.Marked {
			mark = ">>>"
		}
		fmt.Fprintf(&b, " %3d | %s %s\n", l.Number, mark, l.Text)
		if l.Number == at.Line && at.Column > 0 && at.Column <= len(l.Text)+1 {
			fmt.Fprintf(&b, "     |     %s^\n", blank(l.Text[:at.Column-1]))
		}
	}
	b.WriteString(rule)
	return b.String()
}

// blank is as wide as s on a terminal: tabs stay tabs.
func blank(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, s)
}

// FindingsError is a build file that asks for its findings to be errors.
type FindingsError struct {
	File     string    `json:"file"`
	Findings []Finding `json:"findings"`
}

func (e *FindingsError) Error() string {
	var rules []string
	for _, f := range e.Findings {
		if !slices.Contains(rules, f.Rule) {
			rules = append(rules, f.Rule)
		}
	}
	return e.File + ": lint violation found for rules: " + strings.Join(rules, ", ")
}
