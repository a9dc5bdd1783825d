package local

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"iter"
	"os"
	"strconv"
	"strings"
	"time"

	"gantry/engine"
	"gantry/engine/record"
)

// Stats implements engine.ContainerStreams. It ends when the container does.
func (c *containers) Stats(ctx context.Context, ref string, opts engine.StatsOptions) iter.Seq2[engine.Sample, error] {
	e := (*Engine)(c)
	return func(yield func(engine.Sample, error) bool) {
		if err := e.sample(ctx, ref, opts, func(s engine.Sample) bool { return yield(s, nil) }); err != nil {
			yield(engine.Sample{}, opErr("sample", ref, err))
		}
	}
}

func (e *Engine) sample(ctx context.Context, ref string, opts engine.StatsOptions, yield func(engine.Sample) bool) error {
	v, err := e.viewOf(ref)
	if err != nil {
		return err
	}
	if !v.state.Live() {
		return notRunning(v.state)
	}
	host, err := e.host()
	if err != nil {
		return err
	}
	group, err := e.group(v.rec.ID)
	if err != nil {
		return err
	}
	begin := host.Sampler
	if opts.Brief {
		begin = host.BriefSampler
	}
	sampler, err := begin(group)
	if err != nil {
		return err
	}
	defer sampler.Close()
	var tick *time.Ticker
	if opts.Interval > 0 && !opts.Pulled {
		tick = time.NewTicker(opts.Interval)
		defer tick.Stop()
	}
	for {
		s, err := sampler.Sample()
		if err != nil || !alive(v.start) {
			return endOfStats(v, err)
		}
		s.ID, s.Name = v.rec.ID, v.rec.Name
		if !opts.Brief {
			s.Network = netSample(v.start.Pid)
		}
		if !yield(s) || tick == nil && !opts.Pulled {
			return nil
		}
		if opts.Pulled {
			if ctx.Err() != nil {
				return nil
			}
			continue
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// endOfStats drops the error of a reading that failed because the container
// ended.
func endOfStats(v *view, err error) error {
	if !alive(v.start) {
		return nil
	}
	return err
}

// netSample adds up the interfaces of the process's network namespace. A
// container on the host's network shares the host's counters: none are shown.
func netSample(pid int) engine.NetSample {
	var n engine.NetSample
	own, err1 := os.Readlink("/proc/self/ns/net")
	its, err2 := os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/net")
	if err1 != nil || err2 != nil || own == its {
		return n
	}
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/net/dev")
	if err != nil {
		return n
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		addInterface(&n, sc.Text())
	}
	return n
}

// addInterface adds one line of /proc/net/dev: name, then eight columns
// received and eight transmitted.
func addInterface(n *engine.NetSample, line string) {
	name, rest, ok := strings.Cut(line, ":")
	f := strings.Fields(rest)
	if !ok || strings.TrimSpace(name) == "lo" || len(f) < 10 {
		return
	}
	num := func(i int) uint64 { v, _ := strconv.ParseUint(f[i], 10, 64); return v }
	n.RxBytes += num(0)
	n.RxPackets += num(1)
	n.TxBytes += num(8)
	n.TxPackets += num(9)
}

// Update implements engine.ContainerEditor. The limits of a running container
// change at once; the record keeps them for the next start.
func (c *containers) Update(ctx context.Context, ref string, opts engine.UpdateOptions) error {
	e := (*Engine)(c)
	return opErr("update", ref, e.update(ctx, ref, opts))
}

func (e *Engine) update(ctx context.Context, ref string, opts engine.UpdateOptions) error {
	id, err := e.find(ref)
	if err != nil {
		return err
	}
	lock, err := e.locks.Lock(ctx, record.LockContainer, string(id))
	if err != nil {
		return err
	}
	defer lock.Unlock()
	v, _, err := e.look(id)
	if err != nil {
		return err
	}
	if v.state == engine.Removing || v.state == engine.Dead {
		return fmt.Errorf("%w: it is %s", engine.ErrConflict, v.state)
	}
	if opts.RestartPolicy != nil {
		if err := opts.RestartPolicy.Check(v.rec.Host.AutoRemove); err != nil {
			return err
		}
	}
	if real := (opts.CPURealtimePeriod != 0 || opts.CPURealtimeRuntime != 0); real || opts.Resources != (engine.Resources{}) {
		if real {
			v.rec.Host.CPURealtimePeriod = cmp.Or(opts.CPURealtimePeriod, v.rec.Host.CPURealtimePeriod)
			v.rec.Host.CPURealtimeRuntime = cmp.Or(opts.CPURealtimeRuntime, v.rec.Host.CPURealtimeRuntime)
		}
		merged := mergeResources(v.rec.Host.Resources, opts.Resources)
		if err := e.applyResources(v, merged); err != nil {
			return err
		}
		v.rec.Host.Resources = merged
	}
	if err := e.setPolicy(v, opts.RestartPolicy); err != nil {
		return err
	}
	ev := engine.Event{Kind: engine.KindContainer, Action: engine.ActionUpdate, ID: string(id), Attributes: v.rec.attributes()}
	return e.commit(ev, v.rec)
}

// mergeResources lays what an update names over what there is.
func mergeResources(old, change engine.Resources) engine.Resources {
	pick := func(dst *int64, v int64) {
		if v != 0 {
			*dst = v
		}
	}
	pick(&old.Memory, change.Memory)
	pick(&old.MemorySwap, change.MemorySwap)
	pick(&old.MemoryReservation, change.MemoryReservation)
	pick(&old.CPUShares, change.CPUShares)
	pick(&old.PidsLimit, change.PidsLimit)
	if change.NanoCpus != 0 { // the two ways to say it exclude each other
		old.NanoCpus, old.CPUPeriod, old.CPUQuota = change.NanoCpus, 0, 0
	}
	if change.CPUPeriod != 0 || change.CPUQuota != 0 {
		old.NanoCpus = 0
		pick(&old.CPUPeriod, change.CPUPeriod)
		pick(&old.CPUQuota, change.CPUQuota)
	}
	if change.CpusetCpus != "" {
		old.CpusetCpus = change.CpusetCpus
	}
	if change.CpusetMems != "" {
		old.CpusetMems = change.CpusetMems
	}
	if change.BlkioWeight != 0 {
		old.BlkioWeight = change.BlkioWeight
	}
	return old
}
