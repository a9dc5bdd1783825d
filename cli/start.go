package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"gantry/engine"
)

type startFlags struct {
	attach, interactive bool
	detachKeys          string
}

func (a *app) startCmd() *cobra.Command {
	var flags startFlags
	cmd := &cobra.Command{
		Use:               "start [OPTIONS] CONTAINER [CONTAINER...]",
		Short:             "Start one or more stopped containers",
		Example:           "  gantry start web db\n  gantry start -ai shell",
		Args:              args(1, -1),
		ValidArgsFunction: a.completeContainers(-1, engine.Created, engine.Exited),
		RunE: func(cmd *cobra.Command, names []string) error {
			if !flags.attach && !flags.interactive {
				return a.startAll(cmd.Context(), names)
			}
			if len(names) > 1 {
				return &usageError{cmd: cmd, err: errors.New("only one container can be started and attached to at once")}
			}
			return a.startAttached(cmd, flags, names[0])
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&flags.attach, "attach", "a", false, "Attach STDOUT/STDERR and forward signals")
	f.BoolVarP(&flags.interactive, "interactive", "i", false, "Attach container's STDIN")
	f.StringVar(&flags.detachKeys, "detach-keys", "", "Override the key sequence for detaching a container")
	return cmd
}

func (a *app) startAll(ctx context.Context, names []string) error {
	containers, err := a.containers(ctx)
	if err != nil {
		return err
	}
	return a.each(names, func(name string) error {
		return notModified(containers.Start(ctx, name))
	})
}

// notModified: a container that is already as it should be is a success.
func notModified(err error) error {
	if errors.Is(err, engine.ErrNotModified) {
		return nil
	}
	return err
}

func (a *app) startAttached(cmd *cobra.Command, flags startFlags, name string) error {
	ctx := cmd.Context()
	keys, err := a.detachKeys(flags.detachKeys)
	if err != nil {
		return &usageError{cmd: cmd, err: err}
	}
	containers, err := a.containers(ctx)
	if err != nil {
		return err
	}
	detail, err := containers.Inspect(ctx, name)
	if err != nil {
		return err
	}
	t := talk{
		stdin: flags.interactive && detail.Config.OpenStdin, stdout: true, stderr: true, tty: detail.Config.Tty,
		keys: keys, proxy: !detail.Config.Tty,
	}
	if err := a.checkTerminal(t.stdin, t.tty); err != nil {
		return err
	}
	id := string(detail.ID)
	t.sess, err = containers.Attach(ctx, id, engine.AttachOptions{Stdin: t.stdin, Stdout: true, Stderr: true})
	if err != nil {
		return err
	}
	defer t.sess.Close()
	t.signal = func(ctx context.Context, signal string) error { return containers.Kill(ctx, id, signal) }
	status := a.later(ctx, t.sess.Wait)
	failed := false
	err = a.converse(ctx, t, func(ctx context.Context) error {
		err := notModified(containers.Start(ctx, id))
		failed = err != nil
		return err
	})
	switch {
	case errors.Is(err, errDetached):
		return nil
	case failed:
		return &exitError{code: programCode(err, exitFailure), err: err}
	case err != nil:
		return err
	}
	end := <-status
	if end.err != nil {
		return end.err
	}
	if detail.HostConfig.AutoRemove {
		a.awaitRemoval(ctx, detail.ID)
	}
	return exitWith(end.status)
}
