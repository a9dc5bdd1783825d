package ui

import (
	"context"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/images"
	"gantry/ui/dialogs"
)

// askRun opens the form of a new container, for the image under the cursor.
func (m *Model) askRun() tea.Cmd {
	name := ""
	if img, ok := m.image(); ok && len(img.Tags) > 0 {
		name = img.Tags[0]
	}
	m.open(dialogs.Input{
		Name: "Run a new container", Yes: "run",
		Fields: []dialogs.Field{
			{Label: "image", Value: name, Hint: "alpine:3.20"}, {Label: "name", Hint: "drawn when empty"},
			{Label: "command", Hint: "the image's own"}, {Label: "env", Hint: "A=1 B=2"}, {Label: "memory", Hint: "no limit; 256m"},
			{Label: "network", Value: "none", Hint: "none or host"},
		},
		Preview: func(v []string) string { return runCommand(v) },
		Check:   func(v []string) string { _, err := runOptions(v); return errText(err) },
		Tag: formTag(func(v []string) tea.Cmd {
			opts, err := runOptions(v)
			if err != nil {
				m.fail(err, doneMsg{})
				return nil
			}
			return m.do("started", runCommand(v), []string{v[0]}, func(ctx context.Context, _ int) error {
				made, err := m.eng.Containers().Create(ctx, opts)
				if err != nil {
					return err
				}
				return m.eng.Containers().Start(ctx, string(made.ID))
			})
		}),
	})
	return nil
}

// runCommand is the command line that does the same as the form.
func runCommand(v []string) string {
	cmd := "gantry run -d"
	add := func(flag, value string) {
		if value != "" {
			cmd += " " + flag + " " + value
		}
	}
	add("--name", v[1])
	for _, e := range strings.Fields(v[3]) {
		add("-e", e)
	}
	add("-m", v[4])
	if v[5] != "none" {
		add("--network", v[5])
	}
	return strings.TrimSpace(cmd + " " + v[0] + " " + v[2])
}

func runOptions(v []string) (engine.CreateOptions, error) {
	var o engine.CreateOptions
	if _, err := images.ParseRef(v[0]); err != nil {
		return o, err
	}
	if v[1] != "" {
		if err := engine.CheckName(v[1]); err != nil {
			return o, err
		}
	}
	args, err := split(v[2])
	if err != nil {
		return o, err
	}
	o.Name, o.Config.Image, o.Config.Cmd, o.Config.Env = v[1], v[0], args, strings.Fields(v[3])
	for _, e := range o.Config.Env {
		if !strings.Contains(e, "=") {
			return o, fmt.Errorf("%w environment %q: want NAME=value", engine.ErrInvalid, e)
		}
	}
	if o.Host.Memory, err = size(v[4]); err != nil {
		return o, err
	}
	if o.Host.NetworkMode = v[5]; v[5] != "none" && v[5] != "host" && v[5] != "" {
		return o, fmt.Errorf("%w network %q: there are none and host", engine.ErrInvalid, v[5])
	}
	return o, nil
}

// split breaks a command line at blanks; quotes keep blanks, a backslash the
// next character.
func split(s string) ([]string, error) {
	var out []string
	var word strings.Builder
	var quote rune
	in, escaped := false, false
	for _, r := range s {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, in = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, in = r, true
		case r == ' ' || r == '\t':
			if in {
				out = append(out, word.String())
			}
			word.Reset()
			in = false
		default:
			word.WriteRune(r)
			in = true
		}
	}
	if quote != 0 || escaped {
		return nil, fmt.Errorf("%w command: a quote is not closed", engine.ErrInvalid)
	}
	if in {
		out = append(out, word.String())
	}
	return out, nil
}

// size reads "256m", "1g" or a number of bytes; empty is none.
func size(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	unit := map[byte]int64{'k': 1 << 10, 'm': 1 << 20, 'g': 1 << 30}
	mult, digits := int64(1), strings.ToLower(s)
	if u, ok := unit[digits[len(digits)-1]]; ok {
		mult, digits = u, digits[:len(digits)-1]
	}
	n := int64(0)
	for _, r := range digits {
		if r < '0' || r > '9' || n > 1<<40 {
			return 0, fmt.Errorf("%w size %q: want a number with k, m or g", engine.ErrInvalid, s)
		}
		n = n*10 + int64(r-'0')
	}
	if digits == "" {
		return 0, fmt.Errorf("%w size %q: want a number with k, m or g", engine.ErrInvalid, s)
	}
	return n * mult, nil
}

func (m *Model) askPull() tea.Cmd {
	m.open(dialogs.Input{
		Name: "Pull an image", Yes: "pull",
		Fields:  []dialogs.Field{{Label: "image", Hint: "alpine, registry.example/team/app:1.0"}, {Label: "platform", Hint: images.HostPlatform().String()}},
		Preview: func(v []string) string { return pullCommand(v) },
		Check: func(v []string) string {
			_, err := images.ParseRef(v[0])
			return errText(err)
		},
		Tag: formTag(func(v []string) tea.Cmd {
			return m.startJob(engine.JobSpec{Kind: "pull", Args: map[string]string{"ref": v[0], "platform": v[1]}}, "Pull "+v[0], pullCommand(v))
		}),
	})
	return nil
}

func pullCommand(v []string) string {
	if v[1] != "" {
		return "gantry pull --platform " + v[1] + " " + v[0]
	}
	return "gantry pull " + v[0]
}

func (m *Model) askTag(img engine.ImageSummary) tea.Cmd {
	m.open(dialogs.Input{
		Name: "Tag " + imageName(img), Yes: "tag", Fields: []dialogs.Field{{Label: "new name", Hint: "registry.example/team/app:1.0"}},
		Preview: func(v []string) string { return "gantry tag " + imageName(img) + " " + v[0] },
		Check:   func(v []string) string { _, err := images.ParseRef(v[0]); return errText(err) },
		Tag: formTag(func(v []string) tea.Cmd {
			return m.do("tagged", "gantry tag "+imageName(img)+" "+v[0], []string{v[0]}, func(ctx context.Context, _ int) error {
				return m.eng.Images().Tag(ctx, string(img.ID), v[0])
			})
		}),
	})
	return nil
}

func (m *Model) askPush(img engine.ImageSummary) tea.Cmd {
	if len(img.Tags) == 0 {
		return m.say("Push: the image has no name; tag it first", true)
	}
	ref := img.Tags[0]
	return m.ask("Push "+ref+"?", "push", "Its layers become readable for whoever may read that repository.", []string{ref}, func() tea.Cmd {
		return m.startJob(engine.JobSpec{Kind: "push", Args: map[string]string{"ref": ref}}, "Push "+ref, "gantry push "+ref)
	})
}

func (m *Model) askRemoveImage(img engine.ImageSummary) tea.Cmd {
	name := imageName(img)
	note := "Layers that nothing else needs go with it."
	if n := len(img.Tags); n > 1 {
		note = fmt.Sprintf("It keeps its %d other names.", n-1)
	}
	return m.ask("Remove "+name+"?", "remove", note, []string{name}, func() tea.Cmd {
		return m.do("removed", "gantry rmi "+name, []string{name}, func(ctx context.Context, _ int) error {
			_, err := m.eng.Images().Remove(ctx, name, engine.ImageRemoveOptions{})
			return err
		})
	})
}

func imageName(img engine.ImageSummary) string {
	if len(img.Tags) > 0 {
		return img.Tags[0]
	}
	return img.ID.Short()
}
