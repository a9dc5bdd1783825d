package dockerfile

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/buildkit/util/suggest"
	"github.com/moby/patternmatcher"

	"gantry/images"
	"gantry/images/build/plan"
)

type lintRunner = *linter.Linter

// checkArg configures the linter in place of the check directive.
const checkArg = "BUILDKIT_DOCKERFILE_CHECK"

func (p *planner) makeLinter() error {
	options, given := p.opt.BuildArgs[checkArg]
	var where []parser.Range
	if !given {
		_, options, where, _ = parser.ParseDirective("check", p.file.text)
	}
	config, err := linter.ParseLintOptions(options)
	if err != nil {
		return at(hinted{err, "want skip=RULE,…, skip=all, error=true or experimental=RULE, parted by semicolons"}, where)
	}
	config.Warn = p.found
	p.lint = linter.New(config)
	return nil
}

// found keeps what the linter finds.
func (p *planner) found(rule, description, url, message string, where []parser.Range) {
	f := images.Finding{Rule: rule, Description: description, URL: url, Message: message, Fix: fixes[rule], At: rangeOf(where)}
	if slices.ContainsFunc(p.findings, func(o images.Finding) bool {
		return o.Rule == f.Rule && o.Message == f.Message && o.At == f.At
	}) {
		return
	}
	f.Lines = p.file.around(f.At)
	p.findings = append(p.findings, f)
}

// sorted are the findings by their place.
func (p *planner) sorted() []images.Finding {
	slices.SortStableFunc(p.findings, func(a, b images.Finding) int {
		return cmp.Or(cmp.Compare(a.At.Start.Line, b.At.Start.Line), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message))
	})
	return p.findings
}

// fixes say what to write instead.
var fixes = map[string]string{
	"StageNameCasing":                 "write the stage's name in lower case, here and where it is used",
	"FromAsCasing":                    "write FROM … AS …, or from … as …",
	"NoEmptyContinuation":             "remove the empty line, or put # on it",
	"ConsistentInstructionCasing":     "write all instructions in the same case",
	"DuplicateStageName":              "rename one of the stages",
	"ReservedStageName":               "rename the stage",
	"JSONArgsRecommended":             `write it as a list, for instance ["program", "argument"], or put SHELL ["/bin/sh", "-c"] in front to say that a shell is meant`,
	"MaintainerDeprecated":            `write LABEL org.opencontainers.image.authors="…"`,
	"UndefinedArgInFrom":              "put ARG NAME=VALUE in front of the first FROM",
	"WorkdirRelativePath":             "write an absolute path",
	"UndefinedVar":                    "declare it by ARG or ENV in this stage, or write \\$ where a dollar sign is meant",
	"MultipleInstructionsDisallowed":  "remove all but the last one",
	"LegacyKeyValueFormat":            "put an equals sign between name and value",
	"InvalidBaseImagePlatform":        "use an image that has the platform, or say which is meant with FROM --platform",
	"RedundantTargetPlatform":         "leave out --platform",
	"SecretsUsedInArgOrEnv":           "use RUN --mount=type=secret,id=NAME,env=NAME",
	"InvalidDefaultArgInFrom":         "give the ARG a default that is the name of an image",
	"FromPlatformFlagConstDisallowed": "build with --platform, or name the stage after the platform",
	"CopyIgnoredFile":                 "take the pattern out of .dockerignore, or do not copy the file",
	"InvalidDefinitionDescription":    "begin the comment with the name, or put an empty line below it",
	"ExposeProtoCasing":               "write the protocol in lower case",
	"ExposeInvalidFormat":             "leave only the container's port; run publishes ports with -p",
}

// nearest is the option that a word was probably meant to be.
func nearest(word string, options []string) string {
	match, _ := suggest.Search(word, options, true)
	return match
}

// lintText looks at what needs no values.
func (p *planner) lintText(stages []instructions.Stage) {
	for _, w := range p.file.warnings {
		if w.URL == linter.RuleNoEmptyContinuation.URL {
			p.lint.Run(&linter.RuleNoEmptyContinuation, []parser.Range{*w.Location}, linter.RuleNoEmptyContinuation.Format())
		}
	}
	p.lintNames(stages)
	p.lintCasing(stages)
}

func (p *planner) lintNames(stages []instructions.Stage) {
	names := map[string]bool{}
	for _, s := range stages {
		if s.Name == "context" || s.Name == scratch {
			p.lint.Run(&linter.RuleReservedStageName, s.Location, linter.RuleReservedStageName.Format(s.Name))
		}
		if names[s.Name] && s.Name != "" {
			p.lint.Run(&linter.RuleDuplicateStageName, s.Location, linter.RuleDuplicateStageName.Format(s.Name))
		}
		names[s.Name] = true
	}
}

// lintCasing wants all instructions in the case that most have.
func (p *planner) lintCasing(stages []instructions.Stage) {
	type word struct {
		text  string
		where []parser.Range
	}
	var words []word
	balance := 0
	for _, s := range stages {
		words = append(words, word{s.OrigCmd, s.Location})
		for _, c := range s.Commands {
			words = append(words, word{c.Name(), c.Location()})
		}
	}
	for _, w := range words {
		switch w.text {
		case strings.ToLower(w.text):
			balance++
		case strings.ToUpper(w.text):
			balance--
		}
	}
	want, cased := "uppercase", strings.ToUpper
	if balance > 0 {
		want, cased = "lowercase", strings.ToLower
	}
	for _, w := range words {
		if cased(w.text) != w.text {
			p.lint.Run(&linter.RuleConsistentInstructionCasing, w.where, linter.RuleConsistentInstructionCasing.Format(w.text, want))
		}
	}
}

