package network_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/events"
	"gantry/engine/network"
	"gantry/engine/network/nat"
	"gantry/engine/network/netns"
	"gantry/engine/record"
)

// world is a store on a host of its own: the test's thread is in a new network
// namespace, and ends with the test.
type world struct {
	*network.Store
	t         *testing.T
	root, run string
	gone      map[engine.ID]bool
}

func newWorld(t *testing.T, pools ...network.Pool) *world {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes network namespaces")
	}
	runtime.LockOSThread() // never unlocked: the thread ends with the test
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	if err := netns.LoopbackUp(); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, root: t.TempDir(), run: t.TempDir(), gone: map[engine.ID]bool{}}
	w.Store = w.open(pools...)
	return w
}

func (w *world) open(pools ...network.Pool) *network.Store {
	w.t.Helper()
	locks, err := record.OpenLocks(filepath.Join(w.run, "locks"))
	w.must(err)
	journal, err := events.Open(filepath.Join(w.root, "events"), filepath.Join(w.run, "locks"))
	w.must(err)
	return network.New(network.Options{Root: w.root, Run: w.run, Locks: locks, Journal: journal, Pools: pools,
		Gone: func(id engine.ID) bool { return w.gone[id] }})
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) network(o engine.NetworkCreateOptions) engine.Network {
	w.t.Helper()
	_, err := w.Create(w.t.Context(), o)
	w.must(err)
	n, err := w.Inspect(w.t.Context(), o.Name)
	w.must(err)
	return n
}

// start attaches a container whose sandbox lives as long as the test.
func (w *world) start(nets ...engine.NetworkAttachment) (engine.ID, *network.Sandbox) {
	w.t.Helper()
	id := engine.NewID()
	box, err := w.Attach(w.t.Context(), network.Request{Container: id, Name: "c" + id.Short(), Networks: nets})
	w.must(err)
	w.t.Cleanup(func() { box.Close() })
	return id, box
}

func on(name string) engine.NetworkAttachment { return engine.NetworkAttachment{Network: name} }

// links are the host's interfaces that begin with a prefix.
func (w *world) links(prefix string) (names []string) {
	w.t.Helper()
	all, err := netlink.LinkList()
	w.must(err)
	for _, l := range all {
		if strings.HasPrefix(l.Attrs().Name, prefix) {
			names = append(names, l.Attrs().Name)
		}
	}
	return names
}

// inside calls do in a sandbox.
func (w *world) inside(box *network.Sandbox, do func() error) {
	w.t.Helper()
	ns, err := netns.Open(box.Path())
	w.must(err)
	defer ns.Close()
	w.must(netns.Do(ns, do))
}

// say has one sandbox say a word to an address of another.
func (w *world) say(from, to *network.Sandbox, addr netip.Addr) {
	w.t.Helper()
	var ln net.Listener
	at := net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr, 7000))
	w.inside(to, func() (err error) {
		ln, err = net.ListenTCP("tcp", at)
		return err
	})
	defer ln.Close()
	heard := make(chan string, 1)
	go func() {
		c, err := ln.Accept()
		if err != nil {
			heard <- err.Error()
			return
		}
		defer c.Close()
		b, _ := io.ReadAll(c)
		heard <- string(b)
	}()
	w.inside(from, func() error {
		c, err := net.DialTimeout("tcp", at.String(), 10*time.Second)
		if err != nil {
			return err
		}
		_, err = c.Write([]byte("hello"))
		return errors.Join(err, c.Close())
	})
	if got := <-heard; got != "hello" {
		w.t.Errorf("%s heard %q", addr, got)
	}
}

