package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"gantry/engine"
)

type execFlags struct {
	opts          engine.ExecOptions
	env, envFiles list
	detachKeys    string
}

func (a *app) execCmd() *cobra.Command {
	var flags execFlags
	cmd := &cobra.Command{
		Use:   "exec [OPTIONS] CONTAINER COMMAND [ARG...]",
		Short: "Execute a command in a running container",
		Example: "  gantry exec -it web sh\n" +
			"  gantry exec -u 1000 -w /srv web ls -l\n" +
			"  tar c . | gantry exec -i web tar x -C /srv",
		Args:              args(2, -1),
		ValidArgsFunction: a.completeContainers(1, engine.Running),
		RunE: func(cmd *cobra.Command, args []string) error {
			flags.opts.Cmd = args[1:]
			return a.exec(cmd, flags, args[0])
		},
	}
	f := cmd.Flags()
	f.SetInterspersed(false)
	f.BoolVarP(&flags.opts.Detach, "detach", "d", false, "Detached mode: run command in the background")
	f.StringVar(&flags.detachKeys, "detach-keys", "", "Override the key sequence for detaching a container")
	f.VarP(&flags.env, "env", "e", "Set environment variables")
	f.Var(&flags.envFiles, "env-file", "Read in a file of environment variables")
	f.BoolVarP(&flags.opts.Stdin, "interactive", "i", false, "Keep STDIN open even if not attached")
	f.BoolVar(&flags.opts.Privileged, "privileged", false, "Give extended privileges to the command: all capabilities, no seccomp filter")
	f.BoolVarP(&flags.opts.Tty, "tty", "t", false, "Allocate a pseudo-TTY")
	f.StringVarP(&flags.opts.User, "user", "u", "", `Username or UID (format: "<name|uid>[:<group|gid>]")`)
	f.StringVarP(&flags.opts.WorkingDir, "workdir", "w", "", "Working directory inside the container")
	return cmd
}

// execCode is docker's for a program that did not come to run: 1 when there is
// no container to run it in, 126 when it could not be made ready there.
func execCode(err error) int {
	for _, class := range []error{engine.ErrNotFound, engine.ErrConflict, engine.ErrAmbiguous, engine.ErrUnsupported, context.Canceled} {
		if errors.Is(err, class) {
			return exitFailure
		}
	}
	return exitNotExecutable
}

func (a *app) exec(cmd *cobra.Command, flags execFlags, name string) error {
	ctx, opts := cmd.Context(), flags.opts
	keys, err := a.detachKeys(flags.detachKeys)
	if err == nil {
		opts.Env, err = a.environment(flags.envFiles, flags.env)
	}
	if err != nil {
		return &usageError{cmd: cmd, err: err}
	}
	if err := a.checkTerminal(opts.Stdin && !opts.Detach, opts.Tty); err != nil {
		return err
	}
	if opts.Detach {
		opts.Stdin = false
	}
	if opts.Tty {
		opts.Size = a.size()
	}
	containers, err := a.containers(ctx)
	if err != nil {
		return err
	}
	sess, err := containers.Exec(ctx, name, opts)
	if err != nil {
		return &exitError{code: programCode(err, execCode(err)), err: err}
	}
	defer sess.Close()
	if opts.Detach {
		return nil
	}
	// Signals are not passed on: docker's exec does not, either. They end this
	// process, and with it the session.
	t := talk{sess: sess, stdin: opts.Stdin, stdout: true, stderr: true, tty: opts.Tty, keys: keys}
	err = a.converse(ctx, t, func(context.Context) error { return nil })
	if errors.Is(err, errDetached) {
		return nil
	}
	if err != nil {
		return err
	}
	status, err := sess.Wait(ctx)
	if err != nil {
		return err
	}
	return exitWith(status)
}
