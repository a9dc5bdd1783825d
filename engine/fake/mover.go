package fake

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"gantry/engine"
	"gantry/images"
)

// Remote scripts what a registry holds under a name.
type Remote struct {
	Image Image
	Steps []images.Progress // drawn from the image's layers when nil
	Pace  time.Duration     // between the steps
	Err   error             // met after the steps
}

// AddRemote puts an image into the registry.
func (e *Engine) AddRemote(ref string, r Remote) {
	parsed, err := images.ParseRef(ref)
	if err != nil {
		panic(err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.Image.ID == "" { // the same image at every pull
		r.Image.ID, r.Image.Manifest = e.drawDigest(), e.drawDigest()
	}
	e.remotes[parsed.String()] = r
}

// steps is a plausible pull of two layers.
func steps() []images.Progress {
	a, b := digest("layer", 1)[:12], digest("layer", 2)[:12]
	return []images.Progress{
		{ID: a, State: images.Waiting, Total: 3_000_000}, {ID: b, State: images.Waiting, Total: 9_000_000},
		{ID: a, State: images.Downloading, Done: 1_000_000, Total: 3_000_000},
		{ID: b, State: images.Downloading, Done: 4_500_000, Total: 9_000_000},
		{ID: a, State: images.Done, Done: 3_000_000, Total: 3_000_000},
		{ID: b, State: images.Unpacking, Done: 9_000_000, Total: 9_000_000},
		{ID: b, State: images.Done, Done: 9_000_000, Total: 9_000_000},
	}
}

func (is imageStore) Pull(ctx context.Context, opts engine.PullOptions) iter.Seq2[images.Progress, error] {
	return is.e.pull(ctx, opts)
}

func (e *Engine) pull(ctx context.Context, opts engine.PullOptions) iter.Seq2[images.Progress, error] {
	return func(yield func(images.Progress, error) bool) {
		fail := func(err error, hint string) {
			yield(images.Progress{}, opError("pull", "image", opts.Ref, err, hint))
		}
		if err := e.enter(ctx, OpPull); err != nil {
			fail(err, "")
			return
		}
		ref, err := images.ParseRef(opts.Ref)
		if err != nil {
			fail(fmt.Errorf("%w: %w", engine.ErrInvalid, err), "")
			return
		}
		e.mu.Lock()
		r, ok := e.remotes[ref.String()]
		e.mu.Unlock()
		if !ok {
			fail(engine.ErrNotFound, "the registry has no such name, or it wants a login")
			return
		}
		if r.Steps == nil {
			r.Steps = steps()
		}
		e.mu.Lock()
		_, err = e.findImage("", string(r.Image.ID))
		e.mu.Unlock()
		if err == nil {
			r.Steps = nothingNew(r.Steps)
		}
		if !replay(ctx, r, yield, fail) {
			return
		}
		r.Image.Refs = []string{opts.Ref}
		e.mu.Lock()
		img := e.addImage(r.Image)
		e.imageEvent(img, engine.ActionPull, ref.Familiar())
		e.mu.Unlock()
		yield(images.Progress{State: images.Done, Text: tagged(ref) + "@" + string(img.manifest)}, nil)
	}
}

// nothingNew is a pull whose layers are all there.
func nothingNew(steps []images.Progress) []images.Progress {
	var out []images.Progress
	for _, p := range steps {
		if !slices.ContainsFunc(out, func(o images.Progress) bool { return o.ID == p.ID }) {
			out = append(out, images.Progress{ID: p.ID, State: images.Exists})
		}
	}
	return out
}

// replay yields the steps of a remote at its pace.
func replay(ctx context.Context, r Remote, yield func(images.Progress, error) bool, fail func(error, string)) bool {
	for _, p := range r.Steps {
		if err := sleep(ctx, r.Pace); err != nil {
			fail(err, "")
			return false
		}
		if !yield(p, nil) {
			return false
		}
	}
	if r.Err != nil {
		fail(r.Err, "")
		return false
	}
	return true
}

func (is imageStore) Push(ctx context.Context, opts engine.PushOptions) iter.Seq2[images.Progress, error] {
	return func(yield func(images.Progress, error) bool) {
		img, err := is.lookup(ctx, OpPush, "push", opts.Ref)
		if err != nil {
			yield(images.Progress{}, err)
			return
		}
		layers, size, manifest := img.layers, img.size, img.manifest
		is.e.imageEvent(img, engine.ActionPush, opts.Ref)
		is.e.mu.Unlock()
		if !inSteps(layers, size, images.Uploading, yield) {
			return
		}
		ref, _ := images.ParseRef(opts.Ref)
		yield(images.Progress{State: images.Done, Text: ref.Familiar() + "@" + string(manifest)}, nil)
	}
}

// The fake's archives are a line per image: "gantry-fake ID ref…".
const archiveMagic = "gantry-fake"

func (is imageStore) Save(ctx context.Context, opts engine.SaveOptions) iter.Seq2[images.Progress, error] {
	return func(yield func(images.Progress, error) bool) {
		for _, ref := range opts.Refs {
			img, err := is.lookup(ctx, OpSave, "save", ref)
			if err != nil {
				yield(images.Progress{}, err)
				return
			}
			line := fmt.Sprintln(archiveMagic, img.id, strings.Join(img.refs, " "))
			layers, size := img.layers, img.size
			is.e.mu.Unlock()
			if _, err := io.WriteString(opts.Output, line); err != nil {
				yield(images.Progress{}, opError("save", "image", ref, err, ""))
				return
			}
			if !inSteps(layers, size, images.Writing, yield) {
				return
			}
		}
		yield(images.Progress{State: images.Done, Text: strings.Join(opts.Refs, "\n")}, nil)
	}
}

// inSteps tells of each layer that it is on its way, and then that it is there.
func inSteps(layers []images.Digest, size int64, by images.ProgressState, yield func(images.Progress, error) bool) bool {
	for _, l := range layers {
		for _, state := range []images.ProgressState{by, images.Done} {
			if !yield(images.Progress{ID: l.Short(), State: state, Done: size, Total: size}, nil) {
				return false
			}
		}
	}
	return true
}

func (is imageStore) Load(ctx context.Context, opts engine.LoadOptions) iter.Seq2[images.Progress, error] {
	return func(yield func(images.Progress, error) bool) {
		if err := is.e.enter(ctx, OpLoad); err != nil {
			yield(images.Progress{}, opError("load", "images", "", err, ""))
			return
		}
		in := bufio.NewScanner(opts.Input)
		var names []string
		for in.Scan() {
			f := strings.Fields(in.Text())
			if len(f) < 2 || f[0] != archiveMagic {
				yield(images.Progress{}, opError("load", "images", "", engine.ErrCorrupt, "the archive was not made by save"))
				return
			}
			is.e.mu.Lock()
			img := is.e.addImage(Image{ID: images.Digest(f[1]), Refs: f[2:]})
			is.e.imageEvent(img, engine.ActionLoad, strings.Join(f[2:], ","))
			is.e.mu.Unlock()
			for _, name := range append(f[2:], f[1])[:max(1, len(f)-2)] {
				names = append(names, name)
				if !yield(images.Progress{ID: name, State: images.Done, Text: name}, nil) {
					return
				}
			}
		}
		yield(images.Progress{State: images.Done, Text: strings.Join(names, "\n")}, in.Err())
	}
}

func (is imageStore) Import(ctx context.Context, opts engine.ImportOptions) (images.Digest, error) {
	if err := is.e.enter(ctx, OpImport); err != nil {
		return "", opError("import", "image", opts.Ref, err, "")
	}
	var n int64
	if opts.URL == "" {
		var err error
		if n, err = io.Copy(io.Discard, opts.Input); err != nil {
			return "", opError("import", "image", opts.Ref, err, "")
		}
	}
	is.e.mu.Lock()
	defer is.e.mu.Unlock()
	script := Image{Size: n, Config: imported(opts.Changes)}
	if opts.Ref != "" {
		script.Refs = []string{opts.Ref}
	}
	img := is.e.addImage(script)
	is.e.imageEvent(img, engine.ActionImport, opts.Ref)
	return img.id, nil
}

// imported is the configuration that an import's changes make, as far as a
// scripted image needs one: labels, and entrypoint and command in exec form.
func imported(changes []string) images.Config {
	c := images.Config{Labels: make(map[string]string)}
	for _, line := range changes {
		word, args, _ := strings.Cut(line, " ")
		switch word {
		case "LABEL":
			if name, value, ok := strings.Cut(args, "="); ok {
				c.Labels[name] = value
			}
		case "ENTRYPOINT":
			_ = json.Unmarshal([]byte(args), &c.Entrypoint)
		case "CMD":
			_ = json.Unmarshal([]byte(args), &c.Cmd)
		}
	}
	return c
}

func (is imageStore) Login(ctx context.Context, cred engine.Credentials) (string, error) {
	if err := is.e.enter(ctx, OpLogin); err != nil {
		return "", opError("log in to", "registry", cred.Registry, err, "")
	}
	is.e.mu.Lock()
	defer is.e.mu.Unlock()
	is.e.logins[cred.Registry] = cred
	return "Login Succeeded", nil
}

func (is imageStore) Logout(ctx context.Context, registry string) error {
	if err := is.e.enter(ctx, OpLogout); err != nil {
		return opError("log out of", "registry", registry, err, "")
	}
	is.e.mu.Lock()
	defer is.e.mu.Unlock()
	if _, ok := is.e.logins[registry]; !ok {
		return opError("log out of", "registry", registry, engine.ErrNotFound, "nobody is logged in there")
	}
	delete(is.e.logins, registry)
	return nil
}

// Login returns the credentials that were stored for a registry.
func (e *Engine) Login(registry string) (engine.Credentials, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	cred, ok := e.logins[registry]
	return cred, ok
}

// tagged is the familiar name without a digest.
func tagged(ref images.Ref) string { return ref.WithTag(ref.Tag).Familiar() }
