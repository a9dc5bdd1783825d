package dockerfile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"gantry/images"
	"gantry/images/build/plan"
)

// planner is the state of one planning, for one platform.
type planner struct {
	file    *File
	opt     Options
	resolve Resolve

	target, build images.Platform
	implicit      bool // nobody asked for the platform

	lex      *shell.Lex
	lint     *linter.Linter
	findings []images.Finding

	global *envs // predefined and global arguments
	asked  map[string]bool
	epoch  *time.Time
	proxy  []string

	stages  []*stage // of the file
	outside []*stage // what COPY and mounts take from outside of it
	byName  map[string]*stage
	mu      sync.Mutex // guards images
	images  map[imageKey]*resolved
}

// Plan computes what a build consists of. It resolves the base images that the
// target needs, in parallel, and nothing else.
//
// A file whose check directive makes an error of findings gives a
// *images.FindingsError; other errors that the file is to blame for are
// *images.SourceError.
func (f *File) Plan(ctx context.Context, opt Options, resolve Resolve) (*plan.Plan, error) {
	p := &planner{file: f, opt: opt, resolve: resolve}
	result, err := p.plan(ctx, false)
	if err != nil {
		return nil, f.explain(err)
	}
	if err := p.refused(); err != nil {
		return nil, err
	}
	return result, nil
}

// Check is what the linter finds in the target and what it needs, or in all
// stages when there is no target; and the first mistake, if there is one.
func (f *File) Check(ctx context.Context, opt Options, resolve Resolve) ([]images.Finding, error) {
	p := &planner{file: f, opt: opt, resolve: resolve}
	_, err := p.plan(ctx, opt.Target == "")
	return p.sorted(), f.explain(err)
}

func (p *planner) plan(ctx context.Context, all bool) (*plan.Plan, error) {
	stages, globals, err := p.prepare()
	if err != nil {
		return nil, err
	}
	if err := p.makeGlobals(stages, globals); err != nil {
		return nil, err
	}
	if err := p.makeStages(stages); err != nil {
		return nil, err
	}
	target, err := p.findTarget()
	if err != nil {
		return nil, err
	}
	if err := p.connect(); err != nil {
		return nil, err
	}
	needed, err := p.settle(ctx, target, all)
	if err != nil {
		return nil, err
	}
	for _, s := range p.stages {
		if !needed[s] {
			continue
		}
		if err := p.dispatchStage(s); err != nil {
			return nil, err
		}
	}
	return p.finish(target, needed), nil
}

// prepare parses the instructions once more, because expanding changes them,
// and has the linter look at what it finds in the text.
func (p *planner) prepare() ([]instructions.Stage, []instructions.ArgCommand, error) {
	p.target, p.build, p.implicit = p.opt.platforms()
	if p.target.OS != "linux" {
		return nil, nil, fmt.Errorf("builds for %s are not supported: only linux is", p.target.OS)
	}
	if ref := p.opt.BuildArgs["BUILDKIT_SYNTAX"]; ref != "" && !knownFrontend(ref) {
		return nil, nil, unknownFrontend(ref)
	}
	p.lex = shell.NewLex(p.file.escape)
	p.byName, p.images, p.asked = map[string]*stage{}, map[imageKey]*resolved{}, map[string]bool{}
	p.proxy = p.opt.proxyEnv()
	if err := p.makeLinter(); err != nil {
		return nil, nil, err
	}
	stages, globals, err := instructions.Parse(p.file.ast, p.lint)
	if err != nil {
		return nil, nil, err
	}
	p.lintText(stages)
	return stages, globals, nil
}

// makeGlobals evaluates the arguments in front of the first FROM.
func (p *planner) makeGlobals(stages []instructions.Stage, cmds []instructions.ArgCommand) error {
	name := p.opt.Target
	if name == "" {
		name = stages[len(stages)-1].Name
	}
	predefined := p.opt.predefined(p.target, p.build, name)
	p.lintDefaultArgs(stages, predefined, cmds)
	for _, cmd := range cmds {
		for _, a := range cmd.Args {
			p.asked[a.Key] = true
		}
	}
	var err error
	if p.global, err = p.globalArgs(predefined, cmds, p.opt.BuildArgs); err != nil {
		return err
	}
	value := p.opt.BuildArgs[epochArg]
	if value == "" {
		value, _ = p.global.Get(epochArg)
	}
	p.epoch, err = epoch(value)
	return err
}

