package fake

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"gantry/engine"
)

// firstRandomPort is where ports that are any of the host's begin.
const firstRandomPort = 49153

// publishPorts decides where the ports of a container are while it runs: an
// address that is not given is every one of both families, a port that is not
// given is the next one, of a range the first.
func (e *Engine) publishPorts(c *container) {
	c.ports = engine.PortMap{}
	bridged := func(p *endpoint) bool { return p.net.Driver == "bridge" && !p.net.Internal }
	if !slices.ContainsFunc(c.endpoints, bridged) {
		return
	}
	wanted := engine.PortMap{}
	for port := range c.detail.Config.ExposedPorts {
		c.ports[port] = nil
		if c.detail.HostConfig.PublishAllPorts {
			wanted[port] = []engine.PortBinding{{}}
		}
	}
	for port, bindings := range c.detail.HostConfig.PortBindings {
		wanted[port] = bindings
	}
	for _, port := range slices.Sorted(maps.Keys(wanted)) {
		for _, b := range wanted[port] {
			b.HostPort, _, _ = strings.Cut(b.HostPort, "-")
			if b.HostPort == "" {
				b.HostPort = strconv.Itoa(firstRandomPort + e.randomPorts)
				e.randomPorts++
			}
			if b.HostIP != "" {
				c.ports[port] = append(c.ports[port], b)
				continue
			}
			for _, ip := range []string{"0.0.0.0", "::"} {
				c.ports[port] = append(c.ports[port], engine.PortBinding{HostIP: ip, HostPort: b.HostPort})
			}
		}
	}
}

// livePorts are the ports of a container that runs.
func (c *container) livePorts() engine.PortMap {
	if !c.state.Status.Live() || c.ports == nil {
		return engine.PortMap{}
	}
	return c.ports
}
