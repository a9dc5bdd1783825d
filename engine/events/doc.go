// Package events is the journal of what happened in the engine. Every gantry
// process that changes something appends to it; whoever shows something
// follows it. There is no daemon in between: the journal is a directory of
// files, a lock, and inotify.
//
// It is not the state: records are (engine/record). An event says "look again
// at this object".
//
// # Files
//
// The journal is cut into segments of 4 MiB, of which the newest eight stay.
// A segment is called by the number of its first event, in 20 digits, and holds
// one JSON object per line; the first line is the version of the format:
//
//	{"v":1}
//	{"seq":7,"time":"…","kind":"container","action":"start","id":"4f…"}
//	{"seq":8,"time":"…","kind":"container","action":"destroy","id":"4f…","intent":{"gone":"/…/record.json"}}
//	{"seq":8,"time":"…","settles":"commit"}
//
// Numbers rise by one. Number 1 is the birth of the journal, so that Last is
// never 0, which for Watch means "from now on". Times never run backwards: an
// event takes at least the time of the one before, whatever the clock does.
//
// # Intent, change, commit
//
// Append writes an event that stands for itself. Commit ties one to the change
// of a record, under the journal's lock:
//
//	writer                        after kill -9 here, the next writer finds
//	  lock, take number n
//	  append intent n             intent n, no proof of the change: drops it
//	  change(n)                   intent n, and the proof: commits it
//	  append commit n
//	  unlock
//
// The proof is the number in the record that the change writes, or that the
// record is gone. Readers hold an intent back until it is settled. A dropped
// number is not used again.
//
// # Durability
//
// Events are volatile: after a power failure the last seconds may be missing.
// A Commit whose Proof is durable syncs its intent before the change, once; the
// commit line needs no sync, because the proof can give it back. So a record
// that reached the disk never lacks its event, and never carries a number that
// is given out again. Killing processes loses nothing in either case.
//
// Invariant: a reader never looks beyond the last newline and keeps no piece of
// a line between two reads, because the next writer cuts a torn tail off and
// writes in its place.
//
// The container monitor links this package; see engine/record.
package events
