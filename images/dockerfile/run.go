package dockerfile

import (
	"fmt"
	"path"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"gantry/images/build/plan"
)

// scripts is where here-documents that are programs are found.
const scripts = "/dev/pipes/"

// run plans RUN.
func (p *planner) run(s *stage, c command, cmd *instructions.RunCommand, step *plan.Step) error {
	if instructions.GetSecurity(cmd) == instructions.SecurityInsecure {
		return hinted{
			fmt.Errorf("--security=insecure is not supported: a build runs foreign programs"),
			"leave it out; the step then runs in the sandbox that containers have",
		}
	}
	if len(instructions.GetDevices(cmd)) > 0 {
		return hinted{fmt.Errorf("--device is not supported: builds have no devices of the host"), "do in a container what needs one"}
	}
	r := &plan.Run{Dir: path.Clean(absolute(s.file.Config.WorkingDir, "")), User: s.file.Config.User, Proxy: p.proxy}
	name, err := program(r, s, cmd)
	if err != nil {
		return err
	}
	if network := instructions.GetNetwork(cmd); network != instructions.NetworkDefault {
		r.Network = network
	}
	env := s.env
	if err := p.mounts(s, c, cmd, r); err != nil {
		return err
	}
	if sock := firstAgent(r.Mounts); sock != "" && !hasEnv(env.list(), "SSH_AUTH_SOCK") {
		env = env.clone()
		env.set("SSH_AUTH_SOCK", sock)
	}
	r.Env = env.list()
	lex := *p.lex
	lex.RawQuotes, lex.RawEscapes, lex.SkipUnsetEnv = true, true, true
	step.Name = p.prefix(s, c.trigger, s.env) + p.title(&lex, s, name, masked(r.Mounts, s.env))
	step.CreatedBy = "RUN " + s.withArgs(r.Args) + " # buildkit"
	step.Run = r
	return nil
}

// program fills in what runs, and tells how the step is called.
func program(r *plan.Run, s *stage, cmd *instructions.RunCommand) (string, error) {
	name, args := cmd.String(), cmd.CmdLine
	if len(args) == 0 || !cmd.PrependShell && args[0] == "" {
		return "", hinted{fmt.Errorf("RUN has no program to run"), `write RUN COMMAND or RUN ["PROGRAM", "ARGUMENT"]`}
	}
	if len(cmd.Files) > 0 {
		if len(args) != 1 || !cmd.PrependShell {
			return "", fmt.Errorf("a here-document is for a shell, and this RUN has none")
		}
		first := cmd.Files[0]
		if parser.MustParseHeredoc(args[0]) == nil {
			args = []string{withDocuments(args[0], cmd.Files)}
		} else {
			data := first.Data
			if first.Chomp {
				data = parser.ChompHeredocContent(data)
			}
			if strings.HasPrefix(data, "#!") {
				// A program of its own, which the shell starts by its path.
				r.Files = []plan.InlineFile{{Name: first.Name, Data: data, Mode: 0o755}}
				data = path.Join(scripts, first.Name)
			}
			args = []string{data}
			name += fmt.Sprintf(" (%s)", summary(first.Data))
		}
	}
	r.Args = args
	if cmd.PrependShell {
		r.Args = s.withShell(args)
	}
	return name, nil
}

// withDocuments is a command with its here-documents, for the shell to read.
func withDocuments(line string, files []instructions.ShellInlineFile) string {
	var b strings.Builder
	b.WriteString(line)
	for _, f := range files {
		b.WriteString("\n" + f.Data + f.Name)
	}
	return b.String()
}

func summary(doc string) string {
	first, _, more := strings.Cut(strings.ReplaceAll(strings.TrimSpace(doc), "\r\n", "\n"), "\n")
	if more {
		first += "..."
	}
	return first
}

