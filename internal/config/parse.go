package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// Parse reads the text of a configuration file; file names it in problems.
//
// The text is decoded into plain maps and those are held against the schema
// here, instead of decoding into structs: go-toml's strict mode ends at the
// first value of a wrong type, and one mistake must not cost the rest.
func Parse(file string, text []byte) (Config, []Problem) {
	c := Default()
	c.File = file
	var doc map[string]any
	if err := toml.Unmarshal(text, &doc); err != nil {
		return c, []Problem{syntax(file, err)}
	}
	r := reader{file: file, places: places(text)}
	r.table(nil, doc, c.schema(&r))
	slices.SortStableFunc(r.problems, byPlace)
	return c, r.problems
}

func syntax(file string, err error) Problem {
	p := Problem{File: file, Message: strings.TrimPrefix(err.Error(), "toml: ")}
	var at *toml.DecodeError
	if errors.As(err, &at) {
		p.Line, p.Column = at.Position()
	}
	return p
}

// A key is the path to a value.
type key []string

func (k key) then(word string) key { return append(slices.Clip(k), word) }

// String is the key as one would write it in the file.
func (k key) String() string {
	words := make([]string, len(k))
	for i, w := range k {
		if words[i] = w; strings.Trim(strings.ToLower(w), "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			words[i] = fmt.Sprintf("%q", w)
		}
	}
	return strings.Join(words, ".")
}

func (k key) id() string { return strings.Join(k, "\x00") }

// fields are the words that a table may have, each with what takes its value.
type fields map[string]func(k key, value any)

// A reader walks the decoded document and collects what is wrong with it.
type reader struct {
	file     string
	places   map[string]unstable.Position
	problems []Problem
}

func (r *reader) problem(k key, nearest, format string, args ...any) {
	at := r.places[k.id()]
	r.problems = append(r.problems, Problem{
		File: r.file, Line: at.Line, Column: at.Column,
		Key: k.String(), Message: fmt.Sprintf(format, args...), Nearest: nearest,
	})
}

// table takes a table with fixed words.
func (r *reader) table(k key, value any, known fields) {
	t, ok := want[map[string]any](r, k, value, "a table")
	if !ok {
		return
	}
	for word, v := range t {
		if take := known[word]; take != nil {
			take(k.then(word), v)
			continue
		}
		valid := slices.Sorted(maps.Keys(known))
		r.problem(k.then(word), nearest(word, valid), "unknown key %q %s", word, where(k))
	}
}

func where(k key) string {
	if len(k) == 0 {
		return "at the top"
	}
	return fmt.Sprintf("in [%s]", k)
}

// want asserts a value's type.
func want[T any](r *reader, k key, value any, name string) (T, bool) {
	v, ok := value.(T)
	if !ok {
		r.problem(k, "", "%s must be %s, not %s", k, name, typeName(value))
	}
	return v, ok
}

func typeName(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case bool:
		return "true or false"
	case int64, float64:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return "a date or time"
}

// list takes a list of texts, each of which check may refuse.
func (r *reader) list(k key, value any, check func(string) (nearest string, err error)) ([]string, bool) {
	items, ok := want[[]any](r, k, value, "a list")
	if !ok {
		return nil, false
	}
	out := make([]string, 0, len(items))
	for _, item := range items {
		s, ok := want[string](r, k, item, "a list of texts")
		if !ok {
			continue
		}
		if near, err := check(s); err != nil {
			r.problem(k, near, "%s: %v", k, err)
			continue
		}
		out = append(out, s)
	}
	return out, true
}

// places finds where every key stands. The text has been decoded before, so it
// parses.
func places(text []byte) map[string]unstable.Position {
	all := map[string]unstable.Position{}
	var p unstable.Parser
	p.Reset(text)
	var table key
	for p.NextExpression() {
		switch e := p.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = note(&p, all, nil, e)
		case unstable.KeyValue:
			noteValue(&p, all, table, e)
		}
	}
	return all
}

func noteValue(p *unstable.Parser, all map[string]unstable.Position, above key, n *unstable.Node) {
	k := note(p, all, above, n)
	v := n.Value()
	if v.Kind != unstable.InlineTable {
		return
	}
	for it := v.Children(); it.Next(); {
		if c := it.Node(); c.Kind == unstable.KeyValue {
			noteValue(p, all, k, c)
		}
	}
}

// note remembers where the words of a dotted key stand first.
func note(p *unstable.Parser, all map[string]unstable.Position, above key, n *unstable.Node) key {
	k := above
	for it := n.Key(); it.Next(); {
		word := it.Node()
		k = k.then(string(word.Data))
		if _, known := all[k.id()]; !known {
			all[k.id()] = p.Shape(word.Raw).Start
		}
	}
	return k
}
