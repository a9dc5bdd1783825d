package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gantry/engine"
	"gantry/images"
)

func TestParseSignal(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]syscall.Signal{
		"": syscall.SIGTERM, "KILL": syscall.SIGKILL, "sigint": syscall.SIGINT, "15": syscall.SIGTERM,
		"RTMIN": 34, "SIGRTMIN+3": 37, "RTMAX-1": 63, "64": 64,
	} {
		if got, err := ParseSignal(in, syscall.SIGTERM); err != nil || got != want {
			t.Errorf("%q: got %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"NOPE", "0", "65", "-1", "RTMIN+40", "RTMAX+1", "RTMINx"} {
		if got, err := ParseSignal(in, 0); err == nil {
			t.Errorf("%q: got %d, want an error", in, got)
		}
	}
}

func TestMergeResources(t *testing.T) {
	t.Parallel()
	old := engine.Resources{Memory: 1 << 30, NanoCpus: 5e8, PidsLimit: 100, CpusetCpus: "0"}
	for _, tt := range []struct {
		name         string
		change, want engine.Resources
	}{
		{"nothing", engine.Resources{}, old},
		{"memory alone", engine.Resources{Memory: 2 << 30}, engine.Resources{Memory: 2 << 30, NanoCpus: 5e8, PidsLimit: 100, CpusetCpus: "0"}},
		{"a quota takes --cpus away", engine.Resources{CPUQuota: 50_000}, engine.Resources{Memory: 1 << 30, CPUQuota: 50_000, PidsLimit: 100, CpusetCpus: "0"}},
		{"no limit of processes any more", engine.Resources{PidsLimit: -1}, engine.Resources{Memory: 1 << 30, NanoCpus: 5e8, PidsLimit: -1, CpusetCpus: "0"}},
	} {
		if d := cmp.Diff(tt.want, mergeResources(old, tt.change)); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
	quota := engine.Resources{CPUQuota: 1, CPUPeriod: 2}
	if got := mergeResources(quota, engine.Resources{NanoCpus: 7}); got != (engine.Resources{NanoCpus: 7}) {
		t.Errorf("--cpus does not take a quota away: %+v", got)
	}
}

func TestHostLoad(t *testing.T) {
	for line, want := range map[string][2]uint64{
		"cpu  10 1 5 100 20 2 3 4 7 0\n": {25, 145}, // the guest's 7 are in the user's 10
		"cpu  10 1 5 100":                {16, 116},
		"cpu0 1 2 3 4 5":                 {0, 0},
		"cpu a b c d e":                  {0, 0},
		"":                               {0, 0},
	} {
		if busy, total := processorTime(line); busy != want[0] || total != want[1] {
			t.Errorf("%q: %d of %d, want %d of %d", line, busy, total, want[0], want[1])
		}
	}
	if used, total := memoryUse("MemTotal:  1000 kB\nMemFree: 10 kB\nMemAvailable:  400 kB\nOdd: x\n"); used != 600<<10 || total != 1000<<10 {
		t.Errorf("memory: %d of %d", used, total)
	}
	if used, _ := memoryUse("MemTotal: 1 kB\nMemAvailable: 2 kB\n"); used != 0 {
		t.Errorf("more is available than there is: %d in use", used)
	}
}

func TestParsePs(t *testing.T) {
	t.Parallel()
	const out = "USER PID %CPU COMMAND\nroot 1 0.0 /sbin/init splash\nme 42 0.1 sleep 10 20\nme 421 0.1 other\n"
	got, err := parsePs(out, []int{42})
	if err != nil {
		t.Fatal(err)
	}
	want := engine.ProcessTable{Titles: []string{"USER", "PID", "%CPU", "COMMAND"}, Processes: [][]string{{"me", "42", "0.1", "sleep 10 20"}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if _, err := parsePs("USER COMMAND\nroot x\n", nil); err == nil {
		t.Error("output without PID is accepted")
	}
}

func TestHistoryPairsLayersWithSteps(t *testing.T) {
	t.Parallel()
	cfg := &images.ConfigFile{History: []images.History{{CreatedBy: "ADD"}, {CreatedBy: "CMD", EmptyLayer: true}, {CreatedBy: "RUN"}}}
	var got []int64
	for _, h := range historyEntries(cfg, []int64{10, 20}) {
		got = append(got, h.Size)
	}
	if want := []int64{20, 0, 10}; !slices.Equal(got, want) {
		t.Errorf("got %d, want %d, newest first", got, want)
	}
	if got := historyEntries(&images.ConfigFile{}, []int64{5, 6}); len(got) != 2 || got[0].Size != 6 {
		t.Errorf("an image without history: %+v", got)
	}
}

func TestTagMatches(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		tag, pattern string
		want         bool
	}{
		{"alpine:3.20", "alpine", true}, {"alpine:3.20", "alpine:3.20", true}, {"alpine:3.20", "alp*", true}, {"alpine:3.20", "alpine:3.*", true},
		{"alpine:3.20", "docker.io/library/alpine", true}, {"alpine:3.20", "busybox", false},
		{"team/app:1", "*/app", true}, {"r.example:5000/a/b:1", "r.example:5000/a/b", true},
	} {
		if got := tagMatches(tt.tag, tt.pattern); got != tt.want {
			t.Errorf("%s against %s: %v", tt.tag, tt.pattern, got)
		}
	}
}

func TestPruneFilter(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, tt := range []struct {
		name   string
		f      engine.Filters
		age    time.Duration
		labels map[string]string
		want   bool
	}{
		{"none", nil, 0, nil, true},
		{"old enough", engine.Filters{"until": {"1h"}}, 2 * time.Hour, nil, true},
		{"too young", engine.Filters{"until": {"1h"}}, time.Minute, nil, false},
		{"has the label", engine.Filters{"label": {"a=1"}}, 0, map[string]string{"a": "1"}, true},
		{"has another value", engine.Filters{"label": {"a=1"}}, 0, map[string]string{"a": "2"}, false},
		{"spared by its label", engine.Filters{"label!": {"keep"}}, 0, map[string]string{"keep": ""}, false},
	} {
		keep, err := pruneFilter(tt.f)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if got := keep(now.Add(-tt.age), tt.labels); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	for _, f := range []engine.Filters{{"nope": {"x"}}, {"until": {"yesterday-ish"}}} {
		if _, err := pruneFilter(f); err == nil {
			t.Errorf("%v is accepted", f)
		}
	}
}

func TestNetworkCounters(t *testing.T) {
	t.Parallel()
	var n engine.NetSample
	for _, line := range []string{
		"Inter-|   Receive                                                |  Transmit",
		"    lo: 100 1 0 0 0 0 0 0 100 1 0 0 0 0 0 0",
		"  eth0: 5 2 0 0 0 0 0 0 7 3 0 0 0 0 0 0",
		"  eth1: 10 1 0 0 0 0 0 0 20 1 0 0 0 0 0 0",
	} {
		addInterface(&n, line)
	}
	if want := (engine.NetSample{RxBytes: 15, RxPackets: 3, TxBytes: 27, TxPackets: 4}); n != want {
		t.Errorf("got %+v, want %+v", n, want)
	}
}

func TestTTYName(t *testing.T) {
	t.Parallel()
	for dev, want := range map[int64]string{0: "?", 136 << 8: "pts/0", 136<<8 | 5: "pts/5", 137 << 8: "pts/256", 4<<8 | 1: "?"} {
		if got := ttyName(dev); got != want {
			t.Errorf("%#x: got %s, want %s", dev, got, want)
		}
	}
}

// TestProgressKeepsTheLatestPerPart and ends with the closing line.
func TestProgressKeepsTheLatestPerPart(t *testing.T) {
	t.Parallel()
	last := make(map[string]int64)
	var closing images.Progress
	for p, err := range progressSeq(t.Context(), func(_ context.Context, report func(images.Progress)) (string, error) {
		for i := range int64(10_000) {
			report(images.Progress{ID: "a", Done: i})
			report(images.Progress{ID: "b", Done: 2 * i})
		}
		return "name@digest", nil
	}) {
		if err != nil {
			t.Fatal(err)
		}
		last[p.ID], closing = p.Done, p
	}
	if last["a"] != 9_999 || last["b"] != 19_998 {
		t.Errorf("last values are lost: %v", last)
	}
	if closing.ID != "" || closing.State != images.Done || closing.Text != "name@digest" {
		t.Errorf("closing line: %+v", closing)
	}
}

// TestProgressIsCancelledByItsReader, who does not wait for nothing.
func TestProgressIsCancelledByItsReader(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	for range progressSeq(t.Context(), func(c context.Context, report func(images.Progress)) (string, error) {
		defer close(ended)
		report(images.Progress{ID: "a"})
		<-c.Done()
		return "", c.Err()
	}) {
		break
	}
	<-ended
}

// A reference as long as an ID is no path to what somebody else has put down
// somewhere.
func TestFindLeavesNoFolder(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "planted"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "planted/record.json"), []byte(`{"v":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	e := &Engine{root: filepath.Join(root, "root")}
	ref := ".." + strings.Repeat("/", 64-len("..../planted")) + "../planted"
	if id, err := e.find(ref); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("found %q, %v", id, err)
	}
}
