package responder

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"gantry/internal/inetaddr"
)

// names are a zone in memory.
type names map[string][]string

func (n names) Lookup(name string) (addrs []inetaddr.Addr, known bool) {
	list, known := n[strings.ToLower(strings.TrimSuffix(name, "."))]
	for _, a := range list {
		addrs = append(addrs, mustIP(a))
	}
	return addrs, known
}

func (n names) Reverse(addr inetaddr.Addr) (string, bool) {
	for name, addrs := range n {
		if slices.Contains(addrs, addr.String()) {
			return name + ".net", true
		}
	}
	return "", false
}

var few = names{"web": {"10.0.0.2", "fd00::2"}, "four": {"10.0.0.4"}, "mute": {}}

// ask makes a query. edns is the size that it offers, 0: it has none.
func ask(t testing.TB, name string, kind dnsmessage.Type, edns int) []byte {
	t.Helper()
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: 0x1234, RecursionDesired: true})
	q := dnsmessage.Question{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}
	check(t, b.StartQuestions())
	check(t, b.Question(q))
	if edns > 0 {
		var h dnsmessage.ResourceHeader
		check(t, h.SetEDNS0(edns, 0, false))
		check(t, b.StartAdditionals())
		check(t, b.OPTResource(h, dnsmessage.OPTResource{}))
	}
	msg, err := b.Finish()
	check(t, err)
	return msg
}

func mustIP(s string) inetaddr.Addr {
	a, err := inetaddr.Parse(s)
	if err != nil {
		panic(err)
	}
	return a
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// read is a message as text: its code, TC where it is cut, and its data.
func read(t testing.TB, msg []byte) string {
	t.Helper()
	if msg == nil {
		return "nothing"
	}
	var m dnsmessage.Message
	check(t, m.Unpack(msg))
	if !m.Response || m.ID != 0x1234 {
		t.Errorf("not an answer to the query: %+v", m.Header)
	}
	out := []string{strings.TrimPrefix(m.RCode.String(), "RCode")}
	if m.Truncated {
		out = append(out, "TC")
	}
	var data []string
	for _, r := range m.Answers {
		if r.Header.TTL != ttl {
			t.Errorf("TTL %d", r.Header.TTL)
		}
		switch d := r.Body.(type) {
		case *dnsmessage.AResource:
			data = append(data, inetaddr.FromSlice(d.A[:]).String())
		case *dnsmessage.AAAAResource:
			data = append(data, inetaddr.FromSlice(d.AAAA[:]).String())
		case *dnsmessage.PTRResource:
			data = append(data, d.PTR.String())
		}
	}
	slices.Sort(data)
	return strings.Join(append(out, data...), " ")
}

// local is what a responder that asks nobody answers.
func local(n Names, msg []byte, stream bool) []byte {
	_, answer, _ := (&Responder{names: n}).consider(msg, stream)
	return answer
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		kind dnsmessage.Type
		want string // "": it is for others
	}{
		{"web.", dnsmessage.TypeA, "Success 10.0.0.2"},
		{"WeB.", dnsmessage.TypeA, "Success 10.0.0.2"},
		{"web.", dnsmessage.TypeAAAA, "Success fd00::2"},
		{"web.", dnsmessage.TypeALL, "Success 10.0.0.2 fd00::2"},
		{"four.", dnsmessage.TypeAAAA, "Success"}, // NODATA
		{"mute.", dnsmessage.TypeA, "Success"},
		{"web.", dnsmessage.TypeMX, "Success"},
		{"web.", dnsmessage.TypeHTTPS, "Success"},
		{"2.0.0.10.in-addr.arpa.", dnsmessage.TypePTR, "Success web.net."},
		{"2.0.0.10.IN-ADDR.ARPA.", dnsmessage.TypePTR, "Success web.net."},
		{"2.0.0.10.in-addr.arpa.", dnsmessage.TypeA, "Success"},
		{"2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa.", dnsmessage.TypePTR, "Success web.net."},
		{"3.0.0.10.in-addr.arpa.", dnsmessage.TypePTR, ""},
		{"nobody.", dnsmessage.TypeA, ""},
		{".", dnsmessage.TypeNS, ""},
		{"example.org.", dnsmessage.TypeTXT, ""},
	} {
		for _, edns := range []int{0, 1232} {
			msg := ask(t, c.name, c.kind, edns)
			q, code, respond := parse(msg)
			if code != 0 || !respond {
				t.Fatalf("%s %s: code %v, %v", c.name, c.kind, code, respond)
			}
			answer := q.answer(few, q.size)
			want := c.want
			if want == "" {
				want = "nothing"
			}
			if got := read(t, answer); got != want {
				t.Errorf("%s %s: %s, want %s", c.name, c.kind, got, want)
			}
			if answer != nil {
				checkShape(t, msg, answer, edns > 0)
			}
		}
	}
}

