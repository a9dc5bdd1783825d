package hostport_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/network/hostport"
	"gantry/internal/inetaddr"
)

var (
	loop4 = addr("127.0.0.1")
	loop6 = addr("::1")
	any4  = addr("0.0.0.0")
	any6  = addr("::")
)

func addr(s string) inetaddr.Addr { return inetaddr.FromSlice(netip.MustParseAddr(s).AsSlice()) }

// hold holds ports as long as the test runs, and serves them.
func hold(t testing.TB, wants ...hostport.Want) []hostport.Port {
	t.Helper()
	h, err := hostport.Hold(wants)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := h.Serve(); err != nil {
		t.Fatal(err)
	}
	return h.Ports
}

func at(p hostport.Port) string { return net.JoinHostPort(p.HostIP.String(), fmt.Sprint(p.HostPort)) }

// container listens in a container's stead.
func container(t testing.TB, serve func(net.Conn)) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { serve(c); c.Close() }()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String()).Port()
}

// TestStream: everything arrives, in both directions, and so does the end of it.
func TestStream(t *testing.T) {
	t.Parallel()
	upper := func(c net.Conn) {
		b, _ := io.ReadAll(c) // returns when the client has ended its half
		c.Write(bytes.ToUpper(b))
	}
	ports := hold(t, hostport.Want{Proto: "tcp", Port: container(t, upper), Addrs: []inetaddr.Addr{loop4}, Hosts: []inetaddr.Addr{loop4, loop6}})
	if len(ports) != 2 || ports[0].HostPort == 0 || ports[0].HostPort != ports[1].HostPort {
		t.Fatalf("ports %v, want one on both addresses", ports)
	}
	sent := make([]byte, 3<<20)
	rand.Read(sent)
	for _, p := range ports {
		c, err := net.Dial("tcp", at(p))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		go func() {
			c.Write(sent)
			c.(*net.TCPConn).CloseWrite()
		}()
		if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, bytes.ToUpper(sent)) {
			t.Errorf("%v: %d bytes, %v; want %d", p, len(got), err, len(sent))
		}
	}
}

// TestNobodyListens: the client learns it at once.
func TestNobodyListens(t *testing.T) {
	t.Parallel()
	p := hold(t, hostport.Want{Proto: "tcp", Port: 1, Addrs: []inetaddr.Addr{loop4}, Hosts: []inetaddr.Addr{loop4}})[0]
	c, err := net.Dial("tcp", at(p))
	if err == nil {
		defer c.Close()
		c.SetDeadline(time.Now().Add(10 * time.Second))
		_, err = c.Read(make([]byte, 1))
	}
	if !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("read: %v, want a reset", err)
	}
}

