package cli_test

import "testing"

// TestDockerTemplates: templates that scripts have for docker's info and
// version print the same things here.
func TestDockerTemplates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tt := range []struct{ verb, format, want string }{
		{"info", "{{.OSType}} {{.CgroupDriver}} {{.LoggingDriver}} {{.LiveRestoreEnabled}}", "linux cgroupfs journal true\n"},
		{"info", "{{.Plugins.Volume}} {{json .Plugins.Log}}", "[local] [\"journal\"]\n"},
		{"info", "{{if eq .Containers .ContainersStopped}}all{{else}}{{.ContainersRunning}}{{end}} {{.containers.Total}}", w.ok("info", "-f", "{{if eq .Containers .ContainersStopped}}all{{else}}{{.containers.Running}}{{end}} {{.Containers}}")},
		{"version", "{{if eq .Client.Version .Server.Version .Version}}{{.Server.Os}}{{end}}", "linux\n"},
	} {
		if got := w.ok(tt.verb, "-f", tt.format); got != tt.want {
			t.Errorf("%s -f %s: %q, want %q", tt.verb, tt.format, got, tt.want)
		}
	}
}
