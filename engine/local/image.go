package local

import (
	"context"
	"fmt"
	"iter"
	"path"
	"slices"
	"sort"
	"strings"
	"time"

	"gantry/engine"
	"gantry/images"
	"gantry/images/store"
)

// imageErr wraps a failure on an image.
func imageErr(op, ref string, err error) error { return kindErr(op, "image", ref, err, "") }

// List implements engine.ImageReader.
func (i *imageStore) List(ctx context.Context, opts engine.ImageListOptions) (engine.ImageList, error) {
	e := (*Engine)(i)
	seq, err := e.journal.Last()
	if err != nil {
		return engine.ImageList{}, err
	}
	s, err := e.store()
	if err != nil {
		return engine.ImageList{}, err
	}
	all, err := s.List(ctx)
	if err != nil {
		return engine.ImageList{}, imageErr("list", "", err)
	}
	keep, err := imageFilter(all, opts)
	if err != nil {
		return engine.ImageList{}, err
	}
	users, err := e.imageUsers()
	if err != nil {
		return engine.ImageList{}, err
	}
	items := make([]engine.ImageSummary, 0, len(all))
	for _, img := range all {
		if keep(&img) {
			items = append(items, engine.ImageSummary{Image: img, Containers: users[img.ID]})
		}
	}
	sort.SliceStable(items, func(a, b int) bool { return items[a].Created.After(items[b].Created) })
	return engine.ImageList{Seq: seq, Items: items}, nil
}

// imageUsers maps images to the containers that were made from them.
func (e *Engine) imageUsers() (map[images.Digest][]engine.ID, error) {
	ids, err := e.ids()
	if err != nil {
		return nil, err
	}
	users := make(map[images.Digest][]engine.ID)
	for _, id := range ids {
		if rec, err := e.readRecord(id); err == nil {
			users[rec.Image] = append(users[rec.Image], id)
		}
	}
	return users, nil
}

// imageFilter compiles docker's image filters. It narrows Tags of an image to
// the ones that a reference pattern matches, as docker images does.
func imageFilter(all []images.Image, opts engine.ImageListOptions) (func(*images.Image) bool, error) {
	var tests []func(*images.Image) bool
	refs := opts.Filters["reference"]
	if opts.Reference != "" {
		refs = append(refs[:len(refs):len(refs)], opts.Reference)
	}
	if len(refs) > 0 {
		tests = append(tests, func(img *images.Image) bool { return narrow(img, refs) })
	}
	for key, values := range opts.Filters {
		switch key {
		case "reference":
		case "label":
			tests = append(tests, func(img *images.Image) bool { return labelsMatch(img.Labels, values) })
		case "dangling":
			want := values[len(values)-1]
			if want != "true" && want != "false" {
				return nil, invalidFilter(key, want, "true or false")
			}
			tests = append(tests, func(img *images.Image) bool { return (len(img.Tags) == 0) == (want == "true") })
		case "before", "since":
			pivot, err := pickImage(all, values[len(values)-1])
			if err != nil {
				return nil, err
			}
			tests = append(tests, func(img *images.Image) bool {
				if key == "before" {
					return img.Created.Before(pivot.Created)
				}
				return img.Created.After(pivot.Created)
			})
		default:
			return nil, invalidFilter(key, "", "reference, label, dangling, before, since")
		}
	}
	return func(img *images.Image) bool {
		for _, t := range tests {
			if !t(img) {
				return false
			}
		}
		return true
	}, nil
}

// narrow keeps the tags of img that one of the patterns matches, by full name
// or by repository, familiar or complete.
func narrow(img *images.Image, patterns []string) bool {
	var kept []string
	for _, tag := range img.Tags {
		for _, p := range patterns {
			if tagMatches(tag, p) {
				kept = append(kept, tag)
				break
			}
		}
	}
	img.Tags = kept
	img.RepoDigests = slices.DeleteFunc(slices.Clone(img.RepoDigests), func(d string) bool {
		return !slices.ContainsFunc(patterns, func(p string) bool { return tagMatches(d, p) })
	})
	return len(kept) > 0
}

func tagMatches(tag, pattern string) bool {
	ref, err := images.ParseRef(tag)
	if err != nil {
		return false
	}
	for _, name := range []string{ref.Familiar(), ref.FamiliarName(), ref.String(), ref.Name()} {
		if ok, err := path.Match(pattern, name); ok || err != nil && name == pattern {
			return true
		}
	}
	return false
}

func pickImage(all []images.Image, ref string) (*images.Image, error) {
	want, err := images.ParseRef(ref)
	for i, img := range all {
		if strings.HasPrefix(string(img.ID), ref) || strings.HasPrefix(img.ID.Hex(), ref) {
			return &all[i], nil
		}
		for _, t := range img.Tags {
			if err == nil && t == want.Familiar() {
				return &all[i], nil
			}
		}
	}
	return nil, imageErr("filter by", ref, fmt.Errorf("%w: no such image", engine.ErrNotFound))
}

