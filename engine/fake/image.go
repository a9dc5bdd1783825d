package fake

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"gantry/engine"
	"gantry/images"
)

// imageStore implements the image roles.
type imageStore struct{ e *Engine }

// Image scripts an image of the store.
type Image struct {
	Refs     []string // "alpine", "registry.example/app:1"; none for a dangling image
	ID       images.Digest
	Manifest images.Digest
	Platform images.Platform // the host's when zero
	Config   images.Config
	Created  time.Time // now when zero
	Size     int64
	Layers   []images.Digest
	History  []engine.HistoryEntry
	Problem  string
}

// image is one image of the store; Engine.mu guards every field.
type image struct {
	id, manifest images.Digest
	refs         []string // familiar, with tag
	digests      []string // familiar, with digest
	platform     images.Platform
	config       images.Config
	created      time.Time
	size         int64
	layers       []images.Digest
	history      []engine.HistoryEntry
	problem      string
	files        map[string]file // by path
}

// AddImage puts an image into the store and returns its ID. It panics when a
// reference does not parse: scripts are part of the test.
func (e *Engine) AddImage(script Image) images.Digest {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.addImage(script).id
}

func (e *Engine) addImage(script Image) *image {
	img := &image{
		id: script.ID, manifest: script.Manifest, platform: script.Platform, config: script.Config,
		created: script.Created, size: script.Size, layers: script.Layers, history: script.History, problem: script.Problem,
	}
	if img.id == "" {
		img.id = e.drawDigest()
	}
	if img.manifest == "" {
		img.manifest = e.drawDigest()
	}
	if len(img.layers) == 0 {
		img.layers = []images.Digest{e.drawDigest()}
	}
	if img.platform == (images.Platform{}) {
		img.platform = images.HostPlatform()
	}
	if img.created.IsZero() {
		img.created = time.Now().UTC()
	}
	for i, other := range e.images {
		if other.id == img.id { // pulled again: the names come together
			img, e.images = other, slices.Delete(e.images, i, i+1)
			break
		}
	}
	e.images = append(e.images, img)
	for _, s := range script.Refs {
		ref, err := images.ParseRef(s)
		if err != nil {
			panic(err)
		}
		e.name(img, ref)
		img.digests = appendNew(img.digests, ref.WithDigest(img.manifest).Familiar())
	}
	return img
}

