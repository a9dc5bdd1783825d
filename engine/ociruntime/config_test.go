package ociruntime_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine/ociruntime"
)

func ptr[T any](v T) *T { return &v }

// ordinary has every member that gantry writes.
func ordinary() *specs.Spec {
	return &specs.Spec{
		Version: "1.3.0", Hostname: "h", Domainname: "d", Annotations: map[string]string{"a": "<b>"},
		Root:   &specs.Root{Path: "rootfs", Readonly: true},
		Mounts: []specs.Mount{{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid"}}},
		Process: &specs.Process{
			Terminal: true, User: specs.User{UID: 1, GID: 2, Umask: ptr(uint32(18)), AdditionalGids: []uint32{3}}, Args: []string{"sh"}, Env: []string{"A=b"}, Cwd: "/",
			Capabilities: &specs.LinuxCapabilities{Bounding: []string{"CAP_KILL"}, Effective: []string{"CAP_KILL"}},
			Rlimits:      []specs.POSIXRlimit{{Type: "RLIMIT_CORE", Hard: 1, Soft: 1}}, NoNewPrivileges: true, OOMScoreAdj: ptr(5),
		},
		Linux: &specs.Linux{
			Sysctl: map[string]string{"kernel.x": "1"}, CgroupsPath: "/gantry/x", RootfsPropagation: "rslave",
			Namespaces:  []specs.LinuxNamespace{{Type: specs.PIDNamespace}},
			Devices:     []specs.LinuxDevice{{Path: "/dev/x", Type: "c", Major: 1, Minor: 2, FileMode: ptr(os.FileMode(0o600))}},
			MaskedPaths: []string{"/proc/kcore"}, ReadonlyPaths: []string{"/proc/sys"},
			Resources: &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: ptr(int64(1))}, CPU: &specs.LinuxCPU{Shares: ptr(uint64(2))}},
			Seccomp: &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Flags: []specs.LinuxSeccompFlag{specs.LinuxSeccompFlagLog},
				Syscalls: []specs.LinuxSyscall{{Names: []string{"read"}, Action: specs.ActAllow}}},
		},
	}
}

// TestConfigIsTheSpec: what is written is what json.Marshal writes, and what is
// read what json.Unmarshal reads, for members that gantry does not use as well.
func TestConfigIsTheSpec(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*specs.Spec){
		"ordinary":         func(*specs.Spec) {},
		"no process":       func(s *specs.Spec) { s.Process = nil },
		"no linux":         func(s *specs.Spec) { s.Linux = nil },
		"no limits":        func(s *specs.Spec) { s.Linux.Resources, s.Linux.Seccomp = nil, nil },
		"hooks":            func(s *specs.Spec) { s.Hooks = &specs.Hooks{Poststop: []specs.Hook{{Path: "/x"}}} },
		"scheduler":        func(s *specs.Spec) { s.Process.Scheduler = &specs.Scheduler{Policy: "SCHED_FIFO"} },
		"apparmor":         func(s *specs.Spec) { s.Process.ApparmorProfile = "p" },
		"console size":     func(s *specs.Spec) { s.Process.ConsoleSize = &specs.Box{Height: 1, Width: 2} },
		"mount label":      func(s *specs.Spec) { s.Linux.MountLabel = "l" },
		"user mappings":    func(s *specs.Spec) { s.Linux.UIDMappings = []specs.LinuxIDMapping{{Size: 1}} },
		"seccomp listener": func(s *specs.Spec) { s.Linux.Seccomp.ListenerPath = "/run/x" },
		"another system":   func(s *specs.Spec) { s.Windows = &specs.Windows{LayerFolders: []string{"c"}} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := ordinary()
			change(spec)
			want, err := json.Marshal(spec)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ociruntime.EncodeConfig(spec)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("written (-json.Marshal):\n%s", diff)
			}
			back, err := ociruntime.DecodeConfig(got)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range []*specs.Spec{spec, back} { // what is not read
				if s.Linux == nil {
					continue
				}
				if r := s.Linux.Resources; r != nil {
					s.Linux.Resources = &specs.LinuxResources{Pids: r.Pids}
				}
				if s.Linux.Seccomp != nil {
					s.Linux.Seccomp.Syscalls = nil
				}
			}
			if diff := cmp.Diff(spec, back); diff != "" {
				t.Errorf("read (-written):\n%s", diff)
			}
		})
	}
}

func TestDecodeConfigRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{", `{"process":1}`, `{"linux":{"resources":{"pids":1}}}`, `{"linux":{"seccomp":[]}}`, "{} {}"} {
		if s, err := ociruntime.DecodeConfig([]byte(text)); err == nil {
			t.Errorf("%q: %+v", text, s)
		}
	}
}
