package cli_test

import (
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// flagsOf reads "long -> short" and "long -> takes a value" from a help text.
func flagsOf(help string) (short map[string]string, value map[string]bool) {
	line := regexp.MustCompile(`(?m)^\s+(?:-(\w), )?\s*--([\w-]+)( \S+)?(\s|$)`)
	short, value = map[string]string{}, map[string]bool{}
	for _, m := range line.FindAllStringSubmatch(help, -1) {
		short[m[2]] = m[1]
		value[m[2]] = m[3] != "" && !strings.HasPrefix(m[3], "  ")
	}
	return short, value
}

// TestDockerParity: a flag that docker has too is written the same, and takes a
// value where docker's does.
func TestDockerParity(t *testing.T) {
	t.Parallel()
	docker, err := exec.LookPath("docker")
	if err != nil {
		t.Skip("needs the docker command to compare with")
	}
	// What gantry has and docker has not, on purpose.
	ours := map[string][]string{"pull": {"detach"}, "push": {"detach"}}
	w := newWorld(t)
	for _, verb := range []string{
		"attach", "commit", "container prune", "cp", "create", "diff", "events", "exec", "export", "history", "image prune", "images", "import", "info", "inspect",
		"kill", "load", "login", "logout", "logs", "pause", "port", "ps", "pull", "push", "rename", "restart", "rm", "rmi", "run", "save",
		"start", "stats", "stop", "system df", "system prune", "tag", "top", "unpause", "update", "version", "volume create", "volume inspect", "volume ls", "volume prune",
		"volume rm", "wait",
	} {
		args := append(strings.Fields(verb), "--help")
		out, err := exec.Command(docker, args...).Output()
		if err != nil {
			t.Errorf("docker %s --help: %v", verb, err)
			continue
		}
		theirShort, theirValue := flagsOf(string(out))
		short, value := flagsOf(w.ok(args...))
		for _, name := range slices.Sorted(maps.Keys(short)) {
			if name == "help" || slices.Contains(ours[verb], name) {
				continue
			}
			if s, ok := theirShort[name]; !ok {
				t.Errorf("%s: docker has no --%s", verb, name)
			} else if s != short[name] {
				t.Errorf("%s --%s: short %q, docker's %q", verb, name, short[name], s)
			} else if value[name] != theirValue[name] {
				t.Errorf("%s --%s: takes a value: %v, docker's: %v", verb, name, value[name], theirValue[name])
			}
		}
	}
}
