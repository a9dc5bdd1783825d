package ui

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// linesFile keeps the lines of the palette between one start and the next.
const linesFile = "palette"

// paletteKept is how many lines of the palette are remembered.
const paletteKept = 200

// remember keeps a line for the up arrow, once, and writes all of them down.
func (m *Model) remember(line string) tea.Cmd {
	if line == "" {
		return nil
	}
	m.lines = newest(append(m.lines, line))
	return m.writeLines()
}

// newest are the last lines, each only where it stands last.
func newest(lines []string) []string {
	var out []string
	seen := make(map[string]bool)
	for _, l := range slices.Backward(lines) {
		if l != "" && !seen[l] && len(out) < paletteKept {
			seen[l] = true
			out = append(out, l)
		}
	}
	slices.Reverse(out)
	return out
}

// readLines brings back what was typed the last time. Not to have it is no
// reason to bother anybody.
func (m *Model) readLines() tea.Cmd {
	dir := m.opts.StateDir
	if dir == "" {
		return nil
	}
	return func() tea.Msg {
		text, err := os.ReadFile(filepath.Join(dir, linesFile))
		if err != nil {
			return nil
		}
		old := strings.Split(safeText(string(text[:min(len(text), 1<<20)])), "\n")
		return changeMsg(func(m *Model) tea.Cmd {
			m.lines = newest(append(old, m.lines...))
			return nil
		})
	}
}

func (m *Model) writeLines() tea.Cmd {
	dir, lines := m.opts.StateDir, slices.Clone(m.lines)
	if dir == "" {
		return nil
	}
	return func() tea.Msg {
		if err := writeLines(dir, lines); err != nil {
			return changeMsg(func(m *Model) tea.Cmd {
				return m.say("lines of the palette are not kept: "+err.Error(), true)
			})
		}
		return nil
	}
}

// writeLines replaces the file as a whole: two workbenches may write at once.
// What was typed is nobody else's business.
func writeLines(dir string, lines []string) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, "."+linesFile+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if gone := os.Remove(tmp.Name()); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}()
	_, err = tmp.WriteString(strings.Join(lines, "\n") + "\n")
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), filepath.Join(dir, linesFile))
}

// seek puts the cursor onto a container as soon as the list has it.
func (m *Model) seek(id string) {
	m.wanted = id
	m.sought()
}

func (m *Model) sought() {
	if m.wanted != "" && m.containers.Select(m.wanted) {
		m.wanted = ""
		if m.list(m.focus) != nil {
			m.focus = containersPane
		}
	}
}
