package ui

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/dialogs"
	"gantry/ui/feed"
	"gantry/ui/keys"
)

func networkActions() []keys.Action {
	list := []keys.Action{
		{ID: "network.open", Keys: []string{"enter"}, Command: "gantry network inspect OBJECT", Title: "Into the detail", Help: "Give the tab that is shown the focus", Short: "open"},
		{ID: "network.create", Keys: []string{"n"}, Word: "network-create", Args: "[NAME]", Command: "gantry network create OBJECT",
			Title: "Make a network…", Help: "Containers on it find each other by name", Short: "new"},
		{ID: "network.connect", Keys: []string{"c"}, Word: "network-connect", Args: "[NETWORK CONTAINER]", Command: "gantry network connect OBJECT CONTAINER",
			Title: "Connect a container…", Help: "Add the network to a container, at once when that runs", Short: "connect…"},
		{ID: "network.disconnect", Keys: []string{"D"}, Word: "network-disconnect", Args: "[NETWORK CONTAINER]", Command: "gantry network disconnect OBJECT CONTAINER",
			Title: "Disconnect a container…", Help: "Take the network away from a container", Short: "disconnect…", Asks: true},
		{ID: "network.remove", Keys: []string{"d"}, Word: "network-rm", Args: "[NETWORK…]", Command: "gantry network rm OBJECT",
			Title: "Remove…", Help: "Remove networks that nothing is connected to", Short: "remove…", Asks: true},
		{ID: "network.prune", Keys: []string{"b"}, Command: "gantry network prune",
			Title: "Prune…", Help: "Remove what nothing needs, after a look at all of it", Asks: true},
	}
	return within(keys.Networks, list)
}

func networkHandlers() map[keys.ID]handler {
	return map[keys.ID]handler{
		"network.open":       networkObjects.one(anyNetwork, func(m *Model, _ engine.Network) tea.Cmd { m.focus = detailPane; return nil }),
		"network.create":     always((*Model).askNetwork).taking(nil, networkWith),
		"network.connect":    networkObjects.one(connectable, (*Model).askConnect).taking(connectWords, connectWith),
		"network.disconnect": networkObjects.one(disconnectable, (*Model).askDisconnect).taking(disconnectWords, disconnectWith),
		"network.remove":     networkObjects.on(removable, (*Model).askRemoveNetworks),
		"network.prune":      always((*Model).findPrune),
	}
}

func anyNetwork(*Model, *engine.Network) string { return "" }

func connectable(_ *Model, n *engine.Network) string {
	if n.Name == engine.NetworkHost || n.Name == engine.NetworkNone {
		return "a container is on " + n.Name + " from its beginning, or never"
	}
	return ""
}

func disconnectable(m *Model, n *engine.Network) string {
	if why := connectable(m, n); why != "" {
		return why
	}
	if len(m.members(n)) == 0 {
		return "no container is connected to it"
	}
	return ""
}

func removable(_ *Model, n *engine.Network) string {
	if n.Predefined() {
		return "every engine has " + n.Name + "; it stays"
	}
	return ""
}

func (m *Model) askNetwork() tea.Cmd {
	return m.openForm(dialogs.Form{
		Name: "Make a network", Yes: "make it",
		Fields: []dialogs.Field{
			{Key: "name", Label: "name", Hint: "shop", Check: m.checkNetworkName},
			{Key: "subnet", Label: "subnet", Hint: "one that is free; 10.5.0.0/24", Check: checkSubnet},
			{Key: "gateway", Label: "gateway", Hint: "the first address", Check: checkAddress},
			{Key: "v6", Label: "IPv6", Kind: dialogs.Toggle, About: "give out addresses of IPv6, too"},
			{Key: "subnet6", Label: "IPv6 subnet", Hint: "one that is free; fd00:5::/64", Check: checkSubnet},
			{Key: "internal", Label: "internal", Kind: dialogs.Toggle, About: "no way out: only its containers reach each other"},
			{Key: "mtu", Label: "MTU", Hint: "the kernel's", Check: checkMTU},
			{Key: "labels", Label: "labels", Kind: dialogs.Rows, Hint: "NAME=value, a row each", Check: checkLabel},
		},
		Preview: networkCommand,
		Check: func(v dialogs.Values) string {
			if v.Text("gateway") != "" && v.Text("subnet") == "" {
				return "a gateway needs a subnet"
			}
			return ""
		},
		Tag: formTag(func(v dialogs.Values) tea.Cmd { return m.createNetwork(networkOptions(v), networkCommand(v)) }),
	})
}

