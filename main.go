// Command gantry is a container workbench in a terminal: a whole container
// engine and a front end over it, in one program without a daemon.
//
// This file picks the role and the implementations; nothing else does. The
// roles that start with every container are picked before: see internal/early.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"

	_ "gantry/internal/early" // first: shim and init never get past it

	"gantry/cli"
	"gantry/engine"
	"gantry/engine/jobs"
	"gantry/engine/local"
	"gantry/images"
	"gantry/images/registry"
	"gantry/internal/config"
	"gantry/ui"
)

// version is set by the linker.
var version = "devel"

func main() { os.Exit(run()) }

func run() int {
	ctx := context.Background()
	switch os.Args[0] {
	case local.FinishName:
		if err := local.FinishMain(ctx, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	case jobs.Role:
		return jobs.Main(runJob)
	}
	// A command lives for milliseconds: collecting garbage early in them is
	// work for nothing.
	debug.SetGCPercent(400)
	return cli.Main(ctx, os.Args[1:], cli.System(), cli.Program{
		Version: buildVersion(),
		Open:    openEngine,
		UI: func(ctx context.Context, g cli.Global) error {
			e, err := openEngine(ctx, g)
			if err != nil {
				return err
			}
			defer e.Close()
			return ui.Run(ctx, e, uiOptions(g))
		},
		Config: checkConfig,
	})
}

// uiOptions lets the workbench hand the terminal over to verbs of this program.
// What the configuration says wrongly was told when the engine was opened.
func uiOptions(g cli.Global) ui.Options {
	c, _, err := loadConfig(g.Config)
	if err != nil {
		c = config.Default()
	}
	var atOnce []string
	for _, what := range []string{"stop", "restart"} {
		if !slices.Contains(c.UI.AskBefore, what) {
			atOnce = append(atOnce, what)
		}
	}
	var flags []string
	for flag, value := range map[string]string{"--root": g.Root, "--run": g.Run, "--config": g.Config} {
		if value != "" {
			flags = append(flags, flag, value)
		}
	}
	return ui.Options{
		Command: func(args ...string) *exec.Cmd {
			return exec.Command("/proc/self/exe", append(slices.Clone(flags), args...)...)
		},
		Keys: c.Keys, Theme: c.UI.Theme, ActAtOnce: atOnce,
	}
}

// runJob does the work of a job in the process that was started for it.
func runJob(ctx context.Context, spec engine.JobSpec, report func(images.Progress)) error {
	e, err := open(cli.Global{Root: os.Args[1], Run: os.Args[2], Config: os.Getenv("GANTRY_CONFIG")})
	if err != nil {
		return err
	}
	defer e.Close()
	return e.RunJob(ctx, spec, report)
}

func openEngine(_ context.Context, g cli.Global) (engine.Engine, error) {
	e, err := open(g)
	if err != nil {
		return nil, err
	}
	return e, nil
}

func open(g cli.Global) (*local.Engine, error) {
	c, problems, err := loadConfig(g.Config)
	if err != nil {
		return nil, err
	}
	for _, p := range problems { // the rest of the file counts
		fmt.Fprintln(os.Stderr, "gantry: "+p.String())
	}
	reg := registry.Config{UserAgent: "gantry/" + buildVersion(), Registries: make(map[string]registry.Registry)}
	for host, r := range c.Registries {
		reg.Registries[host] = registry.Registry(r)
	}
	return local.Open(local.Options{
		Root: g.Root, Run: g.Run, Version: buildVersion(), Registry: reg, LogMaxSize: c.Log.MaxSize, LogMaxFile: c.Log.MaxFile,
	})
}

func loadConfig(path string) (config.Config, []config.Problem, error) {
	if path != "" {
		return config.LoadFile(path)
	}
	c, problems := config.Load()
	return c, problems, nil
}

// checkConfig is `gantry config check`: every mistake is named.
func checkConfig(path string) (cli.Config, error) {
	c, problems, err := loadConfig(path)
	if err != nil {
		return cli.Config{}, err
	}
	out := cli.Config{Path: c.File, DetachKeys: c.DetachKeys}
	if len(problems) == 0 {
		return out, nil
	}
	text := ""
	for i, p := range problems {
		if i > 0 {
			text += "\n"
		}
		text += p.String()
	}
	return out, fmt.Errorf("%w configuration:\n%s", engine.ErrInvalid, text)
}

// buildVersion is the version that was set at link time, or else what the go
// command recorded.
func buildVersion() string {
	if version != "devel" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return version
}
