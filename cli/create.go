package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"gantry/engine"
	"gantry/images"
)

func (a *app) createCmd() *cobra.Command {
	var flags createFlags
	cmd := &cobra.Command{
		Use:   "create [OPTIONS] IMAGE [COMMAND] [ARG...]",
		Short: "Create a new container",
		Example: "  gantry create --name web -m 256m alpine httpd -f\n" +
			"  gantry start -a web",
		Args:              args(1, -1),
		ValidArgsFunction: a.completeImages(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := flags.options(a, args)
			if err != nil {
				return &usageError{cmd: cmd, err: err}
			}
			id, err := a.create(cmd.Context(), &flags, opts)
			if err == nil {
				a.println(id)
			}
			return err
		},
	}
	cmd.Flags().SetInterspersed(false)
	flags.add(cmd.Flags(), a.env("DOCKER_DEFAULT_PLATFORM"))
	a.completeCreateFlags(cmd)
	return cmd
}

// create makes a container, pulling its image when the policy says so.
func (a *app) create(ctx context.Context, flags *createFlags, opts engine.CreateOptions) (engine.ID, error) {
	cid, err := openCIDFile(flags.cidFile)
	if err != nil {
		return "", err
	}
	defer cid.close()
	containers, err := a.containers(ctx)
	if err != nil {
		return "", err
	}
	if flags.pull == "always" {
		if err := a.pullForRun(ctx, flags, opts.Config.Image); err != nil {
			return "", err
		}
	}
	res, err := containers.Create(ctx, opts)
	if isMissingImage(err) && flags.pull == "missing" {
		if !flags.quiet {
			fmt.Fprintf(a.std.Err, "Unable to find image '%s' locally\n", familiar(opts.Config.Image))
		}
		if err := a.pullForRun(ctx, flags, opts.Config.Image); err != nil {
			return "", err
		}
		res, err = containers.Create(ctx, opts)
	}
	if isMissingImage(err) && flags.pull == "never" {
		err = withHint(err, "pull it first, or leave --pull never out")
	}
	if err != nil {
		return "", err
	}
	if flags.over.kernelMemory != 0 {
		res.Warnings = append(res.Warnings, "--kernel-memory is discarded: the kernel has no such limit any more; --memory counts its memory, too")
	}
	for _, w := range res.Warnings {
		fmt.Fprintf(a.std.Err, "WARNING: %s\n", w)
	}
	return res.ID, cid.write(res.ID)
}

// isMissingImage tells a missing image from everything else that is not found.
func isMissingImage(err error) bool {
	var op *engine.OpError
	return errors.Is(err, engine.ErrNotFound) && errors.As(err, &op) && op.Kind == "image"
}

// familiar is an image's name with its tag, as messages show it.
func familiar(name string) string {
	ref, err := images.ParseRef(name)
	if err != nil {
		return name
	}
	return ref.Familiar()
}

// cidFile is --cidfile: taken before the container exists, so that two runs
// cannot both believe that it is theirs; removed when there is no container.
type cidFile struct {
	path    string
	file    *os.File // nil without --cidfile
	written bool
}

func openCIDFile(path string) (*cidFile, error) {
	if path == "" {
		return &cidFile{}, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return nil, withHint(fmt.Errorf("create container ID file %s: it exists", path),
			"make sure that the other container is not running, then delete the file")
	}
	if err != nil {
		return nil, fmt.Errorf("create container ID file: %w", err)
	}
	return &cidFile{path: path, file: f}, nil
}

func (c *cidFile) write(id engine.ID) error {
	if c.file == nil {
		return nil
	}
	if _, err := c.file.WriteString(string(id)); err != nil {
		return fmt.Errorf("write container ID file: %w", err)
	}
	c.written = true
	if err := c.file.Close(); err != nil {
		return fmt.Errorf("write container ID file: %w", err)
	}
	return nil
}

func (c *cidFile) close() {
	if c.file != nil && !c.written {
		c.file.Close()
		os.Remove(c.path)
	}
}
