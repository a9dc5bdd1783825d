package feed

import (
	"context"
	"errors"
	"slices"
	"sync"

	"gantry/engine"
)

// listing is the answers of one round.
type listing struct {
	mu    sync.Mutex // guards the rest
	take  []func(*State)
	kinds Kinds // that were read
	lost  Kinds // that could not be
	err   error // of the first of them
	seqs  []engine.Seq
}

// list reads the lists that are out of date, all at the same time: most of them
// read many records, and none should wait for another.
func (l *Lists) list(ctx context.Context, what Kinds) *listing {
	got := &listing{}
	var reads sync.WaitGroup
	defer reads.Wait()
	for _, one := range []struct {
		kind Kinds
		read func() (engine.Seq, func(*State), error)
	}{
		{Containers, func() (engine.Seq, func(*State), error) {
			list, err := l.eng.Containers().List(ctx, engine.ListOptions{All: true})
			return list.Seq, func(s *State) { s.Containers = list.Items }, err
		}},
		{Images, func() (engine.Seq, func(*State), error) {
			list, err := l.eng.Images().List(ctx, engine.ImageListOptions{})
			return list.Seq, func(s *State) { s.Images = list.Items }, err
		}},
		{Volumes, func() (engine.Seq, func(*State), error) {
			list, err := l.eng.Volumes().List(ctx, engine.VolumeListOptions{})
			return list.Seq, func(s *State) { s.Volumes = list.Items }, err
		}},
		{Networks, func() (engine.Seq, func(*State), error) {
			list, err := l.eng.Networks().List(ctx, engine.NetworkListOptions{})
			return list.Seq, func(s *State) { s.Networks = list.Items }, err
		}},
		{Jobs, func() (engine.Seq, func(*State), error) {
			list, err := l.eng.Jobs().List(ctx)
			return 0, func(s *State) { s.Jobs = list }, err
		}},
	} {
		if what.Has(one.kind) {
			reads.Go(func() { l.guard.run(func() { got.add(one.kind)(one.read()) }, func() {}) })
		}
	}
	return got
}

// add takes the answer of one kind. What an engine does not have is an empty
// list.
func (g *listing) add(kind Kinds) func(engine.Seq, func(*State), error) {
	return func(seq engine.Seq, take func(*State), err error) {
		g.mu.Lock()
		defer g.mu.Unlock()
		switch {
		case err == nil:
			g.take, g.kinds = append(g.take, take), g.kinds|kind
			if seq > 0 {
				g.seqs = append(g.seqs, seq)
			}
		case errors.Is(err, engine.ErrUnsupported):
			g.kinds |= kind
		default:
			if g.lost == 0 || kind < g.lost&-g.lost {
				g.err = err
			}
			g.lost |= kind
		}
	}
}

// into puts what was read into a state.
func (g *listing) into(s *State) {
	for _, take := range g.take {
		take(s)
	}
	s.Have |= g.kinds
}

// seq is the event that all of it is current to.
func (g *listing) seq() engine.Seq {
	if len(g.seqs) == 0 {
		return 0
	}
	return slices.Min(g.seqs)
}
