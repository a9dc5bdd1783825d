package shim

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/cgroup/leaf"
	"gantry/engine/record"
)

// homeFile in the runtime directory says where the monitors' control group is,
// so that it need not be looked for. It is not JSON as other records are: who
// reads it does that in the first millisecond of a process, where a third of one
// would be spent on teaching encoding/json the type.
//
//	gantry-monitors 1 <path of the group>
//	<controller>=<directory>
//	…
const homeFile = "monitors"

const homeMark = "gantry-monitors 1 "

// maxHome bounds homeFile. A directory takes at most a path, and there are a
// dozen controllers.
const maxHome = 16 << 10

// NoteHome keeps where monitors are put for the next PrepareEarly. What it says
// may become wrong: then a monitor that was started there is not, or moves.
func NoteHome(run string, group *leaf.Group) error {
	lines := []string{homeMark + group.Path}
	for controller, dir := range group.Dirs {
		lines = append(lines, controller+"="+dir)
	}
	slices.Sort(lines[1:])
	for _, l := range lines {
		if strings.Contains(l, "\n") {
			return fmt.Errorf("note home of monitors: %w path %q", engine.ErrInvalid, l)
		}
	}
	return record.WriteFile(path.Join(run, homeFile), []byte(strings.Join(lines, "\n")+"\n"), record.Volatile)
}

// readHome returns nil where nothing was noted, or not by this version.
func readHome(run string) *leaf.Group {
	fd, err := unix.Open(path.Join(run, homeFile), unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	b := make([]byte, maxHome)
	n, err := unix.Read(fd, b)
	if err != nil || n == len(b) {
		return nil
	}
	return parseHome(string(b[:n]))
}

func parseHome(s string) *leaf.Group {
	first, rest, _ := strings.Cut(s, "\n")
	at, ok := strings.CutPrefix(first, homeMark)
	if !ok || !strings.HasPrefix(at, "/") || !strings.HasSuffix(s, "\n") {
		return nil
	}
	g := &leaf.Group{Path: at, Dirs: make(map[string]string)}
	for line := range strings.Lines(rest) {
		controller, dir, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if !ok || !strings.HasPrefix(dir, "/") {
			return nil
		}
		g.Dirs[controller] = dir
	}
	if len(g.Dirs) == 0 {
		return nil
	}
	return g
}
