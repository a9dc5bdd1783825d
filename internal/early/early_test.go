package early_test

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gantry/engine/ociruntime"
	"gantry/engine/shim"
)

// allowed are the packages outside the standard library and gantry itself that
// may initialise before a role is picked. Each is a leaf that sorts ahead of
// what early needs, and costs less than 0.05 ms; a new one in the list needs a
// look at its init.
var allowed = []string{
	"golang.org/x/sys/", // what early itself uses

	"github.com/charmbracelet/x/ansi/parser",
	"github.com/docker/go-units",
	"github.com/klauspost/compress/internal/cpuinfo",
	"github.com/klauspost/compress/internal/snapref",
	"github.com/mattn/go-runewidth",
	"github.com/moby/sys/userns",
	"github.com/pelletier/go-toml/",
	"google.golang.org/protobuf/internal/detrand",
}

// light are the gantry packages that the roles consist of.
var light = []string{
	"gantry/engine", "gantry/engine/cgroup/leaf", "gantry/engine/events", "gantry/engine/ociruntime", "gantry/engine/record",
	"gantry/engine/shim", "gantry/images", "gantry/images/snapshot", "gantry/images/snapshot/", "gantry/internal/", "gantry/logs", "gantry/logs/journal",
}

func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "gantry")
	cmd := exec.Command("go", "build", "-o", bin, "gantry")
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// TestRolesInitialiseLittle runs both roles without the arguments that they
// need, so that they end at once, and lists what initialised until then.
func TestRolesInitialiseLittle(t *testing.T) {
	t.Parallel()
	bin := build(t)
	for _, role := range []string{shim.Name, ociruntime.InitName} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(bin)
			cmd.Args = []string{role}
			cmd.Env = []string{"GODEBUG=inittrace=1"}
			var trace bytes.Buffer
			cmd.Stderr = &trace
			if err := cmd.Run(); err == nil {
				t.Fatal("the role did not refuse to run without arguments")
			}
			packages := initialised(trace.String())
			if len(packages) == 0 {
				t.Fatal("no trace:\n", trace.String())
			}
			for _, p := range packages {
				if !ours(p) {
					t.Errorf("%s initialises", p)
				}
			}
			t.Logf("%d packages initialise", len(packages))
		})
	}
}

// initialised reads lines "init PACKAGE @0.5 ms, 0.1 ms clock, …".
func initialised(trace string) []string {
	var packages []string
	for line := range strings.Lines(trace) {
		if f := strings.Fields(line); len(f) > 2 && f[0] == "init" && strings.HasPrefix(f[2], "@") {
			packages = append(packages, f[1])
		}
	}
	return packages
}

func ours(pkg string) bool {
	if first, _, _ := strings.Cut(pkg, "/"); !strings.Contains(first, ".") && first != "gantry" {
		return heavy[pkg] == ""
	}
	for _, p := range append(allowed, light...) {
		if pkg == p || strings.HasSuffix(p, "/") && strings.HasPrefix(pkg, p) {
			return true
		}
	}
	return false
}

// heavy are standard packages that the roles must do without, with the reason.
var heavy = map[string]string{
	"net":           "resolver configuration, and with it a larger heap",
	"net/http":      "HTTP/2 tables",
	"regexp":        "expressions compiled at start",
	"text/template": "function tables",
	"os/exec":       "a look at PATH",
	"log":           "os.Stderr is enough",
	"crypto/tls":    "cipher suites",
}

// TestImports: what early links by itself is light throughout.
func TestImports(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "gantry/internal/early").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range strings.Fields(string(out)) {
		if reason := heavy[p]; reason != "" {
			t.Errorf("imports %s: %s", p, reason)
		}
		first, _, _ := strings.Cut(p, "/")
		if strings.Contains(first, ".") && !strings.HasPrefix(p, "golang.org/x/sys/unix") && p != "github.com/opencontainers/runtime-spec/specs-go" {
			// The standard library's vendored packages have no version in their path either.
			if !strings.HasPrefix(p, "vendor/") && !strings.HasPrefix(p, "crypto/") {
				t.Errorf("imports %s", p)
			}
		}
	}
}
