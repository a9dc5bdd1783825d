package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"gantry/engine"
)

func (a *app) networkCmd() *cobra.Command {
	return a.family("network", "Manage networks",
		a.connectCmd(), a.createNetworkCmd(), a.disconnectCmd(), as("inspect", a.inspectKindCmd("network")),
		a.listNetworksCmd(), a.pruneNetworksCmd(), a.removeNetworksCmd())
}

func (a *app) nets(ctx context.Context) (engine.Networks, error) {
	eng, err := a.engine(ctx)
	if err != nil {
		return nil, err
	}
	return eng.Networks(), nil
}

// networkRow holds docker's placeholders, in the order of its JSON.
type networkRow struct {
	CreatedAt string
	Driver    string
	ID        string
	IPv4      string
	IPv6      string
	Internal  string
	Labels    string
	Name      string
	Scope     string
	labels
}

func networkHeader() networkRow {
	return networkRow{
		CreatedAt: "CREATED AT", Driver: "DRIVER", ID: "NETWORK ID", IPv4: "IPV4", IPv6: "IPV6", Internal: "INTERNAL",
		Labels: "LABELS", Name: "NAME", Scope: "SCOPE", labels: labels{heading: true},
	}
}

func newNetworkRow(n engine.Network, whole bool) networkRow {
	id := n.ID.Short()
	if whole {
		id = string(n.ID)
	}
	return networkRow{
		CreatedAt: n.Created.String(), Driver: n.Driver, ID: id, IPv4: strconv.FormatBool(n.EnableIPv4), IPv6: strconv.FormatBool(n.EnableIPv6),
		Internal: strconv.FormatBool(n.Internal), Labels: pairs(n.Labels), Name: n.Name, Scope: n.Scope, labels: labels{of: n.Labels},
	}
}

func (a *app) listNetworksCmd() *cobra.Command {
	var filter filters
	var quiet, whole bool
	p := printer[networkRow]{table: "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}", header: networkHeader()}
	cmd := &cobra.Command{
		Use: "ls [OPTIONS]", Aliases: []string{"list"}, Short: "List networks",
		Example: "  gantry network ls\n" +
			"  gantry network ls --filter type=custom -q\n" +
			"  gantry network ls --format 'table {{.Name}}\\t{{.IPv6}}\\t{{.Internal}}'",
		Args: args(0, 0), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			nets, err := a.nets(cmd.Context())
			if err != nil {
				return err
			}
			if quiet {
				p.quiet = "{{.ID}}"
			}
			found, err := nets.List(cmd.Context(), engine.NetworkListOptions{Filters: engine.Filters(filter)})
			if err != nil {
				return err
			}
			slices.SortFunc(found.Items, func(a, b engine.Network) int { return strings.Compare(a.Name, b.Name) })
			rows := make([]networkRow, 0, len(found.Items))
			for _, n := range found.Items {
				rows = append(rows, newNetworkRow(n, whole))
			}
			return p.write(a.std.Out, rows)
		},
	}
	f := cmd.Flags()
	f.VarP(&filter, "filter", "f", `Provide filter values (e.g. "driver=bridge")`)
	f.StringVar(&p.format, "format", "", formatHelp)
	f.BoolVar(&whole, "no-trunc", false, "Do not truncate the output")
	f.BoolVarP(&quiet, "quiet", "q", false, "Only display network IDs")
	_ = cmd.RegisterFlagCompletionFunc("filter", cobra.FixedCompletions(
		[]string{"dangling=true", "driver=bridge", "id=", "label=", "name=", "scope=local", "type=custom", "type=builtin"}, cobra.ShellCompDirectiveNoSpace))
	return cmd
}

func (a *app) removeNetworksCmd() *cobra.Command {
	var opts engine.NetworkRemoveOptions
	cmd := &cobra.Command{
		Use: "rm NETWORK [NETWORK...]", Aliases: []string{"remove"}, Short: "Remove one or more networks",
		Long:    "Remove one or more networks. You cannot remove a network that running containers are connected to.",
		Example: "  gantry network rm shop\n  gantry network rm $(gantry network ls -q --filter dangling=true)",
		Args:    args(1, -1), ValidArgsFunction: a.completeNetworks(-1, true),
		RunE: func(cmd *cobra.Command, names []string) error {
			nets, err := a.nets(cmd.Context())
			if err != nil {
				return err
			}
			return a.each(names, func(name string) error { return nets.Remove(cmd.Context(), name, opts) })
		},
	}
	cmd.Flags().BoolVarP(&opts.Force, "force", "f", false, "Do not error if the network does not exist")
	return cmd
}

