package resolv_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/engine/network/resolv"
	"gantry/internal/inetaddr"
)

func addrs(texts ...string) (list []inetaddr.Addr) {
	for _, s := range texts {
		a, err := inetaddr.Parse(s)
		if err != nil {
			panic(err)
		}
		list = append(list, a)
	}
	return list
}

const hostFile = `# made by hand
; also a comment
nameserver 127.0.0.53
nameserver 192.0.2.53
  nameserver	2001:db8::53
nameserver 192.0.2.53
nameserver fe80::1%eth0
nameserver nonsense
nameserver
domain old.example
search corp.example lab.example
options edns0
options trust-ad timeout:2
sortlist 10.0.0.0
`

func TestParse(t *testing.T) {
	t.Parallel()
	got := resolv.Parse(hostFile).String()
	want := `# Made by gantry for this container.
nameserver 127.0.0.53
nameserver 192.0.2.53
nameserver 2001:db8::53
nameserver fe80::1%eth0
search corp.example lab.example
options edns0 trust-ad timeout:2
`
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if again := resolv.Parse(got).String(); again != got {
		t.Errorf("read again it is\n%s", again)
	}
	if c := resolv.Parse("domain a\nsearch b c\ndomain d\n"); len(c.Search) != 1 || c.Search[0] != "d" {
		t.Errorf("the last one counts, not %v", c.Search)
	}
}

func TestConf(t *testing.T) {
	t.Parallel()
	host := resolv.Parse(hostFile)
	local := resolv.Parse("nameserver 127.0.0.53\nnameserver ::1\noptions edns0\n")
	wish := resolv.Conf{Servers: addrs("198.51.100.1"), Search: []string{"."}, Options: []string{"ndots:2"}}
	at := addrs("127.0.0.11")[0]
	direct := func(host, wish resolv.Conf, v6 bool) string {
		c, ok := resolv.Direct(host, wish, v6)
		if !ok {
			return "none"
		}
		return c.String()
	}
	const head = "# Made by gantry for this container.\n"
	for _, c := range []struct{ name, got, want string }{
		{"answered", resolv.Answered(host, resolv.Conf{}, at).String(), "nameserver 127.0.0.11\nsearch corp.example lab.example\noptions edns0 trust-ad timeout:2 ndots:0\n"},
		{"answered, wishes", resolv.Answered(host, wish, at).String(), "nameserver 127.0.0.11\noptions ndots:2\n"},
		{"answered, no host file", resolv.Answered(resolv.Conf{}, resolv.Conf{}, at).String(), "nameserver 127.0.0.11\noptions ndots:0\n"},
		{"direct", direct(host, resolv.Conf{}, false), "nameserver 192.0.2.53\nsearch corp.example lab.example\noptions edns0 trust-ad timeout:2\n"},
		{"direct, IPv6", direct(host, resolv.Conf{}, true), "nameserver 192.0.2.53\nnameserver 2001:db8::53\nsearch corp.example lab.example\noptions edns0 trust-ad timeout:2\n"},
		{"direct, wishes", direct(local, wish, false), "nameserver 198.51.100.1\noptions ndots:2\n"},
		{"direct, loopback only", direct(local, resolv.Conf{}, true), "none"},
		{"shared, a server", resolv.Shared(local, resolv.Conf{Servers: addrs("127.0.0.1")}).String(), "nameserver 127.0.0.1\noptions edns0\n"},
	} {
		if c.want != "none" {
			c.want = head + c.want
		}
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	if got := resolv.Parse(hostFile).String(); got != host.String() {
		t.Errorf("the host's was changed: %s", host)
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	extra := []resolv.Host{{Addr: addrs("10.0.0.9")[0], Name: "db"}}
	own := resolv.Own(addrs("172.20.0.2", "fd00::2"), "web", "example.org")
	text := resolv.Hosts(extra, own)
	const tail = "ff02::2\tip6-allrouters\n10.0.0.9\tdb\n172.20.0.2\tweb.example.org web\nfd00::2\tweb.example.org web\n"
	if n := len(text) - len(tail); n < 0 || text[n:] != tail {
		t.Errorf("it ends with\n%s", text)
	}
	if got := resolv.Own(addrs("::2"), "a.b.c", "")[0].Name; got != "a.b.c a" {
		t.Errorf("a host name with a domain makes %q", got)
	}
	text += "10.1.1.1 mine" // by the container, without an end of line
	come := resolv.Own(addrs("172.21.0.2"), "web", "")
	changed := resolv.Change(text, own, come)
	want := resolv.Hosts(extra, nil) + "10.1.1.1 mine\n172.21.0.2\tweb\n"
	if diff := cmp.Diff(want, changed); diff != "" {
		t.Error(diff)
	}
	if got := resolv.Change("", own, nil); got != "" {
		t.Errorf("of nothing: %q", got)
	}
}

// TestRewrite: the file stays the one that is mounted, and what is shorter
// leaves no rest.
func TestRewrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hosts")
	var mounted os.FileInfo
	for _, text := range []string{"a long first version\n", "short\n", "", "again longer than it was\n"} {
		if err := resolv.Rewrite(path, text); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil || string(b) != text {
			t.Errorf("%q, %v; want %q", b, err, text)
		}
		fi, err := os.Stat(path)
		if err != nil || fi.Mode().Perm() != 0o644 {
			t.Errorf("%v, %v", fi.Mode(), err)
		}
		if mounted != nil && !os.SameFile(mounted, fi) {
			t.Error("it is another file")
		}
		mounted = fi
	}
	if err := resolv.Rewrite(filepath.Join(path, "below"), ""); err == nil {
		t.Error("a file below a file was written")
	}
}
