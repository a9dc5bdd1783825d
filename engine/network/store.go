package network

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"gantry/engine"
	"gantry/engine/events"
	"gantry/engine/record"
	"gantry/images/trash"
)

// Options of New.
type Options struct {
	Root, Run string
	Locks     *record.Locks
	Journal   *events.Journal
	Pools     []Pool // that subnets are chosen from; empty: DefaultPools
	// Gone tells whether a container has surely ended and nobody is about to
	// start it: what it holds may be taken. It is asked under a network's lock.
	Gone func(engine.ID) bool
}

// hostLocks are where all gantry engines of a host find each other, whatever
// their roots are: they share its interfaces, routes and rules.
const hostLocks = "/run/gantry-net"

// Store is the networks of one state root. It is safe for concurrent use.
type Store struct {
	o     Options
	names func() (*record.Names, error)
	host  func() (*record.Locks, error)
}

// New uses the networks under o.Root.
func New(o Options) *Store {
	if len(o.Pools) == 0 {
		o.Pools = DefaultPools()
	}
	return &Store{
		o: o,
		names: sync.OnceValues(func() (*record.Names, error) {
			return record.OpenNames(filepath.Join(o.Root, "networks", "names"))
		}),
		host: sync.OnceValues(func() (*record.Locks, error) { return record.OpenLocks(hostLocks) }),
	}
}

// Dir is where the claims and the names of a network's endpoints are.
func (s *Store) Dir(id engine.ID) string {
	return filepath.Join(s.o.Run, "networks", id.Short())
}

// lockHost keeps other engines from choosing subnets and making bridges. It is
// taken after a network's lock.
func (s *Store) lockHost(ctx context.Context) (*record.Lock, error) {
	locks, err := s.host()
	if err != nil {
		return nil, err
	}
	return locks.Lock(ctx, "host", "subnets")
}

func (s *Store) lock(ctx context.Context, id engine.ID) (*record.Lock, error) {
	return s.o.Locks.Lock(ctx, record.LockNetwork, string(id))
}

// predefined returns the ID of a network that every engine has, which is drawn
// when it is first asked for.
func (s *Store) predefined(name string) (engine.ID, error) {
	names, err := s.names()
	if err != nil {
		return "", err
	}
	for {
		id, err := names.Lookup(name)
		if !errors.Is(err, engine.ErrNotFound) {
			return engine.ID(id), err
		}
		if err := names.Reserve(name, string(engine.NewID())); err != nil && !errors.Is(err, engine.ErrConflict) {
			return "", err
		}
	}
}

// plain is a network of the engine's own that has no record: host, none, and
// the default bridge before its first use.
func (s *Store) plain(name string) (engine.Network, error) {
	id, err := s.predefined(name)
	if err != nil {
		return engine.Network{}, err
	}
	r := Record{ID: id, Name: name, Options: defaultOptions(name, id)}
	n := r.shown()
	switch name {
	case engine.NetworkHost:
		n.Driver = "host"
	case engine.NetworkNone:
		n.Driver = "null"
	}
	if fi, err := os.Lstat(filepath.Join(s.o.Root, "networks", "names", name)); err == nil {
		n.Created = fi.ModTime().UTC()
	}
	return n, nil
}

func defaultOptions(name string, id engine.ID) map[string]string {
	if name != engine.NetworkBridge {
		return nil
	}
	return map[string]string{
		optionDefault: "true", OptionICC: "true", OptionMasquerade: "true", OptionHostBinding: "0.0.0.0",
		OptionBridgeName: "gt-" + id.Short(), OptionMTU: "1500",
	}
}

// List returns all networks by name, each with who is on it, without the names
// of containers. One whose record is broken is left out and its error returned
// beside the others.
func (s *Store) List() ([]engine.Network, error) {
	records, broken := s.records()
	if broken != nil && len(records) == 0 {
		return nil, broken
	}
	var out []engine.Network
	for _, r := range records {
		n := r.shown()
		n.Containers = s.members(r.ID)
		out = append(out, n)
	}
	for _, name := range []string{engine.NetworkBridge, engine.NetworkHost, engine.NetworkNone} {
		if slices.ContainsFunc(out, func(n engine.Network) bool { return n.Name == name }) {
			continue
		}
		n, err := s.plain(name)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b engine.Network) int { return strings.Compare(a.Name, b.Name) })
	return out, broken
}

