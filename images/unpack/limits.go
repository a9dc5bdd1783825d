package unpack

// Limits bound what one layer may cost the host. A zero field stands for the
// value that DefaultLimits gives to a blob of unknown size.
type Limits struct {
	Entries int   // number of archive entries, each about 400 bytes of memory
	Stream  int64 // bytes of the uncompressed tar stream
	Bytes   int64 // bytes that all files have together, holes included
	Depth   int   // components of a path
}

// DefaultLimits are generous for real layers and final for bombs. DEFLATE
// shrinks at most 1032-fold and real layers 2- to 20-fold, so a layer that
// grows more than 200-fold beyond its first gigabyte is made to exhaust.
func DefaultLimits(compressed int64) Limits {
	const most = 256 << 30
	l := Limits{Entries: 1 << 20, Stream: most, Bytes: most, Depth: 512}
	if compressed > 0 && compressed < most/200 {
		l.Stream = min(most, 1<<30+200*compressed)
	}
	return l
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits(0)
	if l.Entries <= 0 {
		l.Entries = d.Entries
	}
	if l.Stream <= 0 {
		l.Stream = d.Stream
	}
	if l.Bytes <= 0 {
		l.Bytes = d.Bytes
	}
	if l.Depth <= 0 {
		l.Depth = d.Depth
	}
	return l
}
