package tabs

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
)

// sampler turns the stream of samples of one container into messages, one at a
// time: the goroutine that ranges over the stream hands each to the command
// that waits for it.
//
//	run: Info -> Stats ----- sampleMsg, sampleMsg, … ------> next
//	                  \---- the stream ends: Inspect ------> next (samplesEndedMsg)
//
// It holds no more than one sample back, and ends with its context or with the
// stream, whichever is first; both sides wait for nothing else.
type sampler struct {
	eng engine.Engine
	id  engine.ID
	out chan tea.Msg // closed by run
}

// sampleMsg is one sample, with the host's memory by which a limit is told
// from none.
type sampleMsg struct {
	feed   *sampler
	sample engine.Sample
	host   uint64
}

// samplesEndedMsg says why no more samples come: the container's state when it
// does not run, else the error.
type samplesEndedMsg struct {
	feed  *sampler
	state *engine.ContainerState
	err   error
}

func newSampler(eng engine.Engine, id engine.ID) *sampler {
	return &sampler{eng: eng, id: id, out: make(chan tea.Msg)}
}

// next waits for the next message; nil when there will be none.
func (f *sampler) next() tea.Msg { return <-f.out }

func (f *sampler) run(ctx context.Context) {
	defer close(f.out)
	var host uint64
	if info, err := f.eng.Info(ctx); err == nil {
		host = uint64(max(0, info.Memory))
	}
	var failed error
	for s, err := range f.eng.Containers().Stats(ctx, string(f.id), engine.StatsOptions{Interval: pace}) {
		if err != nil {
			failed = err
			break
		}
		if !f.send(ctx, sampleMsg{f, s, host}) {
			return
		}
	}
	f.send(ctx, f.end(ctx, failed))
}

// end asks for the container's state: a container that does not run has no
// samples, which is no failure.
func (f *sampler) end(ctx context.Context, failed error) samplesEndedMsg {
	detail, err := f.eng.Containers().Inspect(ctx, string(f.id))
	switch {
	case err != nil && failed == nil:
		return samplesEndedMsg{feed: f, err: err}
	case err != nil || failed != nil && detail.State.Status.Live():
		return samplesEndedMsg{feed: f, err: failed}
	}
	return samplesEndedMsg{feed: f, state: &detail.State}
}

func (f *sampler) send(ctx context.Context, msg tea.Msg) bool {
	select {
	case f.out <- msg:
		return true
	case <-ctx.Done():
		return false
	}
}
