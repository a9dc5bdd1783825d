package tabs

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"gantry/ui/styles"
)

// generation tells the answers to one Open from those to another: the address
// is the identity, so it must not be of size zero.
type generation struct{ _ byte }

// reading asks the engine for one value, again when told to, never twice at
// the same time.
type reading[T any] struct {
	read func(ctx context.Context, ref string) (T, error)

	ctx    context.Context // of the present generation; nil while closed
	cancel context.CancelFunc
	gen    *generation
	ref    string
	busy   bool // an answer is on its way
	again  bool // it will be out of date

	value  T
	loaded bool // value belongs to ref
	err    error
}

// readMsg is the answer to a reading.
type readMsg[T any] struct {
	gen   *generation
	value T
	err   error
}

// open begins to show ref. The value is kept when it is ref's already.
func (r *reading[T]) open(ctx context.Context, ref string) tea.Cmd {
	r.close()
	if ref != r.ref {
		var none T
		r.value, r.loaded = none, false
	}
	r.ref, r.err = ref, nil
	if ref == "" {
		return nil
	}
	r.gen = new(generation)
	r.ctx, r.cancel = context.WithCancel(ctx)
	return r.refresh()
}

func (r *reading[T]) close() {
	if r.cancel != nil {
		r.cancel()
	}
	r.ctx, r.cancel, r.gen, r.busy, r.again = nil, nil, nil, false, false
}

func (r *reading[T]) refresh() tea.Cmd {
	if r.ctx == nil {
		return nil
	}
	if r.busy {
		r.again = true
		return nil
	}
	r.busy, r.again = true, false
	ctx, gen, ref, read := r.ctx, r.gen, r.ref, r.read
	return func() tea.Msg {
		v, err := read(ctx, ref)
		if ctx.Err() != nil {
			return nil
		}
		return readMsg[T]{gen, v, err}
	}
}

// accept takes an answer; false when the message is none of this reading's.
func (r *reading[T]) accept(msg tea.Msg) (ok bool, cmd tea.Cmd) {
	m, is := msg.(readMsg[T])
	if !is || r.gen == nil || m.gen != r.gen {
		return false, nil
	}
	r.busy, r.err = false, m.err
	if m.err == nil {
		r.value, r.loaded = m.value, true
	}
	if r.again {
		return true, r.refresh()
	}
	return true, nil
}

// instead is what a tab shows while it has no value.
func (r *reading[T]) instead(s styles.Styles, kind string, width, height int) (lines []string, instead bool) {
	return blank{kind: kind, chosen: r.ref != "", err: r.err, known: r.loaded}.lines(s, width, height)
}