// withArgs is a command as the history tells it: "|1 A=b /bin/sh -c make".
func (s *stage) withArgs(args []string) string {
	var values []string
	place := map[string]int{}
	for _, a := range s.buildArgs {
		v, ok := s.env.Get(a.Key)
		if !ok {
			v = a.ValueString()
		}
		i, ok := place[a.Key]
		if !ok {
			i = len(values)
			place[a.Key] = i
			values = append(values, "")
		}
		values[i] = a.Key + "=" + v
	}
	if len(values) > 0 {
		values = append([]string{fmt.Sprintf("|%d", len(values))}, values...)
	}
	return strings.Join(append(values, args...), " ")
}

// mounts plans --mount.
func (p *planner) mounts(s *stage, c command, cmd *instructions.RunCommand, r *plan.Run) error {
	agents := 0
	for i, m := range instructions.GetMounts(cmd) {
		out := plan.Mount{
			Type: plan.MountType(m.Type), Target: m.Target, ReadOnly: m.ReadOnly, ID: m.CacheID,
			Sharing: plan.Sharing(m.CacheSharing), Required: m.Required, Size: m.SizeLimit,
			UID: small(m.UID), GID: small(m.GID), Mode: small(m.Mode),
		}
		if m.Env != nil {
			out.Env = *m.Env
		}
		var err error
		switch m.Type {
		case instructions.MountTypeSecret:
			err = secret(&out, m)
		case instructions.MountTypeSSH:
			err = agent(&out, m, agents)
			agents++
		default:
			err = p.mounted(s, &out, m, c.sources[i])
		}
		if err != nil {
			return fmt.Errorf("--mount=type=%s: %w", m.Type, err)
		}
		r.Mounts = append(r.Mounts, out)
	}
	return nil
}

// mounted plans mounts of files: bind, cache and tmpfs.
func (p *planner) mounted(s *stage, out *plan.Mount, m *instructions.Mount, source *stage) error {
	out.Target = path.Clean(absolute(s.file.Config.WorkingDir, m.Target))
	if out.Target == "/" || m.Target == "" {
		return fmt.Errorf("invalid mount target %q", m.Target)
	}
	if m.Type == instructions.MountTypeTmpfs {
		return nil
	}
	out.Source = path.Join("/", m.Source)
	if m.Type == instructions.MountTypeCache {
		out.From.Kind = plan.Scratch
		if out.ID == "" {
			out.ID = path.Clean(m.Target)
		}
		if out.Sharing == "" {
			out.Sharing = plan.Shared
		}
	}
	if m.From == "" {
		return nil
	}
	from, err := source.fileFrom()
	if err != nil {
		return fmt.Errorf("cannot mount from stage %q to %q: %w", m.From, m.Target, err)
	}
	out.From = from
	return nil
}

func secret(out *plan.Mount, m *instructions.Mount) error {
	if m.Source != "" {
		out.ID = m.Source
	}
	if out.ID == "" {
		if m.Target == "" {
			return fmt.Errorf("one of source, target required")
		}
		out.ID = path.Base(m.Target)
	}
	if m.Env != nil && *m.Env == "" {
		out.Env = out.ID
	}
	if m.Env == nil && m.Target == "" {
		out.Target = "/run/secrets/" + path.Base(out.ID)
	}
	if out.Target != "" {
		out.Target = absolute("/", out.Target)
	}
	return nil
}

func agent(out *plan.Mount, m *instructions.Mount, n int) error {
	if m.Source != "" {
		return fmt.Errorf("ssh does not support source")
	}
	if out.ID == "" {
		out.ID = "default"
	}
	if out.Target == "" {
		out.Target = fmt.Sprintf("/run/buildkit/ssh_agent.%d", n)
	}
	return nil
}

func firstAgent(mounts []plan.Mount) string {
	for _, m := range mounts {
		if m.Type == plan.MountSSH {
			return m.Target
		}
	}
	return ""
}

// masked hides the values of variables that secrets will have.
func masked(mounts []plan.Mount, env *envs) *envs {
	for _, m := range mounts {
		if m.Type == plan.MountSecret && m.Env != "" {
			env = env.clone()
			env.set(m.Env, "****")
		}
	}
	return env
}

func small(v *uint64) *uint32 {
	if v == nil {
		return nil
	}
	n := uint32(*v)
	return &n
}
