package cgroup

import (
	"maps"
	"strings"
)

// As makes a host of another mode out of this one: hiding the v2 tree of a
// hybrid host leaves a v1 host.
func (h *Host) As(mode string) *Host {
	if h.Mode == mode {
		return h
	}
	if h.Mode != Hybrid || mode != V1 {
		return nil
	}
	v1 := *h
	v1.unified, v1.controllers = "", nil
	v1.legacy = maps.Clone(h.legacy)
	if err := v1.arrange(); err != nil {
		return nil
	}
	return &v1
}

// Root is where a controller's hierarchy is mounted.
func (h *Host) Root(controller string) string {
	if root, ok := h.legacy[controller]; ok {
		return root
	}
	return h.unified
}

func (h *Host) BootedBySystemd() bool { return h.booted }

// Arranged is the host that a mountinfo and a list of v2 controllers describe.
func Arranged(mountinfo, controllers string, systemd bool) (*Host, error) {
	h := &Host{booted: systemd, controllers: set(strings.Fields(controllers))}
	h.unified, h.legacy = hierarchies(mountinfo)
	return h, h.arrange()
}

var (
	CountList       = countList
	LegacySettings  = legacySettings
	MemoryOrder     = memoryOrder
	UnifiedLimits   = unifiedLimits
	Weight          = weight
	UnifiedSettings = unifiedSettings
	ParseCPUMax     = parseCPUMax
	Number          = number
	Decimal         = decimal
)

// Lines shows settings as "file value".
func Lines(settings []setting) []string {
	var lines []string
	for _, s := range settings {
		lines = append(lines, s.writes[0].file+" "+s.writes[0].value)
	}
	return lines
}
