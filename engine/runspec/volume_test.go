package runspec_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine"
	"gantry/engine/runspec"
)

func TestVolumes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		volume runspec.Volume
		want   []string // options; nil: refused
	}{
		{runspec.Volume{Source: "/v", Destination: "/data"}, []string{"rbind", "rprivate", "rw"}},
		{runspec.Volume{Source: "/v", Destination: "/data", ReadOnly: true}, []string{"rbind", "rprivate", "ro"}},
		{runspec.Volume{Source: "/v", Destination: "/data", Subpath: "a/b"}, []string{"rbind", "rprivate", "rw", engine.SubpathOption + "a/b"}},
		{runspec.Volume{Source: "/v", Destination: "/data", Subpath: "../b"}, nil},
		{runspec.Volume{Source: "/v", Destination: "/data", Subpath: "/b"}, nil},
		{runspec.Volume{Source: "/v", Destination: "data"}, nil},
		{runspec.Volume{Source: "/v", Destination: "/"}, nil},
	} {
		spec, err := runspec.Build(runspec.Input{
			Config: engine.ContainerConfig{Cmd: []string{"true"}}, Volumes: []runspec.Volume{test.volume},
			Host: engine.HostConfig{Mounts: []engine.Mount{{Type: "volume", Source: "named", Target: "/data"}}}, // resolved: not looked at
		})
		if test.want == nil {
			if !errors.Is(err, engine.ErrInvalid) {
				t.Errorf("%+v: %v", test.volume, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%+v: %v", test.volume, err)
			continue
		}
		i := slices.IndexFunc(spec.Mounts, func(m specs.Mount) bool { return m.Destination == "/data" })
		if i < 0 || spec.Mounts[i].Source != "/v" || !slices.Equal(spec.Mounts[i].Options, test.want) {
			t.Errorf("%+v: mounts %+v", test.volume, spec.Mounts)
		}
	}
}
