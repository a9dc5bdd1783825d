package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"gantry/internal/tomldoc"
)

// Config is the configuration with defaults filled in.
type Config struct {
	File       string              // where it was read from, "" when there is no file
	DetachKeys string              // "ctrl-p,ctrl-q"
	Registries map[string]Registry // by host as it stands in image references
	Log        Log
	Network    Network
	UI         UI
	Keys       map[string][]string // action -> the keys that run it instead of its defaults

	doc *tomldoc.Reader // nil when there is no file
}

// Registry is what is special about one registry.
type Registry struct {
	Mirrors  []string // "host[:port][/prefix]", asked in this order before the registry
	Insecure bool     // accept any certificate, and plain http where there is no TLS
	HTTP     bool     // plain http only
}

// Log is how much of a container's output is kept.
type Log struct {
	MaxSize int64 // bytes in one file
	MaxFile int   // files kept
}

// Network is where containers are that name no network, and what new networks
// take their addresses from.
type Network struct {
	Default string // "bridge", "none", "host", or the name of a network
	Pools   []Pool // docker's when empty
}

// Pool is a range that networks take subnets of equal size from.
type Pool struct {
	Base string // "10.200.0.0/16"
	Size int    // bits of each subnet's prefix
}

// UI is how the workbench looks and behaves.
type UI struct {
	Theme     string // "" means: by the terminal's background
	Colors    string // one of Colors, "" means: what the terminal has
	Mouse     bool
	ASCII     *bool    // draw with ASCII only; nil: where the terminal needs it
	AskBefore []string // which of "stop" and "restart" ask first
}

// Colors are the words that say how many colours to draw with.
func Colors() []string { return []string{"truecolor", "256", "16", "none"} }

// Default is the configuration without a file.
func Default() Config {
	return Config{
		DetachKeys: "ctrl-p,ctrl-q",
		Network:    Network{Default: "bridge"},
		Log:        Log{MaxSize: 64 << 20, MaxFile: 16},
		UI:         UI{Mouse: true, AskBefore: []string{"stop", "restart"}},
	}
}

// Problem is one mistake in the file.
type Problem = tomldoc.Problem

// At makes a problem of the value of a key, with its place, for what only
// others know to be wrong.
func (c Config) At(key ...string) Problem {
	if c.doc == nil {
		return Problem{}
	}
	return c.doc.At(key, "", "")
}

// Load reads the file that Locate finds.
func Load() (Config, []Problem) {
	file, must := Locate(os.Getenv)
	if file == "" {
		return Default(), nil
	}
	c, problems, err := LoadFile(file)
	switch {
	case err == nil:
	case !must && errors.Is(err, fs.ErrNotExist):
		return Default(), nil
	default:
		problems = append(problems, tomldoc.Unreadable(file, err))
	}
	return c, problems
}

// Locate says which file counts: $GANTRY_CONFIG, which then must exist; else
// gantry/config.toml in the user's configuration folder; else
// /etc/gantry/config.toml. The first that exists counts alone. It is empty when
// there is none.
func Locate(getenv func(string) string) (file string, must bool) {
	if f := getenv("GANTRY_CONFIG"); f != "" {
		return f, true
	}
	if f := userFile(getenv); f != "" && exists(f) {
		return f, false
	}
	if f := "/etc/gantry/config.toml"; exists(f) {
		return f, false
	}
	return "", false
}

// userFile follows the XDG base directory specification, which ignores relative
// paths.
func userFile(getenv func(string) string) string {
	dir := getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) {
		home := getenv("HOME")
		if home == "" {
			return ""
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "gantry", "config.toml")
}

// Dir is the directory of the file; without one, that of the user's. Themes
// are looked for below it. It is empty when the user has no home.
func (c Config) Dir(getenv func(string) string) string {
	file := c.File
	if file == "" {
		file = userFile(getenv)
	}
	if file == "" {
		return ""
	}
	return filepath.Dir(file)
}

// exists is also true for what cannot be looked at: reading it will tell why.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil || !errors.Is(err, fs.ErrNotExist)
}

// LoadFile reads one file. The error is about reading it; mistakes inside are
// problems.
func LoadFile(path string) (Config, []Problem, error) {
	data, err := tomldoc.ReadFile(path)
	if err != nil {
		return Default(), nil, err
	}
	c, problems := Parse(path, data)
	return c, problems, nil
}

// Parse reads the text of a configuration file; file names it in problems.
func Parse(file string, text []byte) (Config, []Problem) {
	c := Default()
	c.File = file
	c.doc = tomldoc.New(file, text)
	c.doc.Read(c.schema(c.doc))
	return c, c.doc.Problems()
}
