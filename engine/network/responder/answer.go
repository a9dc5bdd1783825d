package responder

import (
	"encoding/binary"
	"math/rand/v2"

	"golang.org/x/net/dns/dnsmessage"

	"gantry/internal/inetaddr"
)

// Names are what a responder knows by itself.
type Names interface {
	// Lookup returns the addresses of a name; known is true also of a name of
	// ours that has none.
	Lookup(name string) (addrs []inetaddr.Addr, known bool)
	// Reverse returns the name of an address of ours.
	Reverse(addr inetaddr.Addr) (name string, known bool)
}

const (
	// ttl is docker's, in seconds. Programs that keep answers for as long are
	// rare; those that do meet the same with docker.
	ttl = 600
	// plainSize is what a UDP message without EDNS may have (RFC 1035), ednsSize
	// what we take and give at most with it: on the loopback device nothing is
	// ever fragmented.
	plainSize = 512
	ednsSize  = 4096
	headSize  = 12
	optSize   = 11
)

// query is a message that asks one question.
type query struct {
	header   dnsmessage.Header
	question dnsmessage.Question
	edns     bool
	version  int // of EDNS
	size     int // of the largest answer by UDP
}

// parse takes a message apart. refusal tells with what code to answer what is
// no query that we understand; respond is false where there is nothing to
// answer: an answer to an answer may go round for ever.
func parse(msg []byte) (q query, refusal dnsmessage.RCode, respond bool) {
	var p dnsmessage.Parser
	var err error
	if q.header, err = p.Start(msg); err != nil || q.header.Response {
		return q, 0, false
	}
	if q.header.OpCode != 0 {
		return q, dnsmessage.RCodeNotImplemented, true
	}
	q.size = plainSize
	if q.question, err = p.Question(); err != nil {
		return q, dnsmessage.RCodeFormatError, true
	}
	if binary.BigEndian.Uint16(msg[4:]) != 1 { // QDCOUNT
		return q, dnsmessage.RCodeFormatError, true
	}
	if p.SkipAllQuestions() != nil || p.SkipAllAnswers() != nil || p.SkipAllAuthorities() != nil {
		return q, dnsmessage.RCodeFormatError, true
	}
	for {
		h, err := p.AdditionalHeader()
		if err == dnsmessage.ErrSectionDone {
			return q, dnsmessage.RCodeSuccess, true
		}
		if err == nil && h.Type == dnsmessage.TypeOPT {
			q.edns, q.version = true, int(h.TTL>>16&0xff)
			q.size = min(max(int(h.Class), plainSize), ednsSize)
		}
		if err != nil || p.SkipAdditional() != nil {
			return q, dnsmessage.RCodeFormatError, true
		}
	}
}

// answer answers a query of what is ours; nil: it is not.
func (q *query) answer(names Names, limit int) []byte {
	if q.edns && q.version != 0 {
		return q.reply(badVersion, nil, limit)
	}
	if q.question.Class != dnsmessage.ClassINET {
		return nil
	}
	name := q.question.Name.String()
	if addr, ok := parseReverse(name); ok {
		host, known := names.Reverse(addr)
		if !known {
			return nil
		}
		return q.replyName(host, limit)
	}
	addrs, known := names.Lookup(name)
	if !known {
		return nil
	}
	return q.reply(dnsmessage.RCodeSuccess, q.chosen(addrs), limit)
}

// chosen are the addresses of the type that was asked for, in another order
// each time: programs take the first.
func (q *query) chosen(addrs []inetaddr.Addr) []inetaddr.Addr {
	var out []inetaddr.Addr
	for _, a := range addrs {
		switch t := q.question.Type; {
		case t == dnsmessage.TypeALL, t == dnsmessage.TypeA && a.Is4(), t == dnsmessage.TypeAAAA && a.Is6():
			out = append(out, a)
		}
	}
	rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// badVersion is BADVERS of RFC 6891, whose upper bits are in the OPT record.
const badVersion dnsmessage.RCode = 16

// reply makes a message of addresses. Those that do not fit are left out, and
// the message says so: the asker then comes by TCP.
func (q *query) reply(code dnsmessage.RCode, addrs []inetaddr.Addr, limit int) []byte {
	room := limit - headSize - (int(q.question.Name.Length) + 1 + 4)
	if q.edns {
		room -= optSize
	}
	fit := 0
	for fit < len(addrs) {
		// The name is a pointer of two bytes; type, class, TTL and length ten.
		if room -= 2 + 10 + addrs[fit].BitLen()/8; room < 0 {
			break
		}
		fit++
	}
	return q.build(code, fit < len(addrs), func(b *dnsmessage.Builder, h dnsmessage.ResourceHeader) error {
		for _, a := range addrs[:fit] {
			var err error
			if a.Is4() {
				err = b.AResource(h, dnsmessage.AResource{A: a.As4()})
			} else {
				err = b.AAAAResource(h, dnsmessage.AAAAResource{AAAA: a.As16()})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// replyName makes a message of the name that an address has.
func (q *query) replyName(host string, limit int) []byte {
	name, err := dnsmessage.NewName(host + ".")
	if err != nil {
		return q.reply(dnsmessage.RCodeSuccess, nil, limit)
	}
	return q.build(dnsmessage.RCodeSuccess, false, func(b *dnsmessage.Builder, h dnsmessage.ResourceHeader) error {
		if q.question.Type != dnsmessage.TypePTR && q.question.Type != dnsmessage.TypeALL {
			return nil
		}
		return b.PTRResource(h, dnsmessage.PTRResource{PTR: name})
	})
}

// build makes a message that answers the query; nil: it cannot be made, as of a
// name with an empty label.
func (q *query) build(code dnsmessage.RCode, truncated bool, answers func(*dnsmessage.Builder, dnsmessage.ResourceHeader) error) []byte {
	b := dnsmessage.NewBuilder(make([]byte, 0, plainSize), dnsmessage.Header{
		ID: q.header.ID, Response: true, OpCode: q.header.OpCode, Truncated: truncated, RecursionDesired: q.header.RecursionDesired,
		RecursionAvailable: true, Authoritative: code == dnsmessage.RCodeSuccess, RCode: code & 0xf,
	})
	b.EnableCompression()
	if b.StartQuestions() != nil || q.question.Name.Length > 0 && b.Question(q.question) != nil || b.StartAnswers() != nil {
		return nil
	}
	h := dnsmessage.ResourceHeader{Name: q.question.Name, Class: dnsmessage.ClassINET, TTL: ttl}
	if answers != nil && answers(&b, h) != nil {
		return nil
	}
	if q.edns {
		var opt dnsmessage.ResourceHeader
		if b.StartAdditionals() != nil || opt.SetEDNS0(ednsSize, code, false) != nil || b.OPTResource(opt, dnsmessage.OPTResource{}) != nil {
			return nil
		}
	}
	msg, err := b.Finish()
	if err != nil {
		return nil
	}
	return msg
}

// fail is an answer without data.
func (q *query) fail(code dnsmessage.RCode) []byte { return q.build(code, false, nil) }
