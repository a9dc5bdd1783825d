package content

import (
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/internal/linkwalk"
)

// missing says as well as is known why a source is not there.
func (c *collector) missing(name string) error {
	e := &MissingError{Source: c.source, In: c.tree.opts.Name}
	switch link := c.linkOnTheWay(name); {
	case c.leavesRoot():
		e.Why = "it points outside of it, and nothing there is part of a build"
	case link != "":
		e.Why = link
	default:
		e.Why = c.ignoredOrNear(name)
	}
	return e
}

// leavesRoot tells whether the source, read as a path, climbs above the root.
func (c *collector) leavesRoot() bool {
	clean := path.Clean(strings.TrimLeft(c.source, "/"))
	return clean == ".." || strings.HasPrefix(clean, "../")
}

// linkOnTheWay names the last link that was followed to what is not there. Links
// are read as if the tree were the whole file system.
func (c *collector) linkOnTheWay(name string) string {
	var last *node
	full, err := linkwalk.Resolve(name, func(entry string, _ bool) (string, error) {
		n, err := c.tree.lookup(entry)
		if n == nil || err != nil {
			return "", err
		}
		if n.link != "" {
			last = n
		}
		return n.link, nil
	})
	if err != nil || last == nil {
		return ""
	}
	return fmt.Sprintf("the link %s leads to %s, which is not in it", last.path(), strings.TrimPrefix(full, "/"))
}

// ignoredOrNear tells whether the ignore file leaves the path out; else it
// offers the nearest name of the same directory.
func (c *collector) ignoredOrNear(name string) string {
	t, clean := c.tree, strings.Trim(path.Clean("/"+name), "/")
	if !t.opts.Ignore.Empty() {
		fd, err := t.openFD(clean, unix.O_PATH)
		if err == nil {
			unix.Close(fd)
			return t.opts.IgnoreFile + " leaves it out"
		}
	}
	dir, err := t.lookup(path.Dir(clean))
	if err != nil || dir == nil || !dir.isDir() {
		return ""
	}
	kids, err := t.kidsOf(dir)
	if err != nil {
		return ""
	}
	base := path.Base(clean)
	best, least := "", len(base)/3+1
	for _, k := range kids {
		if d := distance(base, k.name, least); d <= least && (best == "" || d < least) {
			best, least = k.path(), d
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean " + best + "?"
}

// distance is Levenshtein's, without regard to case; beyond most it is only
// some larger number.
func distance(a, b string, most int) int {
	ra, rb := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	if max(len(ra)-len(rb), len(rb)-len(ra)) > most {
		return most + 1
	}
	row := make([]int, len(rb)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range ra {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range rb {
			cost := diagonal
			if x != y {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(rb)]
}
