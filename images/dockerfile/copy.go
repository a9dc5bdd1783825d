package dockerfile

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"gantry/images"
	"gantry/images/build/plan"
)

// copyFiles plans COPY.
func (p *planner) copyFiles(s *stage, c command, cmd *instructions.CopyCommand, step *plan.Step) error {
	out := &plan.Copy{
		Chown: cmd.Chown, Chmod: cmd.Chmod, Link: cmd.Link, Parents: cmd.Parents, Exclude: cmd.ExcludePatterns,
	}
	ignore := true
	if len(c.sources) > 0 {
		from, err := c.sources[0].fileFrom()
		if err != nil {
			return fmt.Errorf("cannot copy from stage %q: %w", cmd.From, err)
		}
		out.From, ignore = from, false
	}
	return p.files(s, c, cmd.SourcesAndDest, out, step, ignore)
}

// addFiles plans ADD.
func (p *planner) addFiles(s *stage, c command, cmd *instructions.AddCommand, step *plan.Step) error {
	out := &plan.Copy{
		Add: true, Chown: cmd.Chown, Chmod: cmd.Chmod, Link: cmd.Link, Exclude: cmd.ExcludePatterns,
		Checksum: cmd.Checksum, KeepGitDir: cmd.KeepGitDir,
	}
	for _, src := range cmd.SourcePaths {
		kind := sourceKind(src)
		unpack := kind == plan.Path // what is fetched stays as it is, unless asked
		if cmd.Unpack != nil && kind != plan.Git {
			unpack = *cmd.Unpack
		}
		out.Sources = append(out.Sources, plan.Source{Kind: kind, Path: src, Unpack: unpack})
	}
	return p.files(s, c, cmd.SourcesAndDest, out, step, true)
}

// files does what COPY and ADD have in common.
func (p *planner) files(s *stage, c command, params instructions.SourcesAndDest, out *plan.Copy, step *plan.Step, ignore bool) error {
	if !out.Add {
		for _, src := range params.SourcePaths {
			if kind := sourceKind(src); kind != plan.Path {
				return hinted{fmt.Errorf("source can't be a %s for COPY: %s", kindName[kind], src), "ADD fetches files"}
			}
			out.Sources = append(out.Sources, plan.Source{Path: src})
		}
	}
	if err := checkOwner(out); err != nil {
		return err
	}
	if err := checkMode(out.Chmod); err != nil {
		return err
	}
	if err := checkSum(out); err != nil {
		return err
	}
	for _, f := range params.SourceContents {
		out.Files = append(out.Files, plan.InlineFile{Name: f.Path, Data: f.Data, Mode: 0o644})
	}
	out.Dest = destination(s.file.Config.WorkingDir, params.DestPath)
	if ignore {
		p.lintIgnored(c, out)
	}
	step.Name = p.prefix(s, c.trigger, s.env) + p.title(p.lex, s, strings.TrimPrefix(written(c), "ONBUILD "), s.env)
	step.CreatedBy = createdBy(out, params.DestPath)
	step.Copy = out
	return nil
}

var kindName = map[plan.SourceKind]string{plan.URL: "URL", plan.Git: "git ref"}

// createdBy is the instruction as the history tells it: buildkit leaves out
// the flags that do not change what is copied.
func createdBy(c *plan.Copy, dest string) string {
	words := []string{"COPY"}
	if c.Add {
		words[0] = "ADD"
	}
	if c.Parents {
		words = append(words, "--parents")
	}
	if c.Chown != "" {
		words = append(words, "--chown="+c.Chown)
	}
	if c.Chmod != "" {
		words = append(words, "--chmod="+c.Chmod)
	}
	for _, src := range c.Sources {
		words = append(words, src.Path)
	}
	for _, f := range c.Files {
		words = append(words, "<<"+f.Name)
	}
	return strings.Join(append(words, dest, "# buildkit"), " ")
}

// destination is absolute and keeps the slash that says that it is a
// directory; "." says so as well.
func destination(dir, dest string) string {
	if dest == "" || dest == "." {
		dest = "./"
	}
	if strings.HasSuffix(dest, "/.") {
		dest = strings.TrimSuffix(dest, ".")
	}
	out := absolute(dir, dest)
	if strings.HasSuffix(dest, "/") && !strings.HasSuffix(out, "/") {
		out += "/"
	}
	return out
}

var (
	protocol = lazy(`^[a-zA-Z0-9]+://`)
	scpLike  = lazy(`^[a-zA-Z0-9-_]+@[a-zA-Z0-9-.]+:`)
)

// sourceKind tells what a source of ADD is. A repository by http ends in
// .git; what buildkit cannot tell from a path is one.
func sourceKind(src string) plan.SourceKind {
	if scheme := protocol().FindString(src); scheme != "" {
		switch strings.ToLower(scheme) {
		case "git://", "ssh://":
			return plan.Git
		case "http://", "https://":
			if u, err := url.Parse(src); err == nil && strings.HasSuffix(u.Path, ".git") {
				return plan.Git
			}
			return plan.URL
		}
		return plan.Path
	}
	if scpLike().MatchString(src) {
		return plan.Git
	}
	return plan.Path
}

// checkOwner refuses names where there is no /etc/passwd to look them up in.
func checkOwner(c *plan.Copy) error {
	if !c.Link || c.Chown == "" {
		return nil
	}
	for part := range strings.SplitSeq(c.Chown, ":") {
		if _, err := strconv.ParseUint(part, 10, 32); err != nil && part != "" {
			return hinted{
				fmt.Errorf("--chown=%s: user and group names can't be resolved when used with --link", c.Chown),
				"use numeric uid[:gid] instead",
			}
		}
	}
	return nil
}

// symbolic is a mode as chmod(1) takes it.
var symbolic = lazy(`^[ugoa]*([-+=]([rwxXst]*|[ugo]))+(,[ugoa]*([-+=]([rwxXst]*|[ugo]))+)*$`)

func checkMode(mode string) error {
	if mode == "" || symbolic().MatchString(mode) {
		return nil
	}
	if n, err := strconv.ParseUint(mode, 8, 32); err == nil && n <= 0o7777 {
		return nil
	}
	return hinted{
		fmt.Errorf("invalid chmod parameter: '%v'", mode),
		"it should be octal, between 0 and 07777, or symbolic such as u=rwX,go=rX",
	}
}

func checkSum(c *plan.Copy) error {
	switch {
	case c.Checksum == "":
		return nil
	case len(c.Sources) != 1:
		return fmt.Errorf("checksum can't be specified for multiple sources")
	case c.Sources[0].Kind == plan.Path:
		return fmt.Errorf("checksum requires HTTP(S) or Git sources")
	case c.Sources[0].Kind == plan.URL:
		if _, err := images.ParseDigest(c.Checksum); err != nil {
			return fmt.Errorf("--checksum=%s: %w", c.Checksum, err)
		}
	}
	return nil
}
