package service

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestShell(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "note"), []byte("hello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	var out strings.Builder
	code := shell(strings.NewReader("ls\ncat note\ncat absent\nnonsense\nps\ncd /\npwd\nexit 3\nnever\n"), &out)
	if code != 3 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{" 6 note\n", "hello\n", "absent: no such file", "nonsense: not found", "service.test", "/ $ /\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &out)
		}
	}
	if code := shell(strings.NewReader(""), &out); code != 0 {
		t.Errorf("at the end of input: exit code %d", code)
	}
}

// TestDispatchLeavesOthersAlone: a gantry that somebody calls sh is no shell.
func TestDispatchLeavesOthersAlone(t *testing.T) {
	t.Setenv(Inside, "")
	Dispatch([]string{"sh", "-c", "true"})
	Dispatch([]string{"gantry"})
}

func TestWaveStaysBetweenItsEnds(t *testing.T) {
	t.Parallel()
	low, high := 1.0, 0.0
	for at := time.Unix(0, 0); at.Before(time.Unix(60, 0)); at = at.Add(time.Second) {
		w := wave(at, 20*time.Second, 0.1, 0.4)
		low, high = min(low, w), max(high, w)
	}
	if low < 0.0999 || low > 0.11 || high > 0.4001 || high < 0.39 {
		t.Errorf("it goes from %v to %v", low, high)
	}
}

// TestTheAppUsesLessThanASeventhOfACore on average: what the programs spend on
// purpose leaves a third of that for their logs, their memory and the monitors.
func TestTheAppUsesLessThanASeventhOfACore(t *testing.T) {
	t.Parallel()
	sum, n := 0.0, 0
	for at := time.Unix(0, 0); at.Before(time.Unix(3600, 0)); at = at.Add(100 * time.Millisecond) {
		sum += storeShare(at) + queueShare(at) + 2*workerShare("1", at) + 2*workerShare("2", at)
		n++
	}
	if got := sum / float64(n); got > 2.0/3/7 || got < 0.07 {
		t.Errorf("%.3f of a core, want a lively app on no more than %.3f", got, 2.0/3/7)
	}
}

func TestArenaResizes(t *testing.T) {
	t.Parallel()
	var a arena
	for _, n := range []int{1 << 20, 4 << 20, 4096} {
		a.resize(n)
		if len(a.held) != n {
			t.Fatalf("it holds %d bytes, want %d", len(a.held), n)
		}
	}
}
