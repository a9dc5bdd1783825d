package responder

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"gantry/internal/inetaddr"
)

// upstream is a name server of the host: by UDP and TCP it answers what reply
// makes of a query, nil: nothing.
type upstream struct {
	addr  inetaddr.AddrPort
	asked atomic.Int32
	ports sync.Map // the askers' ports
}

func serve(t testing.TB, reply func(query []byte, stream bool) []byte) *upstream {
	t.Helper()
	u := &upstream{}
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	check(t, err)
	u.addr = localPort(pc)
	l, err := net.Listen("tcp", u.addr.String())
	check(t, err)
	t.Cleanup(func() { pc.Close(); l.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			u.asked.Add(1)
			u.ports.Store(from.(*net.UDPAddr).Port, true)
			if answer := reply(slices.Clone(buf[:n]), false); answer != nil {
				pc.WriteTo(answer, from)
			}
		}
	}()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				msg, err := readMessage(c, 65535)
				if err != nil {
					return
				}
				u.asked.Add(1)
				if answer := reply(msg, true); answer != nil {
					writeMessage(c, answer)
				} else {
					io.Copy(io.Discard, c) // until the asker hangs up
				}
			}()
		}
	}()
	return u
}

func localPort(pc net.PacketConn) inetaddr.AddrPort {
	at := pc.LocalAddr().(*net.UDPAddr)
	return inetaddr.AddrPort{Addr: inetaddr.FromSlice(at.IP.To4()), Port: uint16(at.Port)}
}

// says answers every query with a code and, of success, with one address.
func says(code dnsmessage.RCode, addr string) func([]byte, bool) []byte {
	return func(msg []byte, _ bool) []byte {
		q, _, _ := parse(msg)
		if addr == "" {
			return q.fail(code)
		}
		return q.reply(code, []inetaddr.Addr{mustIP(addr)}, 4096)
	}
}

func silent([]byte, bool) []byte { return nil }

// asking makes a forwarder to servers.
func asking(t testing.TB, servers ...*upstream) *forwarder {
	t.Helper()
	f := newForwarder(nil, Options{})
	f.servers = func() (list []inetaddr.AddrPort) {
		for _, u := range servers {
			list = append(list, u.addr)
		}
		return list
	}
	t.Cleanup(f.close)
	return f
}

// result asks and waits.
func result(t testing.TB, f *forwarder, name string) string {
	t.Helper()
	answer := make(chan []byte, 1)
	if !f.ask(ask(t, name, dnsmessage.TypeA, 0), 0x1234, func(b []byte) { answer <- b }) {
		return "too many"
	}
	return read(t, <-answer)
}

func TestForward(t *testing.T) {
	t.Parallel()
	good := func() *upstream { return serve(t, says(0, "192.0.2.1")) }
	closed := func() *upstream { // nobody listens there
		pc, err := net.ListenPacket("udp", "127.0.0.1:0")
		check(t, err)
		defer pc.Close()
		return &upstream{addr: localPort(pc)}
	}
	for name, c := range map[string]struct {
		servers []*upstream
		want    string
		within  time.Duration
	}{
		"one":                   {[]*upstream{good()}, "Success 192.0.2.1", patience},
		"no such name":          {[]*upstream{serve(t, says(dnsmessage.RCodeNameError, "")), good()}, "NameError", patience},
		"the first cannot":      {[]*upstream{serve(t, says(dnsmessage.RCodeServerFailure, "")), good()}, "Success 192.0.2.1", patience},
		"the first refuses":     {[]*upstream{serve(t, says(dnsmessage.RCodeRefused, "")), good()}, "Success 192.0.2.1", patience},
		"the first is not":      {[]*upstream{closed(), good()}, "Success 192.0.2.1", patience},
		"the first is silent":   {[]*upstream{serve(t, silent), good()}, "Success 192.0.2.1", 2 * patience},
		"none can":              {[]*upstream{serve(t, says(dnsmessage.RCodeServerFailure, "")), closed()}, "ServerFailure", patience},
		"none is":               {[]*upstream{closed(), closed()}, "nothing", patience},
		"all are silent":        {[]*upstream{serve(t, silent), serve(t, silent)}, "nothing", deadline + patience},
		"it comes when pressed": {[]*upstream{serve(t, deafAtFirst(1))}, "Success 192.0.2.7", 2 * patience},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := asking(t, c.servers...)
			begun := time.Now()
			if got := result(t, f, "example.org."); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if d := time.Since(begun); d > c.within {
				t.Errorf("it took %v", d)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			for l := range f.links {
				if len(l.waiting) > 0 {
					t.Errorf("%s is waited for still", l.server)
				}
			}
		})
	}
}