func TestContainersReachEachOther(t *testing.T) {
	w := newWorld(t)
	n := w.network(engine.NetworkCreateOptions{Name: "shop", EnableIPv6: true})
	if len(w.links("gt-")) != 0 {
		t.Error("a network without containers has a bridge")
	}
	one, first := w.start(on("shop"))
	two, second := w.start(on("shop"))
	for _, a := range second.Endpoints[0].Addrs {
		w.say(first, second, a.Addr())
	}
	if got := w.links("gt-"); !slices.Equal(got, []string{"gt-" + n.ID.Short()}) {
		t.Errorf("bridges: %v", got)
	}
	w.must(w.Release(t.Context(), one))
	if len(w.links("gt-")) != 1 {
		t.Error("the bridge went before its last endpoint")
	}
	w.must(w.Release(t.Context(), two))
	w.must(w.Release(t.Context(), two)) // again does nothing
	if got := append(w.links("gt-"), w.links("gv")...); len(got) > 0 {
		t.Errorf("interfaces are left: %v", got)
	}
	table, err := nat.Open()
	w.must(err)
	defer table.Close()
	if bridges, err := table.Bridges(); err == nil && len(bridges) > 0 {
		t.Errorf("rules are left: %v", bridges)
	}
	if left, _ := filepath.Glob(filepath.Join(w.Dir(n.ID), "[0-9]*")); len(left) > 0 {
		t.Errorf("claims are left: %v", left)
	}
}

// A name on a network is known as long as its container has the address.
func TestNames(t *testing.T) {
	w := newWorld(t)
	n := w.network(engine.NetworkCreateOptions{Name: "shop"})
	id, _ := w.start(engine.NetworkAttachment{Network: "shop", EndpointOptions: engine.EndpointOptions{Aliases: []string{"db"}}})
	_, _ = w.start(on(engine.NetworkBridge))
	names := func(net engine.ID) int {
		found, _ := filepath.Glob(filepath.Join(w.Dir(net), "*.names"))
		return len(found)
	}
	bridge, err := w.Find(engine.NetworkBridge)
	w.must(err)
	if names(n.ID) != 1 || names(bridge) != 0 {
		t.Errorf("%d names on shop, %d on the default bridge", names(n.ID), names(bridge))
	}
	w.must(w.Release(t.Context(), id))
	if names(n.ID) != 0 {
		t.Error("the name outlived its address")
	}
}

func TestLiveConnect(t *testing.T) {
	w := newWorld(t)
	w.network(engine.NetworkCreateOptions{Name: "one"})
	two := w.network(engine.NetworkCreateOptions{Name: "two"})
	id, box := w.start(on("one"))
	_, other := w.start(on("two"))
	ns, err := netns.Open(box.Path())
	w.must(err)
	defer ns.Close()
	ep, err := w.Connect(t.Context(), ns, network.Request{Container: id, Name: "c", Networks: []engine.NetworkAttachment{
		{Network: "two", EndpointOptions: engine.EndpointOptions{GwPriority: 5}},
	}})
	w.must(err)
	if ep.Link != "eth1" {
		t.Errorf("the second interface is %s", ep.Link)
	}
	routed := func() string {
		eps, err := w.Endpoints(id)
		w.must(err)
		for _, ep := range eps {
			if ep.Routed {
				return ep.NetworkName
			}
		}
		return ""
	}
	if got := routed(); got != "two" {
		t.Errorf("the default route leads through %q", got)
	}
	w.say(box, other, other.Endpoints[0].Addrs[0].Addr())
	w.must(w.Disconnect(t.Context(), ns, id, two.ID))
	if got := routed(); got != "one" {
		t.Errorf("then the default route leads through %q", got)
	}
	w.inside(box, func() error {
		if _, err := netlink.LinkByName("eth1"); err == nil {
			return errors.New("eth1 is still there")
		}
		return nil
	})
}

