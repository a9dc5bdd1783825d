// Command bench measures gantry's budgets and prints each figure beside those
// of its peers from the same run: docker, podman, runc and bubblewrap where
// they are installed. Machines are noisy, so contestants take turns and medians
// are printed; compare ratios, not milliseconds.
//
// It starts its own registry and its own dockerd, on loopback and a unix
// socket in a temporary directory, and ends both.
package main
