package ui

import (
	"regexp"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/dialogs"
)

// rows are the containers that the filter lets through.
func (m *Model) rows() []engine.ContainerSummary {
	match := compile(m.filter[containersPane])
	var out []engine.ContainerSummary
	for _, c := range m.state.Containers {
		if match(containerFields(c)) {
			out = append(out, c)
		}
	}
	return out
}

func (m *Model) imageRows() []engine.ImageSummary {
	match := compile(m.filter[imagesPane])
	var out []engine.ImageSummary
	for _, img := range m.state.Images {
		if match(imageFields(img)) {
			out = append(out, img)
		}
	}
	return out
}

// fields are what a filter can look at: key:value looks at one of them.
type fields map[string]string

func containerFields(c engine.ContainerSummary) fields {
	f := fields{"id": string(c.ID), "name": c.Name, "image": c.Image, "status": string(c.Status.Status), "command": strings.Join(c.Command, " ")}
	for k, v := range c.Labels {
		f["label"] += k + "=" + v + " "
	}
	return f
}

func imageFields(img engine.ImageSummary) fields {
	return fields{"id": string(img.ID), "name": strings.Join(img.Tags, " "), "platform": img.Platform.String()}
}

// compile makes a test of a filter: words that must all hold. A word is a
// regular expression, or text where it is none; "!" in front turns it round,
// "key:" in front looks at one field only.
func compile(filter string) func(fields) bool {
	var tests []func(fields) bool
	for word := range strings.FieldsSeq(filter) {
		word, not := strings.CutPrefix(word, "!")
		if word == "" {
			continue
		}
		key, rest, ok := strings.Cut(word, ":")
		if !ok || !slices.Contains([]string{"id", "name", "image", "status", "command", "label", "platform"}, key) {
			key, rest = "", word
		}
		re, err := regexp.Compile("(?i)" + rest)
		if err != nil {
			re = regexp.MustCompile("(?i)" + regexp.QuoteMeta(rest))
		}
		tests = append(tests, func(f fields) bool {
			if key != "" {
				return re.MatchString(f[key]) != not
			}
			for k, v := range f {
				if k != "label" && re.MatchString(v) {
					return !not
				}
			}
			return not
		})
	}
	return func(f fields) bool {
		for _, t := range tests {
			if !t(f) {
				return false
			}
		}
		return true
	}
}

// targets are the containers that an action goes to: the marked ones, else the
// one under the cursor.
func (m *Model) targets() []engine.ContainerSummary {
	var out []engine.ContainerSummary
	for _, c := range m.rows() {
		if m.marks[c.ID] {
			out = append(out, c)
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, c := range m.rows() {
		if c.ID == m.chosen {
			return []engine.ContainerSummary{c}
		}
	}
	return nil
}

// image is the one under the cursor.
func (m *Model) image() (engine.ImageSummary, bool) {
	for _, img := range m.imageRows() {
		if string(img.ID) == m.chosenImg {
			return img, true
		}
	}
	return engine.ImageSummary{}, false
}

// mark marks the row or takes the mark away, and goes on to the next.
func (m *Model) mark() tea.Cmd {
	if m.focus != containersPane || m.chosen == "" {
		return nil
	}
	if m.marks == nil {
		m.marks = make(map[engine.ID]bool)
	}
	if m.marks[m.chosen] {
		delete(m.marks, m.chosen)
	} else {
		m.marks[m.chosen] = true
	}
	return m.move("j")
}

// back undoes one step: a filter, marks, a zoom, the focus.
func (m *Model) back() {
	switch {
	case m.filter[m.focus] != "":
		m.filter[m.focus] = ""
	case len(m.marks) > 0:
		m.marks = nil
	case m.zoom:
		m.zoom = false
	default:
		m.focus = containersPane
	}
}

func (m *Model) copyID() tea.Cmd {
	what := string(m.chosen)
	if m.focus == imagesPane {
		what = m.chosenImg
	}
	if what == "" {
		return m.say("there is nothing to copy", true)
	}
	return tea.Batch(tea.SetClipboard(what), m.say("copied "+shortID(what), false))
}

func shortID(s string) string {
	s = strings.TrimPrefix(s, "sha256:")
	return s[:min(12, len(s))]
}

// showHistory lists what was done, as commands that can be copied.
func (m *Model) showHistory() {
	text := "Nothing was done yet."
	if len(m.history) > 0 {
		text = strings.Join(m.history, "\n")
	}
	m.open(dialogs.Message{Name: "Command log", Text: text})
}
