package logtext

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"
)

// Pattern is what is searched for. A nil Pattern finds nothing.
type Pattern struct{ re *regexp.Regexp }

// Compile reads a regular expression (RE2). Capitals count only when it has
// some.
func Compile(text string) (*Pattern, error) {
	if text == "" {
		return nil, nil
	}
	flags := ""
	if !capitals(text) {
		flags = "(?i)"
	}
	re, err := regexp.Compile(flags + text)
	if err != nil {
		return nil, plainly(err)
	}
	return &Pattern{re}, nil
}

// capitals tells whether a text asks for some: the letters of \W or \S do not.
func capitals(text string) bool {
	escaped := false
	for _, r := range text {
		if !escaped && unicode.IsUpper(r) {
			return true
		}
		escaped = r == '\\' && !escaped
	}
	return false
}

// plainly says what is wrong with an expression and with which part of it.
func plainly(err error) error {
	var s *syntax.Error
	if !errors.As(err, &s) {
		return err
	}
	part := strings.TrimPrefix(s.Expr, "(?i)")
	switch s.Code {
	case syntax.ErrMissingParen:
		return errors.New(`a "(" is not closed; \( finds the sign itself`)
	case syntax.ErrUnexpectedParen:
		return errors.New(`a ")" has no "("; \) finds the sign itself`)
	case syntax.ErrMissingBracket:
		return fmt.Errorf(`"%s" is not closed; \[ finds the sign itself`, part)
	case syntax.ErrMissingRepeatArgument:
		return fmt.Errorf(`nothing stands before "%s"; \%s finds the sign itself`, part, part)
	case syntax.ErrTrailingBackslash:
		return errors.New(`a "\" at the end; \\ finds the sign itself`)
	}
	return fmt.Errorf("%s: %s", s.Code, part)
}

// In tells whether text holds what is searched for.
func (p *Pattern) In(text string) bool { return p != nil && p.re.MatchString(text) }

// most is how many places of one line are marked: more help nobody.
const most = 100

// Places are where text holds it, as pairs of byte offsets. Finds of nothing,
// as of "x*", are left out.
func (p *Pattern) Places(text string) [][]int {
	if p == nil {
		return nil
	}
	all := p.re.FindAllStringIndex(text, most)
	out := all[:0]
	for _, at := range all {
		if at[0] < at[1] {
			out = append(out, at)
		}
	}
	return out
}
