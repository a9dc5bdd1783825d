package dockerfile

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"gantry/images"
	"gantry/images/build/plan"
)

// dispatchStage computes the steps of a stage whose base is known.
func (p *planner) dispatchStage(s *stage) error {
	s.begin()
	s.done = true
	if s.replaced {
		return nil
	}
	if s.where(p.target).OS != "linux" {
		return at(fmt.Errorf("a stage for %s is not supported: only linux is", s.where(p.target)), s.src.Location)
	}
	if !hasEnv(s.file.Config.Env, "PATH") {
		s.file.Config.Env = append(s.file.Config.Env, "PATH="+defaultPath)
	}
	for _, kv := range s.file.Config.Env {
		k, v, _ := strings.Cut(kv, "=")
		s.env.set(k, v)
	}
	if dir := s.file.Config.WorkingDir; dir != "" {
		s.file.Config.WorkingDir = absolute("/", dir)
	}
	for i, c := range s.cmds {
		step := plan.Step{Index: i, Source: written(c), At: rangeOf(c.Location())}
		if err := p.dispatch(s, c, &step); err != nil {
			return at(err, c.Location())
		}
		step.Empty = !step.Acts()
		step.Config = clone(s.file.Config)
		s.steps = append(s.steps, step)
	}
	return nil
}

// begin inherits from a stage of the file. ARG values and the environment reach
// stages that are built on one, as in buildkit.
func (s *stage) begin() {
	s.env = newEnvs()
	if b := s.base; b != nil {
		s.env = b.env.clone()
		s.platform = b.platform
		s.file = b.file
		s.file.Config = clone(b.file.Config)
		s.file.Config.OnBuild = nil
		s.workdirSet = b.workdirSet
		s.buildArgs = slices.Clone(b.buildArgs)
	}
	if s.title == "" {
		s.title = "FROM " + s.src.BaseName
	}
}

// expandInstruction replaces variables where the instruction has them. ARG's
// default may turn out not to be used, so it is left for later.
func (p *planner) expandInstruction(s *stage, c command) error {
	if _, isArg := c.Command.(*instructions.ArgCommand); isArg {
		return nil
	}
	if ex, ok := c.Command.(instructions.SupportsSingleWordExpansion); ok {
		if err := ex.Expand(p.expand(s, c)); err != nil {
			return err
		}
	}
	if ex, ok := c.Command.(instructions.SupportsSingleWordExpansionRaw); ok {
		lex := shell.NewLex('\\') // within here-documents the escape directive does not count
		lex.SkipProcessQuotes = true
		return ex.ExpandRaw(func(word string) (string, error) { return p.word(lex, s, c, word) })
	}
	return nil
}

func (p *planner) dispatch(s *stage, c command, step *plan.Step) error {
	outer := p.lint
	p.lint = p.lint.WithMergedConfigFromComments(c.Comments())
	defer func() { p.lint = outer }()
	if err := p.expandInstruction(s, c); err != nil {
		return unsetHint(err)
	}
	switch cmd := c.Command.(type) {
	case *instructions.RunCommand:
		return p.run(s, c, cmd, step)
	case *instructions.CopyCommand:
		return p.copyFiles(s, c, cmd, step)
	case *instructions.AddCommand:
		return p.addFiles(s, c, cmd, step)
	case *instructions.WorkdirCommand:
		return p.workdir(s, c, cmd, step)
	case *instructions.ArgCommand:
		return p.arg(s, cmd, step)
	case *instructions.ExposeCommand:
		return p.expose(s, cmd, step)
	}
	return p.configure(s, c, step)
}

// unsetHint explains ${NAME:?}.
func unsetHint(err error) error {
	for _, sign := range []string{"not allowed to be unset", "not allowed to be empty", "set but empty"} {
		if strings.Contains(err.Error(), sign) {
			return hinted{err, "give it by ENV, or by ARG and --build-arg"}
		}
	}
	return err
}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// emptyImage is what FROM scratch begins with.
func emptyImage(p images.Platform) images.ConfigFile {
	return images.ConfigFile{
		OS: p.OS, Architecture: p.Architecture, Variant: variant(p),
		RootFS: images.RootFS{Type: "layers"},
		Config: images.Config{WorkingDir: "/", Env: []string{"PATH=" + defaultPath}},
	}
}

// prefix numbers a step: "[build 2/5] ".
func (p *planner) prefix(s *stage, trigger bool, env *envs) string {
	if s.of == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteByte('[')
	if p.opt.MultiPlatform {
		where := s.where(p.target)
		b.WriteString(platformArg(where) + crossed(where, env) + " ")
	}
	if s.label != "" {
		b.WriteString(s.label + " ")
	}
	s.step++
	fmt.Fprintf(&b, "%*d/%d] ", int(1+math.Log10(float64(s.of))), s.step, s.of)
	if trigger {
		b.WriteString("ONBUILD ")
	}
	return b.String()
}

// crossed tells for which architecture a stage of another one builds.
func crossed(base images.Platform, env *envs) string {
	target := base
	if v, ok := env.Get("TARGETPLATFORM"); ok {
		t, err := images.ParsePlatform(v)
		if err != nil {
			return ""
		}
		target = t
	} else if v, ok := env.Get("TARGETARCH"); ok && v != "" {
		target.Architecture = v
		target.Variant, _ = env.Get("TARGETVARIANT")
	}
	if target.Architecture == base.Architecture {
		return ""
	}
	_, arch, _ := strings.Cut(platformArg(target), "/")
	return "->" + arch
}

// title is an instruction with its values, as it is printed.
func (p *planner) title(lex *shell.Lex, s *stage, text string, env shell.EnvGetter) string {
	if word, _, err := lex.ProcessWord(text, env); err == nil {
		text = word
	}
	name, rest, more := strings.Cut(text, " ")
	if !more {
		return strings.ToUpper(name)
	}
	return strings.ToUpper(name) + " " + rest
}

// source1 is an instruction as written, on one line.
func written(c command) string {
	text := ""
	if s, ok := c.Command.(fmt.Stringer); ok {
		text = s.String()
	}
	if c.trigger {
		return "ONBUILD " + text
	}
	return text
}

// fileFrom says where files of a stage or image come from, for COPY and
// mounts.
func (s *stage) fileFrom() (plan.From, error) {
	if !s.outside() {
		if !s.done {
			return plan.From{}, errLater
		}
		if s.replaced {
			return s.from, nil
		}
		return plan.From{Kind: plan.OfStage, Stage: s.index}, nil
	}
	return s.from, nil
}

var errLater = errors.New("it needs to be defined before the current stage")
