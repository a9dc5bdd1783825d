package dockerfile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"golang.org/x/sync/errgroup"

	"gantry/images"
	"gantry/images/build/plan"
)

// imageKey is what is resolved once.
type imageKey struct {
	ref      images.Ref
	platform images.Platform
}

type resolved struct {
	sync.Once
	image plan.Image
	err   error
}

// settle resolves the bases of the stages that the target needs. ONBUILD of
// these may need others, so it goes on until nothing is added.
func (p *planner) settle(ctx context.Context, target *stage, all bool) (map[*stage]bool, error) {
	for {
		needed := map[*stage]bool{}
		reachable(target, needed)
		if all {
			for _, s := range p.stages {
				reachable(s, needed)
			}
		}
		if err := p.resolveAll(ctx, needed); err != nil {
			return nil, err
		}
		more, err := p.trigger(needed)
		if err != nil {
			return nil, err
		}
		if !more {
			return needed, nil
		}
		if err := p.circles(); err != nil {
			return nil, err
		}
	}
}

// resolveAll begins every stage that is needed and has no base in the file.
func (p *planner) resolveAll(ctx context.Context, needed map[*stage]bool) error {
	var begin []*stage
	for _, s := range slices.Concat(p.stages, p.outside) {
		if needed[s] && s.base == nil && s.image == nil && s.from.Kind == plan.MainContext {
			begin = append(begin, s)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for _, s := range begin {
		if image, ok, err := p.origin(s); err != nil {
			return at(err, s.src.Location)
		} else if ok {
			g.Go(func() error { return p.resolveImage(ctx, s, image) })
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, s := range begin { // in order, because it numbers steps and lints
		if s.image != nil {
			p.began(s)
		}
	}
	return nil
}

// origin says where a stage's files come from, and the image's reference where
// it is one.
func (p *planner) origin(s *stage) (images.Ref, bool, error) {
	name := s.src.BaseName
	if s.replaced {
		name = s.src.Name
	}
	if !s.replaced && name == scratch {
		s.from = plan.From{Kind: plan.Scratch}
		s.file = emptyImage(s.where(p.target))
		return images.Ref{}, false, nil
	}
	if value, ok := p.context(name); ok {
		image, isImage := strings.CutPrefix(value, imageContext)
		switch {
		case isImage && image == scratch:
			s.from = plan.From{Kind: plan.Scratch}
		case isImage:
			ref, err := images.ParseRef(image)
			return ref, true, err
		case strings.HasPrefix(value, "oci-layout:"):
			return images.Ref{}, false, hinted{
				fmt.Errorf("--build-context %s=%s: image layouts are not supported as contexts", name, value),
				"load the layout, and give " + imageContext + "NAME",
			}
		default:
			s.from = plan.From{Kind: plan.NamedContext, Context: contextName(name)}
		}
		s.file = emptyImage(s.where(p.target))
		if s.replaced { // buildkit gives it no configuration at all
			s.file.Config = images.Config{}
		}
		return images.Ref{}, false, nil
	}
	ref, err := images.ParseRef(name)
	if err != nil {
		return ref, false, p.notAnImage(s, err)
	}
	return ref, true, nil
}

func (p *planner) resolveImage(ctx context.Context, s *stage, ref images.Ref) error {
	platform := s.where(p.target)
	p.mu.Lock()
	key := imageKey{ref, platform}
	r := p.images[key]
	if r == nil {
		r = &resolved{}
		p.images[key] = r
	}
	p.mu.Unlock()
	r.Do(func() { r.image, r.err = p.resolve(ctx, ref, platform) })
	if r.err != nil {
		if errors.Is(r.err, context.Canceled) {
			return r.err
		}
		return at(p.notAnImage(s, r.err), s.src.Location)
	}
	image := r.image
	s.image = &image
	return nil
}

// commonImages are what people mean when they mistype the name of an image.
var commonImages = []string{"alpine", "busybox", "debian", "ubuntu", "fedora", "golang", "node", "python", "nginx", "redis", "postgres", "rust"}

// notAnImage helps with names that were meant to be another image's or a
// stage's.
func (p *planner) notAnImage(s *stage, err error) error {
	name := s.src.BaseName
	err = fmt.Errorf("image %q: %w", name, err)
	if other, ok := p.byName[strings.ToLower(name)]; ok {
		if other.index > s.index && !s.outside() {
			return hinted{err, "the stage " + other.src.Name + " comes later in the file"}
		}
		return hinted{err, "did you mean the stage " + other.src.Name + "?"}
	}
	if other := nearest(name, append(p.names(), commonImages...)); other != "" {
		return hinted{err, "did you mean " + other + "?"}
	}
	return err
}

// began takes over what an image gives to a stage.
func (p *planner) began(s *stage) {
	img := s.image
	s.from = plan.From{Kind: plan.OfImage, Image: img}
	s.file = img.File
	s.file.Config = clone(img.File.Config)
	want := s.where(p.target)
	if s.platform == nil && p.implicit && img.File.OS != "" {
		want = img.File.Platform()
	}
	s.platform = &want
	if s.outside() || s.replaced {
		return
	}
	p.lintBasePlatform(s, want, img.File.Platform())
	ref := img.Ref
	if img.Digest != "" {
		ref.Digest = img.Digest
	}
	s.title = "FROM " + ref.String()
	if len(img.File.RootFS.DiffIDs) > 0 { // an image without layers is not worth a step, says buildkit
		s.title = p.prefix(s, false, newEnvs()) + s.title
	}
}

// context is the value of --build-context for a name.
func (p *planner) context(name string) (string, bool) {
	if name == "" || strings.EqualFold(name, scratch) || strings.EqualFold(name, "context") {
		return "", false
	}
	want := contextName(name)
	for given, value := range p.opt.Contexts {
		if contextName(given) == want {
			return value, true
		}
	}
	return "", false
}

// contextName is how names of contexts are compared: as images, of which
// :latest may be left out.
func contextName(name string) string {
	ref, err := images.ParseRef(name)
	if err != nil {
		return name
	}
	return strings.TrimSuffix(ref.Familiar(), ":latest")
}

// trigger puts the ONBUILD instructions of bases in front of those of the
// stages that are built on them. It tells whether these need anything.
func (p *planner) trigger(needed map[*stage]bool) (bool, error) {
	more := false
	for _, s := range p.stages {
		if !needed[s] || s.triggered || s.replaced {
			continue
		}
		s.triggered = true
		var triggers []string
		if s.base == nil {
			triggers = s.file.Config.OnBuild
			s.file.Config.OnBuild = nil
		} else {
			for _, c := range s.base.cmds {
				if onbuild, ok := c.Command.(*instructions.OnbuildCommand); ok {
					triggers = append(triggers, onbuild.Expression)
				}
			}
		}
		added, err := p.addTriggers(s, triggers)
		if err != nil {
			return false, parser.SetLocation(err, s.src.Location)
		}
		more = more || added
	}
	return more, nil
}

func (p *planner) addTriggers(s *stage, triggers []string) (more bool, err error) {
	cmds := make([]command, 0, len(triggers))
	for _, t := range triggers {
		parsed, err := parser.Parse(strings.NewReader(t))
		if err != nil {
			return false, fmt.Errorf("ONBUILD %s of the base: %w", t, err)
		}
		if len(parsed.AST.Children) != 1 {
			return false, fmt.Errorf("ONBUILD %s of the base: it is not one instruction", t)
		}
		node := parsed.AST.Children[0]
		if word := strings.ToUpper(node.Value); word == "FROM" || word == "ONBUILD" || word == "MAINTAINER" {
			return false, fmt.Errorf("ONBUILD %s of the base: %s isn't allowed as an ONBUILD trigger", t, word)
		}
		where := rangeOf(s.src.Location)
		node.StartLine, node.EndLine = where.Start.Line, where.End.Line
		node.PrevComment = nil // a check directive there would panic: ParseCommand has no linter
		cmd, err := instructions.ParseCommand(node)
		if err != nil {
			return false, fmt.Errorf("ONBUILD %s of the base: %w", t, err)
		}
		c, err := p.command(s, cmd)
		if err != nil {
			return false, fmt.Errorf("ONBUILD %s of the base: %w", t, err)
		}
		c.trigger = true
		more = more || len(c.sources) > 0
		cmds = append(cmds, c)
	}
	s.cmds = append(cmds, s.cmds...)
	s.of += len(cmds)
	return more, nil
}
