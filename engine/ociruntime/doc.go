// Package ociruntime makes a process from an OCI runtime spec: its namespaces,
// root file system, credentials and system call filter. The container monitor
// calls Create and Start for a container's first program and Exec for further
// ones; nobody else does. It neither watches processes nor keeps state.
//
// # No second program
//
// Nothing of gantry is ever executed inside a container (but for --init, see
// below). A thread of the caller does the work and is thrown away:
//
//	thread of the caller (thread.go)          child
//	--------------------------------          -----
//	unshare or join namespaces
//	mount everything by descriptor
//	pivot_root, look up user, chdir
//	write down what the child must do (plan.go)
//	clone3 into pid namespace and cgroup ---> stands still in read(2)
//	join v1 cgroups, set rlimits
//	                         Start: 1 byte --> credentials, capabilities,
//	                                           seccomp, execve
//	EOF, or the failed step and its errno <--
//
// After clone3 the child is a copy of a multi-threaded Go program with one
// thread: it must not allocate, lock or grow its stack. So it runs a list of
// system calls that was prepared before, and nothing else (fork.go).
//
// Exec does the same in a container that runs, with one difference where its
// programs may trace others (CAP_SYS_PTRACE lets them take over whatever they
// see): what waits stays outside of the pid namespace, and what comes in has
// nothing left to give up (apart.go):
//
//	child, in the caller's pid namespace
//	------------------------------------
//	joins the pid namespace for its children
//	stands still in read(2)
//	credentials, capabilities, seccomp
//	clone as the caller's child ---------> in the container's pid namespace
//	exit                                   session, terminal, execve
//
// Compared with executing an init program inside the new namespaces this
// saves starting a second Go runtime, errors are ordinary values instead of
// messages, no thread of a runtime counts against the container's pids or
// memory limit, and /proc/1/exe never is a program that lies on the host's
// disk and runs with privileges: CVE-2019-5736 has nothing to overwrite.
//
// # Invariants
//
//   - A thread that has entered other namespaces ends; it is never given back
//     to the Go scheduler (LockOSThread without Unlock).
//   - After the root file system is chosen, no path is resolved but below it
//     and by openat2(2); what was resolved once is used by descriptor. Images
//     and volumes are hostile and may change while we look.
//   - Mount attributes are set while a mount is detached. It is never visible
//     in the container without its flags.
//   - Every descriptor is O_CLOEXEC and the child closes all but four of its
//     own before it does anything else (CVE-2024-21626).
//
// What a program of the container can read of a process on its way in are the
// streams it gets, the socket for its failure and a copy of the memory of its
// own container's monitor, which knows of no other container.
//
// The exception is --init: pid 1 is then a reaper (reap.go), this very
// executable, started by descriptor through a read-only mount that no path
// leads to, with the container's own user, capabilities and filter.
package ociruntime
