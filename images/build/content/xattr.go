package content

import (
	"errors"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/images/snapshot/stack"
)

// imageXattrs reads the extended attributes that images keep: those of users,
// ACLs and file capabilities. Labels of the host's security modules are its own
// affair, and trusted attributes are its secrets. Most files have none, and for
// these it is one system call.
func imageXattrs(fd int) ([]stack.Xattr, error) {
	n, err := unix.Flistxattr(fd, nil)
	if errors.Is(err, unix.EOPNOTSUPP) || err == nil && n == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	a, err := stack.ReadAttr(fd)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(a.Xattrs, func(x stack.Xattr) bool { return !keepsXattr(x.Name) }), nil
}

func keepsXattr(name string) bool {
	switch name {
	case "security.capability", "system.posix_acl_access", "system.posix_acl_default":
		return true
	}
	return strings.HasPrefix(name, "user.")
}
