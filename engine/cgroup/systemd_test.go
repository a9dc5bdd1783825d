package cgroup_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine/cgroup"
)

// systemd removes the groups of units that have gone empty, and withdraws
// controllers that no unit asks for. Neither may happen to containers.
func TestSystemdLeavesContainersAlone(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		if !h.BootedBySystemd() {
			t.Skip("systemd is not PID 1; testdata/vm/run --systemd has it")
		}
		want := "/gantry"
		if h.Mode == cgroup.V2 {
			want = "/gantry.slice/gantry.scope"
		}
		if h.Parent != want {
			t.Fatalf("Parent = %s, want %s", h.Parent, want)
		}
		waiting := create(t, h, ptr(memory(64*mib, 64*mib)))
		if h.Mode != cgroup.V2 {
			// On v1 a reload removes every group without processes.
			startIn(t, waiting, "tick")
		}
		busy := create(t, h, &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: ptr[int64](9)}})
		c := startIn(t, busy, "tick")
		if err := busy.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait()
		// The unit is empty now. A reload makes systemd realize every group
		// anew, after it has handled the notification of that.
		systemctl(t, "daemon-reload")
		systemctl(t, "start", "systemd-tmpfiles-clean.service")
		if h.Mode != cgroup.V2 {
			assertValues(t, waiting, map[string]string{"memory.limit_in_bytes": "67108864"})
			return
		}
		assertValues(t, waiting, map[string]string{"memory.max": "67108864"})
		startIn(t, waiting, "tick")
		if got := systemctl(t, "show", "-P", "ActiveState", "gantry.scope"); got != "active" {
			t.Errorf("gantry.scope is %s", got)
		}
		text := systemctl(t, "status", "--no-pager", "gantry.scope")
		if !strings.Contains(text, filepath.Base(waiting.Path)) {
			t.Errorf("systemd does not show %s under the scope:\n%s", waiting.Path, text)
		}
	})
}

func systemctl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("systemctl", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("systemctl %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}