func (m *Model) checkNetworkName(s string) string {
	switch {
	case s == "":
		return "give the network a name"
	case slices.ContainsFunc(m.state.Networks, func(n engine.Network) bool { return n.Name == s }):
		return fmt.Sprintf("there is a network %s", s)
	}
	return errText(engine.CheckName(s))
}

func checkSubnet(s string) string {
	if s == "" {
		return ""
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return fmt.Sprintf("%q: want an address and a length, such as 10.5.0.0/24", s)
	}
	if p != p.Masked() {
		return fmt.Sprintf("%s is an address within %s", s, p.Masked())
	}
	return ""
}

func checkAddress(s string) string {
	if _, err := netip.ParseAddr(s); s != "" && err != nil {
		return fmt.Sprintf("%q: want an address, such as 10.5.0.1", s)
	}
	return ""
}

func checkMTU(s string) string {
	if n, err := pids(s); err != nil || n < 0 || s != "" && (n < 68 || n > 65535) {
		return fmt.Sprintf("%q: want a number from 68 to 65535", s)
	}
	return ""
}

// mtuOption is docker's name for it.
const mtuOption = "com.docker.network.driver.mtu"

func networkOptions(v dialogs.Values) engine.NetworkCreateOptions {
	o := engine.NetworkCreateOptions{Name: v.Text("name"), EnableIPv6: v.On("v6") || v.Text("subnet6") != "", Internal: v.On("internal"), Labels: labelsOf(v.List("labels"))}
	if s := v.Text("subnet"); s != "" {
		o.Subnets = append(o.Subnets, engine.Subnet{Subnet: s, Gateway: v.Text("gateway")})
	}
	if s := v.Text("subnet6"); s != "" {
		o.Subnets = append(o.Subnets, engine.Subnet{Subnet: s})
	}
	if mtu := v.Text("mtu"); mtu != "" {
		o.Options = map[string]string{mtuOption: mtu}
	}
	return o
}

func networkCommand(v dialogs.Values) string {
	words := []string{"gantry network create"}
	add := func(flag, value string) {
		if value != "" {
			words = append(words, flag+" "+quote(value))
		}
	}
	add("--subnet", v.Text("subnet"))
	add("--gateway", v.Text("gateway"))
	if v.On("v6") || v.Text("subnet6") != "" {
		words = append(words, "--ipv6")
	}
	add("--subnet", v.Text("subnet6"))
	if v.On("internal") {
		words = append(words, "--internal")
	}
	if mtu := v.Text("mtu"); mtu != "" {
		add("-o", mtuOption+"="+mtu)
	}
	for _, l := range v.List("labels") {
		add("--label", l)
	}
	return strings.Join(append(words, orWord(v.Text("name"), "NAME")), " ")
}

// networkWith takes ":network-create NAME".
func networkWith(m *Model, args []string) (tea.Cmd, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("want network-create NAME")
	}
	if why := m.checkNetworkName(args[0]); why != "" {
		return nil, fmt.Errorf("%s", why)
	}
	v := dialogs.Values{"name": args}
	return m.createNetwork(networkOptions(v), networkCommand(v)), nil
}