// lintDefaultArgs wants base images to have a name without build arguments.
func (p *planner) lintDefaultArgs(stages []instructions.Stage, predefined *envs, cmds []instructions.ArgCommand) {
	args, err := p.globalArgs(predefined, cmds, nil)
	if err != nil {
		return // planning ends with the same error
	}
	for _, s := range stages {
		name, _, err := p.lex.ProcessWord(s.BaseName, args)
		if err != nil {
			return
		}
		if _, err := images.ParseRef(name); err != nil {
			p.lint.Run(&linter.RuleInvalidDefaultArgInFrom, s.Location, linter.RuleInvalidDefaultArgInFrom.Format(s.BaseName))
		}
	}
}

// lintUndeclared reports variables of FROM that no global ARG declares.
func (p *planner) lintUndeclared(unmatched map[string]struct{}, where []parser.Range, lint lintRunner) {
	for name := range unmatched {
		if p.asked[name] {
			continue
		}
		options := p.global.Keys()
		lint.Run(&linter.RuleUndefinedArgInFrom, where, linter.RuleUndefinedArgInFrom.Format(name, nearest(name, options)))
	}
}

func (p *planner) lintPlatform(s *stage, word shell.ProcessWordResult, lint lintRunner) {
	if _, ok := word.Matched["TARGETPLATFORM"]; ok && len(word.Matched) == 1 && len(word.Unmatched) == 0 {
		if v, _ := p.global.Get("TARGETPLATFORM"); v == word.Result {
			lint.Run(&linter.RuleRedundantTargetPlatform, s.src.Location, linter.RuleRedundantTargetPlatform.Format(s.src.Platform))
		}
	}
	if len(word.Matched)+len(word.Unmatched) > 0 {
		return
	}
	platform, err := images.ParsePlatform(word.Result)
	if err != nil || strings.Contains(s.src.Name, platform.OS) || strings.Contains(s.src.Name, platform.Architecture) {
		return
	}
	lint.Run(&linter.RuleFromPlatformFlagConstDisallowed, s.src.Location, linter.RuleFromPlatformFlagConstDisallowed.Format(word.Result))
}

func (p *planner) lintBasePlatform(s *stage, want, is images.Platform) {
	if want.OS == is.OS && want.Architecture == is.Architecture {
		return
	}
	message := linter.RuleInvalidBaseImagePlatform.Format(s.src.BaseName, platformArg(want), platformArg(is))
	p.lint.Run(&linter.RuleInvalidBaseImagePlatform, s.src.Location, message)
}

// lintUndefined reports variables that nothing sets. An ARG without a value is
// one that may be empty.
func (p *planner) lintUndefined(s *stage, c instructions.Command, unmatched map[string]struct{}) {
	for name := range unmatched {
		if slices.ContainsFunc(s.buildArgs, func(a instructions.KeyValuePairOptional) bool { return a.Key == name }) {
			continue
		}
		p.lint.Run(&linter.RuleUndefinedVar, c.Location(), linter.RuleUndefinedVar.Format(name, nearest(name, s.env.Keys())))
	}
}

// secretName and publicName match names of variables by whole words.
var (
	secretName = lazy(`(?i)(?:_|^)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|$)`)
	publicName = lazy(`(?i)(?:_|^)(?:public|file|version)(?:_|$)`)
)

// lintPair looks at a variable or label. An empty instruction has no secrets.
func (p *planner) lintPair(instruction, written, key string, legacy bool, where []parser.Range) {
	if legacy {
		p.lint.Run(&linter.RuleLegacyKeyValueFormat, where, linter.RuleLegacyKeyValueFormat.Format(written))
	}
	if instruction != "" && secretName().MatchString(key) && !publicName().MatchString(key) {
		p.lint.Run(&linter.RuleSecretsUsedInArgOrEnv, where, linter.RuleSecretsUsedInArgOrEnv.Format(instruction, key))
	}
}

// lintOnce reports instructions of which only the last counts.
func (p *planner) lintOnce(s *stage, c instructions.Command) {
	name := strings.ToLower(c.Name())
	if s.seen[name] {
		p.lint.Run(&linter.RuleMultipleInstructionsDisallowed, c.Location(), linter.RuleMultipleInstructionsDisallowed.Format(c.Name()))
	}
	s.seen[name] = true
}

// lintIgnored reports sources that .dockerignore leaves out. With exceptions
// among the patterns only the files themselves could tell.
func (p *planner) lintIgnored(c command, out *plan.Copy) {
	matcher, err := patternmatcher.New(p.opt.Ignore)
	if err != nil || len(p.opt.Ignore) == 0 || matcher.Exclusions() {
		return
	}
	name := "Copy"
	if out.Add {
		name = "Add"
	}
	for _, src := range out.Sources {
		if src.Kind != plan.Path {
			continue
		}
		file := path.Clean(src.Path)
		if (file == "." || file == "/") && !slices.ContainsFunc(p.opt.Ignore, func(s string) bool { return s == "*" || s == "**" || s == "**/*" }) {
			continue
		}
		if ignored, err := matcher.MatchesOrParentMatches(file); err == nil && ignored {
			p.lint.Run(&linter.RuleCopyIgnoredFile, c.Location(), linter.RuleCopyIgnoredFile.Format(name, file))
		}
	}
}
