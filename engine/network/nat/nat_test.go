package nat_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gantry/engine/network/nat"
)

var anywhere4, anywhere6 = netip.IPv4Unspecified(), netip.IPv6Unspecified()

// question is a connection that somebody tries, and what must come of it: who
// answers, and whom that one takes for the client. "" is no answer.
type question struct {
	from, proto, to, want string
}

func (l *lab) expect(questions []question) {
	l.t.Helper()
	for _, q := range questions {
		if got := l.ask(q.from, q.proto, q.to); got != q.want {
			l.t.Errorf("from %s to %s/%s: got %q, want %q", q.from, q.to, q.proto, got, q.want)
		}
	}
}

// TestWhoReachesWhom holds every way through the table against what it promises.
func TestWhoReachesWhom(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.addBridges()
	for _, c := range []string{"a1", "a2", "b1", "i1", "i2", "host", "away"} {
		l.serve(c, "tcp", ":80")
		l.serve(c, "udp", ":80")
	}
	l.table(func(tab *nat.Table) error {
		ports := []nat.Port{
			{Proto: "tcp", HostIP: anywhere4, HostPort: 8080, Addr: addr("10.101.0.2"), Port: 80},
			{Proto: "udp", HostIP: anywhere4, HostPort: 8080, Addr: addr("10.101.0.2"), Port: 80},
			{Proto: "tcp", HostIP: anywhere6, HostPort: 8080, Addr: addr("fd01::2"), Port: 80},
			{Proto: "tcp", HostIP: addr("203.0.113.1"), HostPort: 8081, Addr: addr("10.101.0.2"), Port: 80},
			{Proto: "tcp", HostIP: addr("203.0.113.77"), HostPort: 8082, Addr: addr("10.101.0.2"), Port: 80},
		}
		return tab.Publish([]netip.Addr{addr("10.101.0.2"), addr("fd01::2")}, ports)
	})
	l.sh("away", "ip route add 10.0.0.0/8 via 203.0.113.1", "ip route add fd00::/8 via 2001:db8:1::1")
	l.sh("host", "ip addr add 203.0.113.77/32 dev lo")
	l.sh("away", "ip route add 198.51.100.0/24 via 203.0.113.1")
	l.expect([]question{
		// A bridge is one network.
		{"a1", "tcp", "10.101.0.3:80", "a2 10.101.0.2"},
		{"a1", "udp", "[fd01::3]:80", "a2 fd01::2"},
		{"host", "tcp", "10.102.0.2:80", "b1 10.102.0.1"},
		{"i1", "tcp", "10.103.0.3:80", "i2 10.103.0.2"},
		// Out of it under the host's address.
		{"a1", "tcp", "203.0.113.2:80", "away 203.0.113.1"},
		{"b1", "udp", "203.0.113.2:80", "away 203.0.113.1"},
		{"a2", "tcp", "[2001:db8:1::2]:80", "away 2001:db8:1::1"},
		// Bridges are apart.
		{"a1", "tcp", "10.102.0.2:80", ""},
		{"b1", "udp", "10.101.0.2:80", ""},
		{"b1", "tcp", "[fd01::2]:80", ""},
		// Internal networks have no way out, nor in.
		{"i1", "tcp", "203.0.113.2:80", ""},
		{"i1", "tcp", "[2001:db8:1::2]:80", ""},
		{"i1", "tcp", "10.101.0.2:80", ""},
		{"i1", "tcp", "203.0.113.1:8080", ""},
		{"a1", "tcp", "10.103.0.2:80", ""},
		{"away", "tcp", "10.103.0.2:80", ""},
		// What is not published is not reached, even by who knows a route.
		{"away", "tcp", "10.101.0.3:80", ""},
		{"away", "tcp", "[fd01::3]:80", ""},
		{"away", "tcp", "10.101.0.2:80", ""},
		// Published: from another machine, whose address the container sees,
		{"away", "tcp", "203.0.113.1:8080", "a1 203.0.113.2"},
		{"away", "udp", "203.0.113.1:8080", "a1 203.0.113.2"},
		{"away", "tcp", "[2001:db8:1::1]:8080", "a1 2001:db8:1::2"},
		// from the host,
		{"host", "tcp", "203.0.113.1:8080", "a1 203.0.113.1"},
		{"host", "udp", "10.102.0.1:8080", "a1 10.101.0.1"},
		{"host", "tcp", "[2001:db8:1::1]:8080", "a1 2001:db8:1::1"},
		// from another container, of the same bridge and of another, and itself,
		{"a2", "tcp", "203.0.113.1:8080", "a1 10.101.0.1"},
		{"a2", "udp", "10.101.0.1:8080", "a1 10.101.0.1"},
		{"b1", "tcp", "203.0.113.1:8080", "a1 10.101.0.1"},
		{"a1", "tcp", "203.0.113.1:8080", "a1 10.101.0.1"},
		{"a1", "udp", "203.0.113.1:8080", "a1 10.101.0.1"},
		{"a1", "tcp", "[2001:db8:1::1]:8080", "a1 fd01::1"},
		// and one address only, where one was given.
		{"away", "tcp", "203.0.113.1:8081", "a1 203.0.113.2"},
		{"host", "tcp", "10.101.0.1:8081", ""},
		{"host", "tcp", "203.0.113.77:8082", "a1 203.0.113.77"},
		{"away", "tcp", "203.0.113.1:8082", ""},
		// The host's own services stay its own.
		{"away", "tcp", "203.0.113.1:80", "host 203.0.113.2"},
		{"a1", "tcp", "203.0.113.2:80", "away 203.0.113.1"},
	})
}

