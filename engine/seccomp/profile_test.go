package seccomp_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine"
	"gantry/engine/seccomp"
)

// custom is a profile as docker's documentation shows them, with every kind of
// condition.
const custom = `{
	"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
	"archMap": [
		{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]},
		{"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}
	],
	"syscalls": [
		{"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"},
		{"name": "exit", "action": "SCMP_ACT_ALLOW", "comment": "old spelling"},
		{"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
		{"names": ["umount2"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
		{"names": ["arch_prctl"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64"]}},
		{"names": ["old"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "3.1"}},
		{"names": ["future"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "99.0"}}
	]
}`

func load(t *testing.T, text string, caps ...string) (*specs.LinuxSeccomp, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "profile.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return seccomp.Load(path, &specs.Spec{Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{Bounding: caps}}})
}

func allowed(p *specs.LinuxSeccomp) []string {
	var names []string
	for _, call := range p.Syscalls {
		names = append(names, call.Names...)
	}
	return names
}

func TestLoadConditions(t *testing.T) {
	t.Parallel()
	p, err := load(t, custom)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"read": true, "exit": true, "mount": false, "umount2": true, "old": true, "future": false} {
		if slices.Contains(allowed(p), name) != want {
			t.Errorf("without capabilities: %s is allowed: %v", name, !want)
		}
	}
	p, err = load(t, custom, "CAP_SYS_ADMIN")
	if err != nil {
		t.Fatal(err)
	}
	if names := allowed(p); !slices.Contains(names, "mount") || slices.Contains(names, "umount2") {
		t.Errorf("with CAP_SYS_ADMIN: %v", names)
	}
	if _, err := seccomp.Compile(p); err != nil {
		t.Error(err)
	}
}

func TestLoadBad(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no JSON":            "hello",
		"bad kernel":         `{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"x"}}]}`,
		"both architectures": `{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86"],"archMap":[{"architecture":"SCMP_ARCH_X86_64"}]}`,
		"too large":          `{"defaultAction":"SCMP_ACT_ALLOW"}` + string(make([]byte, 1<<20)),
	} {
		if _, err := load(t, text); !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := seccomp.Load(filepath.Join(t.TempDir(), "none"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: error %v", err)
	}
	if p, err := load(t, `{}`); p != nil || err != nil {
		t.Errorf("empty profile: %v, error %v; want none, which turns seccomp off", p, err)
	}
}

// Default must not need what the caller may not have.
func TestDefaultWithoutSpec(t *testing.T) {
	t.Parallel()
	for _, spec := range []*specs.Spec{nil, {}, {Process: &specs.Process{}}} {
		p, err := seccomp.Default(spec)
		if err != nil || slices.Contains(allowed(p), "mount") {
			t.Errorf("error %v; mount must not be allowed", err)
		}
	}
}