// checkShape looks at what every answer has: the question as it was asked, the
// flags of a resolver, and EDNS if and only if the query has it.
func checkShape(t *testing.T, msg, answer []byte, edns bool) {
	t.Helper()
	var in, out dnsmessage.Message
	check(t, in.Unpack(msg))
	check(t, out.Unpack(answer))
	if len(out.Questions) != 1 || out.Questions[0] != in.Questions[0] {
		t.Errorf("the question came back as %v", out.Questions)
	}
	if !out.RecursionAvailable || !out.RecursionDesired {
		t.Errorf("header %+v", out.Header)
	}
	if got := len(out.Additionals) == 1 && out.Additionals[0].Header.Type == dnsmessage.TypeOPT; got != edns {
		t.Errorf("EDNS in the answer: %v, want %v", got, edns)
	}
}

// TestRefusals: what is no query that can be answered.
func TestRefusals(t *testing.T) {
	t.Parallel()
	good := ask(t, "web.", dnsmessage.TypeA, 1232)
	change := func(f func(b []byte) []byte) []byte { return f(slices.Clone(good)) }
	for name, c := range map[string]struct {
		msg  []byte
		want string
	}{
		"nothing":           {nil, "nothing"},
		"part of a header":  {good[:11], "nothing"},
		"an answer":         {change(func(b []byte) []byte { b[2] |= 0x80; return b }), "nothing"},
		"a notification":    {change(func(b []byte) []byte { b[2] |= 4 << 3; return b }), "NotImplemented"},
		"no question":       {change(func(b []byte) []byte { b[5] = 0; return b[:12] }), "FormatError"},
		"two questions":     {change(func(b []byte) []byte { b[5] = 2; return b }), "FormatError"},
		"part of a name":    {good[:14], "FormatError"},
		"no type":           {good[:17], "FormatError"},
		"part of EDNS":      {good[:len(good)-3], "FormatError"},
		"a pointer in it":   {change(func(b []byte) []byte { b[12] = 0xc0; b[13] = 12; return b }), "FormatError"},
		"many records":      {change(func(b []byte) []byte { b[10], b[11] = 0xff, 0xff; return b }), "FormatError"},
		"a version of EDNS": {change(func(b []byte) []byte { b[len(b)-5] = 1; return b }), "Success"},
		"unknown, closed":   {ask(t, "nobody.", dnsmessage.TypeA, 0), "ServerFailure"},
	} {
		answer := local(few, c.msg, false)
		if got := read(t, answer); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if name == "a version of EDNS" {
			var m dnsmessage.Message
			check(t, m.Unpack(answer))
			if code := m.Additionals[0].Header.ExtendedRCode(m.RCode); code != badVersion {
				t.Errorf("%s: code %d, want BADVERS", name, code)
			}
		}
	}
}

// TestTruncation: an answer never is larger than the asker can take, and says
// when something is left out.
func TestTruncation(t *testing.T) {
	t.Parallel()
	many := names{"all": nil}
	for i := range 200 {
		many["all"] = append(many["all"], fmt.Sprintf("10.0.1.%d", i), fmt.Sprintf("fd00::%x", i+1))
	}
	for _, c := range []struct {
		kind   dnsmessage.Type
		edns   int
		stream bool
		want   int // addresses
	}{
		{dnsmessage.TypeA, 0, false, (512 - 12 - 9) / 16},
		{dnsmessage.TypeA, 100, false, (512 - 12 - 9 - 11) / 16},
		{dnsmessage.TypeA, 1232, false, (1232 - 12 - 9 - 11) / 16},
		{dnsmessage.TypeAAAA, 1232, false, (1232 - 12 - 9 - 11) / 28},
		{dnsmessage.TypeA, 65535, false, 200},
		{dnsmessage.TypeAAAA, 65535, false, (4096 - 12 - 9 - 11) / 28},
		{dnsmessage.TypeAAAA, 0, true, 200},
		{dnsmessage.TypeALL, 512, true, 400},
	} {
		answer := local(many, ask(t, "all.", c.kind, c.edns), c.stream)
		limit := max(c.edns, plainSize)
		if c.stream {
			limit = maxStreamAnswer
		}
		fields := strings.Fields(read(t, answer))
		cut := len(fields) > 1 && fields[1] == "TC"
		got := len(fields) - 1
		if cut {
			got--
		}
		total := 200
		if c.kind == dnsmessage.TypeALL {
			total = 400
		}
		if len(answer) > min(limit, maxStreamAnswer) || got != c.want || cut != (c.want < total) {
			t.Errorf("%s, EDNS %d, stream %v: %d bytes, %d addresses, cut %v; want %d", c.kind, c.edns, c.stream, len(answer), got, cut, c.want)
		}
	}
}

