package cgroup

import (
	"fmt"
	"testing"

	"gantry/engine"
)

// TestTaskIO: what processes did stays when they end, and when another one gets
// the number.
func TestTaskIO(t *testing.T) {
	t.Parallel()
	var tasks taskIO
	for i, step := range []struct {
		pids string
		now  map[int]engine.IOSample
		want engine.IOSample
	}{
		{"1\n2\n", map[int]engine.IOSample{1: {ReadBytes: 10, WriteBytes: 1}, 2: {WriteBytes: 5}}, engine.IOSample{ReadBytes: 10, WriteBytes: 6}},
		{"1\n2\n", map[int]engine.IOSample{1: {ReadBytes: 20, WriteBytes: 1}, 2: {WriteBytes: 9}}, engine.IOSample{ReadBytes: 20, WriteBytes: 10}},
		{"1\n", map[int]engine.IOSample{1: {ReadBytes: 20, WriteBytes: 2}}, engine.IOSample{ReadBytes: 20, WriteBytes: 11}},
		{"1\n3\n", map[int]engine.IOSample{1: {ReadBytes: 20, WriteBytes: 2}, 3: {ReadBytes: 1}}, engine.IOSample{ReadBytes: 21, WriteBytes: 11}},
		{"1\n3\n", map[int]engine.IOSample{1: {ReadBytes: 3}, 3: {ReadBytes: 1}}, engine.IOSample{ReadBytes: 24, WriteBytes: 11}}, // another 1
		{"", nil, engine.IOSample{ReadBytes: 24, WriteBytes: 11}},
	} {
		got := tasks.add([]byte(step.pids), func(pid int, _ []byte) ([]byte, bool) {
			io, ok := step.now[pid]
			return fmt.Appendf(nil, "rchar: 9\nread_bytes: %d\nwrite_bytes: %d\ncancelled_write_bytes: 7\n", io.ReadBytes, io.WriteBytes), ok
		})
		if got != step.want {
			t.Errorf("step %d: %+v, want %+v", i, got, step.want)
		}
	}
}

// TestTaskIOStandsIn only where the group's own counters say nothing.
func TestTaskIOStandsIn(t *testing.T) {
	t.Parallel()
	counted := reading{tasks: new(taskIO), sample: engine.Sample{IO: engine.IOSample{ReadBytes: 1}}}
	takeTaskIO(&counted, []byte("1\n"))
	if counted.tasks.seen != nil || counted.sample.IO.ReadBytes != 1 {
		t.Errorf("it counts beside the kernel: %+v", counted.sample.IO)
	}
	tasks := &taskIO{seen: map[int]engine.IOSample{}, gone: engine.IOSample{WriteBytes: 50}}
	begun := reading{tasks: tasks, sample: engine.Sample{IO: engine.IOSample{WriteBytes: 8, WriteOps: 1}}}
	takeTaskIO(&begun, nil)
	if want := (engine.IOSample{WriteBytes: 50, WriteOps: 1}); begun.sample.IO != want {
		t.Errorf("it falls to %+v, want %+v", begun.sample.IO, want)
	}
}
