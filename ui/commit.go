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

// askCommit asks what the image is called that a container's files become.
func (m *Model) askCommit(c engine.ContainerSummary) tea.Cmd {
	return m.openForm(dialogs.Form{
		Name: "Make an image of it", About: c.Name, Yes: "commit",
		Fields: []dialogs.Field{
			{Key: "name", Label: "name", Hint: "none; my/image:1.0", Check: optionalRef, Complete: prefixed(func() []string { return m.imageNames(nil) })},
			{Key: "message", Label: "message", Hint: "for the image's history"},
			{Key: "author", Label: "author"},
			{Key: "changes", Label: "changes", Kind: dialogs.Rows, Hint: "CMD [\"app\"], ENV A=1, a row each"},
			{Key: "pause", Label: "pause", Kind: dialogs.Toggle, Value: "true", About: "freeze it meanwhile, so that its files fit together"},
		},
		Note: func(v dialogs.Values) string {
			if _, ok := m.imageByName(v.Text("name")); ok && v.Text("name") != "" {
				return "Another image has this name now; it loses it."
			}
			return "What it has in mounts does not become part of the image."
		},
		Preview: func(v dialogs.Values) string { return commitCommand(c.Name, v) },
		Tag:     formTag(func(v dialogs.Values) tea.Cmd { return m.commit(c, v) }),
	})
}

// optionalRef checks the name of an image that may have none.
func optionalRef(s string) string {
	if s == "" {
		return ""
	}
	return checked(images.ParseRef)(s)
}

func commitCommand(name string, v dialogs.Values) string {
	words := []string{"gantry commit"}
	add := func(flag string, values ...string) {
		for _, s := range values {
			if s != "" {
				words = append(words, flag+" "+quote(s))
			}
		}
	}
	add("-a", v.Text("author"))
	add("-m", v.Text("message"))
	add("-c", v.List("changes")...)
	if !v.On("pause") {
		words = append(words, "--pause=false")
	}
	return strings.TrimSpace(strings.Join(append(words, name, v.Text("name")), " "))
}

func (m *Model) commit(c engine.ContainerSummary, v dialogs.Values) tea.Cmd {
	opts := engine.CommitOptions{Ref: v.Text("name"), Author: v.Text("author"), Message: v.Text("message"), Changes: v.List("changes"), Pause: v.On("pause")}
	return m.do(operation{name: "Commit", past: "made an image of", command: commitCommand(c.Name, v), objects: []string{c.Name},
		one: func(ctx context.Context, _ int) (string, error) {
			id, err := m.eng.Containers().Commit(ctx, string(c.ID), opts)
			return id.Short(), err
		}})
}

// commitWith takes ":commit CONTAINER [NAME]".
func commitWith(m *Model, args []string) (tea.Cmd, error) {
	if len(args) > 2 {
		return nil, fmt.Errorf("want commit CONTAINER, or commit CONTAINER NAME")
	}
	cs, err := m.named(args[:1])
	if err != nil {
		return nil, err
	}
	if len(args) == 1 {
		return m.askCommit(cs[0]), nil
	}
	if _, err := images.ParseRef(args[1]); err != nil {
		return nil, err
	}
	return m.commit(cs[0], dialogs.Values{"name": {args[1]}, "pause": {"true"}}), nil
}
