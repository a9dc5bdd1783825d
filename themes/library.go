package themes

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gantry/internal/tomldoc"
)

//go:embed *.toml
var builtin embed.FS

const (
	extension = ".toml"
	// root is the theme that says everything.
	root = "dark"
	// Auto is the name for dark or light, by the background.
	Auto = "auto"
	// Monochrome is the theme for terminals without colours.
	Monochrome = "monochrome"
)

// Library is where themes come from: the built-in ones, and the user's own,
// which go before them. The zero Library has the built-in ones.
type Library struct {
	// Dir holds the user's, NAME.toml each. It need not exist.
	Dir string
}

// names of the themes that have a file, with the file; "" is built in.
func (l Library) files() map[string]string {
	out := make(map[string]string)
	entries, _ := builtin.ReadDir(".") // what is embedded can be listed
	for _, e := range entries {
		out[strings.TrimSuffix(e.Name(), extension)] = ""
	}
	if l.Dir == "" {
		return out
	}
	own, _ := os.ReadDir(l.Dir) // Check tells why it cannot be read
	for _, e := range own {
		if name, ok := strings.CutSuffix(e.Name(), extension); ok && !e.IsDir() {
			out[name] = filepath.Join(l.Dir, e.Name())
		}
	}
	return out
}

// Names are what may be chosen: every theme, and the pairs NAME-dark and
// NAME-light as NAME, which goes by the background.
func (l Library) Names() []string {
	files := l.files()
	names := []string{Auto}
	for n := range files {
		names = append(names, n)
		if pair, ok := strings.CutSuffix(n, "-dark"); ok && has(files, pair+"-light") && !has(files, pair) {
			names = append(names, pair)
		}
	}
	slices.Sort(names)
	return names
}

func has(m map[string]string, name string) bool {
	_, ok := m[name]
	return ok
}

// Missing is the error of a name that is not among those of a library, nil
// when it is; "" is Auto.
func Missing(name string, names []string) error {
	if name == "" || slices.Contains(names, name) {
		return nil
	}
	if near := tomldoc.Nearest(name, names); near != "" {
		return fmt.Errorf("there is no theme %q; did you mean %q?", name, near)
	}
	return fmt.Errorf("there is no theme %q; gantry config themes lists them", name)
}

// Choice is a theme for either background.
type Choice struct {
	Name        string
	Dark, Light Theme
}

// For is the one for a background.
func (c Choice) For(dark bool) Theme {
	if dark {
		return c.Dark
	}
	return c.Light
}

// Choose reads a theme. There always is one: Auto in place of a name that
// there is not, and defaults in place of what is wrong in a file.
func (l Library) Choose(name string) (Choice, []tomldoc.Problem) {
	files := l.files()
	c := Choice{Name: name}
	dark, light := name, name
	switch {
	case has(files, name):
		var problems []tomldoc.Problem
		c.Dark, problems = l.load(files, name)
		c.Light = c.Dark
		return c, problems
	case has(files, name+"-dark") && has(files, name+"-light"):
		dark, light = name+"-dark", name+"-light"
	default:
		c.Name, dark, light = Auto, string(ForDark), string(ForLight)
	}
	var one, other []tomldoc.Problem
	c.Dark, one = l.load(files, dark)
	c.Light, other = l.load(files, light)
	return c, append(one, other...)
}

// Builtin is one of gantry's own themes.
func Builtin(name string) Theme {
	t, _ := Library{}.load(Library{}.files(), name)
	return t
}

// Dark is the built-in theme for dark backgrounds.
func Dark() Theme { return Builtin(string(ForDark)) }

// Light is the built-in theme for light backgrounds.
func Light() Theme { return Builtin(string(ForLight)) }

// All reads every theme, sorted by name.
func (l Library) All() ([]Theme, []tomldoc.Problem) {
	files := l.files()
	var all []Theme
	var problems []tomldoc.Problem
	for _, name := range slices.Sorted(maps.Keys(files)) {
		t, wrong := l.load(files, name)
		all, problems = append(all, t), append(problems, wrong...)
	}
	if l.Dir != "" {
		if _, err := os.ReadDir(l.Dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, tomldoc.Unreadable(l.Dir, err))
		}
	}
	return all, unique(problems)
}

// unique drops what was found once more by way of a theme that inherits it.
func unique(problems []tomldoc.Problem) []tomldoc.Problem {
	tomldoc.Sort(problems)
	return slices.Compact(problems)
}

// source is where one theme is read from; without a file it is built in.
type source struct{ name, file string }

func (s source) read() ([]byte, error) {
	if s.file == "" {
		return builtin.ReadFile(s.name + extension)
	}
	return tomldoc.ReadFile(s.file)
}

// load reads a theme and all that it inherits from.
func (l Library) load(files map[string]string, name string) (Theme, []tomldoc.Problem) {
	chain, problems := chain(files, source{name, files[name]})
	d := chain[len(chain)-1].draft
	for i := len(chain) - 2; i >= 0; i-- {
		d = chain[i].over(d)
	}
	t := Theme{Name: name, About: chain[0].about, Background: d.background, File: files[name], deepest: d.deepest, specs: d.finish()}
	for _, p := range chain {
		problems = append(problems, p.Problems()...)
	}
	return t, unique(problems)
}

// chain is a theme and those that it inherits from, one after another; the
// built-in root is always the last.
func chain(files map[string]string, s source) (all []*parser, problems []tomldoc.Problem) {
	known := slices.Sorted(maps.Keys(files))
	last, seen := source{name: root}, make(map[source]bool)
	for {
		seen[s] = true
		text, err := s.read()
		if err != nil {
			problems = append(problems, tomldoc.Unreadable(cmp.Or(s.file, s.name), err))
			s = last
			continue
		}
		p := read(cmp.Or(s.file, s.name+extension), text, known)
		all = append(all, p)
		if s == last {
			return all, problems
		}
		s = p.next(s, files, seen)
	}
}

// next is what a theme inherits from. One that says its own name means the
// built-in theme that it stands in for, and a built-in one knows no others.
func (p *parser) next(from source, files map[string]string, seen map[source]bool) source {
	name := p.inherits
	switch {
	case name != "":
	case p.background == ForLight:
		name = string(ForLight)
	default:
		name = root
	}
	s := source{name, files[name]}
	if seen[s] || from.file == "" {
		s.file = ""
	}
	if _, err := builtin.Open(name + extension); s.file == "" && (err != nil || seen[s]) {
		p.Problem(tomldoc.Key{"inherits"}, "", "inherits: by way of %q the theme inherits from itself", name)
		return source{name: root}
	}
	return s
}
