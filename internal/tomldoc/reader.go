package tomldoc

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// A Key is the path to a value.
type Key []string

// Then is the key of a value inside.
func (k Key) Then(word string) Key { return append(slices.Clip(k), word) }

// String is the key as one would write it in the file.
func (k Key) String() string {
	words := make([]string, len(k))
	for i, w := range k {
		if words[i] = w; w == "" || strings.Trim(strings.ToLower(w), "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			words[i] = fmt.Sprintf("%q", w)
		}
	}
	return strings.Join(words, ".")
}

func (k Key) id() string { return strings.Join(k, "\x00") }

// Fields are the words that a table may have, each with what takes its value.
type Fields map[string]func(k Key, value any)

// A Reader walks one decoded document and collects what is wrong with it.
type Reader struct {
	file     string
	text     []byte
	doc      map[string]any
	places   map[string]unstable.Position // nil until the first mistake: finding them costs more than the rest
	problems []Problem
}

// New reads the text of a file; file names it in problems. A text that is not
// TOML makes an empty document with one problem.
func New(file string, text []byte) *Reader {
	r := &Reader{file: file, text: text}
	if err := toml.Unmarshal(text, &r.doc); err != nil {
		r.doc, r.problems = nil, []Problem{syntax(file, err)}
		return r
	}
	return r
}

// Read holds the whole document against the words that it may have.
func (r *Reader) Read(known Fields) {
	if r.doc != nil {
		r.Table(nil, r.doc, known)
	}
}

// Problems are the mistakes found so far, in the order of the file.
func (r *Reader) Problems() []Problem {
	Sort(r.problems)
	return r.problems
}

// At makes a problem of the value of a key, with its place.
func (r *Reader) At(k Key, nearest, format string, args ...any) Problem {
	if r.places == nil && r.doc != nil {
		r.places = places(r.text)
	}
	at := r.places[k.id()]
	return Problem{
		File: r.file, Line: at.Line, Column: at.Column,
		Key: k.String(), Message: fmt.Sprintf(format, args...), Nearest: nearest,
	}
}

// Problem records that something is wrong with the value of a key.
func (r *Reader) Problem(k Key, nearest, format string, args ...any) {
	r.problems = append(r.problems, r.At(k, nearest, format, args...))
}

// Table takes a table with fixed words.
func (r *Reader) Table(k Key, value any, known Fields) {
	t, ok := Want[map[string]any](r, k, value, "a table")
	if !ok {
		return
	}
	for word, v := range t {
		if take := known[word]; take != nil {
			take(k.Then(word), v)
			continue
		}
		valid := slices.Sorted(maps.Keys(known))
		r.Problem(k.Then(word), Nearest(word, valid), "unknown key %q %s", word, where(k))
	}
}

func where(k Key) string {
	if len(k) == 0 {
		return "at the top"
	}
	return fmt.Sprintf("in [%s]", k)
}

// Want asserts a value's type.
func Want[T any](r *Reader, k Key, value any, name string) (T, bool) {
	v, ok := value.(T)
	if !ok {
		r.Problem(k, "", "%s must be %s, not %s", k, name, typeName(value))
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

// List takes a list of texts, each of which check may refuse.
func (r *Reader) List(k Key, value any, check func(string) (nearest string, err error)) ([]string, bool) {
	items, ok := Want[[]any](r, k, value, "a list")
	if !ok {
		return nil, false
	}
	out := make([]string, 0, len(items))
	for _, item := range items {
		s, ok := Want[string](r, k, item, "a list of texts")
		if !ok {
			continue
		}
		if near, err := check(s); err != nil {
			r.Problem(k, near, "%s: %v", k, err)
			continue
		}
		out = append(out, s)
	}
	return out, true
}

// Text takes a text that check, if any, may refuse.
func (r *Reader) Text(into *string, check func(string) error) func(Key, any) {
	return func(k Key, v any) {
		s, ok := Want[string](r, k, v, "a text")
		if !ok {
			return
		}
		if check != nil {
			if err := check(s); err != nil {
				r.Problem(k, "", "%s: %v", k, err)
				return
			}
		}
		*into = s
	}
}

// Word takes one word out of a fixed set.
func (r *Reader) Word(into *string, valid ...string) func(Key, any) {
	return func(k Key, v any) {
		s, ok := Want[string](r, k, v, "a text")
		switch {
		case !ok:
		case slices.Contains(valid, s):
			*into = s
		default:
			r.Problem(k, Nearest(s, valid), "%s: %q is none of %s", k, s, strings.Join(valid, ", "))
		}
	}
}

// Words takes a list out of a fixed set.
func (r *Reader) Words(into *[]string, valid ...string) func(Key, any) {
	return func(k Key, v any) {
		l, ok := r.List(k, v, func(s string) (string, error) {
			if slices.Contains(valid, s) {
				return "", nil
			}
			return Nearest(s, valid), fmt.Errorf("%q is none of %s", s, strings.Join(valid, ", "))
		})
		if ok {
			*into = l
		}
	}
}

// Flag takes true or false.
func (r *Reader) Flag(into *bool) func(Key, any) {
	return func(k Key, v any) {
		if b, ok := Want[bool](r, k, v, "true or false"); ok {
			*into = b
		}
	}
}
