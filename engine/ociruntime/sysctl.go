package ociruntime

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// setSysctls writes kernel parameters through the procfs that was made for
// this container, found by descriptor: a path could lead to a file of the
// image, or to another procfs (CVE-2025-52881).
func (r *rootfs) setSysctls(values map[string]string) error {
	if len(values) == 0 {
		return nil
	}
	proc, ok := r.made["/proc"]
	if !ok || proc.kind != "proc" {
		return fmt.Errorf("set sysctl: the container has no /proc of its own")
	}
	for key, value := range values {
		if err := writeSysctl(proc.fd, key, value); err != nil {
			return fmt.Errorf("set sysctl %s: %w", key, err)
		}
	}
	return nil
}

// writeSysctl takes both spellings, net.ipv4.ip_forward and
// net/ipv4/conf/eth0.1/forwarding: the first of '.' and '/' to come up
// separates (sysctl(8)).
func writeSysctl(proc int, key, value string) error {
	name := key
	if i := strings.IndexAny(key, "./"); i >= 0 && key[i] == '.' {
		name = strings.NewReplacer(".", "/", "/", ".").Replace(key)
	}
	how := &unix.OpenHow{
		Flags:   unix.O_WRONLY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV,
	}
	fd, err := unix.Openat2(proc, "sys/"+name, how)
	if err != nil {
		return &os.PathError{Op: "open", Path: "/proc/sys/" + name, Err: err}
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, []byte(value)); err != nil {
		return &os.PathError{Op: "write", Path: "/proc/sys/" + name, Err: err}
	}
	return nil
}
