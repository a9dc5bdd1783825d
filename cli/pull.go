package cli

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"gantry/engine"
	"gantry/images"
)

type pullFlags struct {
	allTags, quiet, detach bool
	platform               string
}

func (p *pullFlags) add(cmd *cobra.Command, allTags, platform, platformDefault, detach string) {
	f := cmd.Flags()
	f.BoolVarP(&p.allTags, "all-tags", "a", false, allTags)
	f.BoolVar(&p.detach, "detach", false, detach)
	f.StringVar(&p.platform, "platform", platformDefault, platform)
	f.Bool("disable-content-trust", true, "Skip image verification (there is none to be skipped)")
	f.BoolVarP(&p.quiet, "quiet", "q", false, "Suppress verbose output")
}

// spec is the same work as a job.
func (p *pullFlags) spec(kind, ref string) engine.JobSpec {
	args := map[string]string{"ref": ref}
	if p.platform != "" {
		args["platform"] = p.platform
	}
	if p.allTags {
		args["all-tags"] = "true"
	}
	return engine.JobSpec{Kind: kind, Args: args}
}

func (a *app) pullCmd() *cobra.Command {
	var flags pullFlags
	cmd := &cobra.Command{
		Use:   "pull [OPTIONS] NAME[:TAG|@DIGEST]",
		Short: "Download an image from a registry",
		Example: "  gantry pull alpine\n" +
			"  gantry pull --platform linux/arm64 registry.example/team/app:1.0\n" +
			"  gantry job attach $(gantry pull --detach debian)",
		Args:              args(1, 1),
		ValidArgsFunction: a.completeImages(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.pull(cmd, flags, args[0])
		},
	}
	flags.add(cmd, "Download all tagged images in the repository", "Set platform, for an image that has several",
		a.env("DOCKER_DEFAULT_PLATFORM"), "Pull in the background and print the ID of the job")
	return cmd
}

func (a *app) pull(cmd *cobra.Command, flags pullFlags, name string) error {
	ref, err := images.ParseRef(name)
	if err == nil && flags.platform != "" {
		_, err = images.ParsePlatform(flags.platform)
	}
	if err == nil && flags.allTags && !strings.HasSuffix(ref.Familiar(), ":latest") {
		err = fmt.Errorf("--all-tags: %s already names a tag or digest", name)
	}
	if err != nil {
		return &usageError{cmd: cmd, err: err}
	}
	ctx := cmd.Context()
	if flags.detach {
		return a.startJob(ctx, flags.spec("pull", name))
	}
	store, err := a.images(ctx)
	if err != nil {
		return err
	}
	seq := store.Pull(ctx, engine.PullOptions{Ref: name, Platform: flags.platform, AllTags: flags.allTags})
	if flags.quiet {
		if _, err := drain(seq); err != nil {
			return err
		}
		a.println(ref.String())
		return nil
	}
	if !flags.allTags && ref.Tag == "latest" && !strings.HasSuffix(name, ":latest") {
		a.println("Using default tag: latest")
	}
	if err := a.showPull(a.std.Out, ref, flags.allTags, seq); err != nil {
		return err
	}
	if flags.allTags {
		a.println(ref.Name())
		return nil
	}
	a.println(ref.String())
	return nil
}

// showPull shows a pull as docker does: layers, digest, status.
func (a *app) showPull(w io.Writer, ref images.Ref, allTags bool, seq iter.Seq2[images.Progress, error]) error {
	what := ref.Tag
	if ref.Digest != "" {
		what = string(ref.Digest)
	}
	name := ref.Familiar()
	if allTags {
		what, name = "all tags", ref.FamiliarName()
	}
	fmt.Fprintf(w, "%s: Pulling from %s\n", what, ref.Repository)
	end, err := a.watchProgress(w, seq, pullWords)
	if err != nil {
		return err
	}
	_, digest := splitResult(end.text)
	if digest != "" {
		fmt.Fprintf(w, "Digest: %s\n", digest)
	}
	if end.news {
		fmt.Fprintf(w, "Status: Downloaded newer image for %s\n", name)
	} else {
		fmt.Fprintf(w, "Status: Image is up to date for %s\n", name)
	}
	return nil
}

// splitResult takes "name@sha256:…" apart; either part may be missing.
func splitResult(text string) (name, digest string) {
	if i := strings.LastIndex(text, "sha256:"); i >= 0 {
		return strings.TrimRight(text[:i], "@ "), text[i:]
	}
	return text, ""
}

// drain takes progress in without showing it and returns the last text.
func drain(seq iter.Seq2[images.Progress, error]) (string, error) {
	var text string
	for p, err := range seq {
		if err != nil {
			return "", err
		}
		if p.ID == "" && p.State == images.Done {
			text = p.Text
		}
	}
	return text, nil
}

// pullForRun pulls an image that a container needs; what it shows goes to
// standard error, because standard output is the container's.
func (a *app) pullForRun(ctx context.Context, flags *createFlags, name string) error {
	ref, err := images.ParseRef(name)
	if err != nil {
		return err
	}
	store, err := a.images(ctx)
	if err != nil {
		return err
	}
	seq := store.Pull(ctx, engine.PullOptions{Ref: name, Platform: flags.platform})
	if flags.quiet {
		_, err := drain(seq)
		return err
	}
	return a.showPull(a.std.Err, ref, false, seq)
}

func (a *app) pushCmd() *cobra.Command {
	var flags pullFlags
	cmd := &cobra.Command{
		Use:               "push [OPTIONS] NAME[:TAG]",
		Short:             "Upload an image to a registry",
		Example:           "  gantry tag app registry.example/team/app:1.0\n  gantry push registry.example/team/app:1.0",
		Args:              args(1, 1),
		ValidArgsFunction: a.completeImages(1),
		RunE:              func(cmd *cobra.Command, args []string) error { return a.push(cmd, flags, args[0]) },
	}
	flags.add(cmd, "Push all tags of an image to the repository", "Push the manifest of this platform only", "",
		"Push in the background and print the ID of the job")
	return cmd
}

func (a *app) push(cmd *cobra.Command, flags pullFlags, name string) error {
	ref, err := images.ParseRef(name)
	if err == nil && ref.Digest != "" {
		err = fmt.Errorf("push %s: an image is pushed by its tag, not by a digest", name)
	}
	if err != nil {
		return &usageError{cmd: cmd, err: err}
	}
	ctx := cmd.Context()
	if flags.detach {
		return a.startJob(ctx, flags.spec("push", name))
	}
	store, err := a.images(ctx)
	if err != nil {
		return err
	}
	seq := store.Push(ctx, engine.PushOptions{Ref: name, Platform: flags.platform, AllTags: flags.allTags})
	if flags.quiet {
		if _, err := drain(seq); err != nil {
			return err
		}
		a.println(ref.String())
		return nil
	}
	a.println(fmt.Sprintf("The push refers to repository [%s]", ref.Name()))
	end, err := a.watchProgress(a.std.Out, seq, pushWords)
	if err != nil {
		return err
	}
	if pushed, digest := splitResult(end.text); digest != "" {
		if r, err := images.ParseRef(pushed); err == nil {
			ref = r
		}
		a.println(fmt.Sprintf("%s: digest: %s", ref.Tag, digest))
	}
	return nil
}
