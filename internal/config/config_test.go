package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gantry/internal/config"
)

// example returns the TOML block of docs/config.md.
func example(t *testing.T) []byte {
	t.Helper()
	doc, err := os.ReadFile("../../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "```toml\n")
	block, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/config.md has no TOML block")
	}
	return []byte(block)
}

func TestDocumentedExampleIsRead(t *testing.T) {
	t.Parallel()
	got, problems := config.Parse("x.toml", example(t))
	if len(problems) > 0 {
		t.Fatalf("problems: %v", problems)
	}
	unicode := false
	want := config.Config{
		File:       "x.toml",
		DetachKeys: "ctrl-p,ctrl-q",
		Registries: map[string]config.Registry{
			"docker.io":       {Mirrors: []string{"mirror.lan:5000", "cache.example/dockerhub"}},
			"mirror.lan:5000": {HTTP: true},
			"test.example":    {Insecure: true},
		},
		Log:     config.Log{MaxSize: 64 << 20, MaxFile: 16},
		Network: config.Network{Default: "bridge", Pools: []config.Pool{{Base: "10.200.0.0/16", Size: 24}, {Base: "fd12:3456:789a::/48", Size: 64}}},
		UI:      config.UI{Theme: "dark", Colors: "256", Mouse: true, ASCII: &unicode, AskBefore: []string{"stop", "restart"}},
		Keys:    map[string][]string{"container.stop": {"s", "ctrl+s"}, "log.follow": {"f"}},
	}
	if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(want)); d != "" {
		t.Error(d)
	}
}

// What the example calls a default must be one.
func TestDocumentedDefaults(t *testing.T) {
	t.Parallel()
	got, _ := config.Parse("", example(t))
	got.Registries, got.Keys, got.Network.Pools = nil, nil, nil
	got.UI.Theme, got.UI.Colors, got.UI.ASCII = "", "", nil
	if d := cmp.Diff(config.Default(), got, cmpopts.IgnoreUnexported(got)); d != "" {
		t.Error(d)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"wrong key", "[log]\nmax-szie = \"1m\"\n", []string{`f:2:1: unknown key "max-szie" in [log]; did you mean "max-size"?`}},
		{"wrong table", "\n[regstries.\"a.b\"]\nhttp=true\n", []string{`f:2:2: unknown key "regstries" at the top; did you mean "registries"?`}},
		{"nothing near", "colour = 1", []string{`f:1:1: unknown key "colour" at the top`}},
		{"wrong type", "[ui]\n  mouse = \"yes\"", []string{`f:2:3: ui.mouse must be true or false, not a text`}},
		{"wrong word", "[ui]\nask-before = [\"stop\", \"restrat\"]", []string{`f:2:1: ui.ask-before: "restrat" is none of stop, restart; did you mean "restart"?`}},
		{"inline table", "ui = { mouse = true, asci = true }", []string{`f:1:22: unknown key "asci" in [ui]; did you mean "ascii"?`}},
		{"dotted key", "ui.them = \"x\"", []string{`f:1:4: unknown key "them" in [ui]; did you mean "theme"?`}},
		{"nested key", "[registries.\"a.b:1\"]\nmirors = []", []string{`f:2:1: unknown key "mirors" in [registries."a.b:1"]; did you mean "mirrors"?`}},
		{"not a host", "[registries.\"https://a.b\"]\nhttp = true", []string{`f:1:13: "https://a.b" is not a registry as image references name it; write host or host:port, for instance docker.io or registry.lan:5000`}},
		{"mirror as URL", "[registries.\"docker.io\"]\nmirrors = [\"http://a.b\", \"c.d\"]", []string{`f:2:1: registries."docker.io".mirrors: write the mirror "a.b" without http://; plain http is allowed by http = true in [registries."a.b"]`}},
		{"size", "[log]\nmax-size = \"10 apples\"\nmax-file = 0", []string{
			`f:2:1: log.max-size: "10 apples" is not a size; write for instance 64MiB`,
			`f:3:1: log.max-file must be between 1 and 10000`}},
		{"detach keys", `detach-keys = "ctrl-p,strg-q"`, []string{`f:1:1: detach-keys: "strg-q" is not a key; write one character or ctrl- and a letter, separated by commas`}},
		{"wrong key name", "[keys]\na = [\"cntrl+s\", \"Escape\", \"shift+s\", \"shift+ctrl+x\", \"strg+q\", \"\"]", []string{
			`f:2:1: keys.a: "cntrl+s" is not a key; write a character or a name such as enter or f5, after ctrl+, alt+ or shift+ where they are held; did you mean "ctrl+s"?`,
			`f:2:1: keys.a: "Escape" is not a key; write a character or a name such as enter or f5, after ctrl+, alt+ or shift+ where they are held; did you mean "esc"?`,
			`f:2:1: keys.a: "shift+s" is not a key; write a character or a name such as enter or f5, after ctrl+, alt+ or shift+ where they are held; did you mean "S"?`,
			`f:2:1: keys.a: "shift+ctrl+x" is not a key; write a character or a name such as enter or f5, after ctrl+, alt+ or shift+ where they are held; did you mean "ctrl+shift+x"?`,
			`f:2:1: keys.a: "strg+q" is not a key; write a character or a name such as enter or f5, after ctrl+, alt+ or shift+ where they are held; did you mean "ctrl+q"?`,
			`f:2:1: keys.a: "" is not a key; write a character or a name such as enter or f5, after ctrl+, alt+ or shift+ where they are held`}},
		{"key names", "[keys]\na = [\"+\", \"ctrl++\", \"G\", \"?\", \"ä\", \"f10\", \"shift+tab\", \"ctrl+alt+pgdown\", \"space\"]", nil},
		{"colours", "[ui]\ncolors = \"truecolour\"", []string{`f:2:1: ui.colors: "truecolour" is none of truecolor, 256, 16, none; did you mean "truecolor"?`}},
		{"a table that is none", "log = 3\n[ui]\nmice = true", []string{`f:1:1: log must be a table, not a number`, `f:3:1: unknown key "mice" in [ui]`}},
		{"list of wrong things", "[keys]\nquit = [1, \"q\"]", []string{`f:2:1: keys.quit must be a list of texts, not a number`}},
		{"network", "[network]\ndefault = \"-x\"\npools = [\"10.0.0.0/8\", \"10.0.0.1/8 as /16\", \"10.0.0.0/8 as /31\"]", []string{
			`f:2:1: network.default: "-x" is not the name of a network; write bridge, none, host, or the name of one that you made`,
			`f:3:1: network.pools: "10.0.0.0/8" is not a pool; write a range and the size of the subnets, for instance "10.200.0.0/16 as /24"`,
			`f:3:1: network.pools: the pool 10.0.0.1/8 begins at 10.0.0.0/8`,
			`f:3:1: network.pools: subnets of the pool 10.0.0.0/8 have prefixes of 8 to 29 bits`}},
		{"syntax", "[log]\nmax-size = = 1", []string{"f:2:12: unexpected character U+003D '=' at start of value"}},
		{"twice", "[ui]\nmouse = true\nmouse = false", []string{"f:3:1: key mouse is already defined"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, problems := config.Parse("f", []byte(tt.text))
			var got []string
			for _, p := range problems {
				got = append(got, p.String())
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestTheRestStillWorks(t *testing.T) {
	t.Parallel()
	c, problems := config.Parse("f", []byte("[log]\nmax-file = true\nmax-size = \"8k\"\n[ui]\nwhat = 1\nascii = true\n[registries.\"a.b\"]\nhttp = 1\ninsecure = true\n"))
	if len(problems) != 3 {
		t.Errorf("problems: %v", problems)
	}
	want := config.Default()
	ascii := true
	want.File, want.Log.MaxSize, want.UI.ASCII = "f", 8<<10, &ascii
	want.Registries = map[string]config.Registry{"a.b": {Insecure: true}}
	if d := cmp.Diff(want, c, cmpopts.IgnoreUnexported(c)); d != "" {
		t.Error(d)
	}
}

func TestParseSize(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{
		"0": 0, "1": 1, "10b": 10, "10k": 10 << 10, "10K": 10 << 10, "10kb": 10 << 10, "10KiB": 10 << 10,
		"1.5m": 3 << 19, "2 GiB": 2 << 30, "1t": 1 << 40,
	} {
		if got, err := config.ParseSize(s); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "m", "-1", "1x", "1kk", "1ib", "1i", "1e3", "0x10", "nan", "inf", "9999999999g", "1.2.3", "1bk", "k1"} {
		if got, err := config.ParseSize(s); err == nil {
			t.Errorf("ParseSize(%q) = %d, want an error", s, got)
		}
	}
}

func TestLocate(t *testing.T) {
	t.Parallel()
	home, xdg := t.TempDir(), t.TempDir()
	for _, dir := range []string{filepath.Join(home, ".config"), xdg} {
		if err := os.MkdirAll(filepath.Join(dir, "gantry"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "gantry", "config.toml"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name string
		env  map[string]string
		want string
		must bool
	}{
		{"named", map[string]string{"GANTRY_CONFIG": "/x", "HOME": home}, "/x", true},
		{"xdg", map[string]string{"XDG_CONFIG_HOME": xdg, "HOME": home}, xdg + "/gantry/config.toml", false},
		{"relative xdg is ignored", map[string]string{"XDG_CONFIG_HOME": "x", "HOME": home}, home + "/.config/gantry/config.toml", false},
		{"home", map[string]string{"HOME": home}, home + "/.config/gantry/config.toml", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file, must := config.Locate(func(k string) string { return tt.env[k] })
			if file != tt.want || must != tt.must {
				t.Errorf("got %q, %v, want %q, %v", file, must, tt.want, tt.must)
			}
		})
	}
}

func TestLoadWithoutFile(t *testing.T) {
	t.Setenv("GANTRY_CONFIG", filepath.Join(t.TempDir(), "missing.toml"))
	c, problems := config.Load()
	if len(problems) != 1 || !strings.HasSuffix(problems[0].String(), "missing.toml: cannot be read: no such file or directory") {
		t.Errorf("a named file that is missing: %v", problems)
	}
	if d := cmp.Diff(config.Default(), c, cmpopts.IgnoreUnexported(c)); d != "" {
		t.Error(d)
	}
	t.Setenv("GANTRY_CONFIG", "")
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	if _, err := os.Stat("/etc/gantry/config.toml"); err == nil {
		t.Skip("this host has /etc/gantry/config.toml")
	}
	if c, problems := config.Load(); len(problems) > 0 || c.File != "" {
		t.Errorf("no file at all: %q, %v", c.File, problems)
	}
}

func TestHugeFileIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(path, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := config.LoadFile(path); err == nil {
		t.Error("want an error")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("[log]\nmax-size = \"1m\"\n[registries.\"a.b\"]\nmirrors=[\"c\"]")
	f.Add("ui = { mouse = 1, x.y = [1979-05-27] }\n[[keys]]\na=1")
	f.Fuzz(func(t *testing.T, text string) {
		c, problems := config.Parse("f", []byte(text))
		for _, p := range problems {
			if p.Message == "" || p.Line < 0 {
				t.Errorf("%+v", p)
			}
		}
		if c.Log.MaxFile < 1 || c.Log.MaxSize < 1 {
			t.Errorf("%+v", c.Log)
		}
	})
}

func BenchmarkLoadWithoutFile(b *testing.B) {
	b.Setenv("GANTRY_CONFIG", "")
	b.Setenv("XDG_CONFIG_HOME", b.TempDir())
	for b.Loop() {
		config.Load()
	}
}
