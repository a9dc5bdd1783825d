// Package netns opens network namespaces and works inside them for a moment.
// The monitor of a container uses it to enter the namespace that its front end
// has furnished and to put sockets there. It makes no namespaces and configures
// none but their loopback device: that is for engine/network.
//
// It is linked into the monitor: see the light packages in ARCHITECTURE.md.
//
// Invariant: a thread is in a foreign namespace only while Do runs, and one
// that cannot be brought back ends instead of serving other goroutines.
package netns
