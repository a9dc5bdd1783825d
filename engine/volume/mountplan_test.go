package volume_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/volume"
	"gantry/engine/volume/hostmount"
)

func TestMountPlan(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		options map[string]string
		want    *hostmount.Mount
		err     error
	}{
		{name: "a directory of the store"},
		{name: "a directory elsewhere", options: map[string]string{"type": "none", "o": "bind,rw", "device": "/srv"}},
		{name: "tmpfs", options: map[string]string{"type": "tmpfs", "device": "tmpfs", "o": "size=1m,uid=5,ro"},
			want: &hostmount.Mount{Type: "tmpfs", Source: "tmpfs", Data: "size=1m,uid=5", Flags: unix.MS_RDONLY}},
		{name: "the later of two contrary options counts", options: map[string]string{"type": "tmpfs", "device": "tmpfs", "o": "ro,nosuid,rw"},
			want: &hostmount.Mount{Type: "tmpfs", Source: "tmpfs", Flags: unix.MS_NOSUID}},
		{name: "nfs", options: map[string]string{"type": "nfs4", "device": ":/export", "o": "addr=192.0.2.1,vers=4,soft"},
			want: &hostmount.Mount{Type: "nfs4", Source: ":/export", Data: "addr=192.0.2.1,vers=4,soft"}},
		{name: "a bind with options is a mount", options: map[string]string{"type": "none", "device": "/srv", "o": "rbind,noexec"},
			want: &hostmount.Mount{Type: "none", Source: "/srv", Flags: unix.MS_BIND | unix.MS_REC | unix.MS_NOEXEC}},
		{name: "no device", options: map[string]string{"type": "tmpfs"}, err: engine.ErrInvalid},
		{name: "no type", options: map[string]string{"device": "tmpfs"}, err: engine.ErrInvalid},
		{name: "remount", options: map[string]string{"type": "tmpfs", "device": "tmpfs", "o": "remount"}, err: engine.ErrInvalid},
		{name: "a bind of a relative path", options: map[string]string{"type": "none", "device": "srv", "o": "bind,ro"}, err: engine.ErrInvalid},
	} {
		got, err := volume.MountPlan(tt.options)
		if !errors.Is(err, tt.err) {
			t.Errorf("%s: error %v, want %v", tt.name, err, tt.err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
	}
}
