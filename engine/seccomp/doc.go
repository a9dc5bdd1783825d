// Package seccomp turns a seccomp profile into the program that the kernel
// runs before every system call of a container: docker's default profile, or a
// file in docker's format. It is called when a container is created; the
// program goes into the bundle (package filter), so that starting one needs
// neither this package nor the profile.
//
// Compile has no side effects and asks the kernel nothing. The compiler exists
// because libseccomp needs cgo, and the filters of other Go libraries know one
// architecture at a time or lack conditions on arguments.
//
// # Meaning of a profile
//
// What libseccomp and runc make of the same profile, where they are definite:
//
//   - Names that no table knows are skipped: profiles are newer than kernels.
//   - Conditions of one rule must all hold; when two of them look at the same
//     argument, each counts as a rule of its own (runc does that for old
//     profiles).
//   - A rule without conditions beats all others of its system call. Of
//     several that match the first in the profile counts.
//   - Numbers higher than every one that the profile names yield ENOSYS
//     instead of the default action, if that refuses: programs probe for new
//     system calls, and know what to do without them but not what EPERM means.
//   - A system call of an architecture that the profile does not list ends the
//     program. The native one is always listed.
//
// Arguments are compared with all of their 64 bits. Where registers have 32,
// the kernel gives us zeros above.
//
// The invariant: a program never allows what the profile does not. The tests
// compare it with a direct reading of the profile, in a virtual machine for
// BPF, for all architectures.
package seccomp
