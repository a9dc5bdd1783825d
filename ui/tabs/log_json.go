package tabs

import (
	"bytes"
	"encoding/json"
	"strings"

	"gantry/ui/feed"
	"gantry/ui/widgets"
)

// mostPretty is how long a line may be to be taken apart: a document of that
// size fills many screens.
const mostPretty = 64 << 10

// pretty is a JSON document over several lines; false when it is none, or is to
// be shown as it was printed.
func (t *Log) pretty(l feed.Line) (string, bool) {
	text := strings.TrimSpace(l.Raw)
	if !t.json || l.Mark || l.Cont || len(text) < 2 || len(text) > mostPretty || text[0] != '{' && text[0] != '[' {
		return "", false
	}
	var out bytes.Buffer
	if json.Indent(&out, []byte(text), "", "  ") != nil {
		return "", false
	}
	lines := strings.Split(out.String(), "\n")
	for i := range lines { // what stands in strings is the program's
		lines[i] = widgets.Safe([]byte(lines[i]))
	}
	return strings.Join(lines, "\n"), true
}

// rowsOf are the bytes at which the rows of a line begin.
func (t *Log) rowsOf(text string, width int) []int {
	rows := []int{0}
	for at := 0; ; {
		end := strings.IndexByte(text[at:], '\n')
		if t.wrap {
			part := text[at:]
			if end >= 0 {
				part = part[:end]
			}
			for _, r := range widgets.Rows(part, t.textWidth(width))[1:] {
				rows = append(rows, at+r)
			}
		}
		if end < 0 {
			return rows
		}
		at += end + 1
		rows = append(rows, at)
	}
}
