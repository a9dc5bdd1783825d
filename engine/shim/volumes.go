package shim

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"gantry/engine"
	"gantry/engine/record"
	"gantry/engine/volume/hostmount"
)

// VolumeMount is a volume of the container, for its events.
type VolumeMount struct {
	Name        string `json:"name"`
	Driver      string `json:"driver"`
	Destination string `json:"destination"`
	Propagation string `json:"propagation,omitempty"`
	ReadOnly    bool   `json:"readOnly,omitempty"`
	// Mountpoint is set where the engine has mounted a file system for it, which
	// the last container that ends takes off.
	Mountpoint string `json:"mountpoint,omitempty"`
}

// lockTime bounds the wait for somebody else who is at a volume.
const lockTime = 30 * time.Second

// dropVolumes lets go of the file systems of volumes. It comes before the next
// start of this container can claim them anew.
func (s *shim) dropVolumes() {
	for _, v := range s.cfg.Volumes {
		if v.Mountpoint == "" {
			continue
		}
		if err := s.dropVolume(v); err != nil {
			fmt.Fprintf(os.Stderr, "let go of volume %s: %v\n", v.Name, err)
		}
	}
}

func (s *shim) dropVolume(v VolumeMount) error {
	locks, err := record.OpenLocks(s.cfg.Run + "/locks")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), lockTime)
	defer cancel()
	lock, err := locks.Lock(ctx, record.LockVolume, v.Name)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	return hostmount.Place{Run: s.cfg.Run, Volume: v.Name, Target: v.Mountpoint}.Drop(string(s.cfg.ID))
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
