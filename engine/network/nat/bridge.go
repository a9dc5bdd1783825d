package nat

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/google/nftables"
)

// Bridge is one network's bridge.
type Bridge struct {
	Name string // of the interface
	// Subnets of the network, of both families.
	Subnets []netip.Prefix
	// Internal networks have no way out, and nothing of them is published.
	Internal bool
	// Masquerade lets containers out under the host's address.
	Masquerade bool
}

// AddBridge lets a bridge's containers talk to each other, and to the world when
// it is not internal. What the host needs for that is switched on (forwarding),
// and where others' rules would drop it, it is let through (see foreign.go). A
// bridge that is there is described anew: call it again to repair the table.
func (t *Table) AddBridge(b Bridge) error {
	unlock, err := lock()
	if err != nil {
		return err
	}
	defer unlock()
	off, err := t.toSwitch(b)
	if err != nil {
		return err
	}
	if described, err := t.described(b); err != nil {
		return err
	} else if described && len(off) == 0 {
		return t.letThrough(b.Name)
	}
	err = t.change(func() error {
		if err := t.declare(); err != nil {
			return err
		}
		if err := t.forget(b.Name, b.Subnets); err != nil {
			return err
		}
		errs := []error{t.describe(b)}
		for f, guard := range off {
			errs = append(errs, t.addNames(f.guarded, guard))
		}
		return errors.Join(errs...)
	})
	if err != nil {
		return fmt.Errorf("add bridge %s to table inet %s: %w", b.Name, TableName, err)
	}
	for f := range off {
		if err := f.switchOn(); err != nil {
			return err
		}
	}
	return t.letThrough(b.Name)
}

// described tells whether the table has everything that describe and declare
// would write. It is what nearly every start finds, and costs a tenth.
func (t *Table) described(b Bridge) (bool, error) {
	s := &t.sets
	names, err := t.Bridges()
	if err != nil || !slices.Contains(names, b.Name) {
		return false, err
	}
	for _, p := range b.Subnets {
		own, err := t.elements(s.of(p.Addr()).own)
		is := func(e nftables.SetElement) bool { return bytes.Equal(e.Key, ownElement(p, b.Name).Key) }
		if err != nil || !slices.ContainsFunc(own, is) {
			return false, err
		}
	}
	for _, c := range t.chains() {
		// A chain that is missing has no rules.
		if rules, err := t.conn.GetRules(t.t, c.chain); err != nil && !missing(err) {
			return false, fmt.Errorf("list chain %s of table inet %s: %w", c.chain.Name, TableName, err)
		} else if len(rules) != len(c.rules) {
			return false, nil
		}
	}
	return true, nil
}

// describe puts the elements of a bridge into the batch.
func (t *Table) describe(b Bridge) error {
	s := &t.sets
	errs := []error{t.addNames(s.bridges, []string{b.Name})}
	errs = append(errs, t.add(s.same, []nftables.SetElement{{Key: append(ifname(b.Name), ifname(b.Name)...)}}))
	if b.Internal {
		errs = append(errs, t.addNames(s.internal, []string{b.Name}))
	}
	for _, p := range b.Subnets {
		f := s.of(p.Addr())
		errs = append(errs, t.add(f.own, []nftables.SetElement{ownElement(p, b.Name)}))
		if b.Masquerade && !b.Internal {
			errs = append(errs, t.add(f.masq, interval(p)))
		}
	}
	return errors.Join(errs...)
}

func (t *Table) addNames(s *nftables.Set, names []string) error {
	var e []nftables.SetElement
	for _, n := range names {
		e = append(e, nftables.SetElement{Key: ifname(n)})
	}
	return t.add(s, e)
}

// RemoveBridge removes what the table knows of a bridge, and the table with the
// last one.
func (t *Table) RemoveBridge(name string) error {
	unlock, err := lock()
	if err != nil {
		return err
	}
	defer unlock()
	bridges, err := t.elements(t.sets.bridges)
	if err != nil || len(bridges) == 0 {
		return err
	}
	if len(bridges) == 1 && nameOf(bridges[0].Key) == name {
		return t.removeTable(name)
	}
	err = t.change(func() error { return t.forget(name, nil) })
	if err != nil {
		return fmt.Errorf("remove bridge %s from table inet %s: %w", name, TableName, err)
	}
	return t.stopLettingThrough(name, false)
}

