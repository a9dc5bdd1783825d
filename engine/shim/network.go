package shim

import (
	"fmt"
	"os"

	"gantry/engine/network/netns"
)

// network opens the namespace that a start brings along; nil: it brings none.
// Its loopback device is brought up, as it is in a fresh one.
func (l *Launch) network() (*os.File, error) {
	if l.Netns == "" {
		return nil, nil
	}
	ns, err := netns.Open(l.Netns)
	if err != nil {
		return nil, err
	}
	if err := netns.Do(ns, netns.LoopbackUp); err != nil {
		ns.Close()
		return nil, fmt.Errorf("use network namespace %s: %w", l.Netns, err)
	}
	return ns, nil
}
