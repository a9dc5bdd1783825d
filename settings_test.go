package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gantry/cli"
	"gantry/ui"
	"gantry/ui/glyph"
)

// configDir writes a configuration with themes and says where it is.
func configDir(t *testing.T, files map[string]string) (file string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	t.Setenv("COLORFGBG", "")
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "config.toml")
}

// options are the workbench's for a command line that has no mistake.
func options(t *testing.T, g cli.Global) ui.Options {
	t.Helper()
	o, err := uiOptions(g)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestCommandLineGoesBeforeTheConfiguration(t *testing.T) {
	file := configDir(t, map[string]string{"config.toml": "[ui]\ntheme = \"mine\"\nascii = false\n", "themes/mine.toml": ""})
	if o := options(t, cli.Global{Config: file}); o.Theme != "mine" || o.Terminal.Glyphs != glyph.Unicode || len(o.Check()) > 0 {
		t.Errorf("theme %q, glyphs %d, problems %v", o.Theme, o.Terminal.Glyphs, o.Check())
	}
	if o := options(t, cli.Global{Config: file, Theme: "light", ASCII: true}); o.Theme != "light" || o.Terminal.Glyphs == glyph.Unicode {
		t.Errorf("theme %q, glyphs %d", o.Theme, o.Terminal.Glyphs)
	}
}

// TestUnknownThemeOnTheCommandLine is no reason to open the workbench in
// another one.
func TestUnknownThemeOnTheCommandLine(t *testing.T) {
	file := configDir(t, map[string]string{"config.toml": ""})
	if _, err := uiOptions(cli.Global{Config: file, Theme: "lihgt"}); err == nil || !strings.Contains(err.Error(), `--theme: there is no theme "lihgt"; did you mean "light"?`) {
		t.Error(err)
	}
}

// TestBackgroundIsRemembered: for each terminal by itself, whatever it calls
// itself.
func TestBackgroundIsRemembered(t *testing.T) {
	file := configDir(t, map[string]string{"config.toml": ""})
	os.Unsetenv("COLORFGBG") // configDir puts it back
	t.Setenv("TERM_PROGRAM", "../odd name")
	if o := options(t, cli.Global{Config: file}); o.Terminal.Light {
		t.Error("nothing was learned, and it begins light")
	} else {
		o.LearnBackground(true)
	}
	if !options(t, cli.Global{Config: file}).Terminal.Light {
		t.Error("it was learned, and it begins dark")
	}
	if left, err := os.ReadDir(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "gantry")); err != nil || len(left) != 1 || left[0].Name() != "background-___odd_name" {
		t.Errorf("files: %v, %v", left, err)
	}
	t.Setenv("TERM_PROGRAM", "another")
	if options(t, cli.Global{Config: file}).Terminal.Light {
		t.Error("what one terminal said holds for another")
	}
}

func TestConfigCheckReadsThemes(t *testing.T) {
	file := configDir(t, map[string]string{
		"config.toml":      "[keys]\n\"container.stopp\" = \"x\"\n[ui]\ntheme = \"mine\"\n",
		"themes/mine.toml": "[tokens]\naccnt = 1\n", "themes/other.toml": "inherits = \"lihgt\"\n",
	})
	_, err := checkConfig(file)
	if err == nil {
		t.Fatal("nothing is wrong")
	}
	got := strings.ReplaceAll(err.Error(), filepath.Dir(file)+"/", "")
	want := "invalid configuration:\n" +
		"config.toml:2:1: there is no action \"container.stopp\"; did you mean \"container.stop\"?\n" +
		"themes/mine.toml:2:1: unknown key \"accnt\" in [tokens]; did you mean \"accent\"?\n" +
		"themes/other.toml:1:1: inherits: there is no theme \"lihgt\"; did you mean \"light\"?"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	list, err := listThemes(file)
	if err != nil || len(list) != 12 {
		t.Errorf("%d themes, %v", len(list), err)
	}
}
