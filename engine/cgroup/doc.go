// Package cgroup places containers in control groups, applies their limits
// and device rules, samples what they use, and says what this host can and
// cannot do. It makes leaf.Groups; what happens to a group afterwards (join,
// freeze, kill, delete) is package leaf's, which the container monitor links.
//
// # Placement
//
// A container's group is <parent>/<id>, at the same path in every hierarchy.
// The parent is never below the caller's own group, or containers would die
// with the caller's session:
//
//	v2 and systemd     /gantry.slice/gantry.scope: a transient scope with
//	                   Delegate=yes, so that systemd keeps its hands off what
//	                   is inside; started over D-Bus once per boot
//	otherwise          /gantry at the root of what is mounted, which inside a
//	                   container is the root of its cgroup namespace
//
// The monitors share one group, <parent>/monitors, without limits.
//
// # Modes
//
//	v2      one hierarchy has everything
//	v1      one hierarchy per controller
//	hybrid  controllers on v1 and a v2 tree beside them, which has few
//	        controllers or none; a container then has a v2 directory as well,
//	        for cgroup.kill, cgroup.freeze, pressure, device programs and
//	        CLONE_INTO_CGROUP
//
// # Why limits are written here
//
// containerd/cgroups would write those of v2, and brings protobuf, an eBPF
// loader and a logger along for it: half a millisecond of every start of the
// program. In the tests it is the yardstick of the Sampler on v1 and v2.
//
// The invariant: directories first, then controllers. Create makes the leaf
// before it enables controllers above it, because an empty parent may be
// removed at any moment by the last container that leaves.
package cgroup