func (m *Model) createNetwork(o engine.NetworkCreateOptions, command string) tea.Cmd {
	return m.do(operation{name: "Make", past: "made", command: command, objects: []string{o.Name},
		one: func(ctx context.Context, _ int) (string, error) {
			made, err := m.eng.Networks().Create(ctx, o)
			return strings.Join(made.Warnings, "; "), err
		}})
}

// askConnect asks which container, and what it is called there.
func (m *Model) askConnect(n engine.Network) tea.Cmd {
	free := func() []string { return m.outside(&n) }
	command := func(v dialogs.Values) string { return connectCommand(n.Name, v) }
	return m.openForm(dialogs.Form{
		Name: "Connect a container", About: n.Name + "  " + subnetText(&n), Yes: "connect", Preview: command,
		Fields: []dialogs.Field{
			{Key: "container", Label: "container", Hint: "one of: " + strings.Join(free(), ", "), Complete: prefixed(free), Check: func(s string) string { return m.checkOutside(&n, s) }},
			{Key: "aliases", Label: "aliases", Hint: "further names there; db cache", Check: checked(split)},
			{Key: "ip", Label: "address", Hint: "one that is free", Check: checkAddress},
			{Key: "ip6", Label: "IPv6 address", Hint: "one that is free", Check: checkAddress},
		},
		Note: func(dialogs.Values) string { return "A container that runs is connected at once." },
		Tag:  formTag(func(v dialogs.Values) tea.Cmd { return m.connect(n.Name, v, command(v)) }),
	})
}

// outside are the containers that could be connected to a network.
func (m *Model) outside(n *engine.Network) []string {
	var out []string
	for i := range m.state.Containers {
		c := &m.state.Containers[i]
		if !slices.Contains(c.Networks, n.Name) && !slices.Contains(c.Networks, engine.NetworkHost) {
			out = append(out, c.Name)
		}
	}
	slices.SortFunc(out, natural)
	return out
}

func (m *Model) checkOutside(n *engine.Network, name string) string {
	if name == "" {
		return "give the container"
	}
	cs, err := m.named([]string{name})
	switch {
	case err != nil:
		return err.Error()
	case slices.Contains(cs[0].Networks, n.Name):
		return name + " is connected already"
	}
	return ""
}

func connectCommand(network string, v dialogs.Values) string {
	words := []string{"gantry network connect"}
	if list, err := split(v.Text("aliases")); err == nil {
		for _, a := range list {
			words = append(words, "--alias "+quote(a))
		}
	}
	for _, f := range []struct{ flag, key string }{{"--ip ", "ip"}, {"--ip6 ", "ip6"}} {
		if s := v.Text(f.key); s != "" {
			words = append(words, f.flag+quote(s))
		}
	}
	return strings.Join(append(words, network, orWord(v.Text("container"), "CONTAINER")), " ")
}

func (m *Model) connect(network string, v dialogs.Values, command string) tea.Cmd {
	aliases, err := split(v.Text("aliases"))
	if err != nil {
		return m.fail(err)
	}
	opts := engine.EndpointOptions{Aliases: aliases, IPv4: v.Text("ip"), IPv6: v.Text("ip6")}
	return m.do(operation{name: "Connect", past: "connected to " + network + ":", command: command, objects: []string{v.Text("container")}, then: m.renewNetworks,
		one: func(ctx context.Context, _ int) (string, error) {
			return "", m.eng.Networks().Connect(ctx, network, v.Text("container"), opts)
		}})
}

// renewNetworks reads lists of which no event tells: a container that does not
// run is connected without one.
func (m *Model) renewNetworks() tea.Cmd {
	m.feed.Renew(feed.Networks | feed.Containers)
	if m.detail.open != nil && m.detail.side == networksPane {
		return m.detail.open.Refresh()
	}
	return nil
}