// deafAtFirst loses the first n queries.
func deafAtFirst(n int32) func([]byte, bool) []byte {
	var asked atomic.Int32
	return func(msg []byte, stream bool) []byte {
		if asked.Add(1) <= n {
			return nil
		}
		return says(0, "192.0.2.7")(msg, stream)
	}
}

// TestForwardRemembers: a server that was silent is not waited for again soon.
func TestForwardRemembers(t *testing.T) {
	t.Parallel()
	f := asking(t, serve(t, silent), serve(t, says(0, "192.0.2.1")))
	result(t, f, "example.org.")
	begun := time.Now()
	if got := result(t, f, "example.net."); got != "Success 192.0.2.1" || time.Since(begun) > patience/2 {
		t.Errorf("%s after %v", got, time.Since(begun))
	}
}

// TestForwardParallel: many queries are on their way at once, from several
// ports, and each gets its own answer.
func TestForwardParallel(t *testing.T) {
	t.Parallel()
	const n = 500
	arrived := make(chan struct{}, 10*n)
	u := serve(t, func([]byte, bool) []byte {
		arrived <- struct{}{}
		return nil // answered below, when all are there
	})
	f := asking(t, u)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			name := fmt.Sprintf("host%d.example.org.", i)
			want := fmt.Sprintf("Success 10.0.%d.%d", i/256, i%256)
			if got := result(t, f, name); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		})
	}
	for range n {
		<-arrived
	}
	f.mu.Lock()
	var todo []func()
	for l := range f.links {
		for id, p := range l.waiting {
			q, _, _ := parse(p.msg)
			var i int
			fmt.Sscanf(q.question.Name.String(), "host%d", &i)
			q.header.ID = id
			answer := q.reply(0, []inetaddr.Addr{inetaddr.FromSlice([]byte{10, 0, byte(i / 256), byte(i % 256)})}, 4096)
			todo = append(todo, func() { f.arrived(l, answer, false) })
		}
	}
	f.mu.Unlock()
	for _, do := range todo {
		do()
	}
	wg.Wait()
	ports := 0
	u.ports.Range(func(any, any) bool { ports++; return true })
	if ports < n/perLink {
		t.Errorf("%d queries came from %d ports", n, ports)
	}
}

// TestForwardRefusesForgeries: an answer counts only with our ID and about our
// question.
func TestForwardRefusesForgeries(t *testing.T) {
	t.Parallel()
	u := serve(t, func(msg []byte, stream bool) []byte { return nil })
	var link *link
	f := asking(t, u)
	done := make(chan []byte, 1)
	msg := ask(t, "example.org.", dnsmessage.TypeA, 0)
	f.ask(msg, 0x1234, func(b []byte) { done <- b })
	f.mu.Lock()
	var sent []byte
	for l := range f.links {
		for _, p := range l.waiting {
			link, sent = l, slices.Clone(p.msg)
		}
	}
	f.mu.Unlock()
	answer := says(0, "192.0.2.66")
	wrongID := slices.Clone(sent)
	wrongID[0]++
	other := ask(t, "example.com.", dnsmessage.TypeA, 0)
	copy(other, sent[:2])
	for _, b := range [][]byte{answer(wrongID, false), answer(other, false), sent, sent[:5], nil} {
		f.arrived(link, b, false)
	}
	select {
	case b := <-done:
		t.Errorf("a forgery came through: %s", read(t, b))
	default:
	}
	f.arrived(link, answer(sent, false), false)
	if got := read(t, <-done); got != "Success 192.0.2.66" {
		t.Error(got)
	}
}

