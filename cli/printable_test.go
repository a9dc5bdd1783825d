package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"gantry/engine"
)

// hostile clears the screen and names the window, in both widths of control
// characters, and turns the direction of writing.
const hostile = "a\x1b[2J\x1b]0;owned\a\u009b2J\u202e\x7f\r\xff\xc2b"

func TestPrintable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                        "",
		"plain, größer, 漢字 🙂 “x”": "plain, größer, 漢字 🙂 “x”",
		hostile:                   `a\x1b[2J\x1b]0;owned\a\u009b2J\u202e\x7f\r\xff\xc2b`,
		"kept\tlost\nkept":        "kept\tlost" + `\n` + "kept",
		`C:\x1b`:                  `C:\x1b`,
	} {
		if got := printable(in, "\t"); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// What comes from an image or a container reaches the terminal harmless.
func TestTablesEventsAndErrorsArePrintable(t *testing.T) {
	t.Parallel()
	var table, complaint bytes.Buffer
	p := printer[historyRow]{table: "{{.ID}}\t{{.Comment}}", header: historyRow{ID: "IMAGE", Comment: "COMMENT"}}
	if err := p.write(&table, []historyRow{{ID: "1", Comment: hostile}}); err != nil {
		t.Fatal(err)
	}
	a := &app{}
	a.std.Err = &complaint
	a.complain(&engine.OpError{Op: "start", Kind: "container", ID: "web", Err: errors.New(hostile), Hint: hostile})
	event := eventLine(engine.Event{Time: time.Unix(0, 0), Action: "start", Attributes: map[string]string{"l" + hostile: hostile + "\nforged"}})
	if strings.Contains(event, "\n") {
		t.Errorf("an event became two: %q", event)
	}
	for what, text := range map[string]string{"table": table.String(), "error": complaint.String(), "event": event} {
		if strings.ContainsFunc(strings.ReplaceAll(text, "\n", ""), obeyed) {
			t.Errorf("%s: %q", what, text)
		}
	}
}
