package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"gantry/engine"
)

// onEach is a verb that does one thing to each of the containers it names.
func (a *app) onEach(use, short, example string, states []engine.State, do func(ctx context.Context, c engine.Containers, name string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Example: example, Args: args(1, -1),
		ValidArgsFunction: a.completeContainers(-1, states...),
		RunE: func(cmd *cobra.Command, names []string) error {
			ctx := cmd.Context()
			containers, err := a.containers(ctx)
			if err != nil {
				return err
			}
			return a.each(names, func(name string) error { return do(ctx, containers, name) })
		},
	}
}

// stopFlags are those of stop and restart.
type stopFlags struct {
	signal  string
	timeout int
	cmd     *cobra.Command
}

func (s *stopFlags) add(cmd *cobra.Command) {
	s.cmd = cmd
	cmd.Flags().StringVarP(&s.signal, "signal", "s", "", "Signal to send to the container")
	cmd.Flags().IntVarP(&s.timeout, "timeout", "t", 0, "Seconds to wait before killing the container (-1: never)")
	cmd.Flags().IntVar(&s.timeout, "time", 0, "Old name of --timeout")
	_ = cmd.Flags().MarkHidden("time")
	_ = cmd.RegisterFlagCompletionFunc("signal", completeSignals)
}

func (s *stopFlags) options() engine.StopOptions {
	opts := engine.StopOptions{Signal: s.signal}
	if s.cmd.Flags().Changed("timeout") || s.cmd.Flags().Changed("time") {
		d := time.Duration(s.timeout) * time.Second
		opts.Timeout = &d
	}
	return opts
}

func (a *app) stopCmd() *cobra.Command {
	var flags stopFlags
	cmd := a.onEach("stop [OPTIONS] CONTAINER [CONTAINER...]", "Stop one or more running containers",
		"  gantry stop web db\n  gantry stop -t 30 db", []engine.State{engine.Running, engine.Paused, engine.Restarting},
		func(ctx context.Context, c engine.Containers, name string) error {
			return notModified(c.Stop(ctx, name, flags.options()))
		})
	flags.add(cmd)
	return cmd
}

func (a *app) restartCmd() *cobra.Command {
	var flags stopFlags
	cmd := a.onEach("restart [OPTIONS] CONTAINER [CONTAINER...]", "Restart one or more containers",
		"  gantry restart web", []engine.State{anyState},
		func(ctx context.Context, c engine.Containers, name string) error {
			return c.Restart(ctx, name, flags.options())
		})
	flags.add(cmd)
	return cmd
}

func (a *app) killCmd() *cobra.Command {
	var signal string
	cmd := a.onEach("kill [OPTIONS] CONTAINER [CONTAINER...]", "Kill one or more running containers",
		"  gantry kill web\n  gantry kill -s HUP web", []engine.State{engine.Running, engine.Paused, engine.Restarting},
		func(ctx context.Context, c engine.Containers, name string) error {
			return c.Kill(ctx, name, signal)
		})
	cmd.Flags().StringVarP(&signal, "signal", "s", "KILL", "Signal to send to the container")
	_ = cmd.RegisterFlagCompletionFunc("signal", completeSignals)
	return cmd
}

func (a *app) pauseCmd() *cobra.Command {
	return a.onEach("pause CONTAINER [CONTAINER...]", "Pause all processes within one or more containers",
		"  gantry pause web", []engine.State{engine.Running},
		func(ctx context.Context, c engine.Containers, name string) error { return c.Pause(ctx, name) })
}

func (a *app) unpauseCmd() *cobra.Command {
	return a.onEach("unpause CONTAINER [CONTAINER...]", "Unpause all processes within one or more containers",
		"  gantry unpause web", []engine.State{engine.Paused},
		func(ctx context.Context, c engine.Containers, name string) error { return c.Unpause(ctx, name) })
}

func (a *app) rmCmd() *cobra.Command {
	var opts engine.RemoveOptions
	cmd := a.onEach("rm [OPTIONS] CONTAINER [CONTAINER...]", "Remove one or more containers",
		"  gantry rm web\n  gantry rm -f $(gantry ps -aq)", []engine.State{anyState},
		func(ctx context.Context, c engine.Containers, name string) error {
			err := c.Remove(ctx, name, opts)
			if opts.Force && errors.Is(err, engine.ErrNotFound) {
				return &mildError{err}
			}
			return err
		})
	cmd.Flags().BoolVarP(&opts.Force, "force", "f", false, "Force the removal of a running container (uses SIGKILL)")
	cmd.Flags().BoolVarP(&opts.Volumes, "volumes", "v", false, "Remove anonymous volumes associated with the container")
	return cmd
}

func (a *app) renameCmd() *cobra.Command {
	return &cobra.Command{
		Use: "rename CONTAINER NEW_NAME", Short: "Rename a container", Example: "  gantry rename brave_otter web",
		Args: args(2, 2), ValidArgsFunction: a.completeContainers(1, anyState),
		RunE: func(cmd *cobra.Command, names []string) error {
			containers, err := a.containers(cmd.Context())
			if err != nil {
				return err
			}
			return containers.Rename(cmd.Context(), names[0], names[1])
		},
	}
}

func (a *app) waitCmd() *cobra.Command {
	return &cobra.Command{
		Use: "wait CONTAINER [CONTAINER...]", Short: "Block until one or more containers stop, then print their exit codes",
		Example: "  gantry wait migrate", Args: args(1, -1),
		ValidArgsFunction: a.completeContainers(-1, engine.Running, engine.Paused),
		RunE: func(cmd *cobra.Command, names []string) error {
			ctx := cmd.Context()
			containers, err := a.containers(ctx)
			if err != nil {
				return err
			}
			failed := false
			for _, name := range names {
				status, err := containers.Wait(ctx, name, engine.WaitNotRunning)
				switch {
				case ctx.Err() != nil:
					return ctx.Err()
				case err != nil:
					failed = true
					a.complain(err)
				default:
					a.println(status.Code)
				}
			}
			if failed {
				return &exitError{code: exitFailure}
			}
			return nil
		},
	}
}

func (a *app) updateCmd() *cobra.Command {
	var flags resourceFlags
	var restart policyValue
	var opts engine.UpdateOptions
	cmd := a.onEach("update [OPTIONS] CONTAINER [CONTAINER...]", "Update configuration of one or more containers",
		"  gantry update -m 512m --cpus 2 web\n  gantry update --restart unless-stopped web db", []engine.State{anyState},
		func(ctx context.Context, c engine.Containers, name string) error { return c.Update(ctx, name, opts) })
	flags.add(cmd.Flags())
	cmd.Flags().Int64Var(&opts.CPURealtimePeriod, "cpu-rt-period", 0, "Limit the CPU real-time period in microseconds")
	cmd.Flags().Int64Var(&opts.CPURealtimeRuntime, "cpu-rt-runtime", 0, "Limit the CPU real-time runtime in microseconds")
	cmd.Flags().Var(&restart, "restart", "Restart policy to apply when a container exits")
	_ = cmd.RegisterFlagCompletionFunc("restart", completePolicies)
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		var err error
		if opts.Resources, err = flags.updated(); err != nil {
			return &usageError{cmd: cmd, err: err}
		}
		if cmd.Flags().Changed("restart") {
			opts.RestartPolicy = &restart.policy
		}
		if opts == (engine.UpdateOptions{}) {
			return &usageError{cmd: cmd, err: fmt.Errorf("%q needs at least one limit or policy to change", cmd.CommandPath())}
		}
		return nil
	}
	return cmd
}