// TestCloseFrees: what was held is anybody's after it.
func TestCloseFrees(t *testing.T) {
	t.Parallel()
	h, err := hostport.Hold([]hostport.Want{{Proto: "tcp", Port: 1, Addrs: []inetaddr.Addr{loop4}, Hosts: []inetaddr.Addr{loop4}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(h.Serve(), h.Close()); err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", at(h.Ports[:1][0])); err == nil {
		c.Close()
		t.Error("the port is still there")
	}
}

func TestDatagrams(t *testing.T) {
	t.Parallel()
	for _, fam := range []inetaddr.Addr{any4, any6} {
		inside := loop4
		if fam == any6 {
			inside = loop6
		}
		s, err := net.ListenUDP("udp", &net.UDPAddr{IP: inside.Slice()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		go func() {
			b := make([]byte, 100)
			for {
				n, from, err := s.ReadFromUDPAddrPort(b)
				if err != nil {
					return
				}
				s.WriteToUDPAddrPort(fmt.Appendf(nil, "%s to %d", b[:n], from.Port()), from)
			}
		}()
		port := s.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		p := hold(t, hostport.Want{Proto: "udp", Port: port, Addrs: []inetaddr.Addr{inside}, Hosts: []inetaddr.Addr{fam}})[0]
		targets := []string{"127.0.0.1", "127.0.0.2"} // an answer of another address would not arrive
		if fam == any6 {
			targets = []string{"::1"}
		}
		var answers []string
		for _, to := range targets {
			c, err := net.Dial("udp", net.JoinHostPort(to, fmt.Sprint(p.HostPort)))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			for range 2 {
				c.Write([]byte("hello"))
				c.SetDeadline(time.Now().Add(10 * time.Second))
				b := make([]byte, 100)
				n, err := c.Read(b)
				if err != nil || !strings.HasPrefix(string(b[:n]), "hello to ") {
					t.Fatalf("%s: %q, %v", to, b[:n], err)
				}
				answers = append(answers, string(b[:n]))
			}
		}
		if answers[0] != answers[1] {
			t.Errorf("one client has two sockets: %q, %q", answers[0], answers[1])
		}
	}
}

func TestChoice(t *testing.T) {
	t.Parallel()
	base := freeRange(t, 4)
	want := func(proto string, first, last uint16, hosts ...inetaddr.Addr) hostport.Want {
		return hostport.Want{Proto: proto, Port: 80, Addrs: []inetaddr.Addr{loop4}, Hosts: hosts, First: first, Last: last}
	}
	if p := hold(t, want("tcp", base, base+3, loop4))[0]; p.HostPort != base {
		t.Errorf("first of the range: %v", p)
	}
	if p := hold(t, want("tcp", base, base+3, loop4, loop6))[1]; p.HostPort != base+1 {
		t.Errorf("second of the range, free on both: %v", p)
	}
	if p := hold(t, want("udp", base, base, loop4))[0]; p.HostPort != base {
		t.Errorf("another protocol: %v", p)
	}
	former := want("udp", base, base+3, loop4)
	former.Before = base + 2
	if p := hold(t, former)[0]; p.HostPort != base+2 {
		t.Errorf("the port of last time, which is free: %v", p)
	}
	former.Before = base // held by the test before it
	if p := hold(t, former)[0]; p.HostPort != base+1 {
		t.Errorf("the port of last time, which is taken: %v", p)
	}
	var taken *hostport.TakenError
	_, err := hostport.Hold([]hostport.Want{want("tcp", base+2, base+2, loop4), want("tcp", base, base+1, any4)})
	if !errors.As(err, &taken) || !errors.Is(err, engine.ErrConflict) || taken.Port.HostPort != base+1 || taken.Port.HostIP != any4 {
		t.Errorf("a full range: %v", err)
	}
	if p := hold(t, want("tcp", base+2, base+2, loop4))[0]; p.HostPort != base+2 {
		t.Errorf("a port of a hold that failed: %v", p)
	}
	_, err = hostport.Hold([]hostport.Want{want("tcp", base+3, base+3, addr("192.0.2.250"))})
	if !errors.Is(err, engine.ErrInvalid) || !errors.Is(err, unix.EADDRNOTAVAIL) {
		t.Errorf("a foreign address: %v", err)
	}
	optional := want("tcp", base+3, base+3, loop4, addr("2001:db8::77"))
	optional.Optional = true
	if p := hold(t, optional); len(p) != 1 {
		t.Errorf("an address that the host may lack: %v", p)
	}
}

// TestTargetOfFamily: a port of IPv6 leads to IPv6 where the container has it.
func TestTargetOfFamily(t *testing.T) {
	t.Parallel()
	v4, v6 := addr("10.0.0.2"), addr("fd00::2")
	ports := hold(t,
		hostport.Want{Proto: "tcp", Port: 80, Addrs: []inetaddr.Addr{v4, v6}, Hosts: []inetaddr.Addr{loop4, loop6}},
		hostport.Want{Proto: "tcp", Port: 81, Addrs: []inetaddr.Addr{v4}, Hosts: []inetaddr.Addr{loop6}})
	for i, want := range []inetaddr.Addr{v4, v6, v4} {
		if ports[i].Addr != want {
			t.Errorf("%v leads to %v, want %v", ports[i], ports[i].Addr, want)
		}
	}
}

func TestSCTP(t *testing.T) {
	t.Parallel()
	w := hostport.Want{Proto: "sctp", Port: 80, Addrs: []inetaddr.Addr{loop4}, Hosts: []inetaddr.Addr{loop4}}
	p := hold(t, w)[0]
	w.First, w.Last = p.HostPort, p.HostPort
	_, err := hostport.Hold([]hostport.Want{w})
	var taken *hostport.TakenError
	if !errors.As(err, &taken) {
		t.Errorf("held twice: %v", err)
	}
	holderIsUs(t, p)
}

// TestAgain: another process takes over what a killed one held.
func TestAgain(t *testing.T) {
	t.Parallel()
	h, err := hostport.Hold([]hostport.Want{{Proto: "tcp", Port: 80, Addrs: []inetaddr.Addr{loop4}, Hosts: []inetaddr.Addr{loop4, loop6}}})
	if err != nil {
		t.Fatal(err)
	}
	ports := append([]hostport.Port(nil), h.Ports...)
	again := &hostport.Held{}
	defer func() {
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := again.Again(ports[0]); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("while it is held: %v", err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	for _, p := range ports {
		if err := again.Again(p); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(again.Ports) != fmt.Sprint(ports) {
		t.Errorf("ports %v, want %v", again.Ports, ports)
	}
}

func TestHolder(t *testing.T) {
	t.Parallel()
	for _, w := range []hostport.Want{
		{Proto: "tcp", Port: 80, Hosts: []inetaddr.Addr{loop4}},
		{Proto: "udp", Port: 80, Hosts: []inetaddr.Addr{any4}},
		{Proto: "tcp", Port: 80, Hosts: []inetaddr.Addr{any6}},
	} {
		w.Addrs = []inetaddr.Addr{loop4}
		p := hold(t, w)[0]
		holderIsUs(t, p)
		if p.HostIP.Is4() {
			p.HostIP = any4
			holderIsUs(t, p)
		}
	}
	free := hostport.Port{Proto: "tcp", HostIP: any4, HostPort: freeRange(t, 1)}
	if who, ok := hostport.Holder(free); ok {
		t.Errorf("a free port is held by %v", who)
	}
}

func holderIsUs(t *testing.T, p hostport.Port) {
	t.Helper()
	who, ok := hostport.Holder(p)
	if !ok || who.PID != os.Getpid() || !strings.HasPrefix(who.String(), "hostport.test (process ") {
		t.Errorf("%v is held by %v, want this process", p, who)
	}
}

// freeRange finds n ports in a row that nobody has.
func freeRange(t *testing.T, n uint16) uint16 {
	t.Helper()
	for base := uint16(20000 + os.Getpid()%10000); base < 60000; base += n {
		free := true
		for i := range n {
			l, err := net.Listen("tcp", fmt.Sprintf(":%d", base+i))
			if err != nil {
				free = false
				break
			}
			l.Close()
		}
		if free {
			return base
		}
	}
	t.Fatal("no free ports")
	return 0
}

// BenchmarkLoopback is what a connection by loopback is worth, beside one that
// nobody stands between.
func BenchmarkLoopback(b *testing.B) {
	const size = 256 << 20
	source := func(c net.Conn) {
		buf := make([]byte, 128<<10)
		for sent := 0; sent < size; sent += len(buf) {
			if _, err := c.Write(buf); err != nil {
				return
			}
		}
	}
	inside := container(b, source)
	p := hold(b, hostport.Want{Proto: "tcp", Port: inside, Addrs: []inetaddr.Addr{loop4}, Hosts: []inetaddr.Addr{loop4}})[0]
	for name, to := range map[string]string{"direct": fmt.Sprintf("127.0.0.1:%d", inside), "held": at(p)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			buf := make([]byte, 1<<20)
			for b.Loop() {
				c, err := net.Dial("tcp", to)
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{c}, buf); n != size {
					b.Fatal(n, err)
				}
				c.Close()
			}
		})
	}
}
