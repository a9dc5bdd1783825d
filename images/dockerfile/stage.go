package dockerfile

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"gantry/images"
	"gantry/images/build/plan"
)

// stage is a FROM with its instructions; or, with an index of -1, an image or
// context outside of the file that an instruction takes files from.
type stage struct {
	src   instructions.Stage
	index int
	label string // what the names of steps call it

	platform *images.Platform // that FROM asks for, or the base's
	base     *stage           // FROM another stage
	replaced bool             // --build-context has its name: nothing of it runs
	cmds     []command
	needs    []need

	from  plan.From // where its files begin
	title string
	image *plan.Image // that it begins with, once resolved

	triggered bool // ONBUILD of the base is in cmds
	done      bool // dispatched

	env        *envs // what variables expand to and RUN sees
	buildArgs  []instructions.KeyValuePairOptional
	file       images.ConfigFile // as docker writes it, up to the last step
	workdirSet bool
	steps      []plan.Step
	step, of   int // of the numbered steps: the last one, and how many

	seen map[string]bool // CMD, ENTRYPOINT and HEALTHCHECK that the stage has
}

// command is an instruction and the stages that it needs.
type command struct {
	instructions.Command
	sources []*stage // of COPY --from: one; of RUN: one for each mount
	trigger bool     // it comes from ONBUILD
}

// need is an edge of the graph of stages, and the instruction to blame for it.
type need struct {
	on *stage
	at []parser.Range
}

const scratch = "scratch"

func (s *stage) where(def images.Platform) images.Platform {
	if s.platform != nil {
		return *s.platform
	}
	return def
}

func (s *stage) outside() bool { return s.index < 0 }

// makeStages evaluates the FROM lines.
func (p *planner) makeStages(stages []instructions.Stage) error {
	for i, src := range stages {
		s := &stage{src: src, index: i, label: src.Name, seen: map[string]bool{}}
		if s.label == "" {
			s.label = "stage-" + strconv.Itoa(i)
		}
		if err := p.makeStage(s); err != nil {
			return at(err, src.Location)
		}
	}
	return nil
}

func (p *planner) makeStage(s *stage) error {
	lint := p.lint.WithMergedConfigFromComments(s.src.Comments)
	base := s.src.BaseName
	name, err := p.lex.ProcessWordWithMatches(base, p.global)
	p.lintUndeclared(name.Unmatched, s.src.Location, lint)
	if err != nil {
		return err
	}
	if name.Result == "" {
		return p.missingArg(fmt.Errorf("base name (%s) should not be blank", base), name.Unmatched)
	}
	s.src.BaseName = name.Result
	if s.src.Platform != "" {
		if err := p.stagePlatform(s, lint); err != nil {
			return err
		}
	}
	if _, ok := p.context(s.src.Name); ok && s.src.Name != "" {
		s.replaced = true
	} else {
		s.base = p.byName[s.src.BaseName]
	}
	if s.base != nil {
		s.from = plan.From{Kind: plan.OfStage, Stage: s.base.index}
	}
	p.stages = append(p.stages, s)
	if s.src.Name != "" {
		p.byName[s.src.Name] = s
	}
	if s.src.BaseName != scratch && s.base == nil {
		s.of++
	}
	for _, c := range s.src.Commands {
		switch c.(type) {
		case *instructions.AddCommand, *instructions.CopyCommand, *instructions.RunCommand, *instructions.WorkdirCommand:
			s.of++
		}
	}
	return nil
}

func (p *planner) stagePlatform(s *stage, lint lintRunner) error {
	word, err := p.lex.ProcessWordWithMatches(s.src.Platform, p.global)
	p.lintUndeclared(word.Unmatched, s.src.Location, lint)
	p.lintPlatform(s, word, lint)
	if err != nil {
		return fmt.Errorf("--platform=%s: %w", s.src.Platform, err)
	}
	if word.Result == "" {
		return p.missingArg(fmt.Errorf("empty platform value from expression %s", s.src.Platform), word.Unmatched)
	}
	platform, err := images.ParsePlatform(word.Result)
	if err != nil {
		return p.missingArg(fmt.Errorf("--platform=%s: %w", s.src.Platform, err), word.Unmatched)
	}
	s.platform = &platform
	return nil
}

