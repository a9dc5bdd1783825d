// Package resolv reads and writes the files that name resolution starts with:
// resolv.conf, hosts and hostname, as docker writes them into containers. It is
// pure but for Rewrite.
//
// It is linked into the monitor: see the light packages in ARCHITECTURE.md.
package resolv