// name gives a tag to img and takes it from whoever had it.
func (e *Engine) name(img *image, ref images.Ref) {
	tag := ref.Familiar()
	if ref.Digest != "" {
		return
	}
	for _, other := range e.images {
		other.refs = slices.DeleteFunc(other.refs, func(r string) bool { return r == tag })
	}
	img.refs = append(img.refs, tag)
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// findImage resolves an ID, a reference or a prefix of an ID. The caller holds
// mu, here and below.
func (e *Engine) findImage(op, ref string) (*image, error) {
	var found []*image
	hex := strings.TrimPrefix(ref, "sha256:")
	for _, img := range e.images {
		if string(img.id) == ref || string(img.manifest) == ref {
			return img, nil
		}
		if len(hex) >= 4 && strings.HasPrefix(img.id.Hex(), hex) {
			found = append(found, img)
		}
	}
	if parsed, err := images.ParseRef(ref); err == nil {
		for _, img := range e.images {
			if slices.Contains(img.refs, parsed.Familiar()) || slices.Contains(img.digests, parsed.WithDigest(parsed.Digest).Familiar()) {
				return img, nil
			}
		}
	}
	switch len(found) {
	case 0:
		return nil, opError(op, "image", ref, engine.ErrNotFound, "")
	case 1:
		return found[0], nil
	}
	return nil, opError(op, "image", ref, engine.ErrAmbiguous, "give more digits of the ID")
}

func (is imageStore) lookup(ctx context.Context, op Op, verb, ref string) (*image, error) {
	if err := is.e.enter(ctx, op); err != nil {
		return nil, opError(verb, "image", ref, err, "")
	}
	is.e.mu.Lock()
	img, err := is.e.findImage(verb, ref)
	if err != nil {
		is.e.mu.Unlock()
	}
	return img, err
}

func (e *Engine) users(img *image) []engine.ID {
	var ids []engine.ID
	for _, c := range e.containers {
		if c.detail.Image == img.id {
			ids = append(ids, c.id)
		}
	}
	return ids
}

func (is imageStore) List(ctx context.Context, opts engine.ImageListOptions) (engine.ImageList, error) {
	if err := is.e.enter(ctx, OpImageList); err != nil {
		return engine.ImageList{}, opError("list", "images", "", err, "")
	}
	is.e.mu.Lock()
	defer is.e.mu.Unlock()
	list := engine.ImageList{Seq: is.e.lastSeq}
	for _, img := range slices.Backward(is.e.images) {
		if tags, ok := is.e.matchImage(img, opts); ok {
			list.Items = append(list.Items, engine.ImageSummary{Containers: is.e.users(img), Image: images.Image{
				ID: img.id, Manifest: img.manifest, Tags: tags, RepoDigests: img.digests, Platform: img.platform,
				Created: img.created, Labels: img.config.Labels, Size: img.size, Download: img.size / 2, DiffIDs: img.layers, Problem: img.problem,
			}})
		}
	}
	return list, nil
}

// matchImage returns the tags that are asked for, and whether the image is.
func (e *Engine) matchImage(img *image, opts engine.ImageListOptions) ([]string, bool) {
	patterns := opts.Filters["reference"]
	if opts.Reference != "" {
		patterns = append(slices.Clone(patterns), opts.Reference)
	}
	tags := img.refs
	if len(patterns) > 0 {
		tags = nil
		for _, ref := range img.refs {
			if slices.ContainsFunc(patterns, func(p string) bool { return matchReference(p, ref) }) {
				tags = append(tags, ref)
			}
		}
		if len(tags) == 0 {
			return nil, false
		}
	}
	if d := opts.Filters["dangling"]; len(d) > 0 && (d[0] == "true" || d[0] == "1") != (len(img.refs) == 0) {
		return nil, false
	}
	for _, ref := range opts.Filters["before"] {
		if pivot, err := e.findImage("list", ref); err != nil || !img.created.Before(pivot.created) {
			return nil, false
		}
	}
	for _, ref := range opts.Filters["since"] {
		if pivot, err := e.findImage("list", ref); err != nil || !img.created.After(pivot.created) {
			return nil, false
		}
	}
	return tags, matchLabels(img.config.Labels, opts.Filters["label"])
}

// matchReference matches "name", "name:tag" and shell patterns of both.
func matchReference(pattern, ref string) bool {
	repo := ref[:strings.LastIndexByte(ref, ':')]
	whole, _ := path.Match(pattern, ref)
	name, _ := path.Match(pattern, repo)
	return whole || name
}

func (is imageStore) Inspect(ctx context.Context, ref string) (engine.ImageDetail, error) {
	img, err := is.lookup(ctx, OpImageInspect, "inspect", ref)
	if err != nil {
		return engine.ImageDetail{}, err
	}
	defer is.e.mu.Unlock()
	created, config := img.created, img.config
	return engine.ImageDetail{
		ID: img.id, RepoTags: slices.Clone(img.refs), RepoDigests: slices.Clone(img.digests), Created: &created,
		Config: &config, Architecture: img.platform.Architecture, Variant: img.platform.Variant, Os: img.platform.OS,
		Size: img.size, RootFS: engine.ImageRootFS{Type: "layers", Layers: img.layers}, Manifest: img.manifest, Problem: img.problem,
	}, nil
}

func (is imageStore) History(ctx context.Context, ref string) ([]engine.HistoryEntry, error) {
	img, err := is.lookup(ctx, OpImageHistory, "read history of", ref)
	if err != nil {
		return nil, err
	}
	defer is.e.mu.Unlock()
	if len(img.history) > 0 {
		return slices.Clone(img.history), nil
	}
	return []engine.HistoryEntry{{ID: string(img.id), Created: img.created, CreatedBy: "COPY . /", Tags: img.refs, Size: img.size}}, nil
}

func (is imageStore) Tag(ctx context.Context, source, target string) error {
	ref, err := images.ParseRef(target)
	if err != nil {
		return opError("tag", "image", source, err, "")
	}
	img, err := is.lookup(ctx, OpTag, "tag", source)
	if err != nil {
		return err
	}
	defer is.e.mu.Unlock()
	is.e.name(img, ref)
	is.e.imageEvent(img, engine.ActionTag, ref.Familiar())
	return nil
}

func (e *Engine) imageEvent(img *image, action, name string) {
	e.emit(engine.Event{Kind: engine.KindImage, Action: action, ID: string(img.id), Attributes: map[string]string{"name": name}})
}

func (is imageStore) Remove(ctx context.Context, ref string, opts engine.ImageRemoveOptions) ([]engine.ImageRemoved, error) {
	img, err := is.lookup(ctx, OpImageRemove, "remove", ref)
	if err != nil {
		return nil, err
	}
	defer is.e.mu.Unlock()
	byID := strings.HasPrefix(img.id.Hex(), strings.TrimPrefix(ref, "sha256:"))
	tag := ""
	if parsed, err := images.ParseRef(ref); err == nil && !byID {
		tag = parsed.Familiar()
	}
	untags := img.refs
	if slices.Contains(img.refs, tag) {
		untags = []string{tag}
	}
	goes := len(untags) == len(img.refs)
	if byID && len(img.refs) > 1 && !opts.Force {
		return nil, opError("remove", "image", ref, engine.ErrConflict, "it has several names; remove them one by one, or force")
	}
	if users := is.e.users(img); goes && len(users) > 0 {
		c, _ := is.e.find("", string(users[0]))
		if !opts.Force || c.state.Status.Live() {
			return nil, opError("remove", "image", ref, engine.ErrInUse,
				"container "+users[0].Short()+" uses it; remove that first")
		}
	}
	return is.e.untag(img, slices.Clone(untags), goes), nil
}

// untag takes names off and, when goes, the image itself.
func (e *Engine) untag(img *image, tags []string, goes bool) []engine.ImageRemoved {
	var removed []engine.ImageRemoved
	for _, tag := range tags {
		img.refs = slices.DeleteFunc(img.refs, func(r string) bool { return r == tag })
		removed = append(removed, engine.ImageRemoved{Untagged: tag})
		e.imageEvent(img, engine.ActionUntag, tag)
	}
	if goes {
		e.images = slices.DeleteFunc(e.images, func(o *image) bool { return o == img })
		removed = append(removed, engine.ImageRemoved{Deleted: string(img.id)})
		e.imageEvent(img, engine.ActionDelete, cmp.Or(strings.Join(tags, ","), string(img.id)))
	}
	return removed
}

func (is imageStore) Prune(ctx context.Context, opts engine.PruneOptions) (engine.PruneReport, error) {
	if err := is.e.enter(ctx, OpImagePrune); err != nil {
		return engine.PruneReport{}, opError("prune", "images", "", err, "")
	}
	is.e.mu.Lock()
	defer is.e.mu.Unlock()
	var report engine.PruneReport
	for _, img := range slices.Clone(is.e.images) {
		keep := len(img.refs) > 0 && !opts.All || len(is.e.users(img)) > 0
		if keep || !matchPrune(img.created, img.config.Labels, opts.Filters) {
			continue
		}
		for _, tag := range img.refs {
			report.Deleted = append(report.Deleted, "untagged: "+tag)
		}
		report.Deleted = append(report.Deleted, "deleted: "+string(img.id))
		report.Reclaimed += img.size
		if !opts.DryRun {
			is.e.untag(img, slices.Clone(img.refs), true)
		}
	}
	return report, nil
}
