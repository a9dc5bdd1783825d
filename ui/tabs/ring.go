package tabs

import (
	"math"
	"time"

	"gantry/engine"
)

// kept is how many seconds of samples a ring holds.
const kept = 300

// point is what is drawn of one second; NaN where it is not known.
type point struct {
	cores, throttled         float64
	memory, pids             float64
	read, write              float64
	rx, tx                   float64
	cpuWait, memWait, ioWait float64
	memFullWait, ioFullWait  float64
}

// gap is a second in which nothing was measured.
func gap() point {
	n := math.NaN()
	return point{n, n, n, n, n, n, n, n, n, n, n, n, n}
}

// ring keeps the points of the last few minutes, one per second.
type ring struct {
	points []point // oldest first
	seen   int     // points ever added, for buckets that do not shift
	last   engine.Sample
}

// add takes a sample. Seconds without one become gaps, so that the time axis
// stays true.
func (r *ring) add(s engine.Sample) {
	var missed time.Duration
	if !r.last.Time.IsZero() {
		missed = s.Time.Sub(r.last.Time) - time.Second
	}
	for range min(kept, int(missed.Round(time.Second)/time.Second)) {
		r.push(gap())
	}
	p := gap()
	p.memory, p.pids = float64(s.Memory.Usage), float64(s.PIDs)
	if w := s.Pressure; w != nil {
		p.cpuWait, p.memWait, p.ioWait = w.CPUSome, w.MemorySome, w.IOSome
		p.memFullWait, p.ioFullWait = w.MemoryFull, w.IOFull
	}
	// A rate over a long gap, or across a restart, says nothing about now.
	if !r.last.Time.IsZero() && missed < 3*time.Second && s.CPU.Usage >= r.last.CPU.Usage {
		v := engine.Rate(r.last, s)
		p.cores, p.throttled = v.Cores, v.ThrottledPercentage
		p.read, p.write, p.rx, p.tx = v.ReadBytes, v.WriteBytes, v.RxBytes, v.TxBytes
	}
	r.push(p)
	r.last = s
}

func (r *ring) push(p point) {
	if len(r.points) >= kept {
		copy(r.points, r.points[1:])
		r.points = r.points[:kept-1]
	}
	r.points = append(r.points, p)
	r.seen++
}

func (r *ring) empty() bool { return len(r.points) == 0 }

// latest is the newest point.
func (r *ring) latest() point {
	if r.empty() {
		return gap()
	}
	return r.points[len(r.points)-1]
}

// peak is the largest value that is kept, 0 when there is none.
func (r *ring) peak(of func(point) float64) float64 {
	top := 0.0
	for _, p := range r.points {
		if v := of(p); v > top {
			top = v
		}
	}
	return top
}

// columns puts the ring into at most n columns: each is the largest value of
// per seconds, so that a short peak is never lost. The seconds are grouped by
// their number and not by their age, or every peak would flicker while it
// moves to the left.
func (r *ring) columns(n int, of func(point) float64) (values []float64, per int) {
	if n <= 0 {
		return nil, 1
	}
	per = max(1, (len(r.points)+n-1)/n) // so few that all of them fit
	first := r.seen - len(r.points)
	for i, p := range r.points {
		v := of(p)
		if i == 0 || (first+i)%per == 0 {
			values = append(values, v)
		} else if last := &values[len(values)-1]; math.IsNaN(*last) || v > *last {
			*last = v
		}
	}
	return values, per
}
