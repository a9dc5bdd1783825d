package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"gantry/engine"
)

type runFlags struct {
	createFlags
	sigProxy   bool
	detachKeys string
}

func (a *app) runCmd() *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use:   "run [OPTIONS] IMAGE [COMMAND] [ARG...]",
		Short: "Create and run a new container from an image",
		Long: "Create and run a new container from an image.\n\n" +
			"A container is on the default bridge unless --network names another network: it\n" +
			"reaches the world by the host, and containers on a network of their own\n" +
			"(gantry network create) find each other by name. --network none leaves it alone,\n" +
			"--network host gives it the network of the host.",
		Example: "  gantry run -it --rm alpine sh\n" +
			"  gantry run -d --name web -p 8080:80 -v ./site:/srv:ro busybox httpd -f -h /srv\n" +
			"  gantry run --rm -m 256m --cpus 0.5 --read-only --tmpfs /tmp alpine df -h",
		Args:              args(1, -1),
		ValidArgsFunction: a.completeImages(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.run(cmd, &flags, args)
		},
	}
	f := cmd.Flags()
	f.SetInterspersed(false)
	flags.add(f, a.env("DOCKER_DEFAULT_PLATFORM"))
	f.BoolVarP(&flags.detach, "detach", "d", false, "Run container in background and print container ID")
	f.BoolVar(&flags.sigProxy, "sig-proxy", true, "Proxy received signals to the process")
	f.StringVar(&flags.detachKeys, "detach-keys", "", "Override the key sequence for detaching a container")
	a.completeCreateFlags(cmd)
	return cmd
}

func (a *app) run(cmd *cobra.Command, flags *runFlags, args []string) error {
	opts, err := flags.options(a, args)
	if err == nil && flags.detach && len(flags.attach) > 0 {
		err = errors.New("--attach and --detach exclude each other")
	}
	if err != nil {
		return &usageError{cmd: cmd, err: err}
	}
	keys, err := a.detachKeys(flags.detachKeys)
	if err != nil {
		return &usageError{cmd: cmd, err: err}
	}
	if err := a.checkTerminal(opts.Config.AttachStdin && !flags.detach, opts.Config.Tty); err != nil {
		return err
	}
	opts.StartSoon = true
	ctx := cmd.Context()
	id, err := a.create(ctx, &flags.createFlags, opts)
	if err != nil {
		return runFailed(err)
	}
	c := opts.Config
	if flags.detach || !c.AttachStdin && !c.AttachStdout && !c.AttachStderr {
		return a.runDetached(ctx, id, opts)
	}
	return a.runAttached(ctx, id, opts, talk{
		stdin: c.AttachStdin, stdout: c.AttachStdout, stderr: c.AttachStderr, tty: c.Tty,
		keys: keys, proxy: flags.sigProxy,
	})
}

// runFailed gives an error before the program's life docker's exit codes.
func runFailed(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return &exitError{code: programCode(err, exitEngine), err: err}
}

func (a *app) runDetached(ctx context.Context, id engine.ID, opts engine.CreateOptions) error {
	if err := a.startNew(ctx, id, opts); err != nil {
		return runFailed(err)
	}
	a.println(id)
	return nil
}

// runAttached attaches before it starts, so that no byte is lost, and asks the
// session for the exit status, which a fast exit cannot outrun.
func (a *app) runAttached(ctx context.Context, id engine.ID, opts engine.CreateOptions, t talk) error {
	containers, err := a.containers(ctx)
	if err != nil {
		return runFailed(err)
	}
	if t.proxy && a.std.Notify != nil {
		t.heard = a.listen()
	}
	t.sess, err = containers.Attach(ctx, string(id), engine.AttachOptions{
		Stdin: t.stdin, Stdout: t.stdout, Stderr: t.stderr, Removes: opts.Host.AutoRemove,
	})
	if err != nil {
		return runFailed(err)
	}
	defer t.sess.Close()
	t.signal = func(ctx context.Context, signal string) error { return containers.Kill(ctx, string(id), signal) }
	failed := false
	err = a.converse(ctx, t, func(ctx context.Context) error {
		err := a.startNew(ctx, id, opts)
		failed = err != nil
		return err
	})
	switch {
	case errors.Is(err, errDetached):
		return nil
	case failed:
		return runFailed(err)
	case err != nil:
		return err
	}
	status, err := t.sess.Wait(ctx)
	if err != nil {
		return runFailed(err)
	}
	if opts.Host.AutoRemove {
		a.awaitRemoval(ctx, id)
	}
	return exitWith(status)
}

// startNew starts a container that was just made; with --rm one that does not
// start does not stay.
func (a *app) startNew(ctx context.Context, id engine.ID, opts engine.CreateOptions) error {
	containers, err := a.containers(ctx)
	if err != nil {
		return err
	}
	err = containers.Start(ctx, string(id))
	if err != nil && opts.Host.AutoRemove {
		rerr := containers.Remove(context.WithoutCancel(ctx), string(id), engine.RemoveOptions{Force: true, Volumes: true})
		if rerr != nil && !errors.Is(rerr, engine.ErrNotFound) {
			return errors.Join(err, rerr)
		}
	}
	return err
}

// awaitRemoval lets a --rm container be gone when the command returns. That it
// is gone already, or that its removal fails, is not the command's failure.
func (a *app) awaitRemoval(ctx context.Context, id engine.ID) {
	if containers, err := a.containers(ctx); err == nil {
		_, _ = containers.Wait(ctx, string(id), engine.WaitRemoved)
	}
}

type ending struct {
	status engine.ExitStatus
	err    error
}

// later waits for an exit status in the background.
func (a *app) later(ctx context.Context, wait func(context.Context) (engine.ExitStatus, error)) <-chan ending {
	c := make(chan ending, 1)
	go func() {
		status, err := wait(ctx)
		c <- ending{status, err}
	}()
	return c
}
