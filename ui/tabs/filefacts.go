package tabs

import (
	"context"
	"path"
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
)

// fileFacts are what is known of the files of a container besides them.
type fileFacts struct {
	changes []engine.Change
	err     error // why those are not known
	mounts  []engine.MountPoint
	users   map[int]string
	groups  map[int]string
}

// containerFacts reads them. Who owns files is nice to know, no more.
func containerFacts(ctx context.Context, eng engine.Engine, ref string) (fileFacts, error) {
	d, err := eng.Containers().Inspect(ctx, ref)
	if err != nil {
		return fileFacts{}, err
	}
	facts := fileFacts{mounts: mountsOf(d)}
	facts.changes, facts.err = eng.Containers().Changes(ctx, ref)
	facts.owners(ctx, eng.Containers(), ref)
	return facts, ctx.Err()
}

func imageFacts(ctx context.Context, eng engine.Engine, ref string) (facts fileFacts, err error) {
	facts.owners(ctx, eng.Images(), ref)
	return facts, ctx.Err()
}

// mostOwners bounds how much of passwd and group is read.
const mostOwners = 64 << 10

func (f *fileFacts) owners(ctx context.Context, role any, ref string) {
	b, ok := role.(engine.Browsable)
	if !ok {
		return
	}
	read := func(name string) map[int]string {
		data, err := b.Files().ReadFile(ctx, ref, name, mostOwners)
		if err != nil {
			return nil
		}
		return namesByNumber(string(data))
	}
	f.users, f.groups = read("/etc/passwd"), read("/etc/group")
}

// namesByNumber reads passwd(5) or group(5).
func namesByNumber(text string) map[int]string {
	out := map[int]string{}
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) < 3 {
			continue
		}
		n, err := strconv.Atoi(fields[2])
		if _, ok := out[n]; err == nil && !ok && fields[0] != "" { // the first one counts, as for getpwuid(3)
			out[n] = safe(fields[0])
		}
	}
	return out
}

// changeSet are the facts by path.
type changeSet struct {
	kinds  map[string]engine.ChangeKind
	below  map[string]bool     // directories with changes in them
	gone   map[string][]string // directory -> what was removed from it
	mounts map[string]engine.MountPoint
	users  map[int]string
	groups map[int]string
	err    error
}

func newChangeSet(f fileFacts) changeSet {
	c := changeSet{
		kinds: make(map[string]engine.ChangeKind, len(f.changes)), below: map[string]bool{}, gone: map[string][]string{},
		mounts: map[string]engine.MountPoint{}, users: f.users, groups: f.groups, err: f.err,
	}
	for _, ch := range f.changes {
		p := path.Join("/", ch.Path)
		c.kinds[p] = ch.Kind
		dir := path.Dir(p)
		if ch.Kind == engine.Deleted {
			c.gone[dir] = append(c.gone[dir], path.Base(p))
		}
		for ; !c.below[dir]; dir = path.Dir(dir) {
			c.below[dir] = true
		}
	}
	for _, m := range f.mounts {
		c.mounts[path.Clean(m.Destination)] = m
	}
	return c
}

// has tells whether a path has changed, or something below it.
func (c changeSet) has(p string) bool {
	_, ok := c.kinds[p]
	return ok || c.below[p]
}

// mountOver is the mount that a path lies in.
func (c changeSet) mountOver(p string) engine.MountPoint {
	for ; p != "/"; p = path.Dir(p) {
		if m, ok := c.mounts[p]; ok {
			return m
		}
	}
	return engine.MountPoint{}
}

// owner names who has a file, by number where the names are not known.
func (c changeSet) owner(e engine.DirEntry) string {
	name := func(n int, names map[int]string) string {
		if s, ok := names[n]; ok {
			return s
		}
		return strconv.Itoa(n)
	}
	return name(e.UID, c.users) + ":" + name(e.GID, c.groups)
}

// ghosts are what was removed from a directory.
func (c changeSet) ghosts(n *node) []*node {
	var out []*node
	for _, base := range c.gone[n.path] {
		there := slices.ContainsFunc(n.children, func(c *node) bool { return c.entry.Name == base })
		if !there { // else it has come back since
			out = append(out, n.below(engine.DirEntry{Name: base}, true))
		}
	}
	return out
}

// mostUnfolded bounds how many directories are opened by themselves to show
// what has changed in them.
const mostUnfolded = 100

func (t *Files) onlyChanges() tea.Cmd {
	t.changed = !t.changed
	t.lay()
	return tea.Batch(t.openChanged(), t.weigh())
}

// openChanged opens the directories in which something has changed, but for
// those that were closed by hand.
func (t *Files) openChanged() tea.Cmd {
	if !t.changed || t.ctx == nil || t.found != nil {
		return nil
	}
	open := 0
	t.top.each(func(n *node) { open += btoi(n.open) })
	var cmds []tea.Cmd
	for _, n := range t.rows {
		if n.dir() && !n.open && !n.folded && t.known.below[n.path] && open < mostUnfolded {
			n.open = true
			open++
			cmds = append(cmds, t.read(n))
		}
	}
	if cmds != nil {
		t.lay()
	}
	return tea.Batch(cmds...)
}

// unmeasured tells that the size of a directory is not to be asked for: the
// kernel makes up what is in it, or it is no part of this.
func (t *Files) unmeasured(n *node) bool {
	return n.entry.Mount && t.known.mounts[n.path].Type != "volume"
}
