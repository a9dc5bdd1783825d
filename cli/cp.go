package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"gantry/engine"
	"gantry/internal/tartree"
)

type cpFlags struct{ archive, follow, quiet bool }

func (a *app) cpCmd() *cobra.Command {
	var flags cpFlags
	cmd := &cobra.Command{
		Use:   "cp [OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n  gantry cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
		Short: "Copy files/folders between a container and the local filesystem",
		Long: "Copy files/folders between a container and the local filesystem\n\n" +
			"Use '-' as the source to read a tar archive from stdin and extract it to a directory destination in a container.\n" +
			"Use '-' as the destination to stream a tar archive of a container source to stdout.",
		Example: "  gantry cp web:/etc/nginx/nginx.conf .\n" +
			"  gantry cp site/. web:/srv/www\n" +
			"  gantry cp web:/var/log - | tar x",
		Args: args(2, 2), ValidArgsFunction: a.completeCopy,
		RunE: func(cmd *cobra.Command, names []string) error {
			if !cmd.Flags().Changed("quiet") {
				flags.quiet = !isTerminal(a.std.Out)
			}
			return a.cp(cmd, flags, names[0], names[1])
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&flags.archive, "archive", "a", false, "Archive mode (copy all uid/gid information)")
	f.BoolVarP(&flags.follow, "follow-link", "L", false, "Always follow symbol link in SRC_PATH")
	f.BoolVarP(&flags.quiet, "quiet", "q", false, "Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached")
	return cmd
}

// completeCopy offers containers with the colon that comes next, and files.
func (a *app) completeCopy(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 1 || strings.ContainsAny(typed, "/:.") {
		return nil, cobra.ShellCompDirectiveDefault
	}
	found, _ := a.completeContainers(-1, anyState)(cmd, nil, typed)
	out := make([]string, 0, len(found))
	for _, s := range found {
		name, about, _ := strings.Cut(s, "\t")
		if strings.HasPrefix(name, typed) {
			out = append(out, cobra.CompletionWithDesc(name+":", about))
		}
	}
	if len(out) == 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return out, cobra.ShellCompDirectiveNoSpace
}

// splitCopy divides CONTAINER:PATH; what begins like a path of the host has no
// container.
func splitCopy(arg string) (container, path string) {
	if filepath.IsAbs(arg) || strings.HasPrefix(arg, ".") {
		return "", arg
	}
	container, path, ok := strings.Cut(arg, ":")
	if !ok {
		return "", arg
	}
	return container, path
}

func (a *app) cp(cmd *cobra.Command, flags cpFlags, from, to string) error {
	source, sourcePath := splitCopy(from)
	target, targetPath := splitCopy(to)
	switch {
	case source != "" && target != "":
		return &usageError{cmd: cmd, err: errors.New("copying between containers is not supported")}
	case source == "" && target == "":
		return &usageError{cmd: cmd, err: errors.New("must specify at least one container source")}
	}
	containers, err := a.containers(cmd.Context())
	if err != nil {
		return err
	}
	if source != "" {
		return a.copyFrom(cmd.Context(), containers, flags, source, sourcePath, targetPath)
	}
	return a.copyTo(cmd.Context(), containers, flags, target, sourcePath, targetPath)
}

// copyFrom copies out of a container.
func (a *app) copyFrom(ctx context.Context, c engine.Containers, flags cpFlags, name, source, target string) error {
	if target == "-" && isTerminal(a.std.Out) {
		return withHint(errors.New("an archive is not printed to a terminal"), "redirect the output, or name a file")
	}
	if target != "-" {
		// Before the container is asked: nothing is read for nothing.
		if dir := filepath.Dir(strings.TrimRight(target, "/")); !isDir(dir) {
			return fmt.Errorf("invalid output path: directory %q does not exist", dir)
		}
	}
	src := copyEnd{path: absolute(source), exists: true}
	st, err := c.StatPath(ctx, name, src.path)
	if err != nil {
		return err
	}
	if flags.follow && st.Mode&fs.ModeSymlink != 0 {
		src.path, src.rename = followedName(src.path, st.LinkTarget)
		if st, err = c.StatPath(ctx, name, src.path); err != nil {
			return err
		}
	}
	src.dir = st.Mode.IsDir()
	if target == "-" {
		return c.CopyFrom(ctx, name, src.path, a.std.Out)
	}
	dst, err := localTarget(target)
	if err != nil {
		return err
	}
	plan, err := planCopy(src, dst)
	if err != nil {
		return err
	}
	var size int64
	err = piped(func(w io.Writer) error { return c.CopyFrom(ctx, name, src.path, w) }, func(r io.Reader) error {
		root, err := os.Open(plan.dir)
		if err != nil {
			return err
		}
		defer root.Close()
		o := tartree.ExtractOptions{KeepTypes: true, NoOwners: !flags.archive}
		size, err = tartree.Extract(ctx, root, "/", plan.renamed(r), o)
		return err
	})
	return a.copied(err, flags, size, target)
}

// copyTo copies into a container.
func (a *app) copyTo(ctx context.Context, c engine.Containers, flags cpFlags, name, source, target string) error {
	dst := copyEnd{path: absolute(target)}
	st, err := c.StatPath(ctx, name, dst.path)
	if err == nil && st.Mode&fs.ModeSymlink != 0 {
		dst.path = st.LinkTarget
		st, err = c.StatPath(ctx, name, dst.path)
	}
	switch {
	case err == nil:
		dst.exists, dst.dir = true, st.Mode.IsDir()
	case !errors.Is(err, engine.ErrNotFound):
		return err
	}
	opts := engine.CopyToOptions{KeepTypes: true, Owners: flags.archive}
	if source == "-" {
		if _, err := c.Inspect(ctx, name); err != nil {
			return err
		}
		if !dst.dir {
			return fmt.Errorf("destination \"%s:%s\" must be a directory", name, target)
		}
		return c.CopyTo(ctx, name, dst.path, a.std.In, opts)
	}
	src, err := localSource(source, flags.follow)
	if err != nil {
		return err
	}
	plan, err := planCopy(src, dst)
	if err != nil {
		return err
	}
	var size int64
	err = piped(func(w io.Writer) error {
		size, err = writeLocal(ctx, w, src)
		return err
	}, func(r io.Reader) error { return c.CopyTo(ctx, name, plan.dir, plan.renamed(r), opts) })
	return a.copied(err, flags, size, name+":"+target)
}

func (a *app) copied(err error, flags cpFlags, size int64, target string) error {
	if err == nil && !flags.quiet {
		fmt.Fprintf(a.std.Err, "Successfully copied %s to %s\n", units.HumanSizeWithPrecision(float64(size), 3), target)
	}
	return err
}

// piped runs the writer and the reader of a stream. The reader's error is told
// unless it only repeats the writer's.
func piped(write func(io.Writer) error, read func(io.Reader) error) error {
	r, w := io.Pipe()
	wrote := make(chan error, 1)
	go func() {
		err := write(w)
		w.CloseWithError(err)
		wrote <- err
	}()
	err := read(r)
	if err == nil {
		_, err = io.Copy(io.Discard, r) // what stands after the end of the archive
	}
	r.Close()
	werr := <-wrote
	if werr != nil && !errors.Is(werr, io.ErrClosedPipe) {
		return werr
	}
	return err
}

// writeLocal writes a file or a directory of the host as the engine does one of
// a container.
func writeLocal(ctx context.Context, w io.Writer, src copyEnd) (int64, error) {
	dir, base := splitEntry(src.path)
	parent, err := os.Open(dir)
	if err != nil {
		return 0, err
	}
	defer parent.Close()
	f, err := tartree.OpenEntry(parent, base)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	tw := tartree.NewWriter(ctx, w)
	if err := tw.Tree(f, base); err != nil {
		return 0, err
	}
	return tw.Size(), tw.Close()
}

func isDir(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.IsDir()
}
