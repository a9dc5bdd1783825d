package cli

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"gantry/engine"
)

// subnetFlags are the ranges of a new network. Docker's command line has a list
// of each and leaves it to the addresses what belongs together.
type subnetFlags struct{ subnets, ranges, gateways, aux list }

// subnets puts together what belongs together.
func (s *subnetFlags) pair() ([]engine.Subnet, error) {
	var out []engine.Subnet
	var prefixes []netip.Prefix
	for _, text := range splitList(s.subnets) {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("--subnet %q: want an address with its prefix length, as in 10.5.0.0/24", text)
		}
		for _, other := range prefixes {
			if other.Overlaps(p) {
				return nil, errors.New("--subnet: multiple overlapping subnet configuration is not supported")
			}
		}
		prefixes = append(prefixes, p)
		out = append(out, engine.Subnet{Subnet: text})
	}
	find := func(flag, text string, a netip.Addr) (*engine.Subnet, error) {
		for i, p := range prefixes {
			if p.Contains(a) {
				return &out[i], nil
			}
		}
		return nil, fmt.Errorf("--%s %s: no matching --subnet holds it", flag, text)
	}
	for _, text := range splitList(s.ranges) {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("--ip-range %q: want an address with its prefix length, as in 10.5.0.128/25", text)
		}
		n, err := find("ip-range", text, p.Addr())
		if err != nil {
			return nil, err
		}
		if n.IPRange != "" {
			return nil, fmt.Errorf("--ip-range: cannot configure multiple ranges (%s, %s) on the same subnet (%s)", text, n.IPRange, n.Subnet)
		}
		n.IPRange = text
	}
	for _, text := range splitList(s.gateways) {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return nil, fmt.Errorf("--gateway %q: want an address", text)
		}
		n, err := find("gateway", text, a)
		if err != nil {
			return nil, err
		}
		if n.Gateway != "" {
			return nil, fmt.Errorf("--gateway: cannot configure multiple gateways (%s, %s) for the same subnet (%s)", text, n.Gateway, n.Subnet)
		}
		n.Gateway = text
	}
	return out, s.auxiliary(find)
}

func (s *subnetFlags) auxiliary(find func(flag, text string, a netip.Addr) (*engine.Subnet, error)) error {
	aux, err := optionMap("--aux-address", s.aux)
	if err != nil {
		return err
	}
	for name, text := range aux {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return fmt.Errorf("--aux-address %s=%s: want NAME=ADDRESS", name, text)
		}
		n, err := find("aux-address", text, a)
		if err != nil {
			return err
		}
		if n.Aux == nil {
			n.Aux = map[string]string{}
		}
		n.Aux[name] = text
	}
	return nil
}

// splitList takes values that are separated by commas, too, as docker does.
func splitList(l list) []string {
	var out []string
	for _, s := range l {
		out = append(out, strings.Split(s, ",")...)
	}
	return out
}

func (a *app) createNetworkCmd() *cobra.Command {
	var opts engine.NetworkCreateOptions
	var subnets subnetFlags
	var labels, options list
	var v4 bool
	cmd := &cobra.Command{
		Use: "create [OPTIONS] NETWORK", Short: "Create a network",
		Long: "Create a network. Containers on it find each other by name; its interface on the host comes with\n" +
			"the first of them.",
		Example: "  gantry network create shop\n" +
			"  gantry network create --subnet 10.5.0.0/24 --gateway 10.5.0.1 --ip-range 10.5.0.128/25 shop\n" +
			"  gantry network create --ipv6 --subnet fd00:5::/64 dual\n" +
			"  gantry network create --internal --opt com.docker.network.driver.mtu=9000 backend",
		Args: args(1, 1), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, names []string) (err error) {
			opts.Name = names[0]
			if cmd.Flags().Changed("ipv4") {
				opts.EnableIPv4 = &v4
			}
			if opts.Subnets, err = subnets.pair(); err != nil {
				return &usageError{cmd: cmd, err: err}
			}
			if opts.Labels, err = labelMap(nil, labels); err != nil {
				return &usageError{cmd: cmd, err: err}
			}
			if opts.Options, err = optionMap("--opt", options); err != nil {
				return &usageError{cmd: cmd, err: err}
			}
			nets, err := a.nets(cmd.Context())
			if err != nil {
				return err
			}
			res, err := nets.Create(cmd.Context(), opts)
			if err != nil {
				return err
			}
			for _, w := range res.Warnings {
				fmt.Fprintf(a.std.Err, "WARNING: %s\n", w)
			}
			a.println(string(res.ID))
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVar(&opts.Attachable, "attachable", false, "Enable manual container attachment (every network has it)")
	f.Var(&subnets.aux, "aux-address", "Auxiliary IPv4 or IPv6 addresses used by Network driver (NAME=ADDRESS)")
	f.StringVarP(&opts.Driver, "driver", "d", "bridge", "Driver to manage the Network")
	f.Var(&subnets.gateways, "gateway", "IPv4 or IPv6 Gateway for the master subnet")
	f.BoolVar(&opts.Internal, "internal", false, "Restrict external access to the network")
	f.Var(&subnets.ranges, "ip-range", "Allocate container ip from a sub-range")
	f.StringVar(&opts.IPAMDriver, "ipam-driver", "default", "IP Address Management Driver")
	f.BoolVar(&v4, "ipv4", true, "Enable or disable IPv4 address assignment")
	f.BoolVar(&opts.EnableIPv6, "ipv6", false, "Enable or disable IPv6 address assignment")
	f.Var(&labels, "label", "Set metadata on a network")
	f.VarP(&options, "opt", "o", "Set driver specific options")
	f.Var(&subnets.subnets, "subnet", "Subnet in CIDR format that represents a network segment")
	_ = cmd.RegisterFlagCompletionFunc("driver", cobra.FixedCompletions([]string{"bridge"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("opt", cobra.FixedCompletions([]string{
		"com.docker.network.bridge.name=", "com.docker.network.bridge.enable_icc=", "com.docker.network.bridge.enable_ip_masquerade=",
		"com.docker.network.bridge.host_binding_ipv4=", "com.docker.network.driver.mtu=",
	}, cobra.ShellCompDirectiveNoSpace))
	return cmd
}
