package early_test

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gantry/engine/ociruntime"
	"gantry/engine/shim"
	"gantry/internal/demo/service"
)

// allowed are the packages outside the standard library that may initialise
// before a role is picked: leaves that need no more than fmt and sort ahead of
// golang.org/x/sys/unix, which early needs. Each but snapref (a CRC table, 0.1 ms)
// takes less than 0.05 ms. A new one deserves a look at its init.
var allowed = []string{
	"golang.org/x/net/dns/dnsmessage",
	"golang.org/x/sys/unix",
	"github.com/opencontainers/runtime-spec/specs-go",

	"github.com/charmbracelet/x/ansi/parser",
	"github.com/docker/go-units",
	"github.com/google/nftables/alignedbuff",
	"github.com/google/go-containerregistry/pkg/logs", // three loggers that discard
	"github.com/klauspost/compress/flate",
	"github.com/klauspost/compress/gzip",
	"github.com/klauspost/compress/internal/cpuinfo",
	"github.com/klauspost/compress/internal/snapref",
	"github.com/mattn/go-runewidth",
	"github.com/moby/buildkit/frontend/dockerfile/command",
	"github.com/moby/sys/userns",
	"github.com/opencontainers/image-spec/specs-go",
	"github.com/pelletier/go-toml/v2",
	"github.com/pelletier/go-toml/v2/unstable",
	"github.com/planetscale/vtprotobuf/protohelpers",
	// buildkit's parser links protobuf. detrand reads its own executable, 0.06 ms;
	// the reaper's is a mount of one file, whose path is "/", so it reads nothing
	// that is the container's.
	"google.golang.org/protobuf/encoding/protowire",
	"google.golang.org/protobuf/internal/detrand",
	"google.golang.org/protobuf/internal/errors",

	"gantry/images/layers", // two errors
}

// light are the gantry packages that the roles consist of.
var light = []string{
	"gantry/engine", "gantry/engine/cgroup/leaf", "gantry/engine/events", "gantry/engine/network/hostport", "gantry/engine/network/netns", "gantry/engine/network/resolv", "gantry/engine/network/responder", "gantry/engine/network/zone", "gantry/engine/ociruntime", "gantry/engine/record", "gantry/engine/seccomp/filter", "gantry/engine/shim", "gantry/engine/volume/hostmount", "gantry/images", "gantry/images/snapshot", "gantry/images/snapshot/stack", "gantry/images/trash", "gantry/internal/demo/service", "gantry/internal/dirwatch", "gantry/internal/inetaddr", "gantry/internal/linkwalk", "gantry/internal/osthread", "gantry/internal/usock", "gantry/logs", "gantry/logs/journal",
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

// TestRolesInitialiseLittle runs the roles without the arguments that they
// need, so that they end at once, and lists what initialised until then.
func TestRolesInitialiseLittle(t *testing.T) {
	t.Parallel()
	bin := build(t)
	for _, role := range []string{shim.Name, ociruntime.InitName, service.Path} {
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
					t.Errorf("%s initialises before the role is picked", p)
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
	if standard(pkg) {
		return true
	}
	return slices.Contains(allowed, pkg) || slices.Contains(light, pkg)
}

func standard(pkg string) bool {
	first, _, _ := strings.Cut(pkg, "/")
	return first != "gantry" && !strings.Contains(first, ".")
}

// heavy are standard packages that the roles must do without. The late ones do
// little themselves, but sort behind the packages of others, which initialise
// first then: each of them alone costs a millisecond.
var heavy = map[string]string{
	"crypto/rand":   "late, and all of crypto: math/rand/v2 makes IDs",
	"log":           "os.Stderr is enough",
	"net":           "resolver and interfaces: internal/usock is enough",
	"net/http":      "HTTP/2 tables",
	"net/netip":     "late: internal/inetaddr",
	"os/exec":       "os.StartProcess is enough",
	"path/filepath": "late: path is the same here",
	"regexp":        "late, and expressions compiled at start",
	"runtime/debug": "late: the environment sets the collector",
	"text/template": "function tables",
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
		if !standard(p) && !slices.Contains(light, p) && !slices.Contains(own, p) {
			t.Errorf("imports %s", p)
		}
	}
}

// own is what early may import beside the light packages.
var own = []string{"gantry/internal/early", "golang.org/x/net/dns/dnsmessage", "golang.org/x/sys/unix", "github.com/opencontainers/runtime-spec/specs-go"}
