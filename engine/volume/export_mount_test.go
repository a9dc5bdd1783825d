package volume

import "gantry/engine/volume/hostmount"

// MountPlan is mountPlan.
func MountPlan(o map[string]string) (*hostmount.Mount, error) { return mountPlan(o) }
