package cgroup

import (
	"bytes"
	"strconv"

	"gantry/engine"
)

// taskIO counts what the processes of a group read and wrote, each by itself.
// It stands in where the kernel counts nothing for groups: since Linux 6.10 the
// hierarchy of v1 does so only for disks for which some group has a limit.
//
// What was there when a process ended is kept; what it did between two samples
// and its end is lost.
type taskIO struct {
	seen map[int]engine.IOSample // of the processes of the last sample
	gone engine.IOSample         // of those that have ended since
	buf  []byte
}

// add takes the processes of a group, a line each, and returns the sum of all
// that there ever were.
func (t *taskIO) add(pids []byte, read func(pid int, buf []byte) ([]byte, bool)) engine.IOSample {
	if t.buf == nil {
		t.buf = make([]byte, 512)
	}
	sum, now := t.gone, make(map[int]engine.IOSample, len(t.seen))
	for line := range bytes.Lines(pids) {
		pid := int(number(line))
		text, ok := read(pid, t.buf)
		if !ok {
			continue
		}
		io := countersOf(text)
		// Another process has the number by now.
		if last, known := t.seen[pid]; known && (io.ReadBytes < last.ReadBytes || io.WriteBytes < last.WriteBytes) {
			t.end(last, &sum)
		}
		delete(t.seen, pid)
		now[pid] = io
		sum.ReadBytes, sum.WriteBytes = sum.ReadBytes+io.ReadBytes, sum.WriteBytes+io.WriteBytes
	}
	for _, last := range t.seen {
		t.end(last, &sum)
	}
	t.seen = now
	return sum
}

func (t *taskIO) end(last engine.IOSample, sum *engine.IOSample) {
	for _, s := range []*engine.IOSample{&t.gone, sum} {
		s.ReadBytes, s.WriteBytes = s.ReadBytes+last.ReadBytes, s.WriteBytes+last.WriteBytes
	}
}

// countersOf reads /proc/PID/io.
func countersOf(b []byte) (io engine.IOSample) {
	for line := range bytes.Lines(b) {
		key, value := cut(line, ' ')
		switch string(key) {
		case "read_bytes:":
			io.ReadBytes = number(value)
		case "write_bytes:":
			io.WriteBytes = number(value)
		}
	}
	return io
}

// readTaskIO reads the counters of a process; false when it is gone.
func readTaskIO(pid int, buf []byte) ([]byte, bool) {
	f, err := openFile("/proc/" + strconv.Itoa(pid) + "/io")
	if err != nil {
		return nil, false
	}
	defer f.close()
	n, err := f.read(buf)
	return buf[:n], err == nil
}

// takeTaskIO stands behind the probes of the group's own counters. It begins
// only where they say nothing at all, and goes on from then: the larger figure
// never falls when the kernel begins to count in between.
func takeTaskIO(r *reading, pids []byte) {
	io := &r.sample.IO
	if *io != (engine.IOSample{}) && r.tasks.seen == nil {
		return
	}
	sum := r.tasks.add(pids, readTaskIO)
	io.ReadBytes, io.WriteBytes = max(io.ReadBytes, sum.ReadBytes), max(io.WriteBytes, sum.WriteBytes)
}
