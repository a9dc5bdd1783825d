package dockerfile

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"

	"gantry/images/build/plan"
)

// expose does EXPOSE, whose words may each become several.
func (p *planner) expose(s *stage, cmd *instructions.ExposeCommand, step *plan.Step) error {
	var ports []string
	for _, written := range cmd.Ports {
		words, err := p.lex.ProcessWords(written, s.env)
		if err != nil {
			return unsetHint(err)
		}
		for _, word := range words {
			more, err := p.ports(word, cmd)
			if err != nil {
				return fmt.Errorf("invalid port: %q: %w", word, err)
			}
			ports = append(ports, more...)
		}
	}
	cfg := &s.file.Config
	if cfg.ExposedPorts == nil {
		cfg.ExposedPorts = map[string]struct{}{}
	}
	for _, port := range ports {
		cfg.ExposedPorts[port] = struct{}{}
	}
	step.CreatedBy = fmt.Sprintf("EXPOSE %v", ports)
	step.Name = "EXPOSE " + strings.Join(ports, " ")
	return nil
}

// ports reads [[IP:]HOST:]PORT[-PORT][/PROTOCOL]. What is in front of the
// container's port has no effect, but docker takes it.
func (p *planner) ports(word string, cmd *instructions.ExposeCommand) ([]string, error) {
	spec, proto, _ := strings.Cut(word, "/")
	host, ip := "", ""
	if i := strings.LastIndexByte(spec, ':'); i >= 0 {
		host, spec = spec[:i], spec[i+1:]
		if i := strings.LastIndexByte(host, ':'); i >= 0 {
			ip, host = host[:i], host[i+1:]
		}
	}
	switch strings.ToLower(proto) {
	case "", "tcp", "udp", "sctp":
	default:
		return nil, fmt.Errorf("invalid proto: %s", proto)
	}
	if proto != strings.ToLower(proto) {
		p.lint.Run(&linter.RuleExposeProtoCasing, cmd.Location(), linter.RuleExposeProtoCasing.Format(word))
	}
	if ip != "" || host != "" {
		p.lint.Run(&linter.RuleExposeInvalidFormat, cmd.Location(), linter.RuleExposeInvalidFormat.Format(word))
	}
	if ip != "" {
		if _, err := netip.ParseAddr(strings.Trim(ip, "[]")); err != nil {
			return nil, fmt.Errorf("invalid IP address: %s", ip)
		}
	}
	first, last, err := portRange(spec)
	if err != nil {
		return nil, err
	}
	if host != "" {
		from, to, err := portRange(host)
		if err != nil {
			return nil, fmt.Errorf("invalid hostPort: %w", err)
		}
		if to-from != last-first && first != last {
			return nil, fmt.Errorf("invalid ranges specified for container and host Ports: %s and %s", spec, host)
		}
	}
	proto = strings.ToLower(proto)
	if proto == "" {
		proto = "tcp"
	}
	var ports []string
	for n := first; n <= last; n++ {
		ports = append(ports, strconv.Itoa(n)+"/"+proto)
	}
	return ports, nil
}

func portRange(s string) (first, last int, err error) {
	if s == "" {
		return 0, 0, fmt.Errorf("no port specified")
	}
	a, b, isRange := strings.Cut(s, "-")
	if first, err = portNumber(a); err != nil || !isRange {
		return first, first, err
	}
	if last, err = portNumber(b); err == nil && last < first {
		err = fmt.Errorf("invalid port range: %s", s)
	}
	return first, last, err
}

func portNumber(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%q is no port: want a number from 0 to 65535", s)
	}
	return int(n), nil
}
