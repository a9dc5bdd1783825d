// Package usock is unix stream sockets without package net, which would cost
// the container monitor start-up time and memory. Connections are *os.File on
// nonblocking descriptors: the runtime's poller serves them, so deadlines work
// and waiting costs no thread.
//
// Paths may be longer than the 107 bytes of sun_path.
package usock
