package themes_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/themes"
)

const page = "../docs/themes.md"

// TestDocumentedThemesAndTokens keeps the tables of the page those of the code.
func TestDocumentedThemesAndTokens(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want := between(t, string(data), "themes", themeTable())
	want = between(t, want, "tokens", tokenTables())
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(want, string(data)); d != "" {
		t.Errorf("%s is out of date; UPDATE=1 writes it:\n%s", page, d)
	}
}

func between(t *testing.T, doc, section, text string) string {
	t.Helper()
	all := regexp.MustCompile(`(?s)(<!-- ` + section + `: [^\n]*-->\n).*?(<!-- end -->)`)
	if !all.MatchString(doc) {
		t.Fatalf("%s has no section %s", page, section)
	}
	return all.ReplaceAllString(doc, "${1}"+strings.ReplaceAll(text, "$", "$$")+"${2}")
}

func themeTable() string {
	var b strings.Builder
	b.WriteString("| theme | background | what it is |\n| --- | --- | --- |\n")
	l := themes.Library{}
	for _, name := range l.Names() {
		c, _ := l.Choose(name)
		if c.Dark.Name != c.Light.Name {
			fmt.Fprintf(&b, "| `%s` | either | `%s` or `%s`, by the background |\n", name, c.Dark.Name, c.Light.Name)
			continue
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, c.Dark.Background, c.Dark.About)
	}
	return b.String()
}

func tokenTables() string {
	var b strings.Builder
	b.WriteString("## All tokens\n\nWith their colours in `dark` and `light`; the files in [themes](../themes) say all of it.\n")
	group := ""
	for _, token := range themes.Tokens() {
		info := token.Info()
		if info.Group != group {
			group = info.Group
			fmt.Fprintf(&b, "\n**%s**\n\n| token | what has it | dark | light |\n| --- | --- | --- | --- |\n", group)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", info.Name, info.About, told(themes.Dark(), token), told(themes.Light(), token))
	}
	return b.String()
}

// told is a style in words.
func told(theme themes.Theme, token themes.Token) string {
	s := theme.Style(token, themes.TrueColor)
	var words []string
	if s.Color != "" {
		words = append(words, "`"+s.Color+"`")
	}
	if s.On != "" {
		words = append(words, "on `"+s.On+"`")
	}
	for _, a := range []struct {
		on   bool
		word string
	}{{s.Bold, "bold"}, {s.Faint, "faint"}, {s.Italic, "italic"}, {s.Underline, "underline"}, {s.Reverse, "reverse"}} {
		if a.on {
			words = append(words, a.word)
		}
	}
	if len(words) == 0 {
		return "the terminal's own"
	}
	return strings.Join(words, " ")
}

// TestDocumentedThemeIsRight: the example says what it claims.
func TestDocumentedThemeIsRight(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "```toml\nabout = ")
	example, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("the page has no example")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine.toml"), []byte("about = "+example), 0o600); err != nil {
		t.Fatal(err)
	}
	c, problems := themes.Library{Dir: dir}.Choose("mine")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for token, want := range map[themes.Token]themes.Style{
		themes.Accent: {Color: "#ffb000"}, themes.Key: {Color: "#ffb000"}, themes.Focus: {Color: "#ffb000"}, themes.OK: {Color: "#98b66e"}, themes.Muted: {Color: "246"},
		themes.Border: {Color: "8"}, themes.Text: {}, themes.Title: {Color: "#ffd479"}, themes.Selected: {On: "#3a2f1a", Bold: true}, themes.Bad: {Color: "#ff8080", Bold: true},
	} {
		if got := c.Dark.Style(token, themes.TrueColor); got != want {
			t.Errorf("%s is %+v, want %+v", token, got, want)
		}
	}
}
