package tabs

import (
	"regexp"
	"slices"
	"strings"

	"gantry/ui/glyph"
)

// variable is one variable of the environment, as it is and as it is shown.
type variable struct {
	name, value string
	mask        string // shown instead of value; "" when nothing looks secret
}

const hidden = glyph.Secret + glyph.Secret + glyph.Secret + glyph.Secret + glyph.Secret + glyph.Secret + glyph.Secret + glyph.Secret

// secretWords make a name secret wherever they stand in it, secretParts where
// they are a word of their own: MONKEY and KEYBOARD are no keys, and PWD alone
// is the working directory.
var (
	secretWords = []string{"PASSWORD", "PASSWD", "PASSPHRASE", "TOKEN", "SECRET", "CREDENTIAL", "APIKEY", "PRIVATE"}
	secretParts = []string{"KEY", "KEYS", "PASS", "PWD", "AUTH"}
)

// userinfo is the password in a URL (RFC 3986, section 3.2.1).
var userinfo = regexp.MustCompile(`(://[^:/?#@\s]*:)[^@/\s]+@`)

// parseVariable splits "NAME=value".
func parseVariable(s string) variable {
	name, value, _ := strings.Cut(s, "=")
	v := variable{name: name, value: value}
	switch {
	case value == "":
	case secretName(name):
		v.mask = hidden
	case userinfo.MatchString(value):
		v.mask = userinfo.ReplaceAllString(value, "${1}"+hidden+"@")
	}
	return v
}

func (v variable) masked() bool { return v.mask != "" }

// shown is the value, or what stands for it.
func (v variable) shown(reveal bool) string {
	if v.masked() && !reveal {
		return safe(v.mask)
	}
	return safe(v.value)
}

func secretName(name string) bool {
	upper := strings.ToUpper(name)
	if slices.ContainsFunc(secretWords, func(w string) bool { return strings.Contains(upper, w) }) {
		return true
	}
	parts := strings.FieldsFunc(upper, func(r rune) bool { return r == '_' || r == '-' || r == '.' })
	return slices.ContainsFunc(parts, func(part string) bool {
		return slices.Contains(secretParts, part) && (len(parts) > 1 || part != "PWD")
	})
}
