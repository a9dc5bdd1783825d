package nat_test

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine/network/nat"
)

// lab is a small world of network namespaces:
//
//	away  203.0.113.2, 2001:db8:1::2   another machine
//	host  203.0.113.1, 2001:db8:1::1   the host: bridges gt-a, gt-b, gt-i (internal)
//	a1, a2  10.101.0.2, .3  fd01::2, ::3    containers on gt-a
//	b1      10.102.0.2      fd02::2         on gt-b
//	i1, i2  10.103.0.2, .3  fd03::2, ::3    on gt-i
type lab struct {
	t      testing.TB
	prefix string
}

var labBridges = []nat.Bridge{
	{Name: "gt-a", Subnets: prefixes("10.101.0.0/24", "fd01::/64"), Masquerade: true},
	{Name: "gt-b", Subnets: prefixes("10.102.0.0/24", "fd02::/64"), Masquerade: true},
	{Name: "gt-i", Subnets: prefixes("10.103.0.0/24", "fd03::/64"), Internal: true},
}

func prefixes(all ...string) []netip.Prefix {
	var p []netip.Prefix
	for _, s := range all {
		p = append(p, netip.MustParsePrefix(s))
	}
	return p
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func newLab(t testing.TB) *lab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes network namespaces")
	}
	l := &lab{t: t, prefix: fmt.Sprintf("gtlab%d-%d-", os.Getpid(), time.Now().UnixNano()%1e6)}
	for _, ns := range []string{"host", "away", "a1", "a2", "b1", "i1", "i2"} {
		sh(t, "ip netns add "+l.prefix+ns)
		t.Cleanup(func() { sh(t, "ip netns del "+l.prefix+ns) })
		l.sh(ns, "ip link set lo up", "sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0")
	}
	l.sh("host", "sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0",
		"ip link add wan0 type veth peer name eth0 netns "+l.prefix+"away",
		"ip addr add 203.0.113.1/24 dev wan0", "ip addr add 2001:db8:1::1/64 nodad dev wan0", "ip link set wan0 up")
	l.sh("away", "ip addr add 203.0.113.2/24 dev eth0", "ip addr add 2001:db8:1::2/64 nodad dev eth0", "ip link set eth0 up")
	l.bridge("gt-a", 101, "a1", "a2")
	l.bridge("gt-b", 102, "b1")
	l.bridge("gt-i", 103, "i1", "i2")
	for _, ns := range []string{"host", "away", "a1", "a2", "b1", "i1", "i2"} {
		// The kernel tells interfaces of their carrier by and by; until then it
		// drops what they send.
		l.sh(ns, `until [ -z "$(ip -o link show | grep -v -e lo: -e "state UP")" ]; do sleep 0.01; done`)
	}
	return l
}

// bridge makes a bridge of the host with its containers.
func (l *lab) bridge(name string, n int, containers ...string) {
	l.t.Helper()
	l.sh("host", "ip link add "+name+" type bridge", fmt.Sprintf("ip addr add 10.%d.0.1/24 dev %s", n, name),
		fmt.Sprintf("ip addr add fd%02d::1/64 nodad dev %s", n-100, name), "ip link set "+name+" up")
	for i, c := range containers {
		l.sh("host", fmt.Sprintf("ip link add v%s type veth peer name eth0 netns %s", c, l.prefix+c),
			fmt.Sprintf("ip link set v%s master %s", c, name), fmt.Sprintf("ip link set v%s type bridge_slave hairpin on", c),
			fmt.Sprintf("ip link set v%s up", c))
		l.sh(c, fmt.Sprintf("ip addr add 10.%d.0.%d/24 dev eth0", n, i+2), fmt.Sprintf("ip addr add fd%02d::%d/64 nodad dev eth0", n-100, i+2),
			"ip link set eth0 up", fmt.Sprintf("ip route add default via 10.%d.0.1", n), fmt.Sprintf("ip route add default via fd%02d::1", n-100))
	}
}

