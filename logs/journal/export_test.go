package journal

import "time"

// NewWriterAt is NewWriter with a clock.
func NewWriterAt(dir string, o Options, now func() time.Time) (*Writer, error) {
	return newWriter(dir, o, now)
}

// The sizes that tests go just below and above.
const (
	PieceSize  = pieceSize
	ReadSize   = readSize
	IndexEvery = indexEvery
)