// An address that has just become free is the last one to be given out again.
func TestAddresses(t *testing.T) {
	w := newWorld(t)
	w.network(engine.NetworkCreateOptions{Name: "small", Subnets: []engine.Subnet{{Subnet: "10.9.0.0/29", Gateway: "10.9.0.6", Aux: map[string]string{"x": "10.9.0.2"}}}})
	var ids []engine.ID
	var got []string
	take := func() error {
		id := engine.NewID()
		box, err := w.Attach(t.Context(), network.Request{Container: id, Networks: []engine.NetworkAttachment{on("small")}})
		if err != nil {
			return err
		}
		t.Cleanup(func() { box.Close() })
		ids, got = append(ids, id), append(got, box.Endpoints[0].Addrs[0].Addr().String())
		return nil
	}
	w.must(take())
	w.must(w.Release(t.Context(), ids[0]))
	for range 4 {
		w.must(take())
	}
	if want := []string{"10.9.0.1", "10.9.0.3", "10.9.0.4", "10.9.0.5", "10.9.0.1"}; !slices.Equal(got, want) {
		t.Errorf("addresses %v, want %v", got, want)
	}
	if err := take(); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("all are taken: %v", err)
	}
	// A container that was killed with all who would release it holds nothing.
	w.gone[ids[2]] = true
	w.must(take())
	if last := got[len(got)-1]; last != "10.9.0.4" {
		t.Errorf("the address of the dead container was not given out, but %s", last)
	}
	static := engine.NetworkAttachment{Network: "small", EndpointOptions: engine.EndpointOptions{IPv4: "10.9.0.3"}}
	_, err := w.Attach(t.Context(), network.Request{Container: engine.NewID(), Networks: []engine.NetworkAttachment{static}})
	if !errors.Is(err, engine.ErrInUse) {
		t.Errorf("a static address that is taken: %v", err)
	}
	w.gone[ids[1]] = true
	if _, box := w.start(static); box.Endpoints[0].Addrs[0].Addr().String() != "10.9.0.3" {
		t.Errorf("the static address of a dead container: %+v", box.Endpoints)
	}
	if n := len(w.links("gv")); n != 4 {
		t.Errorf("%d containers are attached, want 4", n)
	}
}

// hostLink gives the host an interface with an address.
func (w *world) hostLink(name, addr string) {
	w.t.Helper()
	link := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: name + "p"}
	w.must(netlink.LinkAdd(link))
	a, err := netlink.ParseAddr(addr)
	w.must(err)
	w.must(netlink.AddrAdd(link, a))
	w.must(netlink.LinkSetUp(link))
}

func TestSubnetsStayClearOfTheHost(t *testing.T) {
	w := newWorld(t)
	w.hostLink("lan0", "172.17.5.1/24")
	if n := w.network(engine.NetworkCreateOptions{Name: "one"}); n.IPAM.Config[0].Subnet != "172.18.0.0/16" {
		t.Errorf("chosen: %+v", n.IPAM.Config)
	}
	_, err := w.Create(t.Context(), engine.NetworkCreateOptions{Name: "two", Subnets: []engine.Subnet{{Subnet: "172.17.0.0/16"}}})
	if !errors.Is(err, engine.ErrConflict) || !strings.Contains(err.Error(), "lan0") {
		t.Errorf("an explicit subnet over the host's: %v", err)
	}
	asked := []engine.Subnet{{Subnet: "10.8.0.0/24"}}
	w.network(engine.NetworkCreateOptions{Name: "three", Subnets: asked})
	// The host came to have these meanwhile: what was chosen gives way, what was
	// asked for is refused.
	w.hostLink("vpn0", "172.18.0.9/24")
	w.hostLink("vpn1", "10.8.0.9/24")
	_, box := w.start(on("one"))
	if got := box.Endpoints[0].Addrs[0]; netip.MustParsePrefix("172.18.0.0/16").Contains(got.Addr()) {
		t.Errorf("the address %s is on the host's subnet", got)
	}
	_, err = w.Attach(t.Context(), network.Request{Container: engine.NewID(), Networks: []engine.NetworkAttachment{on("three")}})
	if !errors.Is(err, engine.ErrConflict) || !strings.Contains(err.Error(), "vpn1") {
		t.Errorf("a start on a subnet that the host has: %v", err)
	}
	if got := w.links("gt-"); len(got) != 1 {
		t.Errorf("bridges: %v", got)
	}
}

