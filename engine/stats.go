package engine

import (
	"context"
	"time"
)

// StatsOptions set the pace of sampling and what is read.
type StatsOptions struct {
	Interval time.Duration
	// Pulled leaves the pace to the reader, whatever Interval is: each step of
	// the sequence reads anew. Whoever samples many containers can do so with
	// one clock (iter.Pull2).
	Pulled bool
	// Brief reads processor time and memory only, which is a fraction of the
	// work.
	Brief bool
}

// HostReader is what engines offer besides Engine that run on a machine whose
// load can be told.
type HostReader interface {
	Host(ctx context.Context) (HostSample, error)
}

// HostSample is one reading of the engine's machine.
type HostSample struct {
	Time        time.Time `json:"time"`
	Busy        uint64    `json:"busy"`  // processor time, of all processors together,
	Total       uint64    `json:"total"` // and the time that went by, in the same unit
	MemoryUsed  uint64    `json:"memoryUsed"`
	MemoryTotal uint64    `json:"memoryTotal"`
	StoreUsed   uint64    `json:"storeUsed"` // of the file system that holds images and containers
	StoreTotal  uint64    `json:"storeTotal"`
}

// Sample is one reading of a container's control group. Counters only grow;
// Rate makes rates of two samples.
type Sample struct {
	ID       ID        `json:"id"`
	Name     string    `json:"name"`
	Time     time.Time `json:"time"`
	CPU      CPUSample `json:"cpu"`
	Memory   MemSample `json:"memory"`
	PIDs     uint64    `json:"pids"`
	PIDLimit uint64    `json:"pidLimit,omitempty"` // 0: none
	IO       IOSample  `json:"io"`
	Network  NetSample `json:"network"`
	Pressure *Pressure `json:"pressure,omitempty"` // nil where the kernel has none
}

// CPUSample counts processor time in nanoseconds.
type CPUSample struct {
	Usage            uint64  `json:"usage"`
	User             uint64  `json:"user"`
	System           uint64  `json:"system"`
	Periods          uint64  `json:"periods"`
	ThrottledPeriods uint64  `json:"throttledPeriods"`
	ThrottledTime    uint64  `json:"throttledTime"`
	Limit            float64 `json:"limit,omitempty"` // cores, 0: none
	Online           int     `json:"online"`          // processors of the host
}

// MemSample counts bytes. Usage has the inactive page cache taken off, as
// docker stats shows it.
type MemSample struct {
	Usage    uint64 `json:"usage"`
	Raw      uint64 `json:"raw"`
	Cache    uint64 `json:"cache"`
	Peak     uint64 `json:"peak"`
	Swap     uint64 `json:"swap"`
	Limit    uint64 `json:"limit"` // the host's memory where there is no limit
	OOMKills uint64 `json:"oomKills"`
}

// IOSample counts bytes and operations of block devices.
type IOSample struct {
	ReadBytes, WriteBytes uint64
	ReadOps, WriteOps     uint64
}

// NetSample counts bytes and packets of all interfaces but lo.
type NetSample struct {
	RxBytes, TxBytes     uint64
	RxPackets, TxPackets uint64
}

// Pressure is PSI (Documentation/accounting/psi.rst): the share of the last
// ten seconds, in percent, in which some or all tasks waited.
type Pressure struct {
	CPUSome, MemorySome, MemoryFull, IOSome, IOFull float64
}

// Rates are what changed between two samples, per second.
type Rates struct {
	Cores               float64 // processors in use
	ReadBytes           float64
	WriteBytes          float64
	RxBytes             float64
	TxBytes             float64
	ThrottledPercentage float64 // share of periods that were throttled
}

// Rate compares two samples of one container. It is zero when they are out of
// order or a counter was reset.
func Rate(prev, cur Sample) Rates {
	dt := cur.Time.Sub(prev.Time).Seconds()
	if dt <= 0 {
		return Rates{}
	}
	per := func(a, b uint64) float64 {
		if b < a {
			return 0
		}
		return float64(b-a) / dt
	}
	r := Rates{
		Cores:      per(prev.CPU.Usage, cur.CPU.Usage) / 1e9,
		ReadBytes:  per(prev.IO.ReadBytes, cur.IO.ReadBytes),
		WriteBytes: per(prev.IO.WriteBytes, cur.IO.WriteBytes),
		RxBytes:    per(prev.Network.RxBytes, cur.Network.RxBytes),
		TxBytes:    per(prev.Network.TxBytes, cur.Network.TxBytes),
	}
	if n := per(prev.CPU.Periods, cur.CPU.Periods); n > 0 {
		r.ThrottledPercentage = 100 * per(prev.CPU.ThrottledPeriods, cur.CPU.ThrottledPeriods) / n
	}
	return r
}
