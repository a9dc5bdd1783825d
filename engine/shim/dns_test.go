package shim_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/network/redirect"
	"gantry/engine/network/zone"
	"gantry/engine/shim"
	"gantry/internal/inetaddr"
)

// nslookup runs busybox's in the container.
func (b *box) nslookup(c *shim.Client, kind, name string) string {
	b.t.Helper()
	x := b.exec(c, engine.ExecOptions{Cmd: []string{"/bin/busybox", "nslookup", "-type=" + kind, name, "127.0.0.11"}})
	x.end()
	return x.out.String() + x.err.String()
}

func (b *box) put(dir string, id engine.ID, addr string, names ...string) {
	b.t.Helper()
	a, err := inetaddr.Parse(addr)
	must(b.t, err)
	must(b.t, zone.Put(dir, zone.Record{ID: id, Names: names, Addrs: []inetaddr.Addr{a}}))
}

// network makes the namespace of a start with the rules for DNS, and a network.
func (b *box) network() (launch shim.Launch, dir string) {
	b.t.Helper()
	ns, path := makeNetns(b.t)
	must(b.t, redirect.Install(int(ns.Fd())))
	dir = filepath.Join(b.cfg.Root, "net")
	must(b.t, os.MkdirAll(dir, 0o700))
	return shim.Launch{Netns: path}, dir
}

// TestNames: the program finds names from its first instruction on, also by the
// next monitor; they follow the zone and the networks; with the container its
// own name and the responder go.
func TestNames(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("busybox nslookup -type=a box 127.0.0.11; exec sleep 1000"))
	launch, dir := b.network()
	b.put(dir, b.cfg.ID, "10.9.0.2", "box")
	must(t, shim.WriteDNS(b.cfg.Run, b.cfg.ID, &shim.DNS{Networks: []zone.Network{{Dir: dir, Name: "front"}}, Closed: true}))
	c := b.spawn()
	p := b.attach(c, everything)
	must(t, c.Launch(b.ctx(), launch))
	p.expect("10.9.0.2")

	expect := func(kind, name, want string) {
		t.Helper()
		if got := b.nslookup(c, kind, name); !strings.Contains(got, want) {
			t.Errorf("%s of %s: %s\nwant %s", kind, name, got, want)
		}
	}
	must(t, zone.Put(dir, zone.Record{ID: b.cfg.ID, Names: []string{"box", "alias"}, Addrs: []inetaddr.Addr{inetaddr.FromSlice([]byte{10, 9, 0, 2})}}))
	expect("a", "alias", "10.9.0.2")
	expect("a", "box.front", "10.9.0.2")
	expect("ptr", "2.0.9.10.in-addr.arpa", "name = box.front")
	expect("a", "example.org", "SERVFAIL")

	b.killMonitor()
	c = b.adopt()
	expect("a", "alias", "10.9.0.2")

	other := filepath.Join(b.cfg.Root, "other")
	must(t, os.Mkdir(other, 0o700))
	b.put(other, b.cfg.ID, "10.8.0.2", "box")
	must(t, shim.WriteDNS(b.cfg.Run, b.cfg.ID, &shim.DNS{Networks: []zone.Network{{Dir: other, Name: "other"}, {Dir: dir, Name: "front"}}, Closed: true}))
	must(t, c.Names(b.ctx()))
	expect("a", "box", "10.8.0.2")
	expect("a", "box.front", "10.9.0.2")

	must(t, c.Signal(b.ctx(), int(unix.SIGKILL)))
	b.wait(c)
	b.monitorDied()
	for _, left := range []string{filepath.Join(dir, string(b.cfg.ID)+".names"), filepath.Join(other, string(b.cfg.ID)+".names"), b.runFile("dns.json")} {
		if _, err := os.Lstat(left); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", left, err)
		}
	}
}

// TestNamesOfTheDead: a container that was killed together with its monitor,
// and whose name nobody took away, is not found.
func TestNamesOfTheDead(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("exec sleep 1000"))
	launch, dir := b.network()
	dead, alive := engine.NewID(), engine.NewID()
	b.put(dir, dead, "10.9.0.3", "any")
	b.put(dir, alive, "10.9.0.4", "any")
	// The living one has a start on record whose process is our box's.
	bundle := filepath.Join(b.cfg.Root, "containers", string(alive))
	must(t, os.MkdirAll(bundle, 0o700))
	must(t, shim.WriteDNS(b.cfg.Run, b.cfg.ID, &shim.DNS{Networks: []zone.Network{{Dir: dir, Name: "front"}}, Closed: true}))
	c := b.spawn()
	must(t, c.Launch(b.ctx(), launch))
	start, err := os.ReadFile(b.file("start.json"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(bundle, "start.json"), start, 0o600))
	eventually(t, "the living alone", func() bool {
		got := b.nslookup(c, "a", "any")
		return strings.Contains(got, "10.9.0.4") && !strings.Contains(got, "10.9.0.3")
	})
	must(t, c.Signal(b.ctx(), int(unix.SIGKILL)))
	b.wait(c)
	b.monitorDied()
}
