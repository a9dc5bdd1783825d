// Package journal keeps a container's output on disk: the shim writes it, and
// every front end reads it straight from the files, so that reading a log needs
// no process but one's own and can never hold a container up.
//
// # Format
//
// A journal is a directory of segments, <8 digits>.log, numbered upwards for
// ever. A segment holds records in the CRI log format, so that tools that know
// the logs of a Kubernetes node read these too:
//
//	2026-01-02T15:04:05.000000000Z stdout F text of the line\n
//	|---------- 30 bytes ---------| |----| ^ F ends a line; P: it goes on in the
//	UTC, nine digits, fixed width           stream's next record
//
// Text is kept byte for byte, carriage returns and control sequences included.
// A record carries at most 16 KiB of text: a line of a gigabyte is a row of P
// records and a last F record, and nobody ever needs it in one piece.
//
// Beside each segment of more than 64 KiB lies <8 digits>.idx, a sparse index: a
// 16-byte header and one 16-byte entry (nanoseconds since 1970, offset; both
// little endian) for a record start in about every 64 KiB. It only saves time: readers check what it
// says against the segment, and do without it where it is missing or wrong.
//
// # Invariants
//
// Times never run backwards from one record to the next, across segments,
// restarts of the writer and steps of the clock: seeking by time is a binary
// search because of that.
//
// There is one writer at a time (it holds a flock on the directory). What was
// passed to Write is in the files when Write returns, except a line that has
// not ended yet: up to 16 KiB of it wait in memory for its newline. Close
// writes such a rest as an F record, as if the program had ended its last
// line: otherwise the first line of the container's next run would join it.
//
// A crash may tear the last record. Readers leave it alone; the next writer
// ends it where it is if its head is whole and cuts it off if not. Anything
// else that does not parse is skipped and counted.
package journal
