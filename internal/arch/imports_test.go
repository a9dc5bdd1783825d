package arch_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

type pkg struct {
	ImportPath string
	Imports    []string
}

// load reads the import graph of the module's packages, tests left out.
func load(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "gantry/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
	if len(pkgs) < 5 {
		t.Fatalf("go list found %d packages", len(pkgs))
	}
	return pkgs
}

func under(path string, roots ...string) bool {
	for _, r := range roots {
		if path == r || strings.HasPrefix(path, r+"/") {
			return true
		}
	}
	return false
}

// rule forbids imports: a package that `from` matches may not import what `to`
// matches.
type rule struct {
	why  string
	from func(string) bool
	to   func(string) bool
}

var rules = []rule{
	{
		"images and logs are below the engine",
		func(p string) bool { return under(p, "gantry/images", "gantry/logs") },
		func(p string) bool { return under(p, "gantry/engine", "gantry/ui", "gantry/cli", "gantry/themes") },
	},
	{
		"the user interface knows vocabularies, never an implementation",
		func(p string) bool { return under(p, "gantry/ui") },
		func(p string) bool {
			if p == "gantry/engine/fake" {
				return false // demonstrations and tests of the interface
			}
			return under(p, "gantry/engine", "gantry/images", "gantry/logs") &&
				p != "gantry/engine" && p != "gantry/images" && p != "gantry/logs"
		},
	},
	{
		"the command line talks to engine.Engine only",
		func(p string) bool { return under(p, "gantry/cli") },
		func(p string) bool {
			return under(p, "gantry/engine", "gantry/images", "gantry/logs", "gantry/ui") &&
				p != "gantry/engine" && p != "gantry/images" && p != "gantry/logs"
		},
	},
	{
		"engine is a vocabulary",
		func(p string) bool { return p == "gantry/engine" },
		func(p string) bool { return under(p, "gantry") && p != "gantry/images" && p != "gantry/logs" },
	},
	{
		"themes stand alone",
		func(p string) bool { return under(p, "gantry/themes") },
		func(p string) bool {
			return under(p, "gantry") && !under(p, "gantry/themes", "gantry/internal/tomldoc")
		},
	},
	{
		"Charm's libraries stay in the user interface",
		func(p string) bool {
			return under(p, "gantry") && !under(p, "gantry/ui", "gantry/cli") && p != "gantry"
		},
		func(p string) bool { return under(p, "charm.land") },
	},
	{
		"go-containerregistry's client stays in images/registry",
		func(p string) bool { return under(p, "gantry") && p != "gantry/images/registry" },
		func(p string) bool { return under(p, "github.com/google/go-containerregistry/pkg/v1/remote") },
	},
	{
		"go-containerregistry stays in images",
		func(p string) bool { return under(p, "gantry") && !under(p, "gantry/images") },
		func(p string) bool { return under(p, "github.com/google/go-containerregistry") },
	},
	{
		"buildkit stays in images/dockerfile",
		func(p string) bool { return under(p, "gantry") && p != "gantry/images/dockerfile" },
		func(p string) bool { return under(p, "github.com/moby/buildkit") },
	},
	{
		"only main and the program's own tests choose the local engine",
		func(p string) bool { return under(p, "gantry") && p != "gantry" },
		func(p string) bool { return p == "gantry/engine/local" },
	},
}

func TestImportsPointTheRightWay(t *testing.T) {
	for _, p := range load(t) {
		for _, imp := range p.Imports {
			for _, r := range rules {
				if r.from(p.ImportPath) && r.to(imp) {
					t.Errorf("%s imports %s: %s", p.ImportPath, imp, r.why)
				}
			}
		}
	}
}

// light are the packages that the monitor and the container's init link and
// that run before anything heavy initialises.
var light = []string{
	"gantry/engine", "gantry/images", "gantry/logs", "gantry/logs/journal", "gantry/images/snapshot",
	"gantry/engine/record", "gantry/engine/events", "gantry/engine/cgroup/leaf", "gantry/engine/seccomp/filter",
	"gantry/engine/network/hostport", "gantry/engine/network/netns", "gantry/engine/network/resolv", "gantry/engine/network/responder", "gantry/engine/network/zone", "gantry/engine/ociruntime", "gantry/engine/shim", "gantry/engine/volume/hostmount", "gantry/internal/demo/service", "gantry/internal/early", "gantry/internal/inetaddr", "gantry/internal/osthread",
}

// TestLightPackagesStayLight keeps slow or large packages out of the roles
// that start with every container.
func TestLightPackagesStayLight(t *testing.T) {
	out, err := exec.Command("go", append([]string{"list", "-deps", "-f", "{{.ImportPath}} {{.Standard}}"}, light...)...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	heavy := []string{"net", "net/http", "regexp", "text/template", "os/exec", "log", "crypto/tls"}
	for line := range strings.Lines(string(out)) {
		path, standard, _ := strings.Cut(strings.TrimSpace(line), " ")
		if standard == "true" {
			for _, h := range heavy {
				if path == h {
					t.Errorf("a light package reaches %s", path)
				}
			}
			continue
		}
		if !under(path, "gantry", "golang.org/x/sys", "github.com/opencontainers/runtime-spec", "golang.org/x/net/dns/dnsmessage") {
			t.Errorf("a light package reaches %s", path)
		}
	}
}
