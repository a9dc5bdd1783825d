package ociruntime

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
)

func TestSearchPaths(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		env  []string
		want string
	}{
		{"sh", []string{"PATH=/a:/b"}, "/a/sh /b/sh"},
		{"sh", []string{"PATH=:/b:"}, "./sh /b/sh ./sh"},
		{"sh", []string{"PATH="}, "./sh"},
		{"sh", []string{"XPATH=/x"}, "/usr/local/sbin/sh /usr/local/bin/sh /usr/sbin/sh /usr/bin/sh /sbin/sh /bin/sh"},
		{"sh", []string{"PATH=/a", "PATH=/b"}, "/b/sh"},
		{"./sh", []string{"PATH=/a"}, "./sh"},
		{"/bin/sh", nil, "/bin/sh"},
		{"..", []string{"PATH=/a"}, "/a/.."},
	} {
		if got := strings.Join(searchPaths(test.name, test.env), " "); got != test.want {
			t.Errorf("%s in %v: %s, want %s", test.name, test.env, got, test.want)
		}
	}
}

func TestWithHome(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ env, want []string }{
		{nil, []string{"HOME=/h"}},
		{[]string{"A=1"}, []string{"A=1", "HOME=/h"}},
		{[]string{"HOME=/mine", "A=1"}, []string{"HOME=/mine", "A=1"}},
		{[]string{"HOME=", "A=1"}, []string{"A=1", "HOME=/h"}},
	} {
		if got := withHome(test.env, "/h"); !slices.Equal(got, test.want) {
			t.Errorf("%v: %v, want %v", test.env, got, test.want)
		}
	}
}

func TestMountOptions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		options string
		want    mountOptions
		data    string
	}{
		{"", mountOptions{}, ""},
		{"nosuid,noexec,nodev,ro", mountOptions{set: unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_RDONLY}, ""},
		{"ro,rw", mountOptions{clear: unix.MOUNT_ATTR_RDONLY}, ""},
		{"rw,ro", mountOptions{set: unix.MOUNT_ATTR_RDONLY}, ""},
		{"noatime", mountOptions{set: unix.MOUNT_ATTR_NOATIME, clear: unix.MOUNT_ATTR__ATIME}, ""},
		{"noatime,strictatime", mountOptions{set: unix.MOUNT_ATTR_STRICTATIME, clear: unix.MOUNT_ATTR__ATIME}, ""},
		{"noatime,relatime", mountOptions{clear: unix.MOUNT_ATTR__ATIME}, ""},
		{"rbind,rro", mountOptions{bind: true, rbind: true, recursive: true, set: unix.MOUNT_ATTR_RDONLY}, ""},
		{"bind,slave", mountOptions{bind: true, propagation: unix.MS_SLAVE}, ""},
		{"rbind,rshared", mountOptions{bind: true, rbind: true, propagation: unix.MS_SHARED, propagateR: true}, ""},
		{"mode=755,size=64k,newinstance", mountOptions{}, "mode=755 size=64k newinstance"},
	} {
		got, err := parseMountOptions(strings.Split(test.options, ","))
		data := strings.Join(got.data, " ")
		got.data = nil
		if err != nil || data != test.data || got.set != test.want.set || got.clear != test.want.clear || got.bind != test.want.bind ||
			got.rbind != test.want.rbind || got.recursive != test.want.recursive || got.propagation != test.want.propagation || got.propagateR != test.want.propagateR {
			t.Errorf("%s: %+v data %q, error %v, want %+v data %q", test.options, got, data, err, test.want, test.data)
		}
	}
	for _, bad := range []string{"remount", "tmpcopyup", "idmap"} {
		if _, err := parseMountOptions([]string{bad}); !errors.Is(err, engine.ErrUnsupported) {
			t.Errorf("%s: error %v", bad, err)
		}
	}
}

func TestCapMask(t *testing.T) {
	t.Parallel()
	if got, err := capMask([]string{"CAP_CHOWN", "NET_RAW", "CAP_CHECKPOINT_RESTORE"}); err != nil || got != 1|1<<13|1<<40 {
		t.Errorf("%#x, error %v", got, err)
	}
	if len(capNames) != unix.CAP_LAST_CAP+1 {
		t.Errorf("%d names, the kernel's headers have %d", len(capNames), unix.CAP_LAST_CAP+1)
	}
	if _, err := capMask([]string{"CAP_EVERYTHING"}); err == nil {
		t.Error("an unknown name passed")
	}
}

