package runspec_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gantry/engine"
	"gantry/engine/runspec"
	"gantry/images"
)

func TestMergeHealthcheck(t *testing.T) {
	t.Parallel()
	image := &images.Healthcheck{Test: []string{"CMD", "probe"}, Interval: time.Second, Retries: 5}
	for _, tt := range []struct {
		name        string
		image, user *images.Healthcheck
		want        *images.Healthcheck
		err         string
	}{
		{name: "none"},
		{name: "the image's", image: image, want: image},
		{name: "the user's", user: &images.Healthcheck{Test: []string{"NONE"}}, want: &images.Healthcheck{Test: []string{"NONE"}}},
		{name: "taken away", image: image, user: &images.Healthcheck{Test: []string{"NONE"}}, want: &images.Healthcheck{Test: []string{"NONE"}, Interval: time.Second, Retries: 5}},
		{name: "member by member", image: image, user: &images.Healthcheck{Timeout: time.Minute, Retries: 1},
			want: &images.Healthcheck{Test: []string{"CMD", "probe"}, Interval: time.Second, Timeout: time.Minute, Retries: 1}},
		{name: "too quick", user: &images.Healthcheck{Interval: time.Microsecond}, err: "1ms"},
		{name: "of the image, too quick", image: &images.Healthcheck{StartPeriod: 1}, err: "start period"},
		{name: "negative", user: &images.Healthcheck{Retries: -1}, err: "retries"},
	} {
		got, err := runspec.Merge(engine.ContainerConfig{Cmd: []string{"x"}, Healthcheck: tt.user}, images.Config{Healthcheck: tt.image}, false)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, got.Healthcheck); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
	}
}

func TestHealthProgram(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		test  []string
		shell []string
		want  []string
	}{
		{test: nil},
		{test: []string{"NONE"}},
		{test: []string{"CMD"}},
		{test: []string{"ELSE", "x"}},
		{test: []string{"CMD", "probe", "a b"}, want: []string{"probe", "a b"}},
		{test: []string{"CMD-SHELL", "a | b"}, want: []string{"/bin/sh", "-c", "a | b"}},
		{test: []string{"CMD-SHELL", "a | b"}, shell: []string{"/bin/bash", "-ec"}, want: []string{"/bin/bash", "-ec", "a | b"}},
	} {
		h, argv := runspec.Health(&images.Healthcheck{Test: tt.test, Timeout: time.Second}, tt.shell)
		if diff := cmp.Diff(tt.want, argv); diff != "" {
			t.Errorf("%q:\n%s", tt.test, diff)
		}
		if (h != nil) != (tt.want != nil) {
			t.Errorf("%q: check %v", tt.test, h)
		}
		if h != nil && (h.Interval != 30*time.Second || h.Timeout != time.Second || h.StartInterval != 5*time.Second || h.Retries != 3 || h.StartPeriod != 0) {
			t.Errorf("defaults: %+v", h)
		}
	}
}
