package cli_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gantry/engine/fake"
)

// complete returns the candidates that a shell would offer.
func complete(w *world, args ...string) []string {
	w.t.Helper()
	var words []string
	for line := range strings.Lines(w.ok(append([]string{"__completeNoDesc"}, args...)...)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, ":") {
			words = append(words, line)
		}
	}
	return words
}

func TestCompletion(t *testing.T) {
	inScene(t, func(w *world) {
		for _, test := range []struct{ line, want string }{
			{"ru", "run"},
			{"stop ", "db web"},
			{"stop web ", "db"},
			{"start ", "fresh migrate"},
			{"pause ", "web"},
			{"exec w", "web"},
			{"logs f", "fresh"},
			{"container rm mi", "migrate"},
			{"rm ", "fresh db web migrate"},
			{"run al", "alpine:3.20 alpine:latest alpine"},
			{"rmi reg", "registry.example:5000/team/app:1.0"},
			{"inspect we", "web"},
			{"run --network ", "bridge host none"},
			{"network connect ", "bridge"},
			{"network connect bridge ", "fresh db web migrate"},
			{"run --pull a", "always"},
			{"run --cap-add NET_R", "NET_RAW"},
			{"ps --filter st", "status="},
			{"kill -s U", "USR1 USR2"},
			{"completion z", "zsh"},
		} {
			args := strings.Split(test.line, " ")
			got := complete(w, args...)
			for i, c := range got { // cobra does not filter what functions return
				if !strings.HasPrefix(c, args[len(args)-1]) {
					got[i] = ""
				}
			}
			if s := strings.Join(strings.Fields(strings.Join(got, " ")), " "); s != test.want {
				t.Errorf("%q completes to %q, want %q", test.line, s, test.want)
			}
		}
		w.e.Inject(fake.OpList, fake.Fault{Err: errors.New("broken")})
		if got := complete(w, "stop", ""); len(got) > 0 {
			t.Errorf("with a broken engine: %q", got)
		}
	})
}

// TestCompletionScripts loads each script into its shell, where there is one.
func TestCompletionScripts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for shell, args := range map[string][]string{"bash": {"-n"}, "zsh": {"-n"}, "fish": {"--no-execute"}} {
		script := filepath.Join(t.TempDir(), shell)
		if err := os.WriteFile(script, []byte(w.ok("completion", shell)), 0o600); err != nil {
			t.Fatal(err)
		}
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Logf("%s is not installed: its script was made, not loaded", shell)
			continue
		}
		if out, err := exec.Command(path, append(args, script)...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
	if code := w.run("completion", "powershell"); code != 1 {
		t.Errorf("unknown shell: code %d", code)
	}
}
