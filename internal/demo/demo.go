package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"gantry/engine"
)

// Options of Up.
type Options struct {
	// Version is gantry's: another one makes the demo anew.
	Version string
	// Report is told what is being done, for people; nil: nobody is.
	Report func(text string)
}

// Found is what there is of the demo.
type Found struct {
	Containers []engine.ContainerSummary
	Image      bool   // whether the image is there
	ImageSize  int64  // bytes
	build      string // that made the image
}

// Any tells whether there is anything to remove.
func (f Found) Any() bool { return f.Image || len(f.Containers) > 0 }

// Find looks for what there is of the demo.
func Find(ctx context.Context, e engine.Engine) (Found, error) {
	var f Found
	list, err := e.Containers().List(ctx, engine.ListOptions{All: true, Filters: engine.Filters{"label": {Label}}})
	if err != nil {
		return f, fmt.Errorf("look for the demo: %w", err)
	}
	f.Containers = list.Items
	img, err := e.Images().Inspect(ctx, Image)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return f, nil
	case err != nil:
		return f, fmt.Errorf("look for the demo: %w", err)
	}
	f.Image, f.ImageSize = true, img.Size
	if img.Config != nil {
		f.build = img.Config.Labels[Label]
	}
	return f, nil
}

// Up makes what is missing of the demo and starts what does not run. What
// another build of gantry made is replaced: its program may know other services.
func Up(ctx context.Context, e engine.Engine, o Options) error {
	if o.Report == nil {
		o.Report = func(string) {}
	}
	build, err := thisBuild(o.Version)
	if err != nil {
		return fmt.Errorf("make the demo: %w", err)
	}
	found, err := Find(ctx, e)
	if err != nil {
		return err
	}
	if found.Image && found.build == "" {
		return fmt.Errorf("make the demo: %w: the image %s is not gantry's; give it another name or remove it", engine.ErrConflict, Image)
	}
	if found.Image && found.build != build {
		o.Report("removing the demo of another build")
		if err := Remove(ctx, e); err != nil {
			return err
		}
		found = Found{}
	}
	if !found.Image {
		o.Report("making the image " + Image)
		if err := makeImage(ctx, e, build); err != nil {
			return err
		}
	}
	for _, m := range app {
		changed, err := up(ctx, e, m, build)
		if err != nil {
			return fmt.Errorf("start the demo: %w", err)
		}
		if changed {
			o.Report("started " + m.name())
		}
	}
	return nil
}

// thisBuild names the program that runs, without reading all of it.
func thisBuild(version string) (string, error) {
	fi, err := os.Stat(program)
	if err != nil {
		return "", err
	}
	return version + "+" + strconv.FormatInt(fi.Size(), 36), nil
}

func makeImage(ctx context.Context, e engine.Engine, build string) error {
	r, w := io.Pipe()
	wrote := make(chan struct{})
	go func() {
		defer close(wrote)
		w.CloseWithError(writeRoot(w, program))
	}()
	_, err := e.Images().Import(ctx, engine.ImportOptions{Input: r, Ref: Image, Message: "made of the running gantry", Changes: changes(build)})
	_ = r.Close() // a writer that is not finished ends
	<-wrote
	if err != nil {
		return fmt.Errorf("make the demo: %w", err)
	}
	return nil
}

// up makes a container of the demo run, whatever state it is in, and tells
// whether it had to do anything.
func up(ctx context.Context, e engine.Engine, m member, build string) (bool, error) {
	cs := e.Containers()
	_, err := cs.Create(ctx, m.options(build))
	if errors.Is(err, engine.ErrConflict) { // it is there already, or something else is
		var d engine.ContainerDetail
		if d, err = cs.Inspect(ctx, m.name()); err != nil {
			return false, err
		}
		if _, ours := d.Config.Labels[Label]; !ours {
			return false, &engine.OpError{
				Op: "create", Kind: "container", ID: m.name(), Err: fmt.Errorf("%w: a container of yours has that name", engine.ErrConflict),
				Hint: "rename it (gantry rename " + m.name() + " ...), then start the demo again",
			}
		}
		if d.State.Paused {
			return true, cs.Unpause(ctx, m.name())
		}
	}
	if err != nil {
		return false, err
	}
	err = cs.Start(ctx, m.name())
	if errors.Is(err, engine.ErrNotModified) {
		return false, nil
	}
	return true, err
}

// Remove removes the demo's containers, running or not, and its image. When a
// container of the user's runs that image it stays, and the error says so.
func Remove(ctx context.Context, e engine.Engine) error {
	found, err := Find(ctx, e)
	if err != nil {
		return err
	}
	errs := make([]error, len(found.Containers))
	done := make(chan struct{})
	for i, c := range found.Containers {
		go func() {
			defer func() { done <- struct{}{} }()
			errs[i] = e.Containers().Remove(ctx, string(c.ID), engine.RemoveOptions{Force: true, Volumes: true})
		}()
	}
	for range found.Containers {
		<-done
	}
	errs = slices.DeleteFunc(errs, func(err error) bool { return errors.Is(err, engine.ErrNotFound) }) // somebody was faster
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove the demo: %w", err)
	}
	if !found.Image || found.build == "" {
		return nil
	}
	if _, err := e.Images().Remove(ctx, Image, engine.ImageRemoveOptions{}); err != nil && !errors.Is(err, engine.ErrNotFound) {
		return fmt.Errorf("remove the demo: its containers are gone, its image stays: %w", err)
	}
	return nil
}
