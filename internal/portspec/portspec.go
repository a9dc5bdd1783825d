// Package portspec is how people write ports: docker's -p, -P, --expose and the
// PORTS column. It is pure, for the command line, the workbench and the engine.
//
// Invariant: what Publish accepts docker accepts with the same meaning.
package portspec

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"gantry/engine"
)

// Range is one port, or several in a row.
type Range struct{ First, Last uint16 }

// Count is how many ports it has.
func (r Range) Count() int { return int(r.Last) - int(r.First) + 1 }

func (r Range) String() string {
	if r.First == r.Last {
		return strconv.Itoa(int(r.First))
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// ParseRange reads "80" or "8000-8010".
func ParseRange(s string) (Range, error) {
	first, last, several := strings.Cut(s, "-")
	if !several {
		last = first
	}
	a, errA := strconv.ParseUint(first, 10, 16)
	b, errB := strconv.ParseUint(last, 10, 16)
	switch {
	case errA != nil || errB != nil:
		return Range{}, fmt.Errorf("%q is not a port: want 1 to 65535, or a range as in 8000-8010", s)
	case a > b:
		return Range{}, fmt.Errorf("the range of ports %s ends before it begins", s)
	}
	return Range{uint16(a), uint16(b)}, nil
}

// Parse reads ports of a container: "80", "53/udp", "8000-8010/tcp".
func Parse(s string) (r Range, proto string, err error) {
	port, proto, given := strings.Cut(s, "/")
	if !given {
		proto = "tcp"
	}
	proto = strings.ToLower(proto)
	if proto != "tcp" && proto != "udp" && proto != "sctp" {
		return r, "", fmt.Errorf("port %q: unknown protocol %q: want tcp, udp or sctp", s, proto)
	}
	if r, err = ParseRange(port); err == nil && r.First == 0 {
		err = fmt.Errorf("port %q: a container's port is 1 to 65535", s)
	}
	return r, proto, err
}

// Key is the port as it stands in an engine.PortMap.
func Key(port uint16, proto string) string { return strconv.Itoa(int(port)) + "/" + proto }

// Expose reads the values of --expose.
func Expose(specs []string) (map[string]struct{}, error) {
	ports := map[string]struct{}{}
	for _, s := range specs {
		if strings.Contains(s, ":") {
			return nil, fmt.Errorf("--expose %q: a port of the host is published with -p", s)
		}
		r, proto, err := Parse(s)
		if err != nil {
			return nil, fmt.Errorf("--expose: %w", err)
		}
		for i := range r.Count() {
			ports[Key(r.First+uint16(i), proto)] = struct{}{}
		}
	}
	return ports, nil
}

// Publish reads the values of -p:
//
//	[[ADDRESS:][PORTS]:]PORTS[/PROTOCOL], ADDRESS of IPv6 in brackets or not
//	published=PORTS,target=PORTS,protocol=PROTOCOL
func Publish(specs []string) (engine.PortMap, error) {
	m := engine.PortMap{}
	for _, s := range specs {
		if err := publish(m, s); err != nil {
			return nil, fmt.Errorf("-p %q: %w", s, err)
		}
	}
	return m, nil
}

func publish(m engine.PortMap, s string) error {
	if strings.Contains(s, "=") {
		var err error
		if s, err = standard(s); err != nil {
			return err
		}
	}
	host, hostPorts, inside := split(s)
	r, proto, err := Parse(inside)
	if err != nil {
		return err
	}
	if host, err = address(host); err != nil {
		return err
	}
	var outside Range
	if hostPorts != "" {
		if outside, err = ParseRange(hostPorts); err != nil {
			return err
		}
		if outside.Count() != r.Count() && r.Count() != 1 {
			return fmt.Errorf("%s and %s are ranges of different lengths", outside, r)
		}
		if outside.First == 0 && outside.Last != 0 {
			return fmt.Errorf("%q is not a port: want 1 to 65535", hostPorts)
		}
	}
	for i := range r.Count() {
		b := engine.PortBinding{HostIP: host}
		switch {
		case hostPorts == "" || outside.First == 0: // any
		case r.Count() == 1:
			b.HostPort = outside.String() // one of them
		default:
			b.HostPort = strconv.Itoa(int(outside.First) + i)
		}
		key := Key(r.First+uint16(i), proto)
		m[key] = append(m[key], b)
	}
	return nil
}

// standard turns the long form into the short one.
func standard(s string) (string, error) {
	values := map[string]string{"protocol": "tcp"}
	for field := range strings.SplitSeq(s, ",") {
		k, v, ok := strings.Cut(field, "=")
		switch k {
		case "published", "target", "protocol", "mode":
		default:
			return "", fmt.Errorf("unknown option %q: want published, target, protocol", k)
		}
		if !ok {
			return "", fmt.Errorf("option %q has no value", k)
		}
		values[k] = v
	}
	if values["target"] == "" {
		return "", fmt.Errorf("target, the container's port, is missing")
	}
	return values["published"] + ":" + values["target"] + "/" + values["protocol"], nil
}

// split takes apart what colons separate. An address may have colons itself.
func split(s string) (host, hostPorts, inside string) {
	rest, inside := cutLast(s)
	host, hostPorts = cutLast(rest)
	return host, hostPorts, inside
}

func cutLast(s string) (before, after string) {
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		return s[:i], s[i+1:]
	}
	return "", s
}

// address checks an address of the host; "" is every one.
func address(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	bare := s
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		bare = s[1 : len(s)-1]
	}
	a, err := netip.ParseAddr(bare)
	if err != nil || a.Zone() != "" {
		return "", fmt.Errorf("%q is not an address of the host: want for instance 127.0.0.1 or [::1]", s)
	}
	return a.String(), nil
}
