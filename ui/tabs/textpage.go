package tabs

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// mostText is how much of a file is read to look at it.
const mostText = 256 << 10

// textPage is the beginning of a file: as text, or in hexadecimal where it is
// none. What it holds cannot draw outside of its place.
type textPage struct {
	path   string
	lines  []string
	binary bool
	cut    bool // there is more
	err    error
	offset int
}

func newTextPage(path string, data []byte, err error) *textPage {
	p := &textPage{path: path, err: err, cut: len(data) >= mostText}
	if err != nil {
		return p
	}
	if p.binary = !isText(data); p.binary {
		p.lines = hexLines(data)
		return p
	}
	for line := range bytes.Lines(data) {
		p.lines = append(p.lines, safe(strings.TrimRight(string(line), "\r\n")))
	}
	return p
}

// isText tells text from anything else by its beginning. The last character of
// it may be cut.
func isText(data []byte) bool {
	head := data[:min(len(data), 8<<10)]
	if bytes.IndexByte(head, 0) >= 0 {
		return false
	}
	bad := 0
	for len(head) > utf8.UTFMax {
		r, n := utf8.DecodeRune(head)
		if r == utf8.RuneError && n == 1 {
			bad++
		}
		head = head[n:]
	}
	return bad <= len(data)/100
}

// hexLines shows bytes as hexdump -C does.
func hexLines(data []byte) []string {
	const perLine = 16
	var out []string
	for at := 0; at < len(data); at += perLine {
		row := data[at:min(len(data), at+perLine)]
		var hex, text strings.Builder
		for i := range perLine {
			if i == perLine/2 {
				hex.WriteByte(' ')
			}
			if i >= len(row) {
				hex.WriteString("   ")
				continue
			}
			fmt.Fprintf(&hex, "%02x ", row[i])
			if row[i] < 0x20 || row[i] > 0x7e {
				text.WriteByte('.')
			} else {
				text.WriteByte(row[i])
			}
		}
		out = append(out, fmt.Sprintf("%08x  %s %s", at, hex.String(), text.String()))
	}
	return out
}

func (p *textPage) move(steps func(page int) int, _, room int) {
	p.offset = max(0, min(p.offset+steps(max(1, room-1)), len(p.lines)-room))
}

func (p *textPage) status() string {
	s := fmt.Sprintf("%d lines", len(p.lines))
	if p.binary {
		s = "binary"
	}
	if p.cut {
		s = "the first " + widgets.BinaryBytes(mostText) + glyph.Sep + s
	}
	return s
}

func (p *textPage) view(s styles.Styles, width, height int) []string {
	lines := []string{" " + s.Name.Render(widgets.Fit(widgets.FitName(safe(p.path), width-2), width-2)) + " "}
	switch {
	case p.err != nil:
		return append(lines, problem(s, width, p.err)...)
	case len(p.lines) == 0:
		return append(lines, notice(s, width, "The file is empty.", "")...)
	}
	for _, l := range p.lines[min(p.offset, len(p.lines)):min(len(p.lines), p.offset+height-1)] {
		lines = append(lines, " "+s.Text.Render(widgets.Fit(l, width-1)))
	}
	return lines
}
