package dialogs

import (
	"slices"
	"strings"
)

// Kind is how a field is filled in.
type Kind int

const (
	Text   Kind = iota // one line
	Secret             // one line that is not shown
	Rows               // any number of lines: A=1, /host:/inside
	Choice             // one of Options
	Toggle             // on or off
)

// Field is one question of a form. Set what is exported; the rest is its state.
type Field struct {
	Key   string // of its value
	Label string
	Kind  Kind
	Hint  string   // shown while it is empty: what holds then
	Value string   // at the beginning: the text, the option, "true" of a toggle
	List  []string // at the beginning, of Rows

	Options []string // of a Choice
	About   string   // of a Toggle: what it does, beside the box

	// Take is what the right arrow puts into an empty field: the value that
	// Hint tells of, where that is something to build on.
	Take string
	// Check tells what is wrong with the value, or one row of it; "" is nothing.
	// It is asked when the field is left and when the form is sent.
	Check func(value string) string
	// Complete are the words that begin with what was typed.
	Complete func(typed string) []string
	// Lookup is Complete where finding out takes I/O; the root calls it outside
	// of Update and hands the answer to Suggest.
	Lookup func(typed string) []string

	lines  []line
	row    int
	on     bool
	option int
	wrong  string
	words  []string // suggestions for what stands in the current line
	asked  string   // what Lookup was asked last
}

func (f *Field) begin() {
	switch f.Kind {
	case Rows:
		for _, s := range f.List {
			f.lines = append(f.lines, newLine(s))
		}
		if len(f.lines) == 0 {
			f.lines = []line{{}}
		}
	case Choice:
		f.option = max(0, slices.Index(f.Options, f.Value))
	case Toggle:
		f.on = f.Value == "true"
	default:
		f.lines = []line{newLine(f.Value)}
	}
	f.suggest()
}

// values are what the field says now: one text, or the rows that are not empty.
func (f *Field) values() []string {
	switch f.Kind {
	case Choice:
		return []string{f.Options[f.option]}
	case Toggle:
		if f.on {
			return []string{"true"}
		}
		return []string{""}
	}
	var out []string
	for _, l := range f.lines {
		s := l.String()
		if f.Kind == Secret {
			return []string{s}
		}
		if s = strings.TrimSpace(s); s != "" || f.Kind == Text {
			out = append(out, s)
		}
	}
	return out
}

func (f *Field) check() {
	f.wrong = ""
	if f.Check == nil {
		return
	}
	for _, v := range f.values() {
		if f.wrong = f.Check(v); f.wrong != "" {
			return
		}
	}
}

// key takes a key that does not move between fields; handled tells whether it
// meant something here.
func (f *Field) key(key, text string) (handled bool) {
	switch f.Kind {
	case Toggle:
		if key == "space" || key == "left" || key == "right" {
			f.on, handled = !f.on, true
		}
	case Choice:
		by := map[string]int{"left": -1, "right": 1, "space": 1}[key]
		f.option = (f.option + by + len(f.Options)) % len(f.Options)
		handled = by != 0
	default:
		handled = f.editKey(key, text)
	}
	if handled {
		f.wrong = ""
	}
	return handled
}

func (f *Field) editKey(key, text string) bool {
	l := &f.lines[f.row]
	if key == "right" && l.atEnd() {
		if len(l.text) == 0 && f.Take != "" && f.row == 0 {
			*l = newLine(f.Take)
			f.suggest()
			return true
		}
		if g := f.ghost(); g != "" {
			*l = l.insert(g)
			f.suggest()
			return true
		}
	}
	if f.Kind == Rows && f.rowKey(key) {
		f.suggest()
		return true
	}
	next, ok := l.edit(key, text)
	*l = next
	f.suggest()
	return ok
}

// rowKey takes the keys that make rows and move between them.
func (f *Field) rowKey(key string) bool {
	l := f.lines[f.row]
	switch {
	case key == "enter" && len(l.text) > 0:
		f.lines = slices.Insert(f.lines, f.row+1, line{})
		f.row++
	case key == "backspace" && len(l.text) == 0 && len(f.lines) > 1:
		f.lines = slices.Delete(f.lines, f.row, f.row+1)
		f.row = max(0, f.row-1)
	case key == "up" && f.row > 0:
		f.row--
	case key == "down" && f.row < len(f.lines)-1:
		f.row++
	default:
		return false
	}
	return true
}

// paste puts text in; lines of it become rows where there are rows.
func (f *Field) paste(text string) {
	if f.lines == nil {
		return
	}
	text = strings.ReplaceAll(strings.TrimRight(text, "\r\n"), "\r\n", "\n")
	for i, part := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if i > 0 && f.Kind == Rows {
			f.rowKey("enter")
		} else if i > 0 {
			part = " " + part
		}
		f.lines[f.row] = f.lines[f.row].insert(part)
	}
	f.wrong = ""
	f.suggest()
}

// typed is what stands in the line that is edited.
func (f *Field) typed() string {
	if f.lines == nil {
		return ""
	}
	return f.lines[f.row].String()
}

// suggest brings the suggestions up to date. Those of a Lookup come later:
// until then the old ones that still fit are kept.
func (f *Field) suggest() {
	typed := f.typed()
	switch {
	case f.Complete != nil:
		f.words = f.Complete(typed)
	case f.Lookup != nil:
		f.words = slices.DeleteFunc(f.words, func(w string) bool { return !strings.HasPrefix(w, typed) })
	}
}

// ghost is what the only, or the common, suggestion adds to the text.
func (f *Field) ghost() string {
	typed := f.typed()
	if f.Kind == Secret || len(f.words) == 0 || typed == "" || !f.lines[f.row].atEnd() {
		return ""
	}
	common := f.words[0]
	for _, w := range f.words[1:] {
		n := 0
		for n < len(w) && n < len(common) && w[n] == common[n] {
			n++
		}
		common = common[:n]
	}
	rest, ok := strings.CutPrefix(common, typed)
	if !ok {
		return ""
	}
	return strings.ToValidUTF8(rest, "")
}

// Values are the answers of a form by key.
type Values map[string][]string

// Text is the answer of a field with one line, or of a choice.
func (v Values) Text(key string) string {
	if l := v[key]; len(l) > 0 {
		return l[0]
	}
	return ""
}

// List is the answer of Rows.
func (v Values) List(key string) []string { return v[key] }

// On is the answer of a toggle.
func (v Values) On(key string) bool { return v.Text(key) == "true" }
