// Package linkwalk follows the symbolic links of a path inside a root that is
// not this process's own: a container's, or the layers of an image.
//
// The invariant: the walk never leaves the root. ".." at its top stays there,
// and an absolute target begins there again, as chroot(2) has it.
package linkwalk

import (
	"path"
	"strings"
	"syscall"
)

// maxLinks is the kernel's own limit (namei.h, MAXSYMLINKS).
const maxLinks = 40

// Resolve returns the path that name stands for, absolute in the root. It calls
// step for each entry on the way with the entry's path, which holds no links,
// and with whether it is the last one as far as is known; step returns the
// target of a link and "" for everything else. With too many links on the way
// the answer is the path of the last one, and ELOOP.
func Resolve(name string, step func(entry string, last bool) (link string, err error)) (string, error) {
	done, rest := "/", strings.Split(name, "/")
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			done = path.Dir(done)
			continue
		}
		entry := path.Join(done, part)
		link, err := step(entry, len(rest) == 0)
		if err != nil {
			return "", err
		}
		if link == "" {
			done = entry
			continue
		}
		if links++; links > maxLinks {
			return entry, syscall.ELOOP
		}
		if strings.HasPrefix(link, "/") {
			done = "/"
		}
		rest = append(strings.Split(link, "/"), rest...)
	}
	return done, nil
}
