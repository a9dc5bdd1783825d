package dockerfile

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"golang.org/x/sys/unix"

	"gantry/images"
	"gantry/images/build/plan"
)

// configure does the instructions that only change the configuration. What
// they say in the history is buildkit's wording.
func (p *planner) configure(s *stage, c command, step *plan.Step) error {
	cfg := &s.file.Config
	step.Name = written(c)
	if _, expands := c.Command.(instructions.SupportsSingleWordExpansion); expands {
		step.Name = p.title(p.lex, s, step.Name, s.env)
	}
	switch cmd := c.Command.(type) {
	case *instructions.MaintainerCommand:
		s.file.Author = cmd.Maintainer
		step.CreatedBy = "MAINTAINER " + cmd.Maintainer
	case *instructions.EnvCommand:
		step.CreatedBy = "ENV"
		for _, e := range cmd.Env {
			p.lintPair("ENV", cmd.Name(), e.Key, e.NoDelim, cmd.Location())
			s.env.set(e.Key, e.Value)
			cfg.Env = setEnv(cfg.Env, e.Key, e.Value)
			step.CreatedBy += " " + e.String()
		}
	case *instructions.LabelCommand:
		step.CreatedBy = "LABEL"
		if cfg.Labels == nil {
			cfg.Labels = map[string]string{}
		}
		for _, l := range cmd.Labels {
			p.lintPair("", cmd.Name(), l.Key, l.NoDelim, cmd.Location())
			cfg.Labels[l.Key] = l.Value
			step.CreatedBy += " " + l.String()
		}
	case *instructions.OnbuildCommand:
		cfg.OnBuild = append(cfg.OnBuild, cmd.Expression)
	case *instructions.CmdCommand:
		p.lintOnce(s, cmd)
		cfg.Cmd = p.shellForm(s, cmd, cmd.ShellDependantCmdLine)
		cfg.ArgsEscaped = true
		step.CreatedBy = fmt.Sprintf("CMD %q", cfg.Cmd)
	case *instructions.EntrypointCommand:
		p.lintOnce(s, cmd)
		cfg.Entrypoint = p.shellForm(s, cmd, cmd.ShellDependantCmdLine)
		if !s.seen["cmd"] { // the base's CMD was meant for the base's program
			cfg.Cmd = nil
		}
		step.CreatedBy = fmt.Sprintf("ENTRYPOINT %q", cfg.Entrypoint)
	case *instructions.HealthCheckCommand:
		p.lintOnce(s, cmd)
		h := cmd.Health
		cfg.Healthcheck = &images.Healthcheck{
			Test: h.Test, Interval: h.Interval, Timeout: h.Timeout,
			StartPeriod: h.StartPeriod, StartInterval: h.StartInterval, Retries: h.Retries,
		}
		step.CreatedBy = fmt.Sprintf("HEALTHCHECK %+v", *cfg.Healthcheck)
	case *instructions.UserCommand:
		cfg.User = cmd.User
		step.CreatedBy = "USER " + cmd.User
	case *instructions.VolumeCommand:
		if cfg.Volumes == nil {
			cfg.Volumes = map[string]struct{}{}
		}
		for _, v := range cmd.Volumes {
			if v == "" {
				return fmt.Errorf("VOLUME specified can not be an empty string")
			}
			cfg.Volumes[v] = struct{}{}
		}
		step.CreatedBy = fmt.Sprintf("VOLUME %v", cmd.Volumes)
	case *instructions.StopSignalCommand:
		if !validSignal(cmd.Signal) {
			return hinted{fmt.Errorf("invalid signal: %q", cmd.Signal), "want a name such as SIGTERM or a number"}
		}
		cfg.StopSignal = cmd.Signal
		step.CreatedBy = "STOPSIGNAL " + cmd.Signal
	case *instructions.ShellCommand:
		cfg.Shell = cmd.Shell
		step.CreatedBy = fmt.Sprintf("SHELL %v", cmd.Shell)
	default:
		return fmt.Errorf("unsupported instruction %s", c.Name())
	}
	return nil
}

// shellForm is a program with its shell, where it was not written as a list.
func (p *planner) shellForm(s *stage, c instructions.Command, line instructions.ShellDependantCmdLine) []string {
	if !line.PrependShell {
		return line.CmdLine
	}
	if len(s.file.Config.Shell) == 0 {
		p.lint.Run(&linter.RuleJSONArgsRecommended, c.Location(), linter.RuleJSONArgsRecommended.Format(c.Name()))
	}
	return s.withShell(line.CmdLine)
}