// Find resolves an ID, a name or a unique prefix of an ID, in this order.
func (s *Store) Find(ref string) (engine.ID, error) {
	if engine.PredefinedNetwork(ref) {
		return s.predefined(ref)
	}
	if len(ref) == 64 {
		if _, err := os.Lstat(s.recordPath(engine.ID(ref))); err == nil && !strings.Contains(ref, "/") {
			return engine.ID(ref), nil
		}
	}
	names, err := s.names()
	if err != nil {
		return "", err
	}
	if id, err := names.Lookup(ref); err == nil {
		return engine.ID(id), nil
	}
	return s.findPrefix(ref)
}

func (s *Store) findPrefix(ref string) (found engine.ID, err error) {
	list, err := s.List()
	if err != nil && len(list) == 0 {
		return "", err
	}
	for _, n := range list {
		if ref == "" || !strings.HasPrefix(string(n.ID), ref) {
			continue
		}
		if found != "" {
			return "", fmt.Errorf("%w: more than one network begins with %s; give more digits", engine.ErrAmbiguous, ref)
		}
		found = n.ID
	}
	if found == "" {
		return "", errNoNetwork
	}
	return found, nil
}

// Inspect returns one network with who is on it. The default bridge gets its
// subnet now, if it has none.
func (s *Store) Inspect(ctx context.Context, ref string) (engine.Network, error) {
	id, err := s.Find(ref)
	if err != nil {
		return engine.Network{}, err
	}
	for _, name := range []string{engine.NetworkHost, engine.NetworkNone} {
		if own, err := s.predefined(name); err == nil && own == id {
			return s.plain(name)
		}
	}
	r, err := s.need(ctx, id)
	if err != nil {
		return engine.Network{}, err
	}
	n := r.shown()
	n.Containers = s.members(id)
	return n, nil
}

