package content

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/images/build/ignore"
	"gantry/internal/linkwalk"
)

// Request says what to take from a tree.
type Request struct {
	// Sources are paths or patterns (filepath.Match), as COPY has them.
	Sources []string
	// Exclude are patterns of what is left out, relative to each source.
	Exclude []string
	// Parents keeps the directories of a source (--parents), from the pivot
	// "/./" on where it has one.
	Parents bool
	// Mount asks for the sources as a bind mount shows them: with the mode and
	// owner of the directory itself.
	Mount bool
}

// Select finds what r asks for. A pattern that matches nothing selects nothing,
// a path that is not there is a MissingError.
func (t *Tree) Select(ctx context.Context, r Request) (*Selection, error) {
	exclude, err := ignore.New(r.Exclude)
	if err != nil {
		return nil, fmt.Errorf("--exclude: %w", err)
	}
	s := &Selection{tree: t, mount: r.Mount}
	for _, src := range r.Sources {
		c := &collector{ctx: ctx, tree: t, sel: s, source: src, exclude: exclude}
		if err := c.collect(src, r.Parents); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// collector takes one source into a selection.
type collector struct {
	ctx     context.Context
	tree    *Tree
	sel     *Selection
	source  string
	exclude *ignore.Matcher
	include *ignore.Matcher // of --parents
}

func (c *collector) collect(src string, parents bool) error {
	if !parents {
		return c.sources(src)
	}
	root, pattern, ok := strings.Cut(src, "/./")
	if !ok {
		root, pattern = "/", src
	}
	pattern = strings.TrimPrefix(path.Clean("/"+pattern), "/")
	if pattern == "" {
		return c.sources(root)
	}
	var err error
	if c.include, err = ignore.New([]string{pattern}); err != nil {
		return fmt.Errorf("source %q: %w", src, err)
	}
	if err := c.sources(root); err != nil {
		return err
	}
	if wildcards(root) || wildcards(pattern) {
		return nil
	}
	_, err = c.find(path.Join(root, pattern))
	return err
}

// sources resolves a path or pattern.
func (c *collector) sources(src string) error {
	dir, pattern := splitWildcards(src)
	if pattern == "" {
		n, err := c.find(dir)
		if err != nil {
			return err
		}
		return c.group(n, path.Base(path.Clean("/"+src)))
	}
	n, err := c.follow(dir)
	if err != nil || n == nil {
		return err // without the directory, a pattern matches nothing
	}
	matches, err := c.match(n, strings.Split(pattern, "/"))
	if err != nil {
		return fmt.Errorf("source %q: %w", src, err)
	}
	for _, m := range matches {
		if err := c.matched(m); err != nil {
			return err
		}
	}
	return nil
}

// matched takes what a pattern found. --exclude holds for files that were found
// so, too, but not for directories: these are what their content is relative to.
func (c *collector) matched(m *node) error {
	n, err := c.find(m.path())
	if err != nil {
		return err
	}
	if !n.isDir() {
		if out, _, err := c.exclude.Match(m.name, ignore.State{}); out || err != nil {
			return err
		}
	}
	return c.group(n, m.name)
}

// match finds the nodes below n that match a pattern, by its components. No
// wildcard passes a slash, and links on the way are not followed.
func (c *collector) match(n *node, parts []string) ([]*node, error) {
	if !n.isDir() {
		return nil, nil
	}
	kids, err := c.tree.kidsOf(n)
	if err != nil {
		return nil, err
	}
	var out []*node
	for _, k := range kids {
		ok, err := path.Match(parts[0], k.name)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if len(parts) == 1 {
			out = append(out, k)
			continue
		}
		more, err := c.match(k, parts[1:])
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// find is follow for what has to be there.
func (c *collector) find(name string) (*node, error) {
	n, err := c.follow(name)
	if err == nil && n == nil {
		err = c.missing(name)
	}
	return n, err
}

// follow resolves a path and its links within the tree, as if its root were "/".
// nil means that it is not there.
func (c *collector) follow(name string) (*node, error) {
	full, err := linkwalk.Resolve(name, func(entry string, _ bool) (string, error) {
		n, err := c.tree.lookup(entry)
		if n == nil || err != nil {
			return "", err
		}
		return n.link, nil
	})
	if errors.Is(err, unix.ELOOP) {
		return nil, fmt.Errorf("source %q: follow %q: %w", c.source, full, err)
	}
	if err != nil {
		return nil, err
	}
	return c.tree.lookup(full)
}

// group takes a source and, where it is a directory, what is in it.
func (c *collector) group(n *node, name string) error {
	g := Group{Source: c.source, Name: name, Path: n.path(), Entries: []Entry{{node: n, owners: !c.tree.opts.AsRoot}}}
	if n.isDir() {
		if c.include == nil {
			if err := c.tree.readAll(c.ctx, n); err != nil {
				return err
			}
		}
		w := walker{collector: c, group: &g}
		if err := w.dir(n, "", ignore.State{}, ignore.State{}); err != nil {
			return err
		}
	}
	c.sel.Groups = append(c.sel.Groups, g)
	return nil
}

// walker takes the content of a directory. Directories that are not selected
// themselves are taken when something in them is.
type walker struct {
	*collector
	group   *Group
	pending []Entry
}

func (w *walker) dir(n *node, rel string, inc, exc ignore.State) error {
	if w.ctx.Err() != nil {
		return context.Cause(w.ctx)
	}
	kids, err := w.tree.kidsOf(n)
	if err != nil {
		return err
	}
	for _, k := range kids {
		if err := w.entry(k, under(rel, k.name), inc, exc); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) entry(n *node, rel string, inc, exc ignore.State) error {
	in := true
	if w.include != nil {
		var err error
		if in, inc, err = w.include.Match(rel, inc); err != nil {
			return err
		}
	}
	out, exc, err := w.exclude.Match(rel, exc)
	if err != nil {
		return err
	}
	e := Entry{Path: rel, node: n, owners: !w.tree.opts.AsRoot}
	if in && !out {
		w.group.Entries = append(append(w.group.Entries, w.pending...), e)
		w.pending = w.pending[:0]
		if !n.isDir() {
			return nil
		}
		return w.dir(n, rel, inc, exc)
	}
	if !n.isDir() || out && !w.exclude.Reaches(rel) || !in && !w.include.Within(rel) {
		return nil
	}
	e.Implied = true
	depth := len(w.pending)
	w.pending = append(w.pending, e)
	err = w.dir(n, rel, inc, exc)
	w.pending = w.pending[:min(depth, len(w.pending))]
	return err
}

func wildcards(name string) bool {
	for i := 0; i < len(name); i++ {
		switch name[i] {
		case '\\':
			i++
		case '*', '?', '[':
			return true
		}
	}
	return false
}

// splitWildcards cuts a source before its first component with a wildcard.
func splitWildcards(src string) (dir, pattern string) {
	parts := strings.Split(strings.Trim(path.Clean("/"+src), "/"), "/")
	i := slices.IndexFunc(parts, wildcards)
	if i < 0 {
		return src, ""
	}
	return strings.Join(parts[:i], "/"), strings.Join(parts[i:], "/")
}
