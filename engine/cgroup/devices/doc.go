// Package devices turns a container's device rules into what the kernel
// enforces: a BPF program on cgroup v2, lines for devices.allow and
// devices.deny on v1. engine/cgroup calls it.
//
// The meaning is the same on both and is decided in one place (Set): rules
// apply in order, a later one overrides an earlier one bit by bit (read,
// write, mknod), what no rule names is denied, and an access is granted only
// when all of its bits are. Where v1 cannot say what the rules mean, that is
// an error, never a wider permission.
package devices
