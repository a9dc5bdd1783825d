package nat_test

import (
	"net/netip"
	"testing"

	"gantry/engine/network/nat"
)

// BenchmarkStart is what the table costs a container's start and end: with the
// first container of the host the table is made, and goes with the last.
func BenchmarkStart(b *testing.B) {
	l := newLab(b)
	a1 := addr("10.101.0.2")
	ports := []nat.Port{{Proto: "tcp", HostIP: anywhere4, HostPort: 8080, Addr: a1, Port: 80}}
	measure := func(name string, step func(*nat.Table) error) {
		b.Run(name, func(b *testing.B) {
			l.in("host", func() {
				for b.Loop() {
					t, err := nat.Open()
					if err == nil {
						err = step(t)
						t.Close()
					}
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
	measure("first and last", func(t *nat.Table) error {
		if err := t.AddBridge(labBridges[0]); err != nil {
			return err
		}
		return t.RemoveBridge("gt-a")
	})
	l.table(func(t *nat.Table) error { return t.AddBridge(labBridges[0]) })
	measure("bridge again", func(t *nat.Table) error { return t.AddBridge(labBridges[0]) })
	measure("clean", func(t *nat.Table) error { return t.Unpublish([]netip.Addr{a1}) })
	measure("publish", func(t *nat.Table) error { return t.Publish([]netip.Addr{a1}, ports) })
}
