package shim

import (
	"fmt"
	"os"
	"strconv"

	"gantry/engine"
)

// VolumeMount is a volume of the container, for its events.
type VolumeMount struct {
	Name        string `json:"name"`
	Driver      string `json:"driver"`
	Destination string `json:"destination"`
	Propagation string `json:"propagation,omitempty"`
	ReadOnly    bool   `json:"readOnly,omitempty"`
}

// mounted tells that the container has its volumes, unmounted that it has let
// go of them. As with publish, a journal that cannot be written stops nothing.
func (s *shim) mounted() {
	for _, v := range s.cfg.Volumes {
		s.tellVolume(engine.ActionMount, v, map[string]string{
			"destination": v.Destination, "propagation": v.Propagation, "read/write": strconv.FormatBool(!v.ReadOnly),
		})
	}
}

func (s *shim) unmounted() {
	for _, v := range s.cfg.Volumes {
		s.tellVolume(engine.ActionUnmount, v, map[string]string{})
	}
}

func (s *shim) tellVolume(action string, v VolumeMount, attrs map[string]string) {
	attrs["container"], attrs["driver"] = string(s.cfg.ID), v.Driver
	if _, err := s.events.Append(engine.Event{Kind: engine.KindVolume, Action: action, ID: v.Name, Attributes: attrs}); err != nil {
		fmt.Fprintf(os.Stderr, "publish %s of volume %s: %v\n", action, v.Name, err)
	}
}