// A bridge that was there is used, and stays.
func TestBridgeOfTheUser(t *testing.T) {
	w := newWorld(t)
	w.must(netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br9"}}))
	for name, stays := range map[string]bool{"br9": true, "br8": false} {
		w.network(engine.NetworkCreateOptions{Name: "net-" + name, Options: map[string]string{network.OptionBridgeName: name}})
		id, _ := w.start(on("net-" + name))
		if len(w.links(name)) != 1 {
			t.Errorf("%s is not there", name)
		}
		w.must(w.Release(t.Context(), id))
		if there := len(w.links(name)) == 1; there != stays {
			t.Errorf("after the last endpoint %s is there: %v", name, there)
		}
	}
}

// The runtime directory is emptied, as by a reboot, while bridges are left.
func TestSweepAfterLoss(t *testing.T) {
	w := newWorld(t)
	w.network(engine.NetworkCreateOptions{Name: "shop"})
	_, _ = w.start(on("shop"))
	w.must(os.RemoveAll(filepath.Join(w.run, "networks")))
	w.Sweep(t.Context())
	if got := w.links("gt-"); len(got) > 0 {
		t.Errorf("bridges are left: %v", got)
	}
	_, box := w.start(on("shop"))
	if len(box.Endpoints[0].Addrs) != 1 {
		t.Errorf("endpoint: %+v", box.Endpoints)
	}
}

func TestRemoveInUse(t *testing.T) {
	w := newWorld(t)
	n := w.network(engine.NetworkCreateOptions{Name: "shop"})
	id, _ := w.start(on("shop"))
	var used *network.InUseError
	if err := w.Remove(t.Context(), n.ID); !errors.As(err, &used) || !slices.Equal(used.Users, []engine.ID{id}) {
		t.Errorf("removed under a container: %v", err)
	}
	w.gone[id] = true
	w.must(w.Remove(t.Context(), n.ID))
	if _, err := w.Create(t.Context(), engine.NetworkCreateOptions{Name: "shop"}); err != nil {
		t.Errorf("the name is not free again: %v", err)
	}
	if err := w.Remove(t.Context(), engine.ID(strings.Repeat("0", 64))); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("a network that is not there: %v", err)
	}
}

// A name whose holder never came to be, because its maker was killed, is free.
func TestNameOfNobody(t *testing.T) {
	w := newWorld(t)
	names, err := record.OpenNames(filepath.Join(w.root, "networks", "names"))
	w.must(err)
	w.must(names.Reserve("shop", string(engine.NewID())))
	w.network(engine.NetworkCreateOptions{Name: "shop"})
}

func BenchmarkAttach(b *testing.B) {
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		b.Skip(err)
	}
	locks, err := record.OpenLocks(filepath.Join(b.TempDir(), "locks"))
	if err != nil {
		b.Fatal(err)
	}
	root, run := b.TempDir(), b.TempDir()
	journal, err := events.Open(filepath.Join(root, "events"), run)
	if err != nil {
		b.Fatal(err)
	}
	s := network.New(network.Options{Root: root, Run: run, Locks: locks, Journal: journal, Gone: func(engine.ID) bool { return false }})
	for _, first := range []bool{true, false} {
		b.Run(fmt.Sprintf("first=%v", first), func(b *testing.B) {
			runtime.LockOSThread()
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				b.Fatal(err)
			}
			attach := func() (engine.ID, *network.Sandbox) {
				id := engine.NewID()
				box, err := s.Attach(context.Background(), network.Request{Container: id, Networks: []engine.NetworkAttachment{on(engine.NetworkBridge)}})
				if err != nil {
					b.Fatal(err)
				}
				return id, box
			}
			if !first {
				id, box := attach()
				defer s.Release(context.Background(), id)
				defer box.Close()
			}
			var on, off time.Duration
			for b.Loop() {
				t := time.Now()
				id, box := attach()
				on += time.Since(t)
				box.Close()
				t = time.Now()
				if err := s.Release(context.Background(), id); err != nil {
					b.Fatal(err)
				}
				off += time.Since(t)
			}
			b.ReportMetric(float64(on.Microseconds())/float64(b.N), "µs/attach")
			b.ReportMetric(float64(off.Microseconds())/float64(b.N), "µs/release")
		})
	}
}
