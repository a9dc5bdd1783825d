package dockerfile

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	dfcommand "github.com/moby/buildkit/frontend/dockerfile/command"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"gantry/images"
)

// hinted is an error that says what to do.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// at gives an error a place, unless it has one.
func at(err error, where []parser.Range) error {
	var known *parser.LocationError
	if err == nil || len(where) == 0 || errors.As(err, &known) {
		return err
	}
	return parser.WithLocation(err, where)
}

var (
	// parseErrorPrefix is what buildkit puts in front: the place says it.
	parseErrorPrefix = "dockerfile parse error on line "
	// meant is how buildkit words suggestions.
	meant = lazy(` \((did you mean .+?\?)\)`)
	// mentioned finds what a message speaks of.
	mentioned = lazy(`"([^"]+)"|'([^']+)'|: ([^'"\s]\S*)$|(--[a-z-]+)`)
)

// explain turns an error of buildkit's packages or of planning into one with
// the place in the source.
func (s *source) explain(err error) error {
	var done *images.SourceError
	if err == nil || errors.As(err, &done) {
		return err
	}
	e := &images.SourceError{File: s.name, Err: err}
	message := err.Error()
	if rest, ok := strings.CutPrefix(message, parseErrorPrefix); ok {
		_, message, _ = strings.Cut(rest, ": ")
	}
	var h hinted
	if errors.As(err, &h) {
		e.Hint = h.hint
	}
	if m := meant().FindStringSubmatch(message); m != nil {
		message = strings.Replace(message, m[0], "", 1)
		e.Hint = m[1]
	}
	var unknown *instructions.UnknownInstructionError
	if errors.As(err, &unknown) {
		e.Hint = ""
		if word := nearestInstruction(unknown.Instruction); word != "" {
			e.Hint = "did you mean " + word + "?"
		}
	}
	if message != err.Error() {
		e.Err = &reworded{message, err}
	}
	var located *parser.LocationError
	if errors.As(err, &located) && len(located.Locations) > 0 {
		e.At = rangeOf(located.Locations[0])
		if countsFromZero(message) {
			e.At.Start.Line++
			e.At.End = e.At.Start
		}
		e.Lines = s.around(e.At)
		e.At.Start.Column = column(err, message, e)
	}
	return e
}

// reworded is an error whose message was put better; errors.Is still finds
// what it was.
type reworded struct {
	message string
	err     error
}

func (r *reworded) Error() string { return r.message }
func (r *reworded) Unwrap() error { return r.err }

// countsFromZero knows the messages whose line buildkit counts from 0.
func countsFromZero(message string) bool {
	return strings.HasSuffix(message, "parser directive can be used") ||
		strings.HasPrefix(message, "invalid escape token") ||
		strings.HasPrefix(message, "dockerfile line greater than")
}

// column looks for what the message speaks of. buildkit knows lines only.
func column(err error, message string, e *images.SourceError) int {
	var words []string
	var unknown *instructions.UnknownInstructionError
	if errors.As(err, &unknown) {
		words = append(words, unknown.Instruction)
	}
	for _, m := range mentioned().FindAllStringSubmatch(message, -1) {
		words = append(words, m[1], m[2], m[3], m[4])
	}
	first := 0
	for _, l := range e.Lines {
		if !l.Marked {
			continue
		}
		if l.Number == e.At.Start.Line {
			first = len(l.Text) - len(strings.TrimLeft(l.Text, " \t")) + 1
		}
		for _, w := range words {
			if i := strings.Index(l.Text, w); w != "" && i >= 0 {
				e.At.Start.Line = l.Number
				return i + 1
			}
		}
	}
	return first
}

// nearestInstruction prefers one with swapped letters: buildkit takes any of
// those that are equally far away.
func nearestInstruction(written string) string {
	letters := func(s string) string { return string(slices.Sorted(slices.Values([]byte(s)))) }
	upper := strings.ToUpper(written)
	var names []string
	for _, name := range slices.Sorted(maps.Keys(dfcommand.Commands)) {
		name = strings.ToUpper(name)
		if letters(name) == letters(upper) {
			return name
		}
		names = append(names, name)
	}
	return nearest(upper, names)
}

// lazy compiles an expression when it is first needed: not every process that
// links this package builds.
func lazy(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

// rangeOf spans buildkit's ranges, which are one per line.
func rangeOf(rs []parser.Range) images.Range {
	var r images.Range
	for i, p := range rs {
		if i == 0 || p.Start.Line < r.Start.Line {
			r.Start.Line = p.Start.Line
		}
		r.End.Line = max(r.End.Line, p.End.Line)
	}
	return r
}

// around is the lines of a place and some beside it: as many as docker shows.
func (s *source) around(r images.Range) []images.Line {
	lines := strings.Split(string(s.text), "\n")
	start, end := r.Start.Line, min(r.End.Line, len(lines))
	if start < 1 || start > len(lines) {
		return nil
	}
	more := 2
	if start == end {
		more = 4
	}
	for p := 0; p < more; p++ {
		if start > 1 {
			start--
			p++
		}
		if end < len(lines) {
			end++
			p++
		}
	}
	shown := make([]images.Line, 0, end-start+1)
	for n := start; n <= end; n++ {
		shown = append(shown, images.Line{
			Number: n,
			Text:   strings.TrimRight(lines[n-1], "\r"),
			Marked: n >= r.Start.Line && n <= r.End.Line,
		})
	}
	return shown
}