// TestFlood: beyond a number of queries that wait the next are refused at once,
// and what waits is given back in the end.
func TestFlood(t *testing.T) {
	t.Parallel()
	f := asking(t, serve(t, silent))
	msg := ask(t, "example.org.", dnsmessage.TypeA, 0)
	var taken, ended atomic.Int32
	for range 20 * maxPending {
		if f.ask(msg, 1, func([]byte) { ended.Add(1) }) {
			taken.Add(1)
		}
	}
	if taken.Load() != maxPending {
		t.Errorf("%d queries were taken, want %d", taken.Load(), maxPending)
	}
	f.mu.Lock()
	if len(f.links) > maxPending/perLink+1 {
		t.Errorf("%d sockets", len(f.links))
	}
	f.mu.Unlock()
	eventually(t, "the end of all", func() bool { return ended.Load() == maxPending })
	eventually(t, "the close of all sockets but one", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.links) <= 1 && len(f.pending) == 0
	})
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); {
		if time.Now().After(end) {
			t.Fatalf("timed out waiting for %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// TestCloseWhileWaiting: an end of the container waits for nobody.
func TestCloseWhileWaiting(t *testing.T) {
	t.Parallel()
	f := asking(t, serve(t, silent))
	f.ask(ask(t, "example.org.", dnsmessage.TypeA, 0), 1, func([]byte) {})
	stream := make(chan []byte, 1)
	go func() { stream <- f.stream(ask(t, "example.org.", dnsmessage.TypeA, 0)) }()
	eventually(t, "the connection", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.streams) == 1
	})
	begun := time.Now()
	f.close()
	if answer := <-stream; answer != nil || time.Since(begun) > time.Second {
		t.Errorf("%v after %v", answer, time.Since(begun))
	}
	if f.ask(nil, 1, nil) {
		t.Error("a closed forwarder takes queries")
	}
}

func TestForwardStream(t *testing.T) {
	t.Parallel()
	big := func(msg []byte, stream bool) []byte {
		q, _, _ := parse(msg)
		limit := q.size
		if stream {
			limit = maxStreamAnswer
		}
		return q.reply(0, slices.Repeat([]inetaddr.Addr{mustIP("192.0.2.1")}, 1000), limit)
	}
	f := asking(t, serve(t, silent), serve(t, big))
	f.down[f.servers()[0]] = time.Now()
	if got := len(f.stream(ask(t, "example.org.", dnsmessage.TypeA, 0))); got != 12+17+1000*16 {
		t.Errorf("%d bytes", got)
	}
	if got := result(t, f, "example.org."); got[:10] != "Success TC" {
		t.Errorf("by UDP: %.40s", got)
	}
}

// TestHostServers: the host's servers are those of the moment.
func TestHostServers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "resolv.conf")
	h := &hostServers{path: path}
	expect := func(want ...string) {
		t.Helper()
		var got []string
		for _, s := range h.list() {
			got = append(got, s.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	expect("127.0.0.1:53")
	for _, c := range []struct{ text, want string }{
		{"nameserver 127.0.0.53\noptions edns0\n", "127.0.0.53:53"},
		{"nameserver 192.0.2.1\n", "192.0.2.1:53"},
		{"nameserver fe80::1%lo\n", "[fe80::1%lo]:53"},
		{"# none\n", "127.0.0.1:53"},
	} {
		check(t, os.WriteFile(path+".new", []byte(c.text), 0o600))
		check(t, os.Rename(path+".new", path))
		expect(c.want)
		expect(c.want)
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"", "\x00", "\x00\x05abcd", "\xff\xff" + string(make([]byte, 65535))} {
		r, w := io.Pipe()
		go func() { io.WriteString(w, in); w.Close() }()
		if msg, err := readMessage(r, maxQuery); err == nil {
			t.Errorf("%.10q was read as %.10q", in, msg)
		}
		r.Close()
	}
}
