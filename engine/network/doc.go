// Package network keeps networks and connects containers to them: bridges, the
// veth pairs that lead to containers, their addresses and routes. It runs in the
// process that starts a container, never in the monitor, which only gets the
// finished network namespace.
//
// # State
//
//	networks/names/<name>          holds a network's ID; made by symlink(2), so that names are unique
//	networks/<id>/network.json     what the network is (not for host and none)
//	run: networks/<id12>/<address> holds the ID of the container that has the address
//	run: c/<id12>/network.json     what the last start of a container was given
//
// # A start
//
//	claim      addresses, each by a symbolic link; an address has one holder at most
//	clean      whatever rule of the host still leads to them
//	attach     the namespace, the bridge when it is the network's first endpoint, veth pairs, addresses, routes
//	publish    ports
//
// All of it but the making of the namespace happens under the network's lock.
// The namespace is made on a thread of its own that ends with it: a thread that
// has been in a container's namespace must not run anything else.
//
// # An end
//
// The kernel removes a namespace with its last process, and the veth pairs with
// it. What is left are claims and rules: Release takes them away. Whoever sees
// that a container has ended without it (engine/local settles it) calls Release;
// until then its address stays claimed, so it is nobody else's.
//
// The invariant: no rule of the host ever leads to an address that another
// container has. That is why claims come before rules, and rules go before
// claims.
package network
