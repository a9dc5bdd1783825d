package cli_test

import (
	"context"
	"strings"
	"testing"

	"gantry/cli"
)

// TestWorkbenchTakesItsFlags: without a verb, on a terminal.
func TestWorkbenchTakesItsFlags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var got cli.Global
	w.ui = func(_ context.Context, g cli.Global) error { got = g; return nil }
	c := openConsole(t, w, "--theme", "high-contrast", "--ascii", "--config", "x.toml")
	c.end(0)
	if want := (cli.Global{Theme: "high-contrast", ASCII: true, Config: "x.toml"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestDumbTerminal: where the cursor cannot move there is no workbench, and
// what there is instead is said in one line.
func TestDumbTerminal(t *testing.T) {
	t.Parallel()
	for _, term := range []string{"dumb", ""} {
		w := newWorld(t)
		w.env["TERM"] = term
		w.ui = func(context.Context, cli.Global) error { t.Error("it opened"); return nil }
		c := openConsole(t, w)
		c.end(1)
		c.see("this terminal cannot move its cursor")
		c.see("gantry ps")
		if strings.Contains(c.text(), "\x1b") {
			t.Errorf("it got escape sequences: %q", c.text())
		}
	}
}

func TestThemesAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.themes = func(path string) ([]cli.Theme, error) {
		return []cli.Theme{
			{Name: "dark", Background: "dark", About: "gantry's own"},
			{Name: "mine", Background: "light", File: path + "/mine.toml", About: "odd\x1b[2J"},
		}, nil
	}
	w.want(0, "THEME     BACKGROUND   FROM             ABOUT\n"+
		"dark      dark         gantry           gantry's own\n"+
		"mine      light        here/mine.toml   odd\\x1b[2J\n", "", "--config", "here", "config", "themes")
	if out := w.ok("__complete", "--theme", ""); !strings.Contains(out, "dark\tgantry's own\nmine\t") {
		t.Errorf("completion of --theme:\n%s", out)
	}
}