func (s *stage) withShell(args []string) []string {
	shell := []string{"/bin/sh", "-c"}
	if len(s.file.Config.Shell) > 0 {
		shell = slices.Clone(s.file.Config.Shell)
	}
	return append(shell, strings.Join(args, " "))
}

// arg declares arguments: the value given, else the default, else that of the
// global argument of the same name.
func (p *planner) arg(s *stage, cmd *instructions.ArgCommand, step *plan.Step) error {
	step.CreatedBy = "ARG"
	for _, a := range cmd.Args {
		p.asked[a.Key] = true
		p.lintPair("ARG", "", a.Key, false, cmd.Location())
		given, isGiven := p.opt.BuildArgs[a.Key]
		switch {
		case isGiven:
			a.Value = &given
		case a.Value != nil:
			word, err := p.word(p.lex, s, cmd, *a.Value)
			if err != nil {
				return unsetHint(err)
			}
			a.Value = &word
		default:
			if v, ok := p.global.Get(a.Key); ok {
				a.Value = &v
			}
		}
		step.CreatedBy += " " + a.Key
		if a.Value != nil {
			s.env.set(a.Key, *a.Value)
			step.CreatedBy += "=" + *a.Value
		}
		s.buildArgs = append(s.buildArgs, a)
	}
	step.Name = step.CreatedBy
	return nil
}

// workdir changes the directory, and makes it unless it is the root.
func (p *planner) workdir(s *stage, c command, cmd *instructions.WorkdirCommand, step *plan.Step) error {
	if !s.workdirSet && !path.IsAbs(cmd.Path) {
		p.lint.Run(&linter.RuleWorkdirRelativePath, c.Location(), linter.RuleWorkdirRelativePath.Format(cmd.Path))
	}
	s.workdirSet = true
	cfg := &s.file.Config
	cfg.WorkingDir = absolute(cfg.WorkingDir, cmd.Path)
	step.Name = p.title(p.lex, s, cmd.String(), s.env)
	step.CreatedBy = "WORKDIR " + cfg.WorkingDir
	if path.Clean(cfg.WorkingDir) != "/" {
		step.Name = p.prefix(s, c.trigger, s.env) + step.Name
		step.Workdir = &plan.Workdir{Dir: path.Clean(cfg.WorkingDir), User: cfg.User}
	}
	return nil
}

// absolute is a path as seen from a directory; an absolute one is kept as it
// is written.
func absolute(dir, p string) string {
	switch {
	case dir == "":
		dir = "/"
	case !path.IsAbs(dir):
		dir = path.Join("/", dir)
	}
	switch {
	case p == "":
		return dir
	case path.IsAbs(p):
		return p
	}
	return path.Join(dir, p)
}

// validSignal accepts what docker does: a number, or a name with or without
// SIG, RTMIN and RTMAX with an offset among them.
func validSignal(s string) bool {
	if n, err := strconv.Atoi(s); err == nil {
		return n > 0 && n < 65
	}
	name := strings.TrimPrefix(strings.ToUpper(s), "SIG")
	if unix.SignalNum("SIG"+name) != 0 || name == "RTMIN" || name == "RTMAX" {
		return true
	}
	for prefix, most := range map[string]int{"RTMIN+": 15, "RTMAX-": 14} {
		if offset, ok := strings.CutPrefix(name, prefix); ok {
			n, err := strconv.Atoi(offset)
			return err == nil && n > 0 && n <= most
		}
	}
	return false
}

// clone shares nothing with c.
func clone(c images.Config) images.Config {
	c.ExposedPorts = maps.Clone(c.ExposedPorts)
	c.Env = slices.Clone(c.Env)
	c.Entrypoint = slices.Clone(c.Entrypoint)
	c.Cmd = slices.Clone(c.Cmd)
	c.Volumes = maps.Clone(c.Volumes)
	c.OnBuild = slices.Clone(c.OnBuild)
	c.Labels = maps.Clone(c.Labels)
	c.Shell = slices.Clone(c.Shell)
	if c.Healthcheck != nil {
		h := *c.Healthcheck
		h.Test = slices.Clone(h.Test)
		c.Healthcheck = &h
	}
	return c
}
