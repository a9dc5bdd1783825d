package ignore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"golang.org/x/sys/unix"

	"gantry/internal/tartree"
)

// Name is the file that holds for every Dockerfile of a context without one of
// its own.
const Name = ".dockerignore"

// maxSize bounds an ignore file, which is read into memory.
const maxSize = 16 << 20

// File is the ignore file of one build.
type File struct {
	Name     string // within the context; "" when there is none
	Patterns []string
}

// Load reads the ignore file for a Dockerfile: NAME.dockerignore beside it, else
// the context's .dockerignore. dockerfile is its path within root, and "" when
// it does not come from there.
func Load(root *os.File, dockerfile string) (File, error) {
	names := []string{Name}
	if dockerfile != "" {
		names = []string{path.Clean(dockerfile) + Name, Name}
	}
	for _, name := range names {
		f, err := tartree.OpenIn(root, name, unix.O_RDONLY|unix.O_NONBLOCK)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
			continue
		}
		if err != nil {
			return File{}, fmt.Errorf("read ignore file: %w", err)
		}
		patterns, err := read(f)
		f.Close()
		if err != nil {
			return File{}, fmt.Errorf("read ignore file %s: %w", name, err)
		}
		return File{Name: name, Patterns: patterns}, nil
	}
	return File{}, nil
}

func read(f *os.File) ([]string, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	return Parse(f)
}

// Parse reads patterns as they stand in an ignore file.
func Parse(r io.Reader) ([]string, error) {
	limited := &io.LimitedReader{R: r, N: maxSize + 1}
	patterns, err := ignorefile.ReadAll(limited)
	if limited.N == 0 {
		return nil, fmt.Errorf("it is larger than %d bytes", maxSize)
	}
	return patterns, err
}

// Matcher tells what patterns match. The zero Matcher, and a nil one, match
// nothing. It may be used by several goroutines.
type Matcher struct {
	patterns   []*patternmatcher.Pattern
	exceptions []exception
	// pool has matchers of the same patterns: a matcher compiles its patterns
	// while it is used, which must not happen in two goroutines.
	pool sync.Pool
}

// State is what matching found out about a directory.
type State struct{ info patternmatcher.MatchInfo }

// New compiles patterns. A wrong one is named by the error.
func New(patterns []string) (*Matcher, error) {
	for _, p := range patterns {
		if err := check(p); err != nil {
			return nil, err
		}
	}
	pm, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, err
	}
	m := &Matcher{patterns: pm.Patterns()}
	m.pool.New = func() any {
		again, err := patternmatcher.New(patterns)
		if err != nil {
			panic(err) // the same patterns compiled above
		}
		return again
	}
	m.pool.Put(pm)
	for _, p := range m.patterns {
		if p.Exclusion() {
			m.exceptions = append(m.exceptions, newException(p.String()))
		}
	}
	return m, nil
}

// check compiles one pattern by using it, which finds what only shows then.
func check(pattern string) error {
	pm, err := patternmatcher.New([]string{strings.TrimPrefix(strings.TrimSpace(pattern), "!")})
	if err == nil {
		_, err = pm.MatchesOrParentMatches("x")
	}
	if err != nil || strings.TrimSpace(pattern) == "!" {
		return fmt.Errorf("pattern %q: %w", pattern, filepath.ErrBadPattern)
	}
	return nil
}

// Empty tells whether nothing can match.
func (m *Matcher) Empty() bool { return m == nil || len(m.patterns) == 0 }

// Match tells whether name, a slash-separated path, is matched. parent is the
// State of its directory, and the zero State for what lies at the top.
func (m *Matcher) Match(name string, parent State) (bool, State, error) {
	if m.Empty() {
		return false, State{}, nil
	}
	pm := m.pool.Get().(*patternmatcher.PatternMatcher)
	defer m.pool.Put(pm)
	matched, info, err := pm.MatchesUsingParentResults(name, parent.info)
	if err != nil {
		return false, State{}, fmt.Errorf("match %q: %w", name, err)
	}
	return matched, State{info}, nil
}

// Reaches tells whether an exception (!pattern) may match something below dir.
func (m *Matcher) Reaches(dir string) bool {
	if m.Empty() {
		return false
	}
	for _, e := range m.exceptions {
		if e.reaches(dir) {
			return true
		}
	}
	return false
}

// Within tells whether one of the patterns that are no exceptions may match
// something below dir.
func (m *Matcher) Within(dir string) bool {
	if m.Empty() {
		return false
	}
	for _, p := range m.patterns {
		if !p.Exclusion() && newException(p.String()).reaches(dir) {
			return true
		}
	}
	return false
}

// exception is a pattern by its components.
type exception []string

func newException(pattern string) exception {
	return strings.Split(strings.TrimPrefix(pattern, "/"), "/")
}

// reaches compares component by component: no wildcard but ** passes a slash.
func (e exception) reaches(dir string) bool {
	for i, name := range strings.Split(dir, "/") {
		if i == len(e) {
			return false
		}
		if strings.Contains(e[i], "**") {
			return true
		}
		ok, err := path.Match(e[i], name)
		if err != nil {
			return true // a slash in a class, which only the whole pattern shows
		}
		if !ok {
			return false
		}
	}
	return true
}
