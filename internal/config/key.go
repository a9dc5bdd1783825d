package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gantry/internal/tomldoc"
)

// modifiers stand before a key in this order.
var modifiers = []string{"ctrl", "alt", "shift", "meta", "hyper", "super"}

// namedKeys are the keys that are not a character.
var namedKeys = []string{
	"enter", "tab", "space", "backspace", "esc", "up", "down", "left", "right", "pgup", "pgdown", "home", "end", "insert", "delete",
	"f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11", "f12",
}

// otherNames are what these keys are called elsewhere.
var otherNames = map[string]string{
	"escape": "esc", "return": "enter", "pageup": "pgup", "pagedown": "pgdown", "del": "delete", "ins": "insert",
	"control": "ctrl", "option": "alt", "opt": "alt", "cmd": "super", "win": "super", "bs": "backspace", "spc": "space",
}

// checkKey accepts a key as the workbench names it: a character, or a name,
// with modifiers before it. A key that is written in any other way would
// silently never be pressed.
func checkKey(s string) (string, error) {
	words := strings.Split(s, "+")
	if s == "+" || strings.HasSuffix(s, "++") {
		words = append(strings.Split(strings.TrimSuffix(strings.TrimSuffix(s, "+"), "+"), "+"), "+")
		words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	}
	last := len(words) - 1
	right := make([]string, 0, len(words))
	for _, m := range modifiers {
		if slices.ContainsFunc(words[:last], func(w string) bool { return known(w, modifiers) == m }) {
			right = append(right, m)
		}
	}
	name := words[last]
	if !character(name) {
		name = known(name, namedKeys)
	}
	whole := len(right) == last
	if r, n := utf8.DecodeRuneInString(name); len(right) == 1 && right[0] == "shift" && n == len(name) { // what it types
		right, name = nil, string(unicode.ToUpper(r))
	}
	fixed := strings.Join(append(right, name), "+")
	switch {
	case fixed == s && s != "":
		return "", nil
	case name == "" || !whole:
		fixed = ""
	}
	return fixed, fmt.Errorf("%q is not a key; write a character or a name such as enter or f5, after ctrl+, alt+ or shift+ where they are held", s)
}

func character(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n == len(s) && n > 0 && r > ' ' && unicode.IsPrint(r)
}

// known is the valid word that s is or was meant to be, "" when none is.
func known(s string, valid []string) string {
	s = strings.ToLower(s)
	if other := otherNames[s]; slices.Contains(valid, other) {
		return other
	}
	return tomldoc.Nearest(s, valid)
}
