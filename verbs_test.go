package main

import (
	"strings"
	"testing"

	"gantry/cli"
	"gantry/ui"
)

// TestCommandLinesOfTheWorkbench name verbs and flags that there are.
func TestCommandLinesOfTheWorkbench(t *testing.T) {
	t.Parallel()
	for _, a := range ui.Actions() {
		if a.Command == "" {
			continue
		}
		var verb, flags []string
		first, _, _ := strings.Cut(a.Command, " $(") // what a shell makes of the rest is its own
		for _, w := range strings.Fields(first)[1:] {
			switch {
			case strings.HasPrefix(w, "-"):
				flags = append(flags, w)
			case strings.ToLower(w) == w && len(flags) == 0 && w != "sh":
				verb = append(verb, w)
			}
		}
		var out, errs strings.Builder
		if code := cli.Main(t.Context(), append(verb, "--help"), cli.IO{In: strings.NewReader(""), Out: &out, Err: &errs}, cli.Program{}); code != 0 {
			t.Errorf("%s: %s: %s", a.ID, a.Command, errs.String())
		}
		if want := "gantry " + strings.Join(verb, " "); !strings.Contains(out.String(), want) {
			t.Errorf("%s: the help of %q is that of another verb:\n%s", a.ID, want, out.String())
		}
		for _, f := range flags {
			for _, letter := range strings.TrimLeft(f, "-") {
				if !strings.Contains(out.String(), "-"+string(letter)+",") && !strings.Contains(out.String(), f) {
					t.Errorf("%s: %s knows no -%c", a.ID, strings.Join(verb, " "), letter)
				}
			}
		}
	}
}
