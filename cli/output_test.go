package cli_test

import (
	"strings"
	"testing"

	"gantry/engine/fake"
)

// TestOutput compares what lists print with goldens: headings, columns and
// formats are an interface that scripts rely on.
func TestOutput(t *testing.T) {
	inScene(t, func(w *world) {
		for _, test := range []struct{ name, args string }{
			{"ps", "ps"},
			{"ps-all", "ps -a"},
			{"ps-size", "ps -as"},
			{"ps-no-trunc", "ps -a --no-trunc"},
			{"ps-quiet", "ps -aq"},
			{"ps-last", "ps -n 2"},
			{"ps-latest", "ps -l"},
			{"ps-filter", "ps -a --filter status=exited --filter status=created"},
			{"ps-table", `ps -a --format table\t{{.Names}}\t{{.Status}}\t{{.Networks}}\t{{.Mounts}}\t{{.Label_"com.example.rack-unit"}}`},
			{"ps-template", `ps -a --format {{.ID}}_{{.Names|upper}}_{{.State}}_{{.CreatedAt}}_{{truncate_.Image_5}}`},
			{"ps-json", "ps -a --format json"},
			{"ps-json-function", "ps -q --format {{json_.Names}}"},
			{"images", "images"},
			{"images-digests", "images --digests"},
			{"images-no-trunc", "images --no-trunc"},
			{"images-quiet", "images -q"},
			{"images-reference", "images alpine"},
			{"images-dangling", "images -f dangling=true"},
			{"images-json", "images --format json"},
			{"history", "history alpine"},
			{"history-plain", "history -H=false --no-trunc alpine"},
			{"inspect-container", "inspect web"},
			{"inspect-image", "inspect --type image alpine"},
			{"top", "top web"},
			{"stats", "stats --no-stream"},
			{"stats-all", "stats --no-stream -a"},
			{"stats-format", `stats --no-stream --format table\t{{.Name}}\t{{.Cores}}\t{{.Throttled}}\t{{.MemPeak}}\t{{.OOMKills}} web`},
			{"stats-json", "stats --no-stream --format json web"},
			{"events", "events --since 24h --until 0s"},
			{"events-json", "events --since 24h --until 0s --filter event=start --filter container=web --format json"},
			{"events-filter", "events --since 24h --until 0s --filter container=web --format {{.Time}}_{{.Type}}_{{.Action}}_{{.Actor.Attributes.name}}"},
			{"info", "info"},
			{"version", "version"},
		} {
			args := strings.Fields(test.args)
			for i, a := range args { // blanks and tabs of templates
				args[i] = strings.NewReplacer(`table\t`, "table ", "_", " ").Replace(a)
			}
			golden(t, test.name+".golden", w.ok(args...))
			if w.err.Len() > 0 {
				t.Errorf("%s: stderr %q", test.name, w.err.String())
			}
		}
	})
}

// A damaged image is listed with what is wrong with it, beside the table.
func TestDamagedImage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.e.AddImage(fake.Image{Refs: []string{"whole"}})
	w.e.AddImage(fake.Image{Refs: []string{"broken:1"}, Problem: "its configuration is corrupt;\x1b[2J pull it again"})
	const warning = "WARNING: image broken:1 cannot be used: its configuration is corrupt;"
	if out := w.ok("images"); !strings.Contains(out, "broken") || !strings.Contains(w.err.String(), warning) || strings.Contains(w.err.String(), "\x1b") || strings.Contains(w.err.String(), "whole") {
		t.Errorf("images: %q, stderr %q", out, w.err.String())
	}
	for _, quiet := range [][]string{{"images", "-q"}, {"images", "--format", "json"}, {"images", "--format", "{{.ID}}"}} {
		if w.ok(quiet...); w.err.Len() > 0 {
			t.Errorf("%v: stderr %q", quiet, w.err.String())
		}
	}
	for args, want := range map[string]string{"images --format {{.Problem}}": "pull it again", "images --format json": `"Problem":"its`, "inspect broken:1": `"Problem": "its`} {
		if out := w.ok(strings.Fields(args)...); strings.Count(out, want) != 1 {
			t.Errorf("%s: %q", args, out)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, args := range map[string][]string{
		"help-root":      {"--help"},
		"help-run":       {"run", "--help"},
		"help-container": {"container", "--help"},
		"help-ps":        {"help", "ps"},
		"help-ls":        {"container", "ls", "--help"},
	} {
		golden(t, name+".golden", w.ok(args...))
	}
}

func TestInspectFormats(t *testing.T) {
	inScene(t, func(w *world) {
		for format, want := range map[string]string{
			"{{.Id}}":                                     "", // docker's name
			"{{.ID}}":                                     "", // the Go field's
			"{{.State.Status}} {{.State.Pid}}":            "running",
			"{{.State.StartedAt}}":                        "2026-03-01T11:57:00Z",
			"{{if .State.Running}}up{{end}}":              "up",
			"{{if eq .State.ExitCode 0}}0{{end}}":         "0",
			"{{json .Config.Labels}}":                     `{"com.example.rack-unit":"r12","org.example.tier":"web","tier":"web"}`,
			"{{index .Config.Cmd 0}}":                     "/bin/app",
			"{{.Config.Labels.nothing}}":                  "<no value>",
			"{{range .Mounts}}{{.Source}}:{{.RW}}{{end}}": "/srv/long/path/to/site:false",
			"{{.HostConfig.Memory}}":                      "0",
			"{{join .Config.Cmd \",\"}}":                  "/bin/app",
		} {
			got := w.ok("inspect", "-f", format, "web")
			if !strings.HasPrefix(got, want) || got == "\n" {
				t.Errorf("%s = %q, want %q", format, got, want)
			}
		}
		if code := w.run("inspect", "-f", "{{.Nonsense}}", "web"); code != 1 || !strings.Contains(w.err.String(), "Nonsense") {
			t.Errorf("unknown field: code %d, %q", code, w.err.String())
		}
		if code := w.run("inspect", "-f", "{{.Broken", "web"); code != 1 {
			t.Errorf("broken template: code %d", code)
		}
		w.want(1, "web\n", "gantry: inspect nosuch: no such container, image, network or volume: not found\n", "inspect", "-f", "{{slice .Name 1}}", "web", "nosuch")
		w.want(1, "[]\n", "gantry: inspect image web: not found\n", "inspect", "--type", "image", "web")
	})
}
