package events

import (
	"errors"
	"os"

	"gantry/engine"
	"gantry/engine/record"
)

// Proof says how the next writer can tell whether the change of a Commit took
// place when the process that made it has died. Make one with Carries or Gone;
// the zero Proof proves nothing, and such an event is published: who looks
// again at an object that has not changed loses nothing.
type Proof struct {
	// Record is the path of a record; it has taken place when its member "seq"
	// is the event's number.
	Record string `json:"record,omitempty"`
	// Missing is a path; it has taken place when nothing is there any more.
	Missing string `json:"gone,omitempty"`
	// Durability is that of the change.
	Durability record.Durability `json:"-"`
}

// Carries is the proof of a change that writes the event's number into the
// member "seq" of the record at path.
func Carries(path string, d record.Durability) Proof { return Proof{Record: path, Durability: d} }

// Gone is the proof of a change that removes or renames path.
func Gone(path string, d record.Durability) Proof { return Proof{Missing: path, Durability: d} }

// verdict tells whether the change took place.
func (p Proof) verdict(seq engine.Seq) verdict {
	happened := true
	switch {
	case p.Missing != "":
		_, err := os.Lstat(p.Missing)
		happened = errors.Is(err, os.ErrNotExist)
	case p.Record != "":
		var r struct {
			Seq engine.Seq `json:"seq"`
		}
		err := record.Read(p.Record, &r)
		// A record that cannot be read is one to look at: publish.
		happened = err != nil && !errors.Is(err, engine.ErrNotFound) || err == nil && r.Seq == seq
	}
	if happened {
		return committed
	}
	return dropped
}
