package vt

import (
	"fmt"
	"strings"
)

// sequences are what terminals send for keys that are no letters, by the names
// that bubbletea gives them.
var sequences = map[string]string{
	"enter": "\r", "esc": "\x1b", "tab": "\t", "shift+tab": "\x1b[Z", "space": " ", "backspace": "\x7f",
	"up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "home": "\x1b[H", "end": "\x1b[F",
	"pgup": "\x1b[5~", "pgdown": "\x1b[6~", "delete": "\x1b[3~", "shift+up": "\x1b[1;2A", "shift+down": "\x1b[1;2B",
}

// sequence is what the terminal sends for a key.
func sequence(key string) (string, error) {
	if s, ok := sequences[key]; ok {
		return s, nil
	}
	if rest, ok := strings.CutPrefix(key, "ctrl+"); ok && len(rest) == 1 {
		return string(rune(rest[0] & 0x1f)), nil
	}
	if len([]rune(key)) == 1 {
		return key, nil
	}
	return "", fmt.Errorf("press %q: no such key", key)
}

// Press sends keys, each by its name: "j", "G", "enter", "ctrl+c".
func (t *Terminal) Press(keys ...string) error {
	for _, k := range keys {
		s, err := sequence(k)
		if err != nil {
			return err
		}
		if err := t.Type(s); err != nil {
			return err
		}
	}
	return nil
}

// Type sends text as it is.
func (t *Terminal) Type(text string) error {
	if _, err := t.tty.WriteString(text); err != nil {
		return fmt.Errorf("type into terminal: %w", err)
	}
	return nil
}

// Click presses and releases the left button on a cell, counted from 0.
func (t *Terminal) Click(x, y int) error {
	return t.Type(fmt.Sprintf("\x1b[<0;%d;%dM\x1b[<0;%d;%dm", x+1, y+1, x+1, y+1))
}
