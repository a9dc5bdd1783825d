package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"gantry/engine"
)

func (a *app) saveCmd() *cobra.Command {
	var output, platform string
	cmd := &cobra.Command{
		Use: "save [OPTIONS] IMAGE [IMAGE...]", Short: "Save one or more images to a tar archive (streamed to STDOUT by default)",
		Example: "  gantry save -o images.tar alpine busybox\n  gantry save alpine | zstd > alpine.tar.zst",
		Args:    args(1, -1), ValidArgsFunction: a.completeImages(-1),
		RunE: func(cmd *cobra.Command, names []string) error {
			opts := engine.SaveOptions{Refs: names, Platform: platform}
			if output != "" {
				return writeTo(output, func(w io.Writer) error {
					opts.Output = w
					return a.save(cmd.Context(), opts, false)
				})
			}
			if isTerminal(a.std.Out) {
				return withHint(errors.New("an archive is not printed to a terminal"), "use -o FILE, or redirect the output")
			}
			w := bufio.NewWriterSize(a.std.Out, 1<<20)
			opts.Output = w
			if err := a.save(cmd.Context(), opts, true); err != nil {
				return err
			}
			return w.Flush()
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "Write to a file, instead of STDOUT")
	cmd.Flags().StringVar(&platform, "platform", "", `Save only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")`)
	return cmd
}

// save writes the archive. Into a file, a terminal shows how far that is; in a
// pipe the terminal belongs to what comes behind.
func (a *app) save(ctx context.Context, opts engine.SaveOptions, piped bool) error {
	store, err := a.images(ctx)
	if err != nil {
		return err
	}
	seq := store.Save(ctx, opts)
	if !piped && a.ansi(a.std.Err) {
		_, err = a.watchProgress(a.std.Err, seq, saveWords)
	} else {
		_, err = drain(seq)
	}
	return err
}

func (a *app) loadCmd() *cobra.Command {
	var input, platform string
	var quiet bool
	cmd := &cobra.Command{
		Use: "load [OPTIONS]", Short: "Load an image from a tar archive or STDIN",
		Example: "  gantry load -i images.tar\n  zstdcat alpine.tar.zst | gantry load",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.load(cmd.Context(), input, platform, quiet)
		},
	}
	cmd.Flags().StringVarP(&input, "input", "i", "", "Read from tar archive file, instead of STDIN")
	cmd.Flags().StringVar(&platform, "platform", "", `Load only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")`)
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "Suppress the load output")
	return cmd
}

func (a *app) load(ctx context.Context, input, platform string, quiet bool) error {
	in, err := a.openInput(input)
	if err != nil {
		return err
	}
	defer in.Close()
	store, err := a.images(ctx)
	if err != nil {
		return err
	}
	seq := store.Load(ctx, engine.LoadOptions{Input: in, Platform: platform})
	var text string
	if quiet || !a.ansi(a.std.Out) {
		text, err = drain(seq)
	} else {
		var end outcome
		end, err = a.watchProgress(a.std.Out, seq, loadWords)
		text = end.text
	}
	if err != nil {
		return err
	}
	for name := range strings.FieldsSeq(text) {
		if strings.HasPrefix(name, "sha256:") {
			a.println("Loaded image ID:", name)
		} else {
			a.println("Loaded image:", name)
		}
	}
	return nil
}

// openInput opens a file, or standard input for "" and "-", which must not be a
// terminal: nobody types an archive.
func (a *app) openInput(path string) (io.ReadCloser, error) {
	if path == "" || path == "-" {
		if isTerminal(a.std.In) {
			return nil, withHint(errors.New("no archive: standard input is a terminal"), "name a file, or redirect the input")
		}
		return io.NopCloser(a.std.In), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	return f, nil
}

func isURL(s string) bool {
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

func (a *app) importCmd() *cobra.Command {
	var opts engine.ImportOptions
	var changes list
	cmd := &cobra.Command{
		Use: "import [OPTIONS] file|URL|- [REPOSITORY[:TAG]]", Short: "Import the contents from a tarball to create a filesystem image",
		Example: "  gantry import -c 'CMD [\"/bin/sh\"]' rootfs.tar mine:1\n  tar c -C rootfs . | gantry import - mine:1\n" +
			"  gantry import https://example.com/rootfs.tar.gz mine:1",
		Long: "Import the contents from a tarball to create a filesystem image: from a file, standard input (-) or a URL.\n" +
			"URLs are https; plain http is for this machine and for hosts that config.toml names (http = true).",
		Args: args(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if isURL(args[0]) {
				opts.URL = args[0]
			} else {
				in, err := a.openInput(args[0])
				if err != nil {
					return err
				}
				defer in.Close()
				opts.Input = in
			}
			opts.Changes = changes
			if len(args) > 1 {
				opts.Ref = args[1]
			}
			store, err := a.images(cmd.Context())
			if err != nil {
				return err
			}
			id, err := store.Import(cmd.Context(), opts)
			if err == nil {
				a.println(id)
			}
			return err
		},
	}
	cmd.Flags().VarP(&changes, "change", "c", "Apply Dockerfile instruction to the created image")
	cmd.Flags().StringVarP(&opts.Message, "message", "m", "", "Set commit message for imported image")
	cmd.Flags().StringVar(&opts.Platform, "platform", "", "Set platform of the image")
	return cmd
}
