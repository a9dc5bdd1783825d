package local

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gantry/engine"
	"gantry/images"
	"gantry/images/archive"
	"gantry/images/registry"
	"gantry/images/store"
)

// platformOf reads a --platform option; empty is the host's.
func platformOf(s string) (images.Platform, error) {
	if s == "" {
		return images.HostPlatform(), nil
	}
	p, err := images.ParsePlatform(s)
	if err != nil {
		return p, fmt.Errorf("%w: %w", engine.ErrInvalid, err)
	}
	return p, nil
}

func parseRef(s string) (images.Ref, error) {
	r, err := images.ParseRef(s)
	if err != nil {
		return r, fmt.Errorf("%w: %w", engine.ErrInvalid, err)
	}
	return r, nil
}

// pull fetches one reference, or every tag of its repository.
func (e *Engine) pull(ctx context.Context, opts engine.PullOptions, report func(images.Progress)) (string, error) {
	ref, err := parseRef(opts.Ref)
	if err != nil {
		return "", imageErr("pull", opts.Ref, err)
	}
	platform, err := platformOf(opts.Platform)
	if err != nil {
		return "", imageErr("pull", opts.Ref, err)
	}
	s, err := e.store()
	if err != nil {
		return "", err
	}
	refs := []images.Ref{ref}
	if opts.AllTags {
		if refs, err = e.allTags(ctx, ref); err != nil {
			return "", imageErr("pull", opts.Ref, err)
		}
	}
	var last string
	for _, r := range refs {
		img, err := e.registry().Pull(ctx, s, r, platform, report)
		if err != nil {
			return "", imageErr("pull", r.Familiar(), err)
		}
		if err := e.imageEvent(engine.ActionPull, img.ID, r.Familiar()); err != nil {
			return "", err
		}
		last = r.Familiar() + "@" + string(digestOf(img))
	}
	return last, nil
}

// digestOf is what a registry's tag pointed at.
func digestOf(img images.Image) images.Digest {
	if img.Target != "" {
		return img.Target
	}
	return img.Manifest
}

func (e *Engine) allTags(ctx context.Context, ref images.Ref) ([]images.Ref, error) {
	tags, err := e.registry().Tags(ctx, ref)
	if err != nil {
		return nil, err
	}
	if len(tags) == 0 {
		return nil, fmt.Errorf("%w: the repository has no tags", engine.ErrNotFound)
	}
	refs := make([]images.Ref, len(tags))
	for i, t := range tags {
		refs[i] = ref.WithTag(t)
	}
	return refs, nil
}

// push sends one tag, or every local tag of its repository.
func (e *Engine) push(ctx context.Context, opts engine.PushOptions, report func(images.Progress)) (string, error) {
	ref, err := parseRef(opts.Ref)
	if err != nil {
		return "", imageErr("push", opts.Ref, err)
	}
	s, err := e.store()
	if err != nil {
		return "", err
	}
	refs := []images.Ref{ref}
	if opts.AllTags {
		if refs, err = localTags(ctx, s, ref); err != nil {
			return "", imageErr("push", opts.Ref, err)
		}
	}
	var last string
	for _, r := range refs {
		img, err := s.Resolve(ctx, r.String())
		if err != nil {
			return "", imageErr("push", r.Familiar(), err)
		}
		digest, err := e.registry().Push(ctx, s, r, report)
		if err != nil {
			return "", imageErr("push", r.Familiar(), err)
		}
		if err := e.imageEvent(engine.ActionPush, img.ID, r.Familiar()); err != nil {
			return "", err
		}
		last = r.Familiar() + "@" + string(digest)
	}
	return last, nil
}

func localTags(ctx context.Context, s *store.Store, ref images.Ref) ([]images.Ref, error) {
	all, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	var refs []images.Ref
	for _, img := range all {
		for _, t := range img.Tags {
			if r, err := images.ParseRef(t); err == nil && r.Name() == ref.Name() {
				refs = append(refs, r)
			}
		}
	}
	if len(refs) == 0 {
		return nil, fmt.Errorf("%w: no local tag of this repository", engine.ErrNotFound)
	}
	return refs, nil
}