// TestNotARouter: that containers get out must not let others through the host.
func TestNotARouter(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.sh("host", "ip link add dmz type veth peer name eth1 netns "+l.prefix+"b1", "ip addr add 198.51.100.1/24 dev dmz", "ip link set dmz up")
	l.sh("b1", "ip addr add 198.51.100.2/24 dev eth1", "ip link set eth1 up", "ip route replace default via 198.51.100.1")
	l.sh("away", "ip route add 198.51.100.0/24 via 203.0.113.1")
	l.serve("b1", "tcp", "198.51.100.2:80")
	l.serve("a1", "tcp", ":80")
	l.serve("away", "tcp", ":80")
	through := question{"away", "tcp", "198.51.100.2:80", ""}
	l.expect([]question{through})
	l.table(func(tab *nat.Table) error { return tab.AddBridge(labBridges[0]) })
	l.expect([]question{through, {"b1", "tcp", "203.0.113.2:80", ""}, {"a1", "tcp", "203.0.113.2:80", "away 203.0.113.1"}, {"host", "tcp", "198.51.100.2:80", "b1 198.51.100.1"}})
	if got := l.sh("host", "cat /proc/sys/net/ipv4/ip_forward"); strings.TrimSpace(got) != "1" {
		t.Errorf("forwarding is %q beside a network", got)
	}
	l.table(func(tab *nat.Table) error { return tab.RemoveBridge("gt-a") })
	if got := l.ruleset(); got != "" {
		t.Errorf("left in the packet filter:\n%s", got)
	}
	if got := l.sh("host", "cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding"); got != "0\n0\n" {
		t.Errorf("forwarding is %q after the last network", got)
	}
	// A host that forwarded before goes on, and so does one where another
	// interface has come that may need it.
	l.sh("host", "sysctl -qw net.ipv4.ip_forward=1")
	l.table(func(tab *nat.Table) error { return tab.AddBridge(labBridges[0]) })
	through.want = "b1 203.0.113.2"
	l.expect([]question{through})
	l.sh("host", "ip link add other0 type bridge")
	l.table(func(tab *nat.Table) error { return tab.RemoveBridge("gt-a") })
	if got := l.sh("host", "cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding"); got != "1\n1\n" {
		t.Errorf("forwarding is %q where others may need it", got)
	}
}

// TestRouterAdvertisements: forwarding of IPv6 must not cost the host its way out.
func TestRouterAdvertisements(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.sh("host", "sysctl -qw net.ipv6.conf.wan0.accept_ra=1")
	l.table(func(tab *nat.Table) error { return tab.AddBridge(labBridges[0]) })
	if got := strings.TrimSpace(l.sh("host", "cat /proc/sys/net/ipv6/conf/wan0/accept_ra")); got != "2" {
		t.Errorf("accept_ra is %s beside forwarding, so that the host ignores its routers", got)
	}
}

