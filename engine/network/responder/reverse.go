package responder

import (
	"strconv"
	"strings"

	"gantry/internal/inetaddr"
)

// parseReverse reads an address out of the name that a PTR record of it has:
// 4.3.2.1.in-addr.arpa, or 32 digits of ip6.arpa (RFC 3596).
func parseReverse(name string) (inetaddr.Addr, bool) {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if rest, ok := strings.CutSuffix(name, ".in-addr.arpa"); ok {
		return parseReverse4(rest)
	}
	if rest, ok := strings.CutSuffix(name, ".ip6.arpa"); ok {
		return parseReverse6(rest)
	}
	return inetaddr.Addr{}, false
}

func parseReverse4(rest string) (inetaddr.Addr, bool) {
	labels := strings.Split(rest, ".")
	if len(labels) != 4 {
		return inetaddr.Addr{}, false
	}
	var b [4]byte
	for i, l := range labels {
		n, err := strconv.ParseUint(l, 10, 8)
		if err != nil || strconv.FormatUint(n, 10) != l {
			return inetaddr.Addr{}, false
		}
		b[3-i] = byte(n)
	}
	return inetaddr.FromSlice(b[:]), true
}

func parseReverse6(rest string) (inetaddr.Addr, bool) {
	if len(rest) != 63 { // 32 digits with dots between
		return inetaddr.Addr{}, false
	}
	var b [16]byte
	for i := range 32 {
		n, err := strconv.ParseUint(rest[2*i:2*i+1], 16, 8)
		if err != nil || i < 31 && rest[2*i+1] != '.' {
			return inetaddr.Addr{}, false
		}
		// The last digit comes first.
		b[15-i/2] |= byte(n) << (4 * (i % 2))
	}
	return inetaddr.FromSlice(b[:]), true
}