// TestShares: of several addresses each comes first about as often.
func TestShares(t *testing.T) {
	t.Parallel()
	three := names{"svc": {"10.0.0.1", "10.0.0.2", "10.0.0.3"}}
	msg := ask(t, "svc.", dnsmessage.TypeA, 0)
	first := map[[4]byte]int{}
	for range 3000 {
		var m dnsmessage.Message
		check(t, m.Unpack(local(three, msg, false)))
		first[m.Answers[0].Body.(*dnsmessage.AResource).A]++
	}
	for a, n := range first {
		if n < 800 || n > 1200 {
			t.Errorf("%v comes first %d times of 3000", a, n)
		}
	}
	if len(first) != 3 {
		t.Errorf("first are %v", first)
	}
}

func TestParseReverse(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"4.3.2.1.in-addr.arpa.":                      "1.2.3.4",
		"255.0.255.0.In-Addr.Arpa":                   "0.255.0.255",
		"256.0.0.1.in-addr.arpa.":                    "",
		"01.0.0.1.in-addr.arpa.":                     "",
		"3.2.1.in-addr.arpa.":                        "",
		"5.4.3.2.1.in-addr.arpa.":                    "",
		"+4.3.2.1.in-addr.arpa.":                     "",
		"in-addr.arpa.":                              "",
		".in-addr.arpa.":                             "",
		"1.2.3.4.":                                   "",
		strings.Repeat("0.", 31) + "0.ip6.arpa.":     "::",
		"F." + strings.Repeat("0.", 31) + "ip6.arpa": "::f",
		strings.Repeat("0.", 30) + "1.2.ip6.arpa.":   "2100::",
		strings.Repeat("0.", 31) + "g.ip6.arpa.":     "",
		strings.Repeat("0.", 30) + "00-ip6.arpa.":    "",
		strings.Repeat("0.", 30) + "0.ip6.arpa.":     "",
	} {
		got, ok := parseReverse(name)
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("%s: %v, %v, want %s", name, got, ok, want)
		}
	}
}

// FuzzConsider: whatever arrives, the answer is a message that fits, to the
// query that was asked.
func FuzzConsider(f *testing.F) {
	f.Add(ask(f, "web.", dnsmessage.TypeA, 1232), false)
	f.Add(ask(f, "2.0.0.10.in-addr.arpa.", dnsmessage.TypePTR, 0), true)
	f.Add(ask(f, ".", dnsmessage.TypeALL, 65535), false)
	f.Add([]byte{0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0xc0, 12, 0, 1, 0, 1}, false)
	f.Fuzz(func(t *testing.T, msg []byte, stream bool) {
		q, answer, ours := (&Responder{names: few, forward: &forwarder{}}).consider(msg, stream)
		if !ours {
			if end := questionEnd(msg); end > len(msg) || end < headSize+5 {
				t.Fatalf("the question of a query ends at %d of %d", end, len(msg))
			}
			return
		}
		if answer == nil {
			return
		}
		var m dnsmessage.Message
		if err := m.Unpack(answer); err != nil {
			t.Fatalf("the answer cannot be read: %v", err)
		}
		if !m.Response || m.ID != q.header.ID || len(answer) > ednsSize {
			t.Fatalf("the answer is %+v of %d bytes", m.Header, len(answer))
		}
	})
}

func BenchmarkAnswer(b *testing.B) {
	msg := ask(b, "web.", dnsmessage.TypeA, 1232)
	r := &Responder{names: few}
	b.ReportAllocs()
	for b.Loop() {
		if _, answer, _ := r.consider(msg, false); answer == nil {
			b.Fatal("no answer")
		}
	}
}
