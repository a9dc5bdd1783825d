package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"gantry/engine"
)

type attachFlags struct {
	noStdin, proxy bool
	detachKeys     string
}

func (a *app) attachCmd() *cobra.Command {
	var flags attachFlags
	cmd := &cobra.Command{
		Use:   "attach [OPTIONS] CONTAINER",
		Short: "Attach local standard input, output, and error streams to a running container",
		Example: "  gantry attach shell\n" +
			"  gantry attach --no-stdin --sig-proxy=false web\n" +
			"  gantry attach --detach-keys ctrl-x,d shell",
		Args:              args(1, 1),
		ValidArgsFunction: a.completeContainers(1, engine.Running),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.attach(cmd, flags, args[0])
		},
	}
	f := cmd.Flags()
	f.BoolVar(&flags.noStdin, "no-stdin", false, "Do not attach STDIN")
	f.BoolVar(&flags.proxy, "sig-proxy", true, "Proxy all received signals to the process")
	f.StringVar(&flags.detachKeys, "detach-keys", "", "Override the key sequence for detaching a container")
	return cmd
}

func (a *app) attach(cmd *cobra.Command, flags attachFlags, name string) error {
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
	if detail.State.Status != engine.Running {
		err := fmt.Errorf("attach container %s: %w: it is %s", name, engine.ErrConflict, detail.State.Status)
		return withHint(err, attachHint(detail.State.Status))
	}
	t := talk{
		stdin: !flags.noStdin && detail.Config.OpenStdin, stdout: true, stderr: true, tty: detail.Config.Tty,
		keys: keys, proxy: flags.proxy && !detail.Config.Tty,
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
	err = a.converse(ctx, t, func(ctx context.Context) error {
		a.nudge(ctx, t)
		return nil
	})
	if errors.Is(err, errDetached) {
		fmt.Fprintln(a.std.Err, "read escape sequence")
		return nil
	}
	if err != nil {
		return err
	}
	status, err := t.sess.Wait(ctx)
	if err != nil {
		return err
	}
	return exitWith(status)
}

func attachHint(s engine.State) string {
	if s == engine.Paused {
		return "unpause it first"
	}
	return "start it first, or use start -a"
}

// nudge makes the terminal one cell larger for a moment, so that a full-screen
// program, which repaints only when the size changes, shows itself.
func (a *app) nudge(ctx context.Context, t talk) {
	if size := a.size(); t.tty && size != (engine.TermSize{}) {
		size.Width, size.Height = size.Width+1, size.Height+1
		_ = t.sess.Resize(ctx, size)
	}
}
