package cgroup

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine"
)

// Check names the limits that this host cannot apply, as LimitErrors, and
// values that make no sense, as ErrInvalid. It changes nothing.
func (h *Host) Check(res *specs.LinuxResources) error {
	if res == nil {
		return nil
	}
	var errs []error
	for _, s := range h.settings(res) {
		if s.dropped == "" && !h.has(s.controller) {
			errs = append(errs, &LimitError{
				Limit:  s.limit,
				Reason: fmt.Sprintf("the %s controller is not available", s.controller),
				Hint:   h.hint(s.controller),
			})
		}
	}
	errs = append(errs, h.checkValues(res)...)
	if len(res.Rdma) > 0 {
		errs = append(errs, &LimitError{Limit: "RDMA limit", Reason: "gantry does not manage RDMA devices"})
	}
	if n := res.Network; n != nil && (deref(n.ClassID) != 0 || len(n.Priorities) > 0) {
		errs = append(errs, &LimitError{Limit: "network class", Reason: "gantry does not use the net_cls and net_prio controllers"})
	}
	if len(res.Unified) > 0 && h.unified == "" {
		errs = append(errs, &LimitError{Limit: "raw cgroup v2 settings", Reason: "cgroup v2 is not mounted"})
	}
	return errors.Join(errs...)
}

// settings lists every limit of res in this host's form, for checks only.
func (h *Host) settings(res *specs.LinuxResources) []setting {
	all := legacySettings(res)
	if h.Mode == V2 {
		for i, s := range all {
			if s.controller == "blkio" {
				all[i].controller = "io"
			}
		}
		all = append(all, unifiedOnly(res)...)
	}
	return append(all, rawSettings(res)...)
}

// unifiedOnly marks what v2 has no control file for.
func unifiedOnly(res *specs.LinuxResources) []setting {
	if cpu := res.CPU; cpu != nil && (deref(cpu.RealtimePeriod) != 0 || deref(cpu.RealtimeRuntime) != 0) {
		return []setting{{limit: "realtime CPU limit", controller: "realtime CPU"}}
	}
	return nil
}

func (h *Host) has(controller string) bool {
	if _, ok := h.legacy[controller]; ok {
		return true
	}
	return h.controllers[controller] || controller == "cgroup"
}

func (h *Host) checkValues(res *specs.LinuxResources) []error {
	var errs []error
	if cpu := res.CPU; cpu != nil {
		for limit, list := range map[string]string{"CPU set": cpu.Cpus, "memory node set": cpu.Mems} {
			if list == "" {
				continue
			}
			if _, err := countList(list); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w: %w", limit, err, engine.ErrInvalid))
			}
		}
	}
	for file := range res.Unified {
		if strings.Contains(file, "/") || !strings.Contains(file, ".") {
			errs = append(errs, fmt.Errorf("raw setting %q: not the name of a control file: %w", file, engine.ErrInvalid))
		}
	}
	return errs
}

// Warnings names what Create leaves out of res because the kernel cannot do
// it and containers are better started without: the same that docker drops.
func (h *Host) Warnings(res *specs.LinuxResources) []string {
	if res == nil {
		return nil
	}
	var all []string
	if mem := res.Memory; mem != nil {
		if deref(mem.Swap) > 0 && !h.swapAccounting() {
			all = append(all, "memory is limited without swap: the kernel does not account for swap")
		}
		if h.Mode == V2 && mem.Swappiness != nil {
			all = append(all, "swappiness is left out: cgroup v2 has none per group")
		}
		if h.Mode == V2 && deref(mem.DisableOOMKiller) {
			all = append(all, "the OOM killer stays on: cgroup v2 cannot switch it off")
		}
	}
	if io := res.BlockIO; io != nil && deref(io.Weight) != 0 && !h.weights() {
		all = append(all, "the IO weight is left out: no disk has the BFQ scheduler or the io.cost controller")
	}
	return all
}

// swapAccounting tells whether swap can be limited. On v2 the root has no
// such file, so any group below it answers; without one it is assumed.
func (h *Host) swapAccounting() bool {
	if root, ok := h.legacy["memory"]; ok {
		return exists(filepath.Join(root, "memory.memsw.limit_in_bytes"))
	}
	groups, _ := filepath.Glob(filepath.Join(h.unified, "*", "memory.max"))
	if len(groups) == 0 {
		return h.controllers["memory"]
	}
	return exists(filepath.Join(filepath.Dir(groups[0]), "memory.swap.max"))
}

// weights tells whether a share of the disks' time can be given. The files for
// it are not at the root, but others of the same makers are.
func (h *Host) weights() bool {
	if root, ok := h.legacy["blkio"]; ok {
		return exists(filepath.Join(root, "blkio.bfq.io_serviced")) || exists(filepath.Join(root, "blkio.weight"))
	}
	return exists(filepath.Join(h.unified, "io.cost.qos")) || exists("/sys/module/bfq")
}
