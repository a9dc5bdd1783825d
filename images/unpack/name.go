package unpack

import (
	"path"
	"strings"
)

// The names by which an archive deletes (OCI image spec, layer.md,
// "Whiteouts"). aufs kept its own bookkeeping under the doubled prefix, which
// docker skips and so does gantry.
const (
	whiteoutPrefix = ".wh."
	metaPrefix     = ".wh..wh."
	opaqueName     = ".wh..wh..opq"
)

const (
	maxName = 255  // limits.h, NAME_MAX
	maxPath = 4095 // limits.h, PATH_MAX without its NUL
)

// cleanName brings the name of an entry into the form "a/b", "." for the root,
// as docker does: a leading slash means the archive's root, and ".." that would
// leave it is refused rather than cut off.
func cleanName(name string) (string, error) {
	switch {
	case name == "":
		return "", corrupt("empty name")
	case len(name) > 2*maxPath:
		return "", hostile("name of %d bytes", len(name))
	case strings.IndexByte(name, 0) >= 0:
		return "", hostile("name holds a NUL")
	}
	clean := path.Clean(strings.TrimLeft(name, "/"))
	if clean == ".." || strings.HasPrefix(clean, "../") {
		return "", hostile("name leaves the root")
	}
	return clean, nil
}

// action is what the last component of a name asks for.
type action int

const (
	place   action = iota // an ordinary entry
	delete_               // a whiteout of base
	hide                  // an opaque whiteout of dir
	skip                  // bookkeeping of aufs
)

// split takes a clean name apart and reads the whiteout in it.
func split(name string) (act action, dir, base string, err error) {
	dir, base = path.Split(name)
	dir = strings.TrimSuffix(dir, "/")
	for part := range strings.SplitSeq(dir, "/") {
		if strings.HasPrefix(part, metaPrefix) {
			return skip, "", "", nil
		}
		if strings.HasPrefix(part, whiteoutPrefix) {
			return 0, "", "", hostile("whiteout %q used as a directory", part)
		}
	}
	switch {
	case base == opaqueName:
		return hide, dir, "", nil
	case strings.HasPrefix(base, metaPrefix):
		return skip, "", "", nil
	case strings.HasPrefix(base, whiteoutPrefix):
		base = base[len(whiteoutPrefix):]
		if base == "" || base == "." || base == ".." {
			return 0, "", "", hostile("whiteout of %q", base)
		}
		return delete_, dir, base, nil
	}
	return place, dir, base, nil
}
