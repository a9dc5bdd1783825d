package early

import (
	"strings"
	"testing"
)

func TestRuns(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		"gantry":                              false,
		"gantry ps":                           false,
		"gantry run":                          false,
		"gantry run --help":                   false,
		"gantry run -h":                       false,
		"gantry run box":                      true,
		"gantry run --rm -it box sh -c ls":    true,
		"gantry container run box":            true,
		"gantry container":                    false,
		"gantry container ls -a":              false,
		"gantry exec run true":                false,
		"gantry --root /x run box":            false,
		"gantry run --root /x box":            false,
		"gantry run --run=/x box":             false,
		"gantry create run box":               false,
		"gantry-shim run box":                 true, // roles are told apart before
		"gantry run --name web box --verbose": true,
	} {
		if got := runs(strings.Fields(line)); got != want {
			t.Errorf("%s: %v, want %v", line, got, want)
		}
	}
}
