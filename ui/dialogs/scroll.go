package dialogs

import (
	"gantry/ui/glyph"
	"gantry/ui/styles"
)

// scroll is where one is in what is longer than its dialog.
type scroll struct{ offset, over int }

// scrollKeys are the keys that scroll, and by how much.
var scrollKeys = map[string]int{
	"j": 1, "down": 1, "k": -1, "up": -1, "pgdown": 8, "pgup": -8, "ctrl+d": 4, "ctrl+u": -4,
	"g": -1 << 20, "home": -1 << 20, "G": 1 << 20, "end": 1 << 20,
}

func (s *scroll) key(key string) {
	s.offset = max(0, min(s.offset+scrollKeys[key], s.over))
}

// windowed is the part of lines that room lines can show from offset on; what
// is above and below is counted in its first and last line.
func windowed(lines []string, room, offset int, s styles.Styles) []string {
	if len(lines) <= room {
		return lines
	}
	if room < 3 {
		return lines[:room]
	}
	offset = min(offset, len(lines)-room)
	out := append([]string(nil), lines[offset:offset+room]...)
	if offset > 0 {
		out[0] = s.Muted.Render("  " + glyph.Upwards + " " + itoa(offset+1) + " more")
	}
	if below := len(lines) - offset - room; below > 0 {
		out[room-1] = s.Muted.Render("  " + glyph.Downward + " " + itoa(below+1) + " more")
	}
	return out
}