// Inspect implements engine.ImageReader.
func (i *imageStore) Inspect(ctx context.Context, ref string) (engine.ImageDetail, error) {
	img, cfg, err := (*Engine)(i).image(ctx, ref)
	if err != nil && img.Problem == "" {
		return engine.ImageDetail{}, imageErr("inspect", ref, err)
	}
	if err != nil { // a damaged image is shown as far as it can be read
		cfg = &images.ConfigFile{Architecture: img.Platform.Architecture, Variant: img.Platform.Variant, OS: img.Platform.OS}
	}
	d := engine.ImageDetail{
		Problem: img.Problem,
		ID:      img.ID, RepoTags: img.Tags, RepoDigests: img.RepoDigests, Created: cfg.Created, Author: cfg.Author,
		Config: &cfg.Config, Architecture: cfg.Architecture, Variant: cfg.Variant, Os: cfg.OS, Size: img.Size,
		RootFS: engine.ImageRootFS{Type: "layers", Layers: cfg.RootFS.DiffIDs}, Manifest: img.Manifest,
	}
	if n := len(cfg.History); n > 0 {
		d.Comment = cfg.History[n-1].Comment
	}
	if d.RepoTags == nil {
		d.RepoTags = []string{}
	}
	if d.RepoDigests == nil {
		d.RepoDigests = []string{}
	}
	return d, nil
}

func (e *Engine) image(ctx context.Context, ref string) (images.Image, *images.ConfigFile, error) {
	s, err := e.store()
	if err != nil {
		return images.Image{}, nil, err
	}
	img, err := s.Resolve(ctx, ref)
	if err != nil {
		return images.Image{}, nil, err
	}
	cfg, _, err := s.Config(img.ID)
	return img, cfg, err
}

// History implements engine.ImageReader: newest first, sizes of the unpacked
// layers.
func (i *imageStore) History(ctx context.Context, ref string) ([]engine.HistoryEntry, error) {
	e := (*Engine)(i)
	img, cfg, err := e.image(ctx, ref)
	if err != nil {
		return nil, imageErr("inspect history of", ref, err)
	}
	s, err := e.store()
	if err != nil {
		return nil, err
	}
	sizes, err := s.LayerSizes(img)
	if err != nil {
		return nil, imageErr("inspect history of", ref, err)
	}
	out := historyEntries(cfg, sizes)
	if len(out) > 0 {
		out[0].ID, out[0].Tags = string(img.ID), img.Tags
	}
	return out, nil
}

func historyEntries(cfg *images.ConfigFile, sizes []int64) []engine.HistoryEntry {
	steps := cfg.History
	if len(steps) == 0 { // an image without history still has layers
		steps = make([]images.History, len(sizes))
	}
	out := make([]engine.HistoryEntry, 0, len(steps))
	layer := 0
	for _, h := range steps {
		entry := engine.HistoryEntry{ID: "<missing>", CreatedBy: h.CreatedBy, Comment: h.Comment}
		if h.Created != nil {
			entry.Created = *h.Created
		}
		if !h.EmptyLayer && layer < len(sizes) {
			entry.Size = sizes[layer]
			layer++
		}
		out = append(out, entry)
	}
	for a, b := 0, len(out)-1; a < b; a, b = a+1, b-1 {
		out[a], out[b] = out[b], out[a]
	}
	return out
}

// Tag implements engine.ImageEditor.
func (i *imageStore) Tag(ctx context.Context, source, target string) error {
	e := (*Engine)(i)
	dst, err := images.ParseRef(target)
	if err != nil {
		return imageErr("tag", source, fmt.Errorf("%w: %w", engine.ErrInvalid, err))
	}
	if dst.Digest != "" {
		return imageErr("tag", source, fmt.Errorf("%w: a digest cannot be given as a tag", engine.ErrInvalid))
	}
	s, err := e.store()
	if err != nil {
		return err
	}
	img, err := s.Resolve(ctx, source)
	if err != nil {
		return imageErr("tag", source, err)
	}
	if err := s.Tag(ctx, string(img.ID), dst); err != nil {
		return imageErr("tag", source, err)
	}
	return e.imageEvent(engine.ActionTag, img.ID, dst.Familiar())
}

func (e *Engine) imageEvent(action string, id images.Digest, name string) error {
	_, err := e.journal.Append(engine.Event{Kind: engine.KindImage, Action: action, ID: string(id), Time: time.Now(), Attributes: map[string]string{"name": name}})
	return err
}

// Save implements engine.ImageMover.
func (i *imageStore) Save(ctx context.Context, opts engine.SaveOptions) iter.Seq2[images.Progress, error] {
	e := (*Engine)(i)
	return progressSeq(ctx, func(ctx context.Context, report func(images.Progress)) (string, error) {
		return strings.Join(opts.Refs, "\n"), e.save(ctx, opts, report)
	})
}

// Pull implements engine.ImageMover.
func (i *imageStore) Pull(ctx context.Context, opts engine.PullOptions) iter.Seq2[images.Progress, error] {
	e := (*Engine)(i)
	return progressSeq(ctx, func(ctx context.Context, report func(images.Progress)) (string, error) {
		return e.pull(ctx, opts, report)
	})
}

// Push implements engine.ImageMover.
func (i *imageStore) Push(ctx context.Context, opts engine.PushOptions) iter.Seq2[images.Progress, error] {
	e := (*Engine)(i)
	return progressSeq(ctx, func(ctx context.Context, report func(images.Progress)) (string, error) {
		return e.push(ctx, opts, report)
	})
}

// Load implements engine.ImageMover.
func (i *imageStore) Load(ctx context.Context, opts engine.LoadOptions) iter.Seq2[images.Progress, error] {
	e := (*Engine)(i)
	return progressSeq(ctx, func(ctx context.Context, report func(images.Progress)) (string, error) {
		return e.loadArchive(ctx, opts, report)
	})
}

var _ = (*store.Store)(nil)
