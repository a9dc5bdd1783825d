package nat

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// TableName is the table's name, of family inet.
const TableName = "gantry"

// Table is the host's table, of the network namespace that the thread was in
// which opened it. Close it.
type Table struct {
	conn  *nftables.Conn
	flows *nl.SocketHandle // to connection tracking
	t     *nftables.Table
	sets  sets
}

// Open connects to the kernel. The table itself is made by AddBridge.
func Open() (*Table, error) {
	conn, err := nftables.New(nftables.AsLasting())
	if err != nil {
		return nil, fmt.Errorf("open nftables: %w", err)
	}
	flows, err := openFlows()
	if err != nil {
		_ = conn.CloseLasting() // nothing was done by it
		return nil, err
	}
	t := &nftables.Table{Name: TableName, Family: nftables.TableFamilyINet}
	return &Table{conn: conn, flows: flows, t: t, sets: newSets(t)}, nil
}

// Close ends the connection; the table stays. As long as something that was
// removed is not freed, by whomever, the kernel lets every end of a connection to
// the packet filter wait for that: an RCU grace period, 5 to 25 ms, in which
// nobody should hold a lock. So that is waited for in the background.
func (t *Table) Close() {
	go func() {
		t.flows.Close()
		_ = t.conn.CloseLasting() // what was asked for is done and answered
	}()
}

// lockPath is the same for every root: they share the table.
const lockPath = "/run/gantry-nat.lock"

// lock keeps others from making or removing the table meanwhile. The lock goes
// with its holder.
func lock() (unlock func(), err error) {
	f, err := os.OpenFile(lockPath, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the host's table: %w", err)
	}
	for {
		if err = unix.Flock(int(f.Fd()), unix.LOCK_EX); err != unix.EINTR {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock the host's table: %w", err)
	}
	return func() { f.Close() }, nil
}

// declare puts the table as it is to be into the batch: what is there already
// stays, the rules are written anew, as an older gantry or somebody else may have
// left others.
func (t *Table) declare() error {
	t.conn.AddTable(t.t)
	for _, s := range t.sets.all() {
		if err := t.conn.AddSet(s, nil); err != nil {
			return err
		}
	}
	for _, c := range t.chains() {
		t.conn.AddChain(c.chain)
		t.conn.FlushChain(c.chain)
		for _, r := range c.rules {
			t.conn.AddRule(&nftables.Rule{Table: t.t, Chain: c.chain, Exprs: r})
		}
	}
	return nil
}

// change sends a batch that prepare puts together. An element that it was to
// remove may go at the same time by another process: it is put together again.
func (t *Table) change(prepare func() error) error {
	const tries = 5
	var err error
	for range tries {
		if err = prepare(); err != nil {
			return err
		}
		if err = t.conn.Flush(); err == nil || !missing(err) && !errors.Is(err, unix.EEXIST) {
			return err
		}
	}
	return err
}

// elements of a set, none when there is no table.
func (t *Table) elements(s *nftables.Set) ([]nftables.SetElement, error) {
	all, err := t.conn.GetSetElements(s)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list %s of table inet %s: %w", s.Name, TableName, err)
	}
	return all, nil
}

// missing tells whether what an error is about is not there. The library loses
// the number of the error where it lists, but not its text.
func missing(err error) bool {
	return err != nil && (errors.Is(err, unix.ENOENT) || strings.HasSuffix(err.Error(), ": "+unix.ENOENT.Error()))
}

// chunk bounds the elements of one message: its attributes together are at most
// 64 KiB.
const chunk = 256

func (t *Table) add(s *nftables.Set, e []nftables.SetElement) error {
	return inChunks(e, func(part []nftables.SetElement) error { return t.conn.SetAddElements(s, part) })
}

func (t *Table) drop(s *nftables.Set, e []nftables.SetElement) error {
	return inChunks(e, func(part []nftables.SetElement) error { return t.conn.SetDeleteElements(s, part) })
}

func inChunks(e []nftables.SetElement, do func([]nftables.SetElement) error) error {
	for len(e) > 0 {
		n := min(len(e), chunk)
		if err := do(e[:n]); err != nil {
			return err
		}
		e = e[n:]
	}
	return nil
}
