package dockerfile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"gantry/images"
)

// File is a Dockerfile that parses.
type File struct {
	source
	ast      *parser.Node
	escape   rune
	warnings []parser.Warning
}

// source is the text that messages show.
type source struct {
	name string
	text []byte
}

// Target is a stage that can be built.
type Target struct {
	Index    int
	Name     string // "" without AS
	Base     string // as written
	Platform string // as written
	Comment  string // a comment above it that begins with its name
	At       images.Range
}

// Parse reads a Dockerfile. The name is for messages. Errors are
// *images.SourceError.
func Parse(name string, text []byte) (*File, error) {
	f := &File{source: source{name, text}}
	if err := f.checkSyntax(); err != nil {
		return nil, err
	}
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, f.explain(err)
	}
	f.ast, f.escape, f.warnings = parsed.AST, parsed.EscapeToken, parsed.Warnings
	stages, _, err := instructions.Parse(f.ast, silent())
	if err != nil {
		return nil, f.explain(err)
	}
	if len(stages) == 0 {
		return nil, f.explain(errors.New("the Dockerfile has no stage; begin with FROM"))
	}
	return f, nil
}

// silent is a linter that says nothing. Without one, buildkit's parser panics at
// check directives above instructions.
func silent() *linter.Linter { return linter.New(&linter.Config{}) }

// Name is what messages call the file.
func (f *File) Name() string { return f.name }

// Targets lists the stages in order.
func (f *File) Targets() []Target {
	stages, _, err := instructions.Parse(f.ast, silent())
	if err != nil { // Parse has done the same
		return nil
	}
	targets := make([]Target, len(stages))
	for i, s := range stages {
		targets[i] = Target{
			Index: i, Name: s.Name, Base: s.BaseName, Platform: s.Platform,
			Comment: s.DocComment, At: rangeOf(s.Location),
		}
	}
	return targets
}

// frontends are the images whose language this package speaks.
var frontends = []string{"docker/dockerfile", "docker/dockerfile-upstream"}

// checkSyntax refuses a file that asks for another front end, which would be
// a program from a registry that reads the file in its own way.
func (f *File) checkSyntax() error {
	ref, _, at, ok := parser.DetectSyntax(f.text)
	if !ok || knownFrontend(ref) {
		return nil
	}
	return f.explain(parser.WithLocation(unknownFrontend(ref), at))
}

func knownFrontend(ref string) bool {
	r, err := images.ParseRef(ref)
	if err != nil || r.Registry != images.DefaultRegistry {
		return false
	}
	for _, known := range frontends {
		if r.Repository == known {
			return true
		}
	}
	return false
}

func unknownFrontend(ref string) error {
	return hinted{
		fmt.Errorf("the syntax %q is not supported: it is a front end of its own", ref),
		"the language here is that of " + strings.Join(frontends, " and "),
	}
}