// need reads a record, and makes that of the default bridge when there is none.
func (s *Store) need(ctx context.Context, id engine.ID) (*Record, error) {
	r, err := s.read(id)
	if !errors.Is(err, engine.ErrNotFound) {
		return r, err
	}
	own, perr := s.predefined(engine.NetworkBridge)
	if perr != nil || own != id {
		return nil, errors.Join(perr, err)
	}
	k, err := s.lock(ctx, id)
	if err != nil {
		return nil, err
	}
	defer k.Unlock()
	if r, err := s.read(id); !errors.Is(err, engine.ErrNotFound) {
		return r, err // somebody was faster
	}
	r = &Record{ID: id, Name: engine.NetworkBridge, Created: now(), Options: defaultOptions(engine.NetworkBridge, id)}
	return r, s.settleSubnets(ctx, r, nil)
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// settleSubnets chooses what nobody asked for, refuses what is taken, and puts
// the network on record: all under the host's lock, so that two networks
// cannot take the same.
func (s *Store) settleSubnets(ctx context.Context, r *Record, want []Subnet) error {
	host, err := s.lockHost(ctx)
	if err != nil {
		return err
	}
	defer host.Unlock()
	taken, err := s.taken(r.ID)
	if err != nil {
		return err
	}
	if r.Subnets, err = allot(r, want, s.o.Pools, taken); err != nil {
		return err
	}
	return s.write(r, engine.ActionCreate)
}

// allot completes the subnets of a network.
func allot(r *Record, want []Subnet, pools []Pool, taken occupied) ([]Subnet, error) {
	out := slices.Clone(want)
	has := map[bool]bool{}
	for i, w := range want {
		if err := taken.check(w.Prefix); err != nil {
			return nil, err
		}
		for _, other := range want[:i] {
			if other.Prefix.Overlaps(w.Prefix) {
				return nil, fmt.Errorf("%w subnets %s and %s: they overlap", engine.ErrInvalid, other.Prefix, w.Prefix)
			}
		}
		has[w.Prefix.Addr().Is4()] = true
	}
	if !r.NoIPv4 && !has[true] {
		one, err := choose(pools, taken.all())
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	if r.IPv6 && !has[false] {
		out = append(out, chooseLocal(pools, taken.all()))
	}
	slices.SortStableFunc(out, func(a, b Subnet) int { return a.Prefix.Addr().BitLen() - b.Prefix.Addr().BitLen() })
	return out, nil
}

// write puts a record on the disk together with its event; "" tells of none.
func (s *Store) write(r *Record, action string) error {
	path := s.recordPath(r.ID)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make network: %w", err)
	}
	if action == "" {
		return record.Write(path, r, record.Durable)
	}
	_, err := s.o.Journal.Commit(event(action, r, ""), events.Carries(path, record.Durable), func(seq engine.Seq) error {
		r.Seq = seq
		return record.Write(path, r, record.Durable)
	})
	if err == nil {
		err = record.SyncDir(filepath.Join(s.o.Root, "networks"))
	}
	return err
}

func event(action string, r *Record, container engine.ID) engine.Event {
	attrs := map[string]string{"name": r.Name, "type": "bridge"}
	if container != "" {
		attrs["container"] = string(container)
	}
	return engine.Event{Kind: engine.KindNetwork, Action: action, ID: string(r.ID), Attributes: attrs}
}

// Create makes a bridge network; its interface comes with the first container.
func (s *Store) Create(ctx context.Context, o engine.NetworkCreateOptions) (engine.NetworkCreateResult, error) {
	r, want, warnings, err := plan(o)
	if err != nil {
		return engine.NetworkCreateResult{}, err
	}
	k, err := s.lock(ctx, r.ID)
	if err != nil {
		return engine.NetworkCreateResult{}, err
	}
	defer k.Unlock()
	if err := s.reserve(ctx, r); err != nil {
		return engine.NetworkCreateResult{}, err
	}
	if err := s.settleSubnets(ctx, r, want); err != nil {
		names, _ := s.names()
		return engine.NetworkCreateResult{}, errors.Join(err, names.Release(r.Name, string(r.ID)), os.RemoveAll(filepath.Dir(s.recordPath(r.ID))))
	}
	return engine.NetworkCreateResult{ID: r.ID, Warnings: warnings}, nil
}

// plan checks what can be checked without looking at the host.
func plan(o engine.NetworkCreateOptions) (r *Record, want []Subnet, warnings []string, err error) {
	if err := engine.CheckName(o.Name); err != nil {
		return nil, nil, nil, err
	}
	if engine.PredefinedNetwork(o.Name) || o.Name == "default" {
		return nil, nil, nil, fmt.Errorf("%w: every engine has a network %s; choose another name", engine.ErrConflict, o.Name)
	}
	if o.Driver != "" && o.Driver != "bridge" {
		return nil, nil, nil, fmt.Errorf("%w network driver %q: there is bridge", engine.ErrUnsupported, o.Driver)
	}
	if o.IPAMDriver != "" && o.IPAMDriver != "default" {
		return nil, nil, nil, fmt.Errorf("%w address driver %q: there is default", engine.ErrUnsupported, o.IPAMDriver)
	}
	if warnings, err = checkOptions(o.Options); err != nil {
		return nil, nil, nil, err
	}
	r = &Record{
		ID: engine.NewID(), Name: o.Name, Created: now(), NoIPv4: o.EnableIPv4 != nil && !*o.EnableIPv4, IPv6: o.EnableIPv6,
		Internal: o.Internal, Attachable: o.Attachable, Options: o.Options, Labels: o.Labels,
	}
	if v, given := o.Options[optionIPv6]; given {
		r.IPv6 = r.IPv6 || v == "true" || v == "1"
	}
	if r.NoIPv4 && !r.IPv6 {
		return nil, nil, nil, fmt.Errorf("%w: a network needs IPv4 or IPv6", engine.ErrInvalid)
	}
	for _, given := range o.Subnets {
		one, err := parseSubnet(given)
		if err != nil {
			return nil, nil, nil, err
		}
		switch v4 := one.Prefix.Addr().Is4(); {
		case v4 && r.NoIPv4:
			return nil, nil, nil, fmt.Errorf("%w subnet %s: the network has no IPv4", engine.ErrInvalid, one.Prefix)
		case !v4 && !r.IPv6:
			return nil, nil, nil, fmt.Errorf("%w subnet %s: the network has no IPv6; add --ipv6", engine.ErrInvalid, one.Prefix)
		}
		want = append(want, one)
	}
	return r, want, warnings, nil
}

// reserve gives the network its name. One that is held by a network that was
// never finished, or is half removed, is taken over.
func (s *Store) reserve(ctx context.Context, r *Record) error {
	names, err := s.names()
	if err != nil {
		return err
	}
	for {
		err := names.Reserve(r.Name, string(r.ID))
		var taken *record.TakenError
		if !errors.As(err, &taken) {
			return err
		}
		holder := engine.ID(taken.Holder)
		if _, err := os.Lstat(s.recordPath(holder)); err == nil {
			return fmt.Errorf("%w: network with name %s already exists", engine.ErrConflict, r.Name)
		}
		// Its maker holds its lock until the record is there.
		if held, err := s.o.Locks.Held(record.LockNetwork, string(holder)); err != nil || held {
			return errors.Join(err, fmt.Errorf("%w: network with name %s is being made", engine.ErrConflict, r.Name))
		}
		if err := errors.Join(names.Release(r.Name, taken.Holder), ctx.Err()); err != nil {
			return err
		}
	}
}

// InUseError names the containers that are connected to a network. It is
// ErrInUse.
type InUseError struct{ Users []engine.ID }

func (e *InUseError) Error() string {
	text := "network has active endpoints of "
	for i, id := range e.Users {
		if i > 0 {
			text += ", "
		}
		text += id.Short()
	}
	return text
}

func (e *InUseError) Unwrap() error { return engine.ErrInUse }

// Remove takes a network away that no container has an address of.
func (s *Store) Remove(ctx context.Context, id engine.ID) error {
	for _, name := range []string{engine.NetworkBridge, engine.NetworkHost, engine.NetworkNone} {
		if own, err := s.predefined(name); err == nil && own == id {
			return fmt.Errorf("%w: %s is one of the networks that every engine has", engine.ErrPermission, name)
		}
	}
	k, err := s.lock(ctx, id)
	if err != nil {
		return err
	}
	defer k.Unlock()
	r, err := s.read(id)
	if errors.Is(err, engine.ErrNotFound) {
		return err
	}
	if err != nil { // a broken one goes, too
		r = &Record{ID: id}
	}
	s.reap(ctx, id)
	if users := s.users(id); len(users) > 0 {
		return &InUseError{Users: users}
	}
	if err := s.bridgeDown(ctx, r); err != nil {
		return err
	}
	bin := "network-" + string(id)
	dir := filepath.Dir(s.recordPath(id))
	_, err = s.o.Journal.Commit(event(engine.ActionDestroy, r, ""), events.Gone(dir, record.Durable), func(engine.Seq) error {
		return trash.PutAs(s.o.Root, dir, bin)
	})
	if err != nil {
		return err
	}
	errs := []error{record.SyncDir(filepath.Join(s.o.Root, "networks")), trash.Delete(filepath.Join(trash.Dir(s.o.Root), bin)), os.RemoveAll(s.Dir(id))}
	if names, err := s.names(); err == nil && r.Name != "" {
		errs = append(errs, names.Release(r.Name, string(id)))
	}
	return errors.Join(errs...)
}

// Check tells whether an endpoint with these options can be had, and the name of
// the network. That an address is free is only known at the start.
func (s *Store) Check(ctx context.Context, id engine.ID, o engine.EndpointOptions) (name string, err error) {
	r, err := s.need(ctx, id)
	if err != nil {
		return "", err
	}
	if r.Default() && len(o.Aliases) > 0 {
		return "", fmt.Errorf("%w aliases: there are no names on the default bridge; make a network (gantry network create)", engine.ErrInvalid)
	}
	_, err = r.Static(o)
	return r.Name, err
}