// missingArg says what to do about a variable that FROM uses and nobody
// declares.
func (p *planner) missingArg(err error, unmatched map[string]struct{}) error {
	for name := range unmatched {
		if other := nearest(name, p.global.Keys()); other != "" {
			return hinted{err, "did you mean " + other + "?"}
		}
		return hinted{err, fmt.Sprintf("put ARG %s=VALUE in front of the first FROM, or give --build-arg %s=VALUE with an ARG %s there", name, name, name)}
	}
	return hinted{err, "its argument is empty; give it a default, or a value by --build-arg"}
}

// connect finds what the instructions of every stage need.
func (p *planner) connect() error {
	for _, s := range p.stages {
		for _, cmd := range s.src.Commands {
			c, err := p.command(s, cmd)
			if err != nil {
				return at(err, cmd.Location())
			}
			s.cmds = append(s.cmds, c)
		}
	}
	if err := p.circles(); err != nil {
		return err
	}
	if len(p.stages)+len(p.outside) == 1 {
		p.stages[0].label = ""
	}
	return nil
}

// command finds the stages that an instruction takes files from.
func (p *planner) command(s *stage, cmd instructions.Command) (command, error) {
	c := command{Command: cmd}
	switch cmd := cmd.(type) {
	case *instructions.CopyCommand:
		if cmd.From == "" {
			break
		}
		word, _, err := p.lex.ProcessWord(cmd.From, newEnvs())
		if err != nil {
			return c, err
		}
		if word != cmd.From {
			return c, hinted{
				fmt.Errorf("variable expansion is not supported for --from=%s", cmd.From),
				"define a stage with FROM, which uses a global ARG, and copy from that",
			}
		}
		from, err := p.stageOf(cmd.From, cmd.Location())
		if err != nil {
			return c, err
		}
		c.sources = []*stage{from}
	case *instructions.RunCommand:
		for _, m := range instructions.GetMounts(cmd) {
			from := m.From
			if from == "" {
				from = scratch
			}
			c.sources = append(c.sources, p.named(from, cmd.Location()))
		}
	}
	for _, on := range c.sources {
		s.needs = append(s.needs, need{on, cmd.Location()})
	}
	return c, nil
}

// stageOf finds the stage that COPY --from means: by index, by name, or else
// an image.
func (p *planner) stageOf(from string, where []parser.Range) (*stage, error) {
	i, err := strconv.Atoi(from)
	if err != nil {
		return p.named(from, where), nil
	}
	if i < 0 || i >= len(p.stages) {
		return nil, hinted{
			fmt.Errorf("invalid stage index %d", i),
			fmt.Sprintf("the file has the stages 0 to %d", len(p.stages)-1),
		}
	}
	return p.stages[i], nil
}

func (p *planner) named(name string, where []parser.Range) *stage {
	if s, ok := p.byName[strings.ToLower(name)]; ok {
		return s
	}
	s := &stage{src: instructions.Stage{BaseName: name, Location: where}, index: -1}
	p.outside = append(p.outside, s)
	return s
}

// circles refuses stages that need themselves.
func (p *planner) circles() error {
	const open, closed = 1, 2
	state := map[*stage]int{}
	var visit func(s *stage) error
	visit = func(s *stage) error {
		state[s] = open
		for _, n := range s.all() {
			switch state[n.on] {
			case open:
				err := fmt.Errorf("circular dependency detected on stage: %s", n.on.label)
				return parser.WithLocation(err, n.at)
			case 0:
				if err := visit(n.on); err != nil {
					return err
				}
			}
		}
		state[s] = closed
		return nil
	}
	for _, s := range p.stages {
		if state[s] == 0 {
			if err := visit(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// all is what a stage needs, its base first.
func (s *stage) all() []need {
	if s.replaced {
		return nil
	}
	if s.base == nil {
		return s.needs
	}
	return append([]need{{s.base, s.src.Location}}, s.needs...)
}

// reachable are the stages that one needs, and that stage.
func reachable(from *stage, into map[*stage]bool) {
	if into[from] {
		return
	}
	into[from] = true
	for _, n := range from.all() {
		reachable(n.on, into)
	}
}

// expand replaces variables in one word.
func (p *planner) expand(s *stage, c command) func(string) (string, error) {
	return func(word string) (string, error) { return p.word(p.lex, s, c, word) }
}

func (p *planner) word(lex *shell.Lex, s *stage, c instructions.Command, word string) (string, error) {
	out, unmatched, err := lex.ProcessWord(word, s.env)
	p.lintUndefined(s, c, unmatched)
	return out, err
}
