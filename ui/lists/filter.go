package lists

import (
	"regexp"
	"slices"
	"strings"
)

// Filter shows only what matches: words that must all hold. A word is a regular
// expression, or text where it is none; "!" in front turns it round, "key:" in
// front looks at one field only.
func (l *List[T]) Filter(text string) {
	if text == l.filter {
		return
	}
	was := l.at
	l.filter = text
	if l.rebuild(); l.at != was {
		l.first()
	}
}

// first puts the cursor on the first item: what is typed goes on to name it,
// wherever the row was that the cursor has lost.
func (l *List[T]) first() {
	l.cursor, l.offset = 0, 0
	if len(l.entries) > 1 && l.entries[0].item < 0 && l.entries[1].item >= 0 {
		l.cursor = 1
	}
	l.settle()
}

// Filtered is the filter in use.
func (l *List[T]) Filtered() string { return l.filter }

// compile makes a test of a filter.
func compile[T any](filter string, spec Spec[T]) func(*T) bool {
	var tests []func(*T) bool
	for word := range strings.FieldsSeq(filter) {
		if test := compileWord(word, spec); test != nil {
			tests = append(tests, test)
		}
	}
	return func(item *T) bool {
		for _, t := range tests {
			if !t(item) {
				return false
			}
		}
		return true
	}
}

// compileWord makes the test of one word; nil while there is only its sign.
func compileWord[T any](word string, spec Spec[T]) func(*T) bool {
	word, not := strings.CutPrefix(word, "!")
	keys := make([]string, 0, len(spec.Keys))
	for _, k := range spec.Keys {
		if !slices.Contains(spec.Named, k) {
			keys = append(keys, k)
		}
	}
	if key, rest, ok := strings.Cut(word, ":"); ok && slices.Contains(spec.Keys, key) {
		keys, word = []string{key}, rest
	}
	if word == "" {
		return nil
	}
	re, err := regexp.Compile("(?i)" + word)
	if err != nil { // half-typed
		re = regexp.MustCompile("(?i)" + regexp.QuoteMeta(word))
	}
	return func(item *T) bool {
		for _, k := range keys {
			if re.MatchString(spec.Field(item, k)) {
				return !not
			}
		}
		return not
	}
}
