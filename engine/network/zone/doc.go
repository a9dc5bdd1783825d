// Package zone keeps the names of the containers on a network: what the process
// that starts a container puts there, and what the DNS responders of all
// containers on the network look up. It knows nothing of DNS messages.
//
//	run: networks/<id12>/<container>.names   the names and addresses of one endpoint
//
// Names are compared without regard to case. Several containers may share one:
// it then has the addresses of all of them.
//
// It is linked into the monitor: see the light packages in ARCHITECTURE.md.
//
// Invariant: a file is replaced by a rename, never changed. Together with the
// directory's time of modification this tells readers what is new: an Index
// that nobody changes costs one stat(2) a lookup.
package zone
