package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxSize bounds the file.
const maxSize = 1 << 20

// Config is the configuration with defaults filled in.
type Config struct {
	File       string              // where it was read from, "" when there is no file
	DetachKeys string              // "ctrl-p,ctrl-q"
	Registries map[string]Registry // by host as it stands in image references
	Log        Log
	UI         UI
	Keys       map[string][]string // action -> the keys that run it instead of its defaults
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

// UI is how the workbench looks and behaves.
type UI struct {
	Theme     string // "" means: by the terminal's background
	Mouse     bool
	ASCII     bool     // draw with ASCII only
	AskBefore []string // which of "stop" and "restart" ask first
}

// Default is the configuration without a file.
func Default() Config {
	return Config{
		DetachKeys: "ctrl-p,ctrl-q",
		Log:        Log{MaxSize: 64 << 20, MaxFile: 16},
		UI:         UI{Mouse: true, AskBefore: []string{"stop", "restart"}},
	}
}

// Problem is one mistake in the file.
type Problem struct {
	File         string
	Line, Column int    // from 1; 0 when the file as a whole is meant
	Key          string // the dotted key, "" for a mistake in the syntax
	Message      string
	Nearest      string // the valid word that was probably meant, or ""
}

func (p Problem) String() string {
	s := p.File
	if p.Line > 0 {
		s += fmt.Sprintf(":%d:%d", p.Line, p.Column)
	}
	s += ": " + p.Message
	if p.Nearest != "" {
		s += fmt.Sprintf("; did you mean %q?", p.Nearest)
	}
	return s
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
		problems = append(problems, Problem{File: file, Message: "cannot be read: " + reason(err).Error()})
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

// exists is also true for what cannot be looked at: reading it will tell why.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil || !errors.Is(err, fs.ErrNotExist)
}

// LoadFile reads one file. The error is about reading it; mistakes inside are
// problems.
func LoadFile(path string) (Config, []Problem, error) {
	f, err := os.Open(path)
	if err != nil {
		return Default(), nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return Default(), nil, err
	}
	if len(data) > maxSize {
		return Default(), nil, fmt.Errorf("it is larger than %d bytes", maxSize)
	}
	c, problems := Parse(path, data)
	return c, problems, nil
}

// reason drops the path, which stands before the message already.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func byPlace(a, b Problem) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}
