package ociruntime

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
)

// maxDatabase bounds /etc/passwd and /etc/group, which come from an image.
const maxDatabase = 4 << 20

// account is who a program runs as.
type account struct {
	uid, gid uint32
	groups   []uint32
	home     string
}

// lookupUser resolves docker's USER, "name|uid[:group|gid]", in the databases
// below root. An empty spec takes the IDs from the process and only its home
// directory from the database.
func lookupUser(root int, spec string, process *specs.Process) (account, error) {
	passwd, err := readDatabase(root, "/etc/passwd")
	if err != nil {
		return account{}, err
	}
	var group string
	if spec != "" {
		if group, err = readDatabase(root, "/etc/group"); err != nil {
			return account{}, err
		}
	}
	return findUser(spec, process.User, passwd, group)
}

// findUser is lookupUser on the databases' text.
func findUser(spec string, given specs.User, passwd, group string) (account, error) {
	a := account{uid: given.UID, gid: given.GID, home: "/"}
	if spec == "" {
		if e, ok := findPasswd(passwd, strconv.FormatUint(uint64(a.uid), 10), a.uid, true); ok {
			a.home = e.home
		}
		a.groups = groupList(a.gid, given.AdditionalGids)
		return a, nil
	}
	userPart, groupPart, hasGroup := strings.Cut(spec, ":")
	var name string
	if userPart == "" {
		userPart = "0"
	}
	id, numeric, err := parseID("user", userPart)
	if err != nil {
		return a, err
	}
	entry, ok := findPasswd(passwd, userPart, id, numeric)
	switch {
	case ok:
		a.uid, a.gid, a.home, name = entry.uid, entry.gid, entry.home, entry.name
	case numeric:
		a.uid, a.gid = id, 0
	default:
		return a, fmt.Errorf("%w user: unable to find user %s: no matching entries in passwd file", engine.ErrInvalid, userPart)
	}
	if hasGroup && groupPart != "" {
		if a.gid, err = findGroup(group, groupPart); err != nil {
			return a, err
		}
	} else if name != "" {
		a.groups = memberOf(group, name)
	}
	a.groups = groupList(a.gid, a.groups, given.AdditionalGids)
	return a, nil
}

// parseID reads a numeric user or group. Text of digits alone is a number and
// never a name: 4294967296 would otherwise be looked up, not found, and by
// some runtimes run as root (CVE-2026-46680). The highest number means "no
// change" to setresuid(2).
func parseID(kind, text string) (id uint32, numeric bool, err error) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false, nil
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 1<<32-1 {
		return 0, true, fmt.Errorf("%w %s %s: numbers go from 0 to 4294967294", engine.ErrInvalid, kind, text)
	}
	return uint32(n), true, nil
}

type passwdEntry struct {
	name     string
	uid, gid uint32
	home     string
}

// findPasswd returns the first entry of that name or number (passwd(5)).
// Lines that do not parse are skipped, as getpwnam(3) does.
func findPasswd(text, name string, id uint32, numeric bool) (passwdEntry, bool) {
	for line := range strings.SplitSeq(text, "\n") {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) < 4 || f[0] == "" || f[0][0] == '#' {
			continue
		}
		uid, ok1, err1 := parseID("user", f[2])
		gid, ok2, err2 := parseID("group", f[3])
		if !ok1 || !ok2 || err1 != nil || err2 != nil {
			continue
		}
		if f[0] != name && !(numeric && uid == id) {
			continue
		}
		e := passwdEntry{name: f[0], uid: uid, gid: gid, home: "/"}
		if len(f) > 5 && f[5] != "" {
			e.home = f[5]
		}
		return e, true
	}
	return passwdEntry{}, false
}

// eachGroup calls yield with the entries of a group(5) file.
func eachGroup(text string, yield func(name string, gid uint32, members string) bool) {
	for line := range strings.SplitSeq(text, "\n") {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) < 3 || f[0] == "" || f[0][0] == '#' {
			continue
		}
		gid, ok, err := parseID("group", f[2])
		if !ok || err != nil {
			continue
		}
		members := ""
		if len(f) > 3 {
			members = f[3]
		}
		if !yield(f[0], gid, members) {
			return
		}
	}
}

func findGroup(text, want string) (uint32, error) {
	id, numeric, err := parseID("group", want)
	if err != nil || numeric {
		return id, err
	}
	found := false
	eachGroup(text, func(name string, gid uint32, _ string) bool {
		if name == want {
			id, found = gid, true
		}
		return !found
	})
	if !found {
		return 0, fmt.Errorf("%w group: unable to find group %s: no matching entries in group file", engine.ErrInvalid, want)
	}
	return id, nil
}

// memberOf lists the groups that name a user.
func memberOf(text, user string) []uint32 {
	var gids []uint32
	eachGroup(text, func(_ string, gid uint32, members string) bool {
		if slices.Contains(strings.Split(members, ","), user) {
			gids = append(gids, gid)
		}
		return true
	})
	return gids
}

// groupList is the supplementary groups, with the primary one among them: a
// program that changes its primary group would leave it otherwise, and so get
// at what is forbidden to that very group (CVE-2022-36109).
func groupList(primary uint32, more ...[]uint32) []uint32 {
	out := append(slices.Concat(more...), primary)
	slices.Sort(out)
	return slices.Compact(out)
}

// readDatabase reads a file of the image: a regular one, of bounded size. A
// FIFO there must not make us wait for ever, nor a file of procfs, which may
// also be one that the container itself could not read. A missing file is an
// empty one.
func readDatabase(root int, name string) (string, error) {
	fd, err := openIn(root, name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var st unix.Stat_t
	var fs unix.Statfs_t
	if err := errors.Join(unix.Fstat(fd, &st), unix.Fstatfs(fd, &fs)); err != nil {
		unix.Close(fd)
		return "", &os.PathError{Op: "stat", Path: name, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || fs.Type == unix.PROC_SUPER_MAGIC {
		unix.Close(fd)
		return "", fmt.Errorf("%w image: %s is no regular file", engine.ErrInvalid, name)
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxDatabase+1))
	if err != nil {
		return "", err
	}
	if len(text) > maxDatabase {
		return "", fmt.Errorf("%w image: %s is larger than %d bytes", engine.ErrInvalid, name, maxDatabase)
	}
	return string(text), nil
}