// globalArgs adds global arguments to others: the value given, else the
// default, which may use those before it.
func (p *planner) globalArgs(args *envs, cmds []instructions.ArgCommand, given map[string]string) (*envs, error) {
	args = args.clone()
	for _, cmd := range cmds {
		for _, kv := range cmd.Args {
			v, ok := given[kv.Key]
			switch {
			case ok:
			case kv.Value == nil:
				continue
			default:
				word, _, err := p.lex.ProcessWord(*kv.Value, args)
				if err != nil {
					return nil, parser.WithLocation(err, cmd.Location())
				}
				v = word
			}
			args.set(kv.Key, v)
		}
	}
	return args, nil
}

func (p *planner) findTarget() (*stage, error) {
	name := p.opt.Target
	if name == "" {
		return p.stages[len(p.stages)-1], nil
	}
	if s, ok := p.byName[strings.ToLower(name)]; ok {
		return s, nil
	}
	if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(p.stages) {
		return p.stages[i], nil
	}
	err := fmt.Errorf("target stage %q could not be found", name)
	if hint := nearest(name, p.names()); hint != "" {
		return nil, hinted{err, "did you mean " + hint + "?"}
	}
	if names := p.names(); len(names) > 0 {
		return nil, hinted{err, "the file has " + strings.Join(names, ", ")}
	}
	return nil, hinted{err, "no stage of the file has a name; give its index, from 0"}
}

// names are those that stages have after AS.
func (p *planner) names() []string {
	var names []string
	for _, s := range p.stages {
		if s.src.Name != "" {
			names = append(names, s.src.Name)
		}
	}
	return names
}

// finish gathers what was planned.
func (p *planner) finish(target *stage, needed map[*stage]bool) *plan.Plan {
	result := &plan.Plan{
		File: p.file.name, Platform: p.target, Target: target.index,
		Labels: maps.Clone(p.opt.Labels), Epoch: p.epoch,
		Hostname:       p.opt.BuildArgs["BUILDKIT_SANDBOX_HOSTNAME"],
		CacheNamespace: p.opt.BuildArgs["BUILDKIT_CACHE_MOUNT_NS"],
	}
	result.InlineCache, _ = strconv.ParseBool(p.opt.BuildArgs["BUILDKIT_INLINE_CACHE"])
	if p.implicit && target.file.OS != "" {
		result.Platform = target.file.Platform()
	}
	for _, s := range p.stages {
		result.Stages = append(result.Stages, p.exported(s, needed[s]))
	}
	if len(p.opt.Labels) > 0 {
		c := &result.Stages[target.index].Config
		*c = clone(*c)
		if c.Labels == nil {
			c.Labels = map[string]string{}
		}
		maps.Copy(c.Labels, p.opt.Labels)
	}
	for _, name := range slices.Sorted(maps.Keys(p.opt.BuildArgs)) {
		if _, predefined := p.global.Get(name); !p.asked[name] && !predefined && !known(name) {
			result.UnusedArgs = append(result.UnusedArgs, name)
		}
	}
	result.Findings = p.sorted()
	return result
}

func (p *planner) exported(s *stage, needed bool) plan.Stage {
	out := plan.Stage{
		Index: s.index, Name: s.src.Name, Comment: s.src.DocComment,
		Platform: s.where(p.target), Base: s.from, Title: s.title,
		Needed: needed, At: rangeOf(s.src.Location),
		NoCache: p.opt.NoCache || slices.ContainsFunc(p.opt.NoCacheFilter, s.isCalled),
	}
	if out.Name == "" {
		out.Name = fmt.Sprintf("stage-%d", s.index)
	}
	if needed {
		out.Steps, out.Config, out.Author = s.steps, clone(s.file.Config), s.file.Author
	}
	return out
}

// isCalled tells whether a name is the one after AS.
func (s *stage) isCalled(name string) bool {
	return s.src.Name != "" && strings.EqualFold(name, s.src.Name)
}

// refused is the error that `check=error=true` makes of findings.
func (p *planner) refused() error {
	if p.lint.Error() == nil {
		return nil
	}
	return &images.FindingsError{File: p.file.name, Findings: p.sorted()}
}
