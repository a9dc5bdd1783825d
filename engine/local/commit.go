package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"gantry/engine"
	"gantry/engine/shim"
	"gantry/images"
	"gantry/images/archive"
	"gantry/internal/tartree"
)

// Commit implements engine.ContainerFiles.
func (c *containers) Commit(ctx context.Context, ref string, opts engine.CommitOptions) (images.Digest, error) {
	id, err := (*Engine)(c).commitImage(ctx, ref, opts)
	return id, opErr("commit", ref, err)
}

func (e *Engine) commitImage(ctx context.Context, ref string, opts engine.CommitOptions) (_ images.Digest, err error) {
	v, err := e.viewOf(ref)
	if err != nil {
		return "", err
	}
	if v.state == engine.Dead || v.state == engine.Removing {
		return "", fmt.Errorf("%w: it is %s", engine.ErrConflict, v.state)
	}
	o := archive.CommitOptions{
		Base: v.rec.Image, Config: imageConfig(v.rec.Config), Changes: opts.Changes, Author: opts.Author, Message: opts.Message,
		By: strings.Join(append([]string{v.rec.Path}, v.rec.Args...), " "),
	}
	if opts.Ref != "" {
		r, err := parseRef(opts.Ref)
		if err != nil {
			return "", err
		}
		if r.Digest != "" {
			return "", fmt.Errorf("%w: a digest cannot be given as a tag", engine.ErrInvalid)
		}
		o.Ref = &r
	}
	if opts.Pause && v.state == engine.Running {
		resume, err := e.holdStill(ctx, v)
		if err != nil {
			return "", err
		}
		defer func() { err = errors.Join(err, resume()) }()
	}
	id, err := e.commitLayer(ctx, v, o)
	if err != nil {
		return "", err
	}
	return id, e.containerEvent(v.rec, engine.ActionCommit, map[string]string{"comment": opts.Message, "imageID": string(id)})
}

// holdStill pauses a container; one that ends or is paused by somebody else at
// this moment is still enough.
func (e *Engine) holdStill(ctx context.Context, v *view) (resume func() error, err error) {
	err = e.withShim(ctx, v, func(c *shim.Client) error { return c.Pause(ctx) })
	if errors.Is(err, engine.ErrConflict) {
		return func() error { return nil }, nil
	}
	if err != nil {
		return nil, err
	}
	return func() error {
		err := e.unpause(context.WithoutCancel(ctx), v)
		if errors.Is(err, engine.ErrConflict) {
			return nil // it has ended, or somebody was faster
		}
		return err
	}, nil
}

// imageConfig is what a container's configuration is for containers of the new
// image: what is of this one alone stays behind.
func imageConfig(c engine.ContainerConfig) images.Config {
	return images.Config{
		User: c.User, ExposedPorts: c.ExposedPorts, Env: c.Env, Entrypoint: c.Entrypoint, Cmd: c.Cmd, Healthcheck: c.Healthcheck,
		Volumes: c.Volumes, WorkingDir: c.WorkingDir, Labels: c.Labels, StopSignal: c.StopSignal, StopTimeout: c.StopTimeout, Shell: c.Shell,
	}
}

// commitLayer streams what the container wrote into the store.
func (e *Engine) commitLayer(ctx context.Context, v *view, o archive.CommitOptions) (images.Digest, error) {
	s, err := e.store()
	if err != nil {
		return "", err
	}
	w, err := e.openWritten(v.rec.ID)
	if err != nil {
		return "", err
	}
	defer w.close()
	changes, err := w.differ.compare(w.root)
	if err != nil {
		return "", err
	}
	if len(changes) == 0 {
		return archive.Commit(ctx, s, nil, o)
	}
	pr, pw := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		pw.CloseWithError(w.pack(ctx, pw, changes))
	}()
	id, err := archive.Commit(ctx, s, pr, o)
	pr.Close()
	<-done
	return id, err
}

// pack writes changes as a layer: parents come before what is in them, and what
// was removed is a whiteout.
func (w *written) pack(ctx context.Context, out io.Writer, changes []engine.Change) error {
	tw := tartree.NewWriter(ctx, out)
	for _, c := range changes {
		name := strings.TrimPrefix(c.Path, "/")
		if c.Kind == engine.Deleted {
			if err := tw.Whiteout(name); err != nil {
				return err
			}
			continue
		}
		if strings.HasPrefix(path.Base(name), ".wh.") {
			return fmt.Errorf("%w: %s cannot be in a layer: it would read as a whiteout", engine.ErrInvalid, c.Path)
		}
		if err := w.packEntry(tw, name); err != nil {
			return err
		}
	}
	return tw.Close()
}

func (w *written) packEntry(tw *tartree.Writer, name string) error {
	dir, err := tartree.OpenBeneath(w.root, path.Dir(name))
	if err == nil {
		defer dir.Close()
		var f *os.File
		if f, err = tartree.OpenEntry(dir, path.Base(name)); err == nil {
			defer f.Close()
			err = tw.Entry(f, name)
		}
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil // a container that runs on has removed it
	}
	return err
}
