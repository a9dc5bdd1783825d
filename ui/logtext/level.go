package logtext

import "strings"

// Level is how grave a line is.
type Level uint8

const (
	None Level = iota
	Debug
	Info
	Warn
	Error
)

// Found is a level and the word that says it.
type Found struct {
	Level    Level
	From, To int // bytes of the text
}

// reach is how far from its beginning a line's level is looked for.
const reach = 256

// LevelOf finds the first word that tells the level of a line: "ERROR",
// "[warn]", "panic:", level=error, {"level":"error"} and its numbers as pino
// and bunyan write them. A word in the middle of a sentence tells nothing.
func LevelOf(text string) Found {
	text = text[:min(len(text), reach)]
	if f, ok := klog(text); ok {
		return f
	}
	for _, head := range []string{"Traceback (most recent call last)", "Exception in thread"} {
		if strings.HasPrefix(text, head) {
			return Found{Error, 0, strings.IndexByte(head, ' ')}
		}
	}
	for i := 0; i < len(text); {
		if !letter(text[i]) {
			i++
			continue
		}
		j := i
		for j < len(text) && letter(text[j]) {
			j++
		}
		if f, ok := word(text, i, j); ok {
			return f
		}
		i = j
	}
	return Found{}
}

func letter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }
func digit(b byte) bool  { return b >= '0' && b <= '9' }

// word looks at text[i:j], which is a word, and what stands around it.
func word(text string, i, j int) (Found, bool) {
	w := text[i:j]
	if isKey(w) {
		return value(text, j)
	}
	level := levelWord(w)
	if level == None || partOfName(text, i, j) {
		return Found{}, false
	}
	// Capitals are enough; a word in small letters must stand as a heading.
	if w == strings.ToUpper(w) || j < len(text) && text[j] == ':' && heading(text, i) || bracketed(text, i, j) {
		return Found{level, i, j}, true
	}
	return Found{}, false
}

// partOfName tells NO_ERROR and error-code from a word.
func partOfName(text string, i, j int) bool {
	joins := func(b byte) bool { return b == '_' || b == '-' || b == '.' || b == '/' || digit(b) }
	if i > 0 && joins(text[i-1]) && text[i-1] != '.' {
		return true
	}
	return j+1 < len(text) && joins(text[j]) && (letter(text[j+1]) || digit(text[j+1]))
}

// heading tells whether nothing but other marks of a head comes before: the
// word begins the line, or follows a blank behind a time or a name.
func heading(text string, i int) bool { return i == 0 || text[i-1] == ' ' || text[i-1] == ']' }

func bracketed(text string, i, j int) bool {
	if i == 0 || j >= len(text) {
		return false
	}
	switch text[i-1] {
	case '[':
		return text[j] == ']'
	case '<':
		return text[j] == '>'
	case '(':
		return text[j] == ')'
	case '|':
		return text[j] == '|'
	}
	return false
}

func isKey(w string) bool {
	switch len(w) {
	case 3:
		return strings.EqualFold(w, "lvl")
	case 5:
		return strings.EqualFold(w, "level")
	case 8:
		return strings.EqualFold(w, "severity") || strings.EqualFold(w, "loglevel")
	}
	return false
}

// value reads what follows a key: =error, ="error", ":"error", ": 50.
func value(text string, i int) (Found, bool) {
	skip := func(set string) bool {
		from := i
		for i < len(text) && strings.IndexByte(set, text[i]) >= 0 {
			i++
		}
		return i > from
	}
	skip(`"' `)
	if i >= len(text) || text[i] != '=' && text[i] != ':' {
		return Found{}, false
	}
	skip(`=:"' `)
	j := i
	for j < len(text) && (letter(text[j]) || digit(text[j])) {
		j++
	}
	w := text[i:j]
	level := levelWord(w)
	if w != "" && digit(w[0]) {
		level = levelNumber(w)
	}
	return Found{level, i, j}, level != None
}

// levelNumber reads the numbers of bunyan and pino.
func levelNumber(w string) Level {
	switch w {
	case "10", "20":
		return Debug
	case "30":
		return Info
	case "40":
		return Warn
	case "50", "60":
		return Error
	}
	return None
}

func levelWord(w string) Level {
	for _, c := range words {
		if len(c.word) == len(w) && strings.EqualFold(c.word, w) {
			return c.level
		}
	}
	return None
}

var words = [...]struct {
	word  string
	level Level
}{
	{"error", Error}, {"err", Error}, {"fatal", Error}, {"panic", Error}, {"critical", Error}, {"crit", Error}, {"emerg", Error}, {"alert", Error},
	{"severe", Error}, {"traceback", Error}, {"exception", Error}, {"warning", Warn}, {"warn", Warn}, {"info", Info}, {"notice", Info}, {"debug", Debug}, {"trace", Debug},
}

// klog reads the heads of Kubernetes' and Google's logs: "E0102 12:04:51".
func klog(text string) (Found, bool) {
	if len(text) < 6 || text[5] != ' ' || !digit(text[1]) || !digit(text[2]) || !digit(text[3]) || !digit(text[4]) {
		return Found{}, false
	}
	switch text[0] {
	case 'I':
		return Found{Info, 0, 1}, true
	case 'W':
		return Found{Warn, 0, 1}, true
	case 'E', 'F':
		return Found{Error, 0, 1}, true
	}
	return Found{}, false
}