func (a *app) connectCmd() *cobra.Command {
	var opts engine.EndpointOptions
	var aliases, linkLocal, driver list
	cmd := &cobra.Command{
		Use: "connect [OPTIONS] NETWORK CONTAINER", Short: "Connect a container to a network",
		Long: "Connect a container to a network. One that runs gets a further interface at once.",
		Example: "  gantry network connect shop web\n" +
			"  gantry network connect --ip 10.5.0.7 --alias db shop postgres",
		Args: args(2, 2), ValidArgsFunction: a.completeConnect(),
		RunE: func(cmd *cobra.Command, names []string) error {
			nets, err := a.nets(cmd.Context())
			if err != nil {
				return err
			}
			opts.Aliases, opts.LinkLocal = aliases, linkLocal
			if opts.DriverOpts, err = optionMap("--driver-opt", driver); err != nil {
				return &usageError{cmd: cmd, err: err}
			}
			for flag, check := range map[string]func(string) error{"ip": checkIP4, "ip6": checkIP6} {
				if value := cmd.Flag(flag).Value.String(); value != "" && check(value) != nil {
					return &usageError{cmd: cmd, err: fmt.Errorf("--%s %q: %w", flag, value, check(value))}
				}
			}
			return nets.Connect(cmd.Context(), names[0], names[1], opts)
		},
	}
	f := cmd.Flags()
	f.Var(&aliases, "alias", "Add network-scoped alias for the container")
	f.Var(&driver, "driver-opt", "Driver options for the network")
	f.IntVar(&opts.GwPriority, "gw-priority", 0, "Highest gw-priority provides the default gateway. Accepts positive and negative values.")
	f.StringVar(&opts.IPv4, "ip", "", "IPv4 address (e.g., 172.30.100.104)")
	f.StringVar(&opts.IPv6, "ip6", "", "IPv6 address (e.g., 2001:db8::33)")
	f.Var(&linkLocal, "link-local-ip", "Add a link-local address for the container")
	return cmd
}

func (a *app) disconnectCmd() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use: "disconnect [OPTIONS] NETWORK CONTAINER", Short: "Disconnect a container from a network",
		Example: "  gantry network disconnect shop web",
		Args:    args(2, 2), ValidArgsFunction: a.completeConnect(),
		RunE: func(cmd *cobra.Command, names []string) error {
			nets, err := a.nets(cmd.Context())
			if err != nil {
				return err
			}
			return nets.Disconnect(cmd.Context(), names[0], names[1], force)
		},
	}
	cmd.Flags().BoolVarP(&force, "force", "f", false, "Force the container to disconnect from a network")
	return cmd
}

func (a *app) pruneNetworksCmd() *cobra.Command {
	var flags pruneFlags
	cmd := &cobra.Command{
		Use: "prune [OPTIONS]", Short: "Remove all unused networks",
		Long:    "Remove all networks that no running container is connected to, except bridge, host and none.",
		Example: "  gantry network prune\n  gantry network prune -f --filter until=24h",
		Args:    args(0, 0), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts, err := flags.options(pruneFilters)
			if err != nil {
				return &usageError{cmd: cmd, err: err}
			}
			if !flags.force {
				if err := a.confirm(cmd.Context(), "WARNING! This will remove all custom networks not used by at least one container.\nAre you sure you want to continue?"); err != nil {
					return err
				}
			}
			return a.pruneNetworks(cmd.Context(), opts)
		},
	}
	flags.add(cmd, "")
	return cmd
}

func (a *app) pruneNetworks(ctx context.Context, opts engine.PruneOptions) error {
	nets, err := a.nets(ctx)
	if err != nil {
		return err
	}
	report, err := nets.Prune(ctx, opts)
	a.listPruned("Deleted Networks:", report)
	return err
}

// completeNetworks offers the names of networks; of custom ones only, or of all.
func (a *app) completeNetworks(max int, custom bool) completer {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if !wantsMore(args, max) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.networkNames(cmd.Context(), args, custom), cobra.ShellCompDirectiveNoFileComp
	}
}

// networkNames lists networks but for those in without.
func (a *app) networkNames(ctx context.Context, without []string, custom bool) []string {
	nets, err := a.nets(ctx)
	if err != nil {
		return nil
	}
	list, err := nets.List(ctx, engine.NetworkListOptions{})
	if err != nil {
		return nil
	}
	var names []string
	for _, n := range list.Items {
		if custom && n.Predefined() || slices.Contains(without, n.Name) {
			continue
		}
		about := n.Driver
		if len(n.IPAM.Config) > 0 {
			about += " " + n.IPAM.Config[0].Subnet
		}
		if c := len(n.Containers); c > 0 {
			about += ", " + plural(c, "container")
		}
		names = append(names, cobra.CompletionWithDesc(n.Name, about))
	}
	return names
}

// completeConnect completes a network and then a container.
func (a *app) completeConnect() completer {
	containers := a.completeContainers(-1, anyState)
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		switch len(args) {
		case 0:
			return a.networkNames(cmd.Context(), []string{engine.NetworkHost, engine.NetworkNone}, false), cobra.ShellCompDirectiveNoFileComp
		case 1:
			return containers(cmd, nil, typed)
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeNetworkFlag completes --network.
func (a *app) completeNetworkFlag(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	if strings.Contains(typed, "=") || strings.HasPrefix(typed, engine.NetworkContainer) {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.networkNames(cmd.Context(), nil, false), cobra.ShellCompDirectiveNoFileComp
}