func TestExecErrorClasses(t *testing.T) {
	t.Parallel()
	for errno, want := range map[unix.Errno]error{
		unix.ENOENT: engine.ErrCommandNotFound, unix.EACCES: engine.ErrCommandNotExecutable,
		unix.ENOEXEC: engine.ErrCommandNotExecutable, unix.E2BIG: engine.ErrCommandNotExecutable,
	} {
		err := error(&ExecError{Path: "x", Err: errno})
		if !errors.Is(err, want) || !errors.Is(err, errno) {
			t.Errorf("%v is not %v", err, want)
		}
	}
	if err := (&ExecError{Path: "x", Err: unix.EIO}); errors.Is(err, engine.ErrCommandNotFound) || errors.Is(err, engine.ErrCommandNotExecutable) {
		t.Error("EIO has a class")
	}
	if got := (&ExecError{Path: "foo", Err: unix.ENOENT}).Error(); got != `exec "foo": executable file not found` {
		t.Errorf("message %s", got)
	}
}

// Databases as images have them: comments, short lines, NIS entries, spaces.
const passwdText = `# comment
root:x:0:0:root:/root:/bin/sh

short:x
nogid:x:5:
bad:x:abc:1::/
huge:x:4294967296:0::/root:
negative:x:-1:0::/root:
+::::::
twin:x:7:7::/first:
twin:x:8:8::/second:
nohome:x:9:9
empty:x:10:10:::
12345:x:11:11::/digits:
`

func TestFindUserInOddDatabases(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]account{
		"root":   {0, 0, []uint32{0}, "/root"},
		"":       {3, 4, []uint32{4, 6}, "/"},
		"twin":   {7, 7, []uint32{6, 7}, "/first"},
		"8":      {8, 8, []uint32{6, 8}, "/second"},
		"nohome": {9, 9, []uint32{6, 9}, "/"},
		"empty":  {10, 10, []uint32{6, 10}, "/"},
		"12345":  {11, 11, []uint32{6, 11}, "/digits"},
		":7":     {0, 7, []uint32{6, 7}, "/root"},
		"root:":  {0, 0, []uint32{0, 6}, "/root"},
	} {
		given := specs.User{UID: 3, GID: 4, AdditionalGids: []uint32{6}}
		if spec == "root" {
			given = specs.User{}
		}
		got, err := findUser(spec, given, passwdText, "")
		if err != nil || got.uid != want.uid || got.gid != want.gid || got.home != want.home || !slices.Equal(got.groups, want.groups) {
			t.Errorf("%q: %+v, error %v, want %+v", spec, got, err, want)
		}
	}
	for _, spec := range []string{"short", "bad", "huge", "negative", "+", "#", "# comment", "4294967296", "-1", "0x0", " 0", "root:0x1"} {
		if got, err := findUser(spec, specs.User{}, passwdText, ""); err == nil {
			t.Errorf("%q: %+v, want an error", spec, got)
		}
	}
}

func FuzzFindUser(f *testing.F) {
	f.Add("alice:wheel", passwdText, "wheel:x:10:alice\n")
	f.Add("4294967296", "4294967296:x:0:0::/:", "")
	f.Add(":", ":::::", ":::")
	f.Fuzz(func(t *testing.T, spec, passwd, group string) {
		a, err := findUser(spec, specs.User{UID: 1, GID: 1}, passwd, group)
		if err != nil {
			return
		}
		if a.uid == 1<<32-1 || a.gid == 1<<32-1 {
			t.Errorf("%q: %+v means \"no change\" to the kernel", spec, a)
		}
		// Root only by the number or by a line that says so.
		user, _, _ := strings.Cut(spec, ":")
		if a.uid == 0 && strings.Trim(user, "0") != "" && !strings.Contains(passwd, user+":") {
			t.Errorf("%q became root", spec)
		}
		if !slices.Contains(a.groups, a.gid) {
			t.Errorf("%q: the primary group is not among %v", spec, a.groups)
		}
	})
}

// From its first call to its exec nobody in the container may look into the
// child, which is a copy of the monitor. Changing users undoes that where
// fs.suid_dumpable is set.
func TestPlanStaysUndumpable(t *testing.T) {
	t.Parallel()
	undumpable := func(c call) bool { return c.nr == unix.SYS_PRCTL && c.arg[0] == unix.PR_SET_DUMPABLE && c.arg[1] == 0 }
	p, err := newPlan(program{process: &specs.Process{Args: []string{"true"}}, user: account{uid: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	if !undumpable(p.calls[0]) {
		t.Error("the first call lets others look in")
	}
	at := slices.IndexFunc(p.calls, func(c call) bool { return c.nr == unix.SYS_SETRESUID })
	if at < 0 || !undumpable(p.calls[at+1]) {
		t.Error("the call after the change of users lets others look in")
	}
}
