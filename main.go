// Command gantry is a container workbench in a terminal: a whole container
// engine and a front end over it, in one program without a daemon.
//
// This file picks the role and the implementations; nothing else does. The
// roles that start with every container are picked before: see internal/early.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"gantry/cli"
	"gantry/engine"
	"gantry/engine/jobs"
	"gantry/engine/local"
	"gantry/engine/network"
	"gantry/images"
	"gantry/images/registry"
	"gantry/internal/config"
	"gantry/internal/early" // shim and init never get past it
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
			o, err := uiOptions(g)
			if err != nil {
				return err
			}
			e, _, err := open(g) // the workbench itself tells what is wrong with the file
			if err != nil {
				return errors.Join(err, ui.ShowRefused(ctx, err, local.Findings(), o))
			}
			defer e.Close()
			return ui.Run(ctx, e, o)
		},
		Config: checkConfig, DetachKeys: detachKeys,
		Themes: listThemes,
	})
}

// runJob does the work of a job in the process that was started for it.
func runJob(ctx context.Context, spec engine.JobSpec, report func(images.Progress)) error {
	e, _, err := open(cli.Global{Root: os.Args[1], Run: os.Args[2], Config: os.Getenv("GANTRY_CONFIG")})
	if err != nil {
		return err
	}
	defer e.Close()
	return e.RunJob(ctx, spec, report)
}

func openEngine(_ context.Context, g cli.Global) (engine.Engine, error) {
	e, problems, err := open(g)
	for _, p := range problems { // the rest of the file counts
		fmt.Fprintln(os.Stderr, "gantry: "+p.String())
	}
	if err != nil {
		return nil, err
	}
	return e, nil
}

func open(g cli.Global) (*local.Engine, []config.Problem, error) {
	c, problems, err := loadConfig(g.Config)
	if err != nil {
		return nil, nil, err
	}
	reg := registry.Config{UserAgent: "gantry/" + buildVersion(), Registries: make(map[string]registry.Registry)}
	for host, r := range c.Registries {
		reg.Registries[host] = registry.Registry(r)
	}
	var pools []network.Pool
	for _, p := range c.Network.Pools { // checked when they were read
		if pool, err := network.ParsePool(p.Base, p.Size); err == nil {
			pools = append(pools, pool)
		}
	}
	e, err := local.Open(local.Options{
		DefaultNetwork: c.Network.Default, NetworkPools: pools,
		Root: g.Root, Run: g.Run, Version: buildVersion(), Registry: reg, LogMaxSize: c.Log.MaxSize, LogMaxFile: c.Log.MaxFile,
		Early: early.Monitor(),
	})
	return e, problems, err
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
