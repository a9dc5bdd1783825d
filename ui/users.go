package ui

import (
	"slices"

	"gantry/engine"
)

// usage is who uses what, read off the containers whenever they have changed:
// rows, filters and orders of volumes and networks look it up again and again.
type usage struct {
	volumes, networks map[string][]*engine.ContainerSummary // by name
	ports, restarts   bool                                  // whether any container has some
}

// newUsage goes through all containers once. It points into them: a state of
// the lists is never changed, only replaced.
func newUsage(containers []engine.ContainerSummary) usage {
	u := usage{volumes: make(map[string][]*engine.ContainerSummary), networks: make(map[string][]*engine.ContainerSummary)}
	for i := range containers {
		c := &containers[i]
		for _, p := range c.Mounts {
			if list := u.volumes[p.Name]; p.Type == "volume" && !slices.Contains(list, c) {
				u.volumes[p.Name] = append(list, c)
			}
		}
		u.ports = u.ports || len(publishedPorts(c.Ports)) > 0
		u.restarts = u.restarts || c.RestartCount > 0
		for _, n := range c.Networks {
			u.networks[n] = append(u.networks[n], c)
		}
	}
	return u
}

// mounting are the containers that mount a volume, running or not.
func (m *Model) mounting(volume string) []*engine.ContainerSummary { return m.usage.volumes[volume] }

// members are the containers that are on a network when they run.
func (m *Model) members(n *engine.Network) []*engine.ContainerSummary {
	return m.usage.networks[n.Name]
}

// namesOf are the names of containers in their order.
func namesOf(cs []*engine.ContainerSummary) []string {
	out := make([]string, len(cs))
	for i, c := range cs {
		out[i] = c.Name
	}
	slices.SortFunc(out, natural)
	return out
}