func (e *Engine) save(ctx context.Context, opts engine.SaveOptions, report func(images.Progress)) error {
	s, err := e.store()
	if err != nil {
		return err
	}
	if len(opts.Refs) == 0 {
		return kindErr("save", "images", "", fmt.Errorf("%w: name at least one image", engine.ErrInvalid), "")
	}
	items := make([]archive.Item, 0, len(opts.Refs))
	for _, name := range opts.Refs {
		img, err := s.Resolve(ctx, name)
		if err != nil {
			return imageErr("save", name, err)
		}
		item := archive.Item{Image: img}
		// An image that was named by its ID is saved without a name.
		if r, err := images.ParseRef(name); err == nil && r.Digest == "" && contains(img.Tags, r.Familiar()) {
			item.Refs = []images.Ref{r}
		}
		items = append(items, item)
	}
	if err := archive.Save(ctx, s, items, opts.Output, report); err != nil {
		return imageErr("save", strings.Join(opts.Refs, " "), err)
	}
	for _, it := range items {
		if err := e.imageEvent(engine.ActionSave, it.Image.ID, it.Image.ID.String()); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) loadArchive(ctx context.Context, opts engine.LoadOptions, report func(images.Progress)) (string, error) {
	var platform images.Platform // none: the host's, or the only one there is
	if opts.Platform != "" {
		var err error
		if platform, err = platformOf(opts.Platform); err != nil {
			return "", kindErr("load", "images", "", err, "")
		}
	}
	s, err := e.store()
	if err != nil {
		return "", err
	}
	imgs, err := archive.Load(ctx, s, opts.Input, platform, report)
	if err != nil {
		return "", kindErr("load", "images", "", err, "")
	}
	var names []string
	for _, img := range imgs {
		tags := img.Tags
		if len(tags) == 0 {
			tags = []string{string(img.ID)}
		}
		names = append(names, tags...)
		if err := e.imageEvent(engine.ActionLoad, img.ID, tags[0]); err != nil {
			return "", err
		}
	}
	return strings.Join(names, "\n"), nil
}

// Import implements engine.ImageMover.
func (i *imageStore) Import(ctx context.Context, opts engine.ImportOptions) (images.Digest, error) {
	e := (*Engine)(i)
	id, err := e.importRoot(ctx, opts)
	return id, imageErr("import", opts.Ref, err)
}

func (e *Engine) importRoot(ctx context.Context, opts engine.ImportOptions) (images.Digest, error) {
	platform, err := platformOf(opts.Platform)
	if err != nil {
		return "", err
	}
	in := archive.ImportOptions{Message: opts.Message, Changes: opts.Changes, Platform: platform}
	if opts.Ref != "" {
		ref, err := parseRef(opts.Ref)
		if err != nil {
			return "", err
		}
		in.Ref = &ref
	}
	s, err := e.store()
	if err != nil {
		return "", err
	}
	if opts.URL != "" {
		body, err := e.registry().File(ctx, opts.URL)
		if err != nil {
			return "", err
		}
		defer body.Close()
		opts.Input, in.Source = body, registry.PublicURL(opts.URL)
	}
	id, err := archive.Import(ctx, s, opts.Input, in)
	if err != nil {
		return "", err
	}
	return id, e.imageEvent(engine.ActionImport, id, firstOf(opts.Ref, string(id)))
}

// Login implements engine.ImageMover.
func (i *imageStore) Login(ctx context.Context, cred engine.Credentials) (string, error) {
	e := (*Engine)(i)
	host := firstOf(cred.Registry, images.DefaultRegistry)
	return e.registry().Login(ctx, host, cred.Username, cred.Password)
}

// Logout implements engine.ImageMover.
func (i *imageStore) Logout(_ context.Context, registry string) error {
	e := (*Engine)(i)
	host := firstOf(registry, images.DefaultRegistry)
	return e.registry().Logout(host)
}

// Remove implements engine.ImageEditor; the rules are docker's, see
// store.Remove.
func (i *imageStore) Remove(ctx context.Context, ref string, opts engine.ImageRemoveOptions) ([]engine.ImageRemoved, error) {
	e := (*Engine)(i)
	out, err := e.removeImage(ctx, ref, opts)
	return out, imageErr("remove", ref, err)
}

func (e *Engine) removeImage(ctx context.Context, ref string, opts engine.ImageRemoveOptions) ([]engine.ImageRemoved, error) {
	s, err := e.store()
	if err != nil {
		return nil, err
	}
	gone, err := s.Remove(ctx, ref, store.RemoveOptions{Force: opts.Force, InUse: e.imageInUse})
	if err != nil {
		return nil, err
	}
	var out []engine.ImageRemoved
	for _, name := range gone.Untagged {
		out = append(out, engine.ImageRemoved{Untagged: name})
		if err := e.imageEvent(engine.ActionUntag, gone.Image.ID, name); err != nil {
			return out, err
		}
	}
	if !gone.Deleted {
		return out, nil
	}
	out = append(out, engine.ImageRemoved{Deleted: string(gone.Image.ID)})
	if err := e.imageEvent(engine.ActionDelete, gone.Image.ID, string(gone.Image.ID)); err != nil {
		return out, err
	}
	got, err := e.collect(ctx, nil, false)
	for _, l := range got.Layers {
		out = append(out, engine.ImageRemoved{Deleted: layerName(l)})
	}
	return out, err
}

// layerName is a layer's ID as docker would print it.
func layerName(id string) string {
	return "sha256:" + strings.TrimPrefix(id, "chain-")
}

// imageInUse names a container that was made from the image, a running one
// before others.
func (e *Engine) imageInUse(img images.Image) (container string, running bool, err error) {
	ids, err := e.ids()
	if err != nil {
		return "", false, err
	}
	for _, id := range ids {
		rec, err := e.readRecord(id)
		if errors.Is(err, engine.ErrNotFound) {
			continue
		}
		if err != nil {
			return "", false, err
		}
		if rec.Image != img.ID {
			continue
		}
		container = rec.Name
		if v, _, err := e.look(id); err == nil && v.state.Live() {
			return rec.Name, true, nil
		}
	}
	return container, false, nil
}