func (t *Table) removeTable(last string) error {
	guarded4, err4 := t.elements(t.sets.v4.guarded)
	guarded6, err6 := t.elements(t.sets.v6.guarded)
	if err := errors.Join(err4, err6); err != nil {
		return err
	}
	t.conn.DelTable(t.t)
	if err := t.conn.Flush(); err != nil && !missing(err) {
		return fmt.Errorf("remove table inet %s: %w", TableName, err)
	}
	return errors.Join(t.stopLettingThrough(last, true), t.sets.v4.switchOff(last, guarded4), t.sets.v6.switchOff(last, guarded6))
}

// Bridges are the names of the bridges that the table knows, of all roots.
func (t *Table) Bridges() ([]string, error) {
	e, err := t.elements(t.sets.bridges)
	var names []string
	for _, b := range e {
		names = append(names, nameOf(b.Key))
	}
	return names, err
}

// forget puts the removal of all elements of a bridge, or of these subnets, into
// the batch.
func (t *Table) forget(name string, subnets []netip.Prefix) error {
	s := &t.sets
	// A bridge may have been there, and been taken for somebody else's, when
	// forwarding was switched on.
	for _, set := range []*nftables.Set{s.internal, s.bridges, s.same, s.v4.guarded, s.v6.guarded} {
		if err := t.dropIf(set, func(e nftables.SetElement) bool { return bytes.HasPrefix(e.Key, ifname(name)) }); err != nil {
			return err
		}
	}
	return errors.Join(t.forgetSubnets(&s.v4, name, subnets), t.forgetSubnets(&s.v6, name, subnets))
}

func (t *Table) forgetSubnets(f *family, name string, subnets []netip.Prefix) error {
	own, err := t.elements(f.own)
	if err != nil {
		return err
	}
	masq, err := t.elements(f.masq)
	if err != nil {
		return err
	}
	var gone, goneMasq []nftables.SetElement
	for _, o := range own {
		first, _ := netip.AddrFromSlice(o.Key[:f.bytes])
		if nameOf(o.Key[f.bytes:]) != name && !overlaps(first, o, f, subnets) {
			continue
		}
		gone = append(gone, nftables.SetElement{Key: o.Key, KeyEnd: o.KeyEnd})
		goneMasq = append(goneMasq, masqOf(masq, first)...)
	}
	return errors.Join(t.drop(f.own, gone), t.drop(f.masq, goneMasq))
}

// overlaps tells whether an element of own is in the way of one of the subnets.
func overlaps(first netip.Addr, own nftables.SetElement, f *family, subnets []netip.Prefix) bool {
	end, ok := netip.AddrFromSlice(own.KeyEnd[:min(len(own.KeyEnd), int(f.bytes))])
	if !ok {
		end = first
	}
	for _, p := range subnets {
		if p.Addr().BitLen() == first.BitLen() && !p.Masked().Addr().Less(first) && !end.Less(p.Masked().Addr()) {
			return true
		}
		if p.Addr().BitLen() == first.BitLen() && p.Contains(first) {
			return true
		}
	}
	return false
}

// masqOf are the elements of the interval that begins at first.
func masqOf(all []nftables.SetElement, first netip.Addr) []nftables.SetElement {
	var begin, end *nftables.SetElement
	for i := range all {
		a, _ := netip.AddrFromSlice(all[i].Key)
		switch {
		case !all[i].IntervalEnd && a == first:
			begin = &all[i]
		case all[i].IntervalEnd && first.Less(a):
			if e := end; e == nil || bytes.Compare(all[i].Key, e.Key) < 0 {
				end = &all[i]
			}
		}
	}
	if begin == nil {
		return nil
	}
	gone := []nftables.SetElement{{Key: begin.Key}}
	if end != nil {
		gone = append(gone, nftables.SetElement{Key: end.Key, IntervalEnd: true})
	}
	return gone
}

// dropIf puts the removal of the elements that match into the batch.
func (t *Table) dropIf(s *nftables.Set, match func(nftables.SetElement) bool) error {
	all, err := t.elements(s)
	if err != nil {
		return err
	}
	var gone []nftables.SetElement
	for _, e := range all {
		if match(e) {
			gone = append(gone, nftables.SetElement{Key: e.Key, KeyEnd: e.KeyEnd})
		}
	}
	return t.drop(s, gone)
}