// TestClaimCleansAddress: an element that a killed process left must not lead to
// whoever has the address next, nor must a connection that the kernel tracks.
func TestClaimCleansAddress(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.addBridges()
	l.serve("a1", "tcp", ":80")
	l.serve("a1", "udp", ":80")
	a1, a2 := addr("10.101.0.2"), addr("10.101.0.3")
	old := nat.Port{Proto: "tcp", HostIP: anywhere4, HostPort: 8080, Addr: a1, Port: 80, Comment: "former"}
	oldUDP := old
	oldUDP.Proto = "udp"
	other := nat.Port{Proto: "tcp", HostIP: addr("203.0.113.1"), HostPort: 9000, Addr: a2, Port: 80, Comment: "other"}
	l.table(func(tab *nat.Table) error { return tab.Publish([]netip.Addr{a1}, []nat.Port{old, oldUDP}) })
	l.table(func(tab *nat.Table) error { return tab.Publish([]netip.Addr{a2}, []nat.Port{other}) })
	l.expect([]question{{"away", "tcp", "203.0.113.1:8080", "a1 203.0.113.2"}})
	flow := l.dialUDP("away", "203.0.113.1:8080")
	if got := flow.ask(); got != "a1 203.0.113.2" {
		t.Fatalf("before: %q", got)
	}
	next := nat.Port{Proto: "tcp", HostIP: anywhere4, HostPort: 7000, Addr: a1, Port: 80, Comment: "next"}
	l.table(func(tab *nat.Table) error { return tab.Publish([]netip.Addr{a1}, []nat.Port{next}) })
	l.expect([]question{{"away", "tcp", "203.0.113.1:8080", ""}, {"away", "tcp", "203.0.113.1:7000", "a1 203.0.113.2"}})
	if got := flow.ask(); got != "" {
		t.Errorf("a tracked connection still reaches the address's next holder: %q", got)
	}
	l.table(func(tab *nat.Table) error {
		got, err := tab.Published()
		if diff := cmp.Diff([]nat.Port{next, other}, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
		return err
	})
	// A port that its holder's element outlived is taken over.
	taken := nat.Port{Proto: "tcp", HostIP: anywhere4, HostPort: 7000, Addr: a2, Port: 81, Comment: "taker"}
	l.table(func(tab *nat.Table) error { return tab.Publish(nil, []nat.Port{taken}) })
	l.table(func(tab *nat.Table) error {
		got, err := tab.Published(a1)
		if len(got) != 0 {
			t.Errorf("published for the former holder: %v", got)
		}
		return err
	})
	l.table(func(tab *nat.Table) error { return tab.Unpublish([]netip.Addr{a2}) })
	l.table(func(tab *nat.Table) error {
		got, err := tab.Published()
		if len(got) != 0 {
			t.Errorf("published at the end: %v", got)
		}
		return err
	})
}

// TestStrayUDP: a sender that never rests must reach a container that comes after
// it began to send.
func TestStrayUDP(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.addBridges()
	l.serve("a1", "udp", ":80")
	l.serve("host", "udp", "203.0.113.1:8080")
	flow := l.dialUDP("away", "203.0.113.1:8080")
	if got := flow.ask(); got != "host 203.0.113.2" {
		t.Fatalf("before: %q", got)
	}
	l.table(func(tab *nat.Table) error {
		return tab.Publish([]netip.Addr{addr("10.101.0.2")}, []nat.Port{{Proto: "udp", HostIP: anywhere4, HostPort: 8080, Addr: addr("10.101.0.2"), Port: 80}})
	})
	if got := flow.ask(); got != "a1 203.0.113.2" {
		t.Errorf("after: %q", got)
	}
}

// TestRange publishes more ports at once than one message of netlink holds.
func TestRange(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.addBridges()
	var ports []nat.Port
	for i := range uint16(2000) {
		ports = append(ports, nat.Port{Proto: "tcp", HostIP: anywhere4, HostPort: 20000 + i, Addr: addr("10.101.0.2"), Port: 1000 + i})
	}
	l.table(func(tab *nat.Table) error { return tab.Publish([]netip.Addr{addr("10.101.0.2")}, ports) })
	l.serve("a1", "tcp", ":2999")
	l.expect([]question{{"away", "tcp", "203.0.113.1:21999", "a1 203.0.113.2"}})
	l.table(func(tab *nat.Table) error { return tab.Unpublish([]netip.Addr{addr("10.101.0.2")}) })
	l.expect([]question{{"away", "tcp", "203.0.113.1:21999", ""}})
}

// TestBridgeAgain: describing a bridge anew repairs what was changed, and one
// whose subnet a killed process left behind under another name is put right.
func TestBridgeAgain(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.addBridges()
	before := l.ruleset()
	l.addBridges()
	if diff := cmp.Diff(stable(before), stable(l.ruleset())); diff != "" {
		t.Errorf("described twice (-once +twice):\n%s", diff)
	}
	l.sh("host", "nft flush chain inet gantry forward")
	l.addBridges()
	if diff := cmp.Diff(stable(before), stable(l.ruleset())); diff != "" {
		t.Errorf("after a repair:\n%s", diff)
	}
	stale := labBridges[0]
	stale.Name, stale.Subnets = "gt-z", prefixes("10.101.0.0/16", "fd01::/48")
	l.table(func(tab *nat.Table) error { return tab.AddBridge(stale) })
	l.table(func(tab *nat.Table) error { return tab.AddBridge(labBridges[0]) })
	l.table(func(tab *nat.Table) error { return tab.RemoveBridge("gt-z") })
	if diff := cmp.Diff(stable(before), stable(l.ruleset())); diff != "" {
		t.Errorf("after a subnet was taken over:\n%s", diff)
	}
	l.table(func(tab *nat.Table) error {
		names, err := tab.Bridges()
		if diff := cmp.Diff([]string{"gt-a", "gt-b", "gt-i"}, names, cmpopts.SortSlices(strings.Compare)); diff != "" {
			t.Errorf("bridges:\n%s", diff)
		}
		for _, b := range names {
			if err := tab.RemoveBridge(b); err != nil {
				t.Error(err)
			}
		}
		return err
	})
	if got := l.ruleset(); got != "" {
		t.Errorf("left in the packet filter:\n%s", got)
	}
}

// stable is a ruleset without what changes by itself: counters, and the order of
// a set's elements, which is that of a hash table.
func stable(ruleset string) []string {
	var lines []string
	for line := range strings.Lines(ruleset) {
		if strings.Contains(line, "counter") {
			line = "counter drop"
		}
		lines = append(lines, strings.TrimSpace(strings.NewReplacer("elements = {", "", "}", "", ",", "").Replace(line)))
	}
	var all []string
	for _, l := range lines {
		all = append(all, strings.Fields(l)...)
	}
	return sorted(all)
}