// askDisconnect asks which of the network's containers.
func (m *Model) askDisconnect(n engine.Network) tea.Cmd {
	members := m.members(&n)
	items := make([]dialogs.Item, len(members))
	for i, c := range members {
		items[i] = dialogs.Item{Text: c.Name, Detail: m.stateWord(*c) + "  " + strings.Join(c.Addresses[n.Name], " ")}
	}
	names := namesOf(members)
	m.open(dialogs.Pick{Name: "Disconnect from " + n.Name, About: "Which container loses it?", Items: items, Yes: "disconnect",
		Tag: pickTag(func(m *Model, i int) tea.Cmd { return m.disconnect(n.Name, names[i]) })})
	return nil
}

func (m *Model) disconnect(network, container string) tea.Cmd {
	return m.do(operation{name: "Disconnect", past: "disconnected from " + network + ":", objects: []string{container}, then: m.renewNetworks,
		command: "gantry network disconnect " + network + " " + container,
		one: func(ctx context.Context, _ int) (string, error) {
			return "", m.eng.Networks().Disconnect(ctx, network, container, false)
		}})
}

// connectWords complete a network, then a container.
func connectWords(m *Model, args []string) []string {
	if len(args) < 2 {
		return networkObjects.complete(m, connectable, args)
	}
	if list, err := networkObjects.named(m, args[:1]); err == nil && len(args) == 2 {
		return m.outside(&list[0])
	}
	return nil
}

func connectWith(m *Model, args []string) (tea.Cmd, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("want network-connect NETWORK CONTAINER")
	}
	list, err := networkObjects.named(m, args[:1])
	if err != nil {
		return nil, err
	}
	if why := m.checkOutside(&list[0], args[1]); why != "" {
		return nil, fmt.Errorf("%s", why)
	}
	v := dialogs.Values{"container": args[1:]}
	return m.connect(list[0].Name, v, connectCommand(list[0].Name, v)), nil
}

func disconnectWords(m *Model, args []string) []string {
	if len(args) < 2 {
		return networkObjects.complete(m, disconnectable, args)
	}
	if list, err := networkObjects.named(m, args[:1]); err == nil && len(args) == 2 {
		return namesOf(m.members(&list[0]))
	}
	return nil
}

func disconnectWith(m *Model, args []string) (tea.Cmd, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("want network-disconnect NETWORK CONTAINER")
	}
	list, err := networkObjects.named(m, args[:1])
	if err != nil {
		return nil, err
	}
	if !slices.Contains(namesOf(m.members(&list[0])), args[1]) {
		return nil, fmt.Errorf("%s is not connected to %s", args[1], list[0].Name)
	}
	return m.disconnect(list[0].Name, args[1]), nil
}

// askRemoveNetworks names who is connected to each network: those that run keep
// it.
func (m *Model) askRemoveNetworks(ns []engine.Network) tea.Cmd {
	d := dialogs.Confirm{Name: "Remove", Yes: "remove"}
	var names []string
	left := false
	for _, n := range ns {
		o := dialogs.Object{Name: n.Name, About: subnetText(&n)}
		held := false
		for _, c := range m.members(&n) {
			o.Under = append(o.Under, c.Name+", "+m.stateWord(*c))
			held = held || c.Status.Running
			left = left || !c.Status.Running
		}
		if d.Objects = append(d.Objects, o); !held {
			names = append(names, n.Name)
		}
	}
	d.Question = removeQuestion(networkObjects.names(ns), len(names), "networks")
	d.Command = m.line("network.remove", names...)
	switch {
	case len(names) == 0:
		d.Yes, d.Command, d.Warn = "", "", "Containers that run are connected to it: disconnect or stop them first."
	case len(names) < len(ns):
		d.Warn = "What running containers are connected to stays."
	case left:
		d.Warn = "Containers that do not run are for it: they will not start without it."
	}
	return m.ask(d, func() tea.Cmd {
		m.networks.Unmark()
		return m.do(operation{name: "Remove", past: "removed", command: d.Command, objects: names,
			one: func(ctx context.Context, i int) (string, error) {
				return "", m.eng.Networks().Remove(ctx, names[i], engine.NetworkRemoveOptions{})
			}})
	})
}
