package seccomp

import (
	"fmt"
	"io"
	"os"

	profiles "github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine"
)

// maxProfile bounds a profile file; docker's own has 12 kB.
const maxProfile = 1 << 20

// Default is docker's default profile, resolved for the spec's capabilities
// (its bounding set), this architecture and this kernel.
func Default(spec *specs.Spec) (*specs.LinuxSeccomp, error) {
	p, err := profiles.GetDefaultProfile(withCaps(spec))
	if err != nil {
		return nil, fmt.Errorf("resolve default seccomp profile: %w", err)
	}
	return p, nil
}

// Load reads a profile in docker's JSON format, with its conditions on
// capabilities, architectures and kernels, and resolves it as Default does. It
// is nil when the file has no rules and no default action, which turns seccomp
// off in docker too.
func Load(path string, spec *specs.Spec) (*specs.LinuxSeccomp, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open seccomp profile: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxProfile+1))
	if err != nil {
		return nil, fmt.Errorf("read seccomp profile %s: %w", path, err)
	}
	if len(b) > maxProfile {
		return nil, fmt.Errorf("read seccomp profile %s: %w: it is larger than %d bytes", path, engine.ErrInvalid, maxProfile)
	}
	p, err := profiles.LoadProfile(string(b), withCaps(spec))
	if err != nil {
		return nil, fmt.Errorf("read seccomp profile %s: %w: %w", path, engine.ErrInvalid, err)
	}
	return p, nil
}

// withCaps makes sure that the profiles package finds the capabilities that it
// looks at without asking whether there are any.
func withCaps(spec *specs.Spec) *specs.Spec {
	if spec != nil && spec.Process != nil && spec.Process.Capabilities != nil {
		return spec
	}
	return &specs.Spec{Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{}}}
}
