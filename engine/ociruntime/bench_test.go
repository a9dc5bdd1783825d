package ociruntime_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine"
	"gantry/engine/cgroup"
	"gantry/engine/ociruntime"
)

// BenchmarkRun compares the whole life of a container that runs `true` with
// runc's, on the same root file system, in turn, so that a noisy machine is
// noisy for both. The goal is a ratio of at most 0.6.
func BenchmarkRun(b *testing.B) {
	dir := image(b, nil)
	filter := defaultFilter(b, testSpec("true"))
	host, err := cgroup.Detect()
	check(b, err)
	b.Run("gantry", func(b *testing.B) {
		for b.Loop() {
			g, err := host.Create(string(engine.NewID()), nil)
			check(b, err)
			o := ociruntime.CreateOptions{Spec: testSpec("true"), Root: detach(b, dir), Seccomp: filter}
			in(g, nil)(&o)
			p, err := ociruntime.Create(o)
			check(b, err)
			check(b, p.Start())
			wait(b, p)
			p.PidFD.Close()
			o.Root.Close()
			check(b, g.Delete())
		}
	})
	b.Run("gantry without group", func(b *testing.B) {
		for b.Loop() {
			o := ociruntime.CreateOptions{Spec: testSpec("true"), Root: detach(b, dir), Seccomp: filter}
			p, err := ociruntime.Create(o)
			check(b, err)
			check(b, p.Start())
			wait(b, p)
			p.PidFD.Close()
			o.Root.Close()
		}
	})
	b.Run("runc", func(b *testing.B) {
		bundle, state := runcBundle(b, dir), b.TempDir()
		n := 0
		for b.Loop() {
			n++
			out, err := exec.Command("runc", "--root", state, "run", "-b", bundle, fmt.Sprintf("gantry-bench-%d-%d", os.Getpid(), n)).CombinedOutput()
			if err != nil {
				b.Fatalf("%v: %s", err, out)
			}
		}
	})
}

// BenchmarkExec is the life of a further program in a running container.
func BenchmarkExec(b *testing.B) {
	c := sleeper(b, image(b, nil))
	spec := testSpec("true")
	o := ociruntime.ExecOptions{PidFD: c.PidFD, Process: spec.Process, Seccomp: defaultFilter(b, spec)}
	for b.Loop() {
		p, err := ociruntime.Exec(o)
		check(b, err)
		check(b, p.Start())
		wait(b, p)
		p.PidFD.Close()
	}
}

func runcBundle(b *testing.B, root string) string {
	b.Helper()
	if _, err := exec.LookPath("runc"); err != nil {
		b.Skip("needs runc to compare with")
	}
	spec := testSpec("true")
	spec.Version = "1.0.2"
	spec.Root.Path = root
	spec.Mounts = append(spec.Mounts, specs.Mount{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: []string{"ro", "nosuid", "noexec", "nodev"}})
	bundle := b.TempDir()
	text, err := json.Marshal(spec)
	check(b, err)
	check(b, os.WriteFile(filepath.Join(bundle, "config.json"), text, 0o644))
	return bundle
}
