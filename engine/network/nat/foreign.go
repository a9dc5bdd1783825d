package nat

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// What one table accepts, another may drop: a verdict "accept" ends one base
// chain, "drop" ends the packet. dockerd sets the policy of iptables' FORWARD
// chain to drop, so beside it nothing of gantry's would pass. The place that
// docker means for rules of others is the chain DOCKER-USER; there gantry accepts
// what comes from and goes to its bridges, behind the rules of the host's
// administrator and before the return that ends the chain. The rules look like
// iptables' own (-i gt-+ -j ACCEPT), so that iptables lists them.

const dockerChain = "DOCKER-USER"

// dockerTables are where iptables-nft has the chain.
func dockerTables() []*nftables.Table {
	return []*nftables.Table{{Name: "filter", Family: nftables.TableFamilyIPv4}, {Name: "filter", Family: nftables.TableFamilyIPv6}}
}

// ownPrefix begins the names of the bridges that gantry names. One pair of rules
// serves all of them.
const ownPrefix = "gt-"

// pattern is what a bridge's rules compare the interface with.
func pattern(bridge string) []byte {
	if strings.HasPrefix(bridge, ownPrefix) {
		return []byte(ownPrefix)
	}
	return ifname(bridge)
}

var directions = []expr.MetaKey{expr.MetaKeyIIFNAME, expr.MetaKeyOIFNAME}

// letThrough makes sure that docker's rules let a bridge's packets pass.
func (t *Table) letThrough(bridge string) error {
	for _, table := range dockerTables() {
		c := &nftables.Chain{Name: dockerChain, Table: table}
		rules, err := t.rules(c)
		if err != nil {
			return err
		}
		if rules == nil {
			continue
		}
		for _, dir := range directions {
			if findAccept(rules, dir, pattern(bridge)) == nil {
				t.insertAccept(c, rules, dir, pattern(bridge))
			}
		}
		if err := t.conn.Flush(); err != nil {
			return fmt.Errorf("let bridge %s through docker's chain %s: %w", bridge, dockerChain, err)
		}
	}
	return nil
}

// stopLettingThrough removes the rules of a bridge; those that all bridges share
// only with the last.
func (t *Table) stopLettingThrough(bridge string, last bool) error {
	gone := [][]byte{}
	if !strings.HasPrefix(bridge, ownPrefix) {
		gone = append(gone, pattern(bridge))
	}
	if last {
		gone = append(gone, []byte(ownPrefix))
	}
	for _, table := range dockerTables() {
		rules, err := t.rules(&nftables.Chain{Name: dockerChain, Table: table})
		if err != nil {
			return err
		}
		for _, p := range gone {
			for _, dir := range directions {
				if r := findAccept(rules, dir, p); r != nil {
					if err := t.conn.DelRule(r); err != nil {
						return err
					}
				}
			}
		}
		if err := t.conn.Flush(); err != nil && !missing(err) {
			return fmt.Errorf("remove gantry's rules from docker's chain %s: %w", dockerChain, err)
		}
	}
	return nil
}

// rules of a chain, nil when there is no such chain.
func (t *Table) rules(c *nftables.Chain) ([]*nftables.Rule, error) {
	if _, err := t.conn.ListChain(c.Table, c.Name); err != nil {
		if missing(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("look for docker's chain %s: %w", c.Name, err)
	}
	rules, err := t.conn.GetRules(c.Table, c)
	if err != nil {
		return nil, fmt.Errorf("list docker's chain %s: %w", c.Name, err)
	}
	if rules == nil {
		rules = []*nftables.Rule{}
	}
	return rules, nil
}

// insertAccept puts the rule before the return that ends the chain.
func (t *Table) insertAccept(c *nftables.Chain, rules []*nftables.Rule, dir expr.MetaKey, name []byte) {
	r := &nftables.Rule{Table: c.Table, Chain: c, Exprs: []expr.Any{
		&expr.Meta{Key: dir, Register: unix.NFT_REG_1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: unix.NFT_REG_1, Data: name},
		&expr.Counter{},
		&expr.Verdict{Kind: expr.VerdictAccept},
	}}
	if n := len(rules); n > 0 && returns(rules[n-1]) {
		r.Position = rules[n-1].Handle
		t.conn.InsertRule(r)
		return
	}
	t.conn.AddRule(r)
}

// returns tells whether a rule does nothing but return.
func returns(r *nftables.Rule) bool {
	for _, e := range r.Exprs {
		switch e := e.(type) {
		case *expr.Counter:
		case *expr.Verdict:
			return e.Kind == expr.VerdictReturn
		default:
			return false
		}
	}
	return false
}

// findAccept finds the rule that insertAccept made.
func findAccept(rules []*nftables.Rule, dir expr.MetaKey, name []byte) *nftables.Rule {
	for _, r := range rules {
		if len(r.Exprs) < 3 {
			continue
		}
		m, isMeta := r.Exprs[0].(*expr.Meta)
		c, isCmp := r.Exprs[1].(*expr.Cmp)
		v, isVerdict := r.Exprs[len(r.Exprs)-1].(*expr.Verdict)
		if isMeta && isCmp && isVerdict && m.Key == dir && c.Op == expr.CmpOpEq && bytes.Equal(c.Data, name) && v.Kind == expr.VerdictAccept {
			return r
		}
	}
	return nil
}

// Obstacles are what on this host may drop gantry's packets and what gantry
// cannot pass by, each as a sentence for whoever reads `gantry info`.
func (t *Table) Obstacles() ([]string, error) {
	var found []string
	for _, file := range []string{"/proc/thread-self/net/ip_tables_names", "/proc/thread-self/net/ip6_tables_names"} {
		if b, err := os.ReadFile(file); err == nil && bytes.Contains(b, []byte("filter")) {
			found = append(found, "iptables-legacy is in use: gantry speaks nftables and cannot see its rules; where they drop forwarded packets, allow the interfaces gt-+ there")
			break
		}
	}
	chains, err := t.conn.ListChains()
	if err != nil {
		return nil, fmt.Errorf("list chains: %w", err)
	}
	for _, c := range chains {
		if c.Table.Name == "firewalld" && c.Name == "filter_FORWARD" && c.Hooknum != nil {
			// Its policy accepts; the rejection is its last rule.
			found = append(found, "firewalld is in use and rejects what containers send out: allow them with firewall-cmd --permanent --zone=trusted --add-interface=gt-+ and firewall-cmd --reload")
			continue
		}
		if c.Policy == nil || *c.Policy != nftables.ChainPolicyDrop || c.Hooknum == nil || *c.Hooknum != *nftables.ChainHookForward || c.Type != nftables.ChainTypeFilter {
			continue
		}
		if user, err := t.rules(&nftables.Chain{Name: dockerChain, Table: c.Table}); err != nil {
			return nil, err
		} else if user == nil {
			found = append(found, fmt.Sprintf("chain %s of table %s drops what is forwarded and is not let through: allow the interfaces gt-* there", c.Name, c.Table.Name))
		}
	}
	return found, nil
}
