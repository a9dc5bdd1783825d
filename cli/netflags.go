package cli

import (
	"encoding/csv"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"gantry/engine"
)

// networkFlags say which networks a container has, for run and create.
type networkFlags struct {
	aliases         list
	ip, ip6         string
	linkLocal       list
	mac             string
	network, netOld list // --network and its older name
}

func (n *networkFlags) add(f *pflag.FlagSet) {
	f.Var(&n.network, "network", "Connect a container to a network: a name, none, host, or name=NET,alias=NAME,ip=ADDR (can be given several times)")
	f.Var(&n.netOld, "net", "Connect a container to a network")
	f.Var(&n.aliases, "network-alias", "Add network-scoped alias for the container")
	f.Var(&n.aliases, "net-alias", "Add network-scoped alias for the container")
	f.StringVar(&n.ip, "ip", "", "IPv4 address (e.g., 172.30.100.104)")
	f.StringVar(&n.ip6, "ip6", "", "IPv6 address (e.g., 2001:db8::33)")
	f.Var(&n.linkLocal, "link-local-ip", "Container IPv4/IPv6 link-local addresses")
	f.StringVar(&n.mac, "mac-address", "", "Container MAC address (e.g., 92:d0:c6:0a:29:33)")
	_ = f.MarkHidden("net")
	_ = f.MarkHidden("net-alias")
}

// attachments are the networks that were asked for, the first one with what the
// flags beside --network say. mode is the first one's name; "" is the default.
func (n *networkFlags) attachments() (mode string, out []engine.NetworkAttachment, err error) {
	for _, s := range slices.Concat(n.network, n.netOld) {
		a, err := parseAttachment(s)
		if err != nil {
			return "", nil, fmt.Errorf("--network %q: %w", s, err)
		}
		if slices.ContainsFunc(out, func(o engine.NetworkAttachment) bool { return o.Network == a.Network }) {
			return "", nil, fmt.Errorf("--network %q: the network %s is named twice", s, a.Network)
		}
		out = append(out, a)
	}
	if len(out) == 0 {
		out = []engine.NetworkAttachment{{}}
	}
	if err := n.first(&out[0]); err != nil {
		return "", nil, err
	}
	mode = out[0].Network
	if len(out) == 1 && plainAttachment(out[0]) {
		return mode, nil, nil // the mode says it all
	}
	return mode, out, nil
}

func plainAttachment(a engine.NetworkAttachment) bool {
	o := a.EndpointOptions
	return len(o.Aliases)+len(o.LinkLocal)+len(o.DriverOpts) == 0 && o.IPv4 == "" && o.IPv6 == "" && o.MAC == "" && o.GwPriority == 0
}

// first gives the first network what flags of their own say.
func (n *networkFlags) first(a *engine.NetworkAttachment) error {
	both := func(flag string) error {
		return fmt.Errorf("--%s conflicts with what --network says of the network %s", flag, a.Network)
	}
	set := func(flag, value string, into *string, check func(string) error) error {
		if value == "" {
			return nil
		}
		if *into != "" {
			return both(flag)
		}
		if err := check(value); err != nil {
			return fmt.Errorf("--%s %q: %w", flag, value, err)
		}
		*into = value
		return nil
	}
	if len(n.aliases) > 0 {
		if len(a.Aliases) > 0 {
			return both("network-alias")
		}
		if a.Network == "" || engine.PredefinedNetwork(a.Network) || a.Network == "default" {
			return errors.New("--network-alias: network-scoped aliases are only supported for user-defined networks")
		}
		a.Aliases = n.aliases
	}
	if len(n.linkLocal) > 0 {
		if len(a.LinkLocal) > 0 {
			return both("link-local-ip")
		}
		a.LinkLocal = n.linkLocal
	}
	return errors.Join(set("ip", n.ip, &a.IPv4, checkIP4), set("ip6", n.ip6, &a.IPv6, checkIP6), set("mac-address", n.mac, &a.MAC, checkMAC))
}

func checkIP4(s string) error {
	if a, err := netip.ParseAddr(s); err != nil || !a.Is4() {
		return errors.New("want an IPv4 address")
	}
	return nil
}

func checkIP6(s string) error {
	if a, err := netip.ParseAddr(s); err != nil || !a.Is6() || a.Zone() != "" {
		return errors.New("want an IPv6 address")
	}
	return nil
}

func checkMAC(s string) error {
	if mac, err := net.ParseMAC(s); err != nil || len(mac) != 6 {
		return errors.New("want six pairs of digits, as in 92:d0:c6:0a:29:33")
	}
	return nil
}

// parseAttachment reads docker's two forms of --network: a name, or
// name=NET,KEY=VALUE,….
func parseAttachment(s string) (engine.NetworkAttachment, error) {
	var a engine.NetworkAttachment
	if !strings.Contains(s, "=") {
		if a.Network = s; s == "" {
			return a, errors.New("the name is empty")
		}
		return a, nil
	}
	fields, err := csv.NewReader(strings.NewReader(s)).Read()
	if err != nil {
		return a, err
	}
	for _, field := range fields {
		key, value, ok := strings.Cut(strings.TrimSpace(field), "=")
		if !ok || value == "" {
			return a, fmt.Errorf("%q: want KEY=VALUE", field)
		}
		if err := setAttachment(&a, strings.ToLower(key), value); err != nil {
			return a, err
		}
	}
	if a.Network == "" {
		return a, errors.New("name=NETWORK is missing")
	}
	return a, nil
}

func setAttachment(a *engine.NetworkAttachment, key, value string) (err error) {
	switch key {
	case "name":
		a.Network = value
	case "alias":
		a.Aliases = append(a.Aliases, value)
	case "ip":
		a.IPv4, err = value, checkIP4(value)
	case "ip6":
		a.IPv6, err = value, checkIP6(value)
	case "mac-address":
		a.MAC, err = value, checkMAC(value)
	case "link-local-ip":
		a.LinkLocal = append(a.LinkLocal, value)
	case "driver-opt":
		k, v, ok := strings.Cut(value, "=")
		if !ok || k == "" {
			return fmt.Errorf("driver-opt %q: want KEY=VALUE", value)
		}
		if a.DriverOpts == nil {
			a.DriverOpts = map[string]string{}
		}
		a.DriverOpts[k] = v
	case "gw-priority":
		if a.GwPriority, err = strconv.Atoi(value); err != nil {
			return fmt.Errorf("gw-priority %q: want a whole number", value)
		}
	default:
		return fmt.Errorf("%q: there are name, alias, ip, ip6, mac-address, link-local-ip, driver-opt and gw-priority", key)
	}
	if err != nil {
		return fmt.Errorf("%s %q: %w", key, value, err)
	}
	return nil
}
