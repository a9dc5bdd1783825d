package early

import (
	"os"
	"strings"
	"testing"
)

// TestCalm: the thread that calm means is one of this process, and not the main one.
func TestCalm(t *testing.T) {
	t.Parallel()
	tid := secondThread()
	if _, err := os.Stat("/proc/self/task/" + tid); tid == "" || err != nil {
		t.Fatalf("thread %q: %v", tid, err)
	}
	before, err := os.ReadFile("/proc/self/timerslack_ns")
	if err != nil {
		t.Fatal(err)
	}
	calm()
	slack, err := os.ReadFile("/proc/" + tid + "/timerslack_ns")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(slack)); got != "200000" {
		t.Errorf("its slack is %s ns", got)
	}
	if now, err := os.ReadFile("/proc/self/timerslack_ns"); err != nil || string(now) != string(before) {
		t.Errorf("the main thread's slack was %s and is %s, %v", before, now, err)
	}
}
