package nat

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/google/nftables"
)

// A host does not pass packets on between its interfaces unless told to. For
// that there is a switch of the whole host only: one for an interface says what
// may come in by it, and a published port is reached by all of them, also by
// those that come later.
//
// The switch makes a router of the host, which nobody asked for. So when it was
// off, the interfaces that are there at that time are guarded: what comes in by
// one of them and begins a connection to elsewhere than a bridge of gantry is
// dropped as it was before, unless somebody published it. It is switched off
// again with the last bridge, when there is no further interface that may need it
// (another engine's bridge).

const sysctlNet = "/proc/sys/net"

// switchOf is the file of the switch.
func (f *family) switchOf() string {
	if f.bytes == 4 {
		return sysctlNet + "/ipv4/ip_forward"
	}
	return sysctlNet + "/ipv6/conf/all/forwarding"
}

// toSwitch are the families that a bridge needs and that are off, each with the
// interfaces to guard.
func (t *Table) toSwitch(b Bridge) (map[*family][]string, error) {
	plan := map[*family][]string{}
	if b.Internal {
		return plan, nil
	}
	for _, f := range []*family{&t.sets.v4, &t.sets.v6} {
		if !slices.ContainsFunc(b.Subnets, func(p netip.Prefix) bool { return t.sets.of(p.Addr()) == f }) {
			continue
		}
		now, err := os.ReadFile(f.switchOf())
		if err != nil {
			return nil, fmt.Errorf("look whether the host forwards packets: %w", err)
		}
		if strings.TrimSpace(string(now)) != "0" {
			continue
		}
		bridges, err := t.Bridges()
		if err != nil {
			return nil, err
		}
		plan[f] = slices.DeleteFunc(interfaces(), func(name string) bool {
			return ours(name) || name == b.Name || slices.Contains(bridges, name)
		})
	}
	return plan, nil
}

// switchOn lets the host forward packets.
func (f *family) switchOn() error {
	if f.bytes == 16 {
		if err := keepAdvertisements(); err != nil {
			return err
		}
	}
	if err := os.WriteFile(f.switchOf(), []byte("1"), 0); err != nil {
		return fmt.Errorf("let the host forward packets: %w", err)
	}
	return nil
}

// keepAdvertisements: a host that forwards ignores the routers' advertisements,
// by which it may have its own address and its way out, unless accept_ra is 2.
func keepAdvertisements() error {
	for _, name := range append(interfaces(), "default") {
		file := sysctlNet + "/ipv6/conf/" + name + "/accept_ra"
		now, err := os.ReadFile(file)
		if err != nil || strings.TrimSpace(string(now)) != "1" {
			continue // no IPv6 there, or decided already
		}
		if err := os.WriteFile(file, []byte("2"), 0); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("keep router advertisements of %s: %w", name, err)
		}
	}
	return nil
}

// ours are the bridges that gantry names, and their ports.
func ours(name string) bool {
	return strings.HasPrefix(name, ownPrefix) || strings.HasPrefix(name, "gv")
}

// switchOff undoes switchOn, when everything that is there now was there then,
// but for the bridge that goes.
func (f *family) switchOff(gone string, guarded []nftables.SetElement) error {
	if len(guarded) == 0 {
		return nil
	}
	for _, name := range interfaces() {
		known := func(e nftables.SetElement) bool { return nameOf(e.Key) == name }
		if name != gone && !ours(name) && !slices.ContainsFunc(guarded, known) {
			return nil
		}
	}
	if err := os.WriteFile(f.switchOf(), []byte("0"), 0); err != nil {
		return fmt.Errorf("stop forwarding packets: %w", err)
	}
	return nil
}

// interfaces of the namespace, without loopback. Those that the kernel has no
// settings for do not forward either.
func interfaces() []string {
	dirs, err := os.ReadDir(path.Join(sysctlNet, "ipv4/conf"))
	if err != nil {
		return nil
	}
	var names []string
	for _, d := range dirs {
		if n := d.Name(); n != "all" && n != "default" && n != "lo" {
			names = append(names, n)
		}
	}
	return names
}
