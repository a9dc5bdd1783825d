package network

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"gantry/engine"
	"gantry/engine/record"
	"gantry/engine/shim"
)

// A claim is a symbolic link run/networks/<id12>/<address> to the ID of the
// container that has the address. Everything here is done under the network's
// lock.

func (s *Store) claimPath(net engine.ID, a netip.Addr) string {
	return filepath.Join(s.Dir(net), a.String())
}

// claims are who has which address. What else lies in the directory is of no
// interest here.
func (s *Store) claims(net engine.ID) map[netip.Addr]engine.ID {
	entries, err := os.ReadDir(s.Dir(net))
	if err != nil {
		return nil
	}
	out := make(map[netip.Addr]engine.ID, len(entries))
	for _, ent := range entries {
		if a, err := netip.ParseAddr(ent.Name()); err == nil {
			if holder, err := os.Readlink(s.claimPath(net, a)); err == nil {
				out[a] = engine.ID(holder)
			}
		}
	}
	return out
}

// users are the containers that have an address, each once.
func (s *Store) users(net engine.ID) []engine.ID {
	var out []engine.ID
	for _, id := range s.claims(net) {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// reap releases the claims of containers that have ended.
func (s *Store) reap(ctx context.Context, net engine.ID) {
	for _, id := range s.users(net) {
		if s.o.Gone(id) {
			_ = s.leave(ctx, net, id)
		}
	}
}

// takeOver is take for an address that was asked for: one that has ended and
// waits for its release need not be waited for.
func (s *Store) takeOver(ctx context.Context, net engine.ID, a netip.Addr, id engine.ID) error {
	err := s.take(net, a, id)
	if !errors.Is(err, engine.ErrInUse) {
		return err
	}
	if holder, _ := os.Readlink(s.claimPath(net, a)); holder == "" || !s.o.Gone(engine.ID(holder)) {
		return err
	} else if err := s.leave(ctx, net, engine.ID(holder)); err != nil {
		return fmt.Errorf("take address %s from container %s, which has ended: %w", a, engine.ID(holder).Short(), err)
	}
	return s.take(net, a, id)
}

// take claims an address; ErrInUse names who has it.
func (s *Store) take(net engine.ID, a netip.Addr, id engine.ID) error {
	err := os.Symlink(string(id), s.claimPath(net, a))
	if errors.Is(err, os.ErrNotExist) {
		if err = os.MkdirAll(s.Dir(net), 0o700); err == nil {
			err = os.Symlink(string(id), s.claimPath(net, a))
		}
	}
	if errors.Is(err, os.ErrExist) {
		holder, _ := os.Readlink(s.claimPath(net, a))
		if holder == string(id) {
			return nil
		}
		return fmt.Errorf("%w: container %s has the address %s", engine.ErrInUse, engine.ID(holder).Short(), a)
	}
	if err != nil {
		return fmt.Errorf("claim address: %w", err)
	}
	return nil
}

// lastFile remembers the address that was given out last, per family: an address
// that has just become free is the last one to be given out again, so that what
// still remembers its old holder finds nobody.
func (s *Store) lastFile(net engine.ID, p netip.Prefix) string {
	return filepath.Join(s.Dir(net), "last-"+p.Addr().String())
}

// draw claims the next free address of a subnet.
func (s *Store) draw(ctx context.Context, net engine.ID, sub Subnet, id engine.ID) (netip.Addr, error) {
	if a, err := s.drawOnce(net, sub, id); err == nil {
		return a, nil
	}
	s.reap(ctx, net)
	return s.drawOnce(net, sub, id)
}

func (s *Store) drawOnce(net engine.ID, sub Subnet, id engine.ID) (netip.Addr, error) {
	taken := s.claims(net)
	pool := sub.pool()
	first := pool.Addr()
	from := first
	if text, err := os.Readlink(s.lastFile(net, sub.Prefix)); err == nil {
		if a, err := netip.ParseAddr(text); err == nil && pool.Contains(a) {
			from = a.Next()
		}
	}
	a := from
	for range tries(pool, len(taken)+len(sub.Aux)) {
		if !a.IsValid() || !pool.Contains(a) {
			a = first
		}
		if _, held := taken[a]; !held && sub.free(a) {
			if err := s.take(net, a, id); err != nil {
				return a, err
			}
			s.remember(net, sub.Prefix, a)
			return a, nil
		}
		a = a.Next()
	}
	return netip.Addr{}, fmt.Errorf("%w: no address of %s is free", engine.ErrConflict, pool)
}

// tries is how many addresses have to be looked at in the worst case: all, or
// one more than can be taken or reserved.
func tries(pool netip.Prefix, taken int) int {
	n := taken + 5
	if room := pool.Addr().BitLen() - pool.Bits(); room < 20 {
		n = min(n, 1<<room)
	}
	return n
}

// remember is best effort: without it an address may be given out again soon.
func (s *Store) remember(net engine.ID, p netip.Prefix, a netip.Addr) {
	path := s.lastFile(net, p)
	tmp := path + ".new"
	_ = os.Remove(tmp)
	if os.Symlink(a.String(), tmp) == nil {
		_ = os.Rename(tmp, path)
	}
}

// drop gives an address back, if id has it.
func (s *Store) drop(net engine.ID, a netip.Addr, id engine.ID) error {
	path := s.claimPath(net, a)
	if holder, err := os.Readlink(path); err != nil || holder != string(id) {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("release address: %w", err)
	}
	return nil
}

// stateFile is what a container's last start was given.
func (s *Store) stateFile(id engine.ID) string {
	return filepath.Join(s.o.Run, "c", id.Short(), shim.NetworkFile)
}

// state is network.json of a container.
type state struct {
	Endpoints []Endpoint `json:"endpoints"`
}

// Endpoints are what the last start of a container was given, and what it was
// connected to since; none when that has been released.
func (s *Store) Endpoints(id engine.ID) ([]Endpoint, error) {
	var st state
	err := record.Read(s.stateFile(id), &st)
	if errors.Is(err, engine.ErrNotFound) {
		return nil, nil
	}
	return st.Endpoints, err
}

// Held tells whether there is something to release.
func (s *Store) Held(id engine.ID) bool {
	_, err := os.Lstat(s.stateFile(id))
	return err == nil
}

func (s *Store) setEndpoints(id engine.ID, list []Endpoint) error {
	path := s.stateFile(id)
	if len(list) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("release network: %w", err)
		}
		_ = os.Remove(filepath.Dir(path)) // where it was all that was left of a container
		return nil
	}
	err := record.Write(path, &state{Endpoints: list}, record.Volatile)
	if errors.Is(err, os.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
			err = record.Write(path, &state{Endpoints: list}, record.Volatile)
		}
	}
	return err
}

// members are the containers on a network, without their names.
func (s *Store) members(net engine.ID) map[engine.ID]engine.NetworkMember {
	out := map[engine.ID]engine.NetworkMember{}
	for _, id := range s.users(net) {
		eps, err := s.Endpoints(id)
		if err != nil {
			continue
		}
		for _, ep := range eps {
			if ep.Network == net {
				out[id] = ep.member()
			}
		}
	}
	return out
}

func (ep Endpoint) member() engine.NetworkMember {
	m := engine.NetworkMember{EndpointID: ep.ID, MacAddress: ep.MAC}
	for _, a := range ep.Addrs {
		if a.Addr().Is4() {
			m.IPv4Address = a.String()
		} else if m.IPv6Address == "" {
			m.IPv6Address = a.String()
		}
	}
	return m
}
