package redirect_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"gantry/engine/network/netns"
	"gantry/engine/network/redirect"
	"gantry/engine/network/responder"
	"gantry/internal/inetaddr"
)

// zone has so many addresses for a name.
type zone map[string]int

func (z zone) Lookup(name string) (addrs []inetaddr.Addr, known bool) {
	n, known := z[strings.TrimSuffix(name, ".")]
	for i := range n {
		addrs = append(addrs, inetaddr.FromSlice([]byte{10, 0, byte(i / 256), byte(i % 256)}))
	}
	return addrs, known
}

func (z zone) Reverse(inetaddr.Addr) (string, bool) { return "", false }

// container makes a namespace with a responder in it, as a start does.
func container(t testing.TB, z zone) *os.File {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("namespaces need root")
	}
	ns, err := netns.New()
	must(t, err)
	t.Cleanup(func() { ns.Close() })
	must(t, netns.Do(ns, netns.LoopbackUp))
	for range 2 { // a second time changes nothing
		must(t, redirect.Install(int(ns.Fd())))
	}
	r, err := responder.Start(ns, responder.Options{Names: z, Closed: true})
	must(t, err)
	t.Cleanup(func() { r.Close() })
	return ns
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// inside makes connections in a namespace to where resolv.conf points.
func inside(ns *os.File) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(_ context.Context, network, _ string) (c net.Conn, err error) {
		err = netns.Do(ns, func() error {
			c, err = net.DialTimeout(network, "127.0.0.11:53", 5*time.Second)
			return err
		})
		return c, err
	}}
}

// TestRedirect: a resolver that asks port 53, as all do, is answered from there,
// by UDP and, where that is too small, by TCP.
func TestRedirect(t *testing.T) {
	t.Parallel()
	r := inside(container(t, zone{"web": 1, "many": 1000}))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for name, want := range map[string]int{"web.": 1, "many.": 1000} {
		addrs, err := r.LookupHost(ctx, name)
		if err != nil || len(addrs) != want {
			t.Errorf("%s: %d addresses, %v; want %d", name, len(addrs), err, want)
		}
	}
	if _, err := r.LookupHost(ctx, "nobody."); err == nil {
		t.Error("a name that is not there was found")
	}
}

// TestOwnServer: the container has port 53 for itself, at every address.
func TestOwnServer(t *testing.T) {
	t.Parallel()
	ns := container(t, zone{"web": 1})
	var server net.PacketConn
	var client net.Conn
	must(t, netns.Do(ns, func() (err error) {
		if server, err = net.ListenPacket("udp4", "0.0.0.0:53"); err != nil {
			return err
		}
		client, err = net.Dial("udp4", "127.0.0.1:53")
		return err
	}))
	defer server.Close()
	defer client.Close()
	_, err := client.Write([]byte("ping"))
	must(t, err)
	buf := make([]byte, 16)
	server.SetDeadline(time.Now().Add(5 * time.Second))
	n, from, err := server.ReadFrom(buf)
	if err != nil || string(buf[:n]) != "ping" {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	_, err = server.WriteTo([]byte("pong"), from)
	must(t, err)
	client.SetDeadline(time.Now().Add(5 * time.Second))
	if n, err = client.Read(buf); err != nil || string(buf[:n]) != "pong" {
		t.Errorf("%q, %v", buf[:n], err)
	}
	if addrs, err := inside(ns).LookupHost(context.Background(), "web."); err != nil || len(addrs) != 1 {
		t.Errorf("beside it: %v, %v", addrs, err)
	}
}

// TestNothingElseChanges: other ports of the address, and the same port of
// others, are left alone; connections are not tracked.
func TestNothingElseChanges(t *testing.T) {
	t.Parallel()
	ns := container(t, zone{})
	for _, at := range []string{"127.0.0.11:54", "127.0.0.12:53"} {
		err := netns.Do(ns, func() error {
			c, err := net.DialTimeout("tcp4", at, time.Second)
			if err == nil {
				c.Close()
			}
			return err
		})
		if !errors.Is(err, unix.ECONNREFUSED) {
			t.Errorf("%s: %v", at, err)
		}
	}
	must(t, netns.Do(ns, func() error {
		b, err := os.ReadFile("/proc/thread-self/net/nf_conntrack")
		if err == nil && len(bytes.TrimSpace(b)) > 0 {
			err = fmt.Errorf("connections are tracked:\n%s", b)
		}
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	}))
}

// TestCloseFreesNamespace: a namespace that nobody is in goes with its
// responder, and the device that leads to it with the namespace, although
// queries were on their way in it.
func TestCloseFreesNamespace(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("namespaces need root")
	}
	ns, err := netns.New()
	must(t, err)
	must(t, netns.Do(ns, netns.LoopbackUp))
	must(t, redirect.Install(int(ns.Fd())))
	name := fmt.Sprintf("gtt%d", os.Getpid())
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: "eth0", PeerNamespace: netlink.NsFd(int(ns.Fd()))}
	must(t, netlink.LinkAdd(veth))
	t.Cleanup(func() { netlink.LinkDel(veth) })
	r, err := responder.Start(ns, responder.Options{Names: zone{}, Servers: []inetaddr.AddrPort{{Addr: inetaddr.FromSlice([]byte{127, 0, 0, 1}), Port: 9}}})
	must(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if _, err := inside(ns).LookupHost(ctx, "example.org."); err == nil {
		t.Error("a name was found where nobody answers")
	}
	must(t, ns.Close())
	must(t, r.Close())
	for end := time.Now().Add(10 * time.Second); ; {
		if _, err := netlink.LinkByName(name); err != nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the device is there still")
		}
		<-time.After(5 * time.Millisecond)
	}
}

// BenchmarkInstall is what a start pays: the rules in a fresh namespace.
func BenchmarkInstall(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		ns, err := netns.New()
		must(b, err)
		b.StartTimer()
		must(b, redirect.Install(int(ns.Fd())))
		b.StopTimer()
		must(b, ns.Close())
		b.StartTimer()
	}
}
