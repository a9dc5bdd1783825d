package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"gantry/engine"
)

func (a *app) diffCmd() *cobra.Command {
	return &cobra.Command{
		Use: "diff CONTAINER", Short: "Inspect changes to files or directories on a container's filesystem",
		Long: "Inspect changes to files or directories on a container's filesystem:\n" +
			"A was added, C was changed, D was deleted. What lies in volumes and binds is no part of it.",
		Example: "  gantry diff web", Args: args(1, 1), ValidArgsFunction: a.completeContainers(1, anyState),
		RunE: func(cmd *cobra.Command, names []string) error {
			containers, err := a.containers(cmd.Context())
			if err != nil {
				return err
			}
			changes, err := containers.Changes(cmd.Context(), names[0])
			if err != nil {
				return err
			}
			w := bufio.NewWriter(a.std.Out)
			for _, c := range changes {
				fmt.Fprintln(w, c.Kind, printable(c.Path, ""))
			}
			return w.Flush()
		},
	}
}

func (a *app) exportCmd() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "export [OPTIONS] CONTAINER", Short: "Export a container's filesystem as a tar archive",
		Example: "  gantry export -o web.tar web\n  gantry export web | tar t",
		Args:    args(1, 1), ValidArgsFunction: a.completeContainers(1, anyState),
		RunE: func(cmd *cobra.Command, names []string) error {
			containers, err := a.containers(cmd.Context())
			if err != nil {
				return err
			}
			export := func(w io.Writer) error { return containers.Export(cmd.Context(), names[0], w) }
			if output != "" {
				return writeTo(output, export)
			}
			if isTerminal(a.std.Out) {
				return withHint(errors.New("an archive is not printed to a terminal"), "use -o FILE, or redirect the output")
			}
			w := bufio.NewWriterSize(a.std.Out, 1<<20)
			if err := export(w); err != nil {
				return err
			}
			return w.Flush()
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "Write to a file, instead of STDOUT")
	return cmd
}

// writeTo writes a file beside path and renames it: what fails leaves nothing
// that looks whole, and does not harm an older file.
func writeTo(path string, write func(io.Writer) error) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // /dev/stdout, a FIFO
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return fmt.Errorf("write to %s: %w", path, err)
		}
		return errors.Join(write(f), f.Close())
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write to %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(w); err != nil {
		return err
	}
	if err := errors.Join(w.Flush(), f.Chmod(0o600), f.Close()); err != nil {
		return fmt.Errorf("write to %s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write to %s: %w", path, err)
	}
	return nil
}

func (a *app) commitCmd() *cobra.Command {
	var opts engine.CommitOptions
	var changes list
	cmd := &cobra.Command{
		Use: "commit [OPTIONS] CONTAINER [REPOSITORY[:TAG]]", Short: "Create a new image from a container's changes",
		Example: "  gantry commit -m 'with curl' web team/web:2\n" +
			"  gantry commit -c 'CMD [\"nginx\", \"-g\", \"daemon off;\"]' -c 'ENV MODE=prod' web",
		Args: args(1, 2), ValidArgsFunction: a.completeContainers(1, anyState),
		RunE: func(cmd *cobra.Command, names []string) error {
			if len(names) > 1 {
				opts.Ref = names[1]
			}
			opts.Changes = changes
			containers, err := a.containers(cmd.Context())
			if err != nil {
				return err
			}
			id, err := containers.Commit(cmd.Context(), names[0], opts)
			if err == nil {
				a.println(id)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVarP(&opts.Author, "author", "a", "", `Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")`)
	f.VarP(&changes, "change", "c", "Apply Dockerfile instruction to the created image")
	f.StringVarP(&opts.Message, "message", "m", "", "Commit message")
	f.BoolVarP(&opts.Pause, "pause", "p", true, "Pause container during commit")
	return cmd
}

func (a *app) system(ctx context.Context) (engine.System, error) {
	eng, err := a.engine(ctx)
	if err != nil {
		return nil, err
	}
	return eng.System(), nil
}
