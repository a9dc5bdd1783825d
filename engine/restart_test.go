package engine_test

import (
	"errors"
	"testing"

	"gantry/engine"
)

func TestParseRestartPolicy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in, want string
		err      error
	}{
		{"", "no", nil},
		{"no", "no", nil},
		{"always", "always", nil},
		{"unless-stopped", "unless-stopped", nil},
		{"on-failure", "on-failure", nil},
		{"on-failure:0", "on-failure", nil},
		{"on-failure:7", "on-failure:7", nil},
		{"sometimes", "", engine.ErrInvalid},
		{"Always", "", engine.ErrInvalid},
		{"always:3", "", engine.ErrInvalid},
		{"always:0", "", engine.ErrInvalid},
		{"no:3", "", engine.ErrInvalid},
		{":3", "", engine.ErrInvalid},
		{"on-failure:", "", engine.ErrInvalid},
		{"on-failure:x", "", engine.ErrInvalid},
		{"on-failure:-1", "", engine.ErrInvalid},
	} {
		p, err := engine.ParseRestartPolicy(tt.in)
		if !errors.Is(err, tt.err) || err == nil && p.String() != tt.want {
			t.Errorf("%q: %s, %v; want %s, %v", tt.in, p, err, tt.want, tt.err)
		}
	}
}

func TestRestartPolicyWithAutoRemove(t *testing.T) {
	t.Parallel()
	for _, name := range engine.RestartPolicies {
		err := engine.RestartPolicy{Name: name}.Check(true)
		if want := name != engine.RestartNo; errors.Is(err, engine.ErrConflict) != want {
			t.Errorf("%s with --rm: %v", name, err)
		}
	}
}
