package local

import (
	"context"
	"fmt"
	"iter"

	"gantry/engine"
	"gantry/images"
)

// FinishName is argv[0] of the role that removes a --rm container.
const FinishName = "gantry-finish"

// FinishMain is the role gantry-finish: args are root, run and the
// container's ID. It returns the exit code.
func FinishMain(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("usage: %s ROOT RUN ID", FinishName)
	}
	e, err := Open(Options{Root: args[0], Run: args[1]})
	if err != nil {
		return err
	}
	defer e.Close()
	return e.Finish(ctx, engine.ID(args[2]))
}

// RunJob does the work of a job in the job's own process.
func (e *Engine) RunJob(ctx context.Context, spec engine.JobSpec, report func(images.Progress)) error {
	switch spec.Kind {
	case "pull":
		return drain(e.Images().Pull(ctx, engine.PullOptions{Ref: spec.Args["ref"], Platform: spec.Args["platform"], AllTags: spec.Args["all-tags"] == "true"}), report)
	case "push":
		return drain(e.Images().Push(ctx, engine.PushOptions{Ref: spec.Args["ref"], Platform: spec.Args["platform"], AllTags: spec.Args["all-tags"] == "true"}), report)
	case "prune":
		return e.pruneJob(ctx, spec, report)
	}
	return fmt.Errorf("%w job %q: there are pull, push and prune", engine.ErrInvalid, spec.Kind)
}

func drain(seq iter.Seq2[images.Progress, error], report func(images.Progress)) error {
	for p, err := range seq {
		if err != nil {
			return err
		}
		report(p)
	}
	return nil
}

// pruneJob removes containers that do not run, then images that nothing uses.
func (e *Engine) pruneJob(ctx context.Context, spec engine.JobSpec, report func(images.Progress)) error {
	report(images.Progress{ID: "containers", Text: "removing containers", State: images.Resolving})
	c, err := e.Containers().Prune(ctx, engine.PruneOptions{})
	if err != nil {
		return err
	}
	report(images.Progress{ID: "containers", Text: fmt.Sprintf("%d containers, %d bytes", len(c.Deleted), c.Reclaimed), State: images.Done})
	report(images.Progress{ID: "images", Text: "removing images", State: images.Resolving})
	i, err := e.Images().Prune(ctx, engine.PruneOptions{All: spec.Args["all"] == "true"})
	if err != nil {
		return err
	}
	report(images.Progress{ID: "images", Text: fmt.Sprintf("%d images, %d bytes", len(i.Deleted), i.Reclaimed), State: images.Done})
	return nil
}
