// Package leaf handles one existing control group: it puts processes in,
// lists, freezes, kills and removes them, and tells whether the kernel's
// out-of-memory killer struck. The container monitor links it, so it imports
// the standard library's light part and x/sys only; placement, limits and
// sampling are in engine/cgroup, which makes the Groups that come here.
//
// A Group spans several directories: on cgroup v2 one, on v1 one per
// hierarchy, on a hybrid host one per v1 hierarchy plus a v2 directory, which
// mostly has no controllers but gives cgroup.kill, cgroup.freeze and
// CLONE_INTO_CGROUP:
//
//	            v1                    hybrid                v2
//	limits      one dir per           one dir per           one dir
//	            hierarchy             hierarchy
//	freeze      freezer.state         cgroup.freeze         cgroup.freeze
//	kill        freeze, SIGKILL,      cgroup.kill           cgroup.kill
//	            thaw, again
//	enter       Enter, or Join        CLONE_INTO_CGROUP     CLONE_INTO_CGROUP
//	                                  and Enter, or Join
//
// The invariant: every wait is bounded. A program in the group is hostile; no
// method here may hang or spin for ever because of what it does.
package leaf