// sh runs commands in a namespace.
func (l *lab) sh(ns string, commands ...string) string {
	l.t.Helper()
	return sh(l.t, "ip netns exec "+l.prefix+ns+" sh -ec '"+strings.Join(commands, "; ")+"'")
}

func sh(t testing.TB, command string) string {
	t.Helper()
	out, err := exec.Command("sh", "-c", command).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}

// in runs f on a thread that is in the namespace and ends with it.
func (l *lab) in(ns string, f func()) {
	l.t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		fd, err := unix.Open("/run/netns/"+l.prefix+ns, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = unix.Setns(fd, unix.CLONE_NEWNET)
			unix.Close(fd)
		}
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		l.t.Fatalf("enter %s: %v", ns, err)
	}
}

// table runs f with the host's table.
func (l *lab) table(f func(*nat.Table) error) {
	l.t.Helper()
	var err error
	l.in("host", func() {
		var t *nat.Table
		if t, err = nat.Open(); err == nil {
			err = f(t)
			t.Close()
		}
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) addBridges() {
	l.t.Helper()
	l.table(func(t *nat.Table) error {
		for _, b := range labBridges {
			if err := t.AddBridge(b); err != nil {
				return err
			}
		}
		return nil
	})
}

func (l *lab) ruleset() string {
	l.t.Helper()
	return l.sh("host", "nft list ruleset")
}

// serve answers every client in ns on address:port with the namespace's name and
// the client's address.
func (l *lab) serve(ns, proto, address string) {
	l.t.Helper()
	var err error
	l.in(ns, func() {
		if proto == "udp" {
			var c net.PacketConn
			if c, err = net.ListenPacket("udp", address); err == nil {
				l.t.Cleanup(func() { c.Close() })
				go echo(ns, c)
			}
			return
		}
		var s net.Listener
		if s, err = net.Listen("tcp", address); err == nil {
			l.t.Cleanup(func() { s.Close() })
			go greet(ns, s)
		}
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

func greet(name string, s net.Listener) {
	for {
		c, err := s.Accept()
		if err != nil {
			return
		}
		host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
		fmt.Fprintf(c, "%s %s\n", name, host)
		c.Close()
	}
}

func echo(name string, c net.PacketConn) {
	buf := make([]byte, 64)
	for {
		_, from, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		host, _, _ := net.SplitHostPort(from.String())
		c.WriteTo(fmt.Appendf(nil, "%s %s\n", name, host), from)
	}
}

// ask connects from ns and returns the answer, "" when there is none. A blocked
// packet is silent, so that only the clock tells; what must be reached answers
// within less than a millisecond.
func (l *lab) ask(ns, proto, address string) string {
	l.t.Helper()
	var answer string
	l.in(ns, func() {
		c, err := net.DialTimeout(proto, address, 300*time.Millisecond)
		if err != nil {
			return
		}
		defer c.Close()
		if proto == "udp" {
			fmt.Fprintln(c, "hello")
		}
		c.SetDeadline(time.Now().Add(300 * time.Millisecond))
		answer, _ = bufio.NewReader(c).ReadString('\n')
	})
	return strings.TrimSpace(answer)
}

// udpFlow asks again and again from one port.
type udpFlow struct{ c net.Conn }

func (l *lab) dialUDP(ns, to string) udpFlow {
	l.t.Helper()
	var c net.Conn
	var err error
	l.in(ns, func() { c, err = net.Dial("udp", to) })
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { c.Close() })
	return udpFlow{c}
}

func (f udpFlow) ask() string {
	fmt.Fprintln(f.c, "hello")
	f.c.SetDeadline(time.Now().Add(300 * time.Millisecond))
	answer, _ := bufio.NewReader(f.c).ReadString('\n')
	return strings.TrimSpace(answer)
}

func sorted(all []string) []string {
	slices.Sort(all)
	return all
}
