package ui

import (
	"context"
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/images"
	"gantry/ui/dialogs"
)

func (m *Model) askTag(img engine.ImageSummary) tea.Cmd {
	name := imageName(img)
	return m.openForm(dialogs.Form{
		Name: "Tag", About: name, Yes: "tag",
		Fields: []dialogs.Field{{
			Key: "name", Label: "new name", Hint: "registry.example/team/app:1.0", Check: checked(images.ParseRef),
			Complete: prefixed(func() []string { return m.imageNames(nil) }),
		}},
		Note: func(v dialogs.Values) string {
			if other, ok := m.imageByName(v.Text("name")); ok && other.ID != img.ID {
				return "Another image has this name now; it loses it."
			}
			return ""
		},
		Preview: func(v dialogs.Values) string { return tagCommand(name, v.Text("name")) },
		Tag:     formTag(func(v dialogs.Values) tea.Cmd { return m.tag(img, v.Text("name")) }),
	})
}

func tagCommand(from, to string) string { return "gantry tag " + from + " " + orWord(to, "NAME") }

func (m *Model) tag(img engine.ImageSummary, name string) tea.Cmd {
	return m.do(operation{name: "Tag", past: "tagged " + imageName(img) + " as", command: tagCommand(imageName(img), name), objects: []string{name},
		one: func(ctx context.Context, _ int) (string, error) {
			return "", m.eng.Images().Tag(ctx, string(img.ID), name)
		}})
}

// tagWith takes ":tag NAME" for the chosen image and ":tag IMAGE NAME".
func tagWith(m *Model, args []string) (tea.Cmd, error) {
	if len(args) == 0 || len(args) > 2 {
		return nil, fmt.Errorf("want tag NAME, or tag IMAGE NAME")
	}
	imgs, err := m.namedImages(args[:len(args)-1])
	if err != nil {
		return nil, err
	}
	name := args[len(args)-1]
	if _, err := images.ParseRef(name); err != nil {
		return nil, err
	}
	return m.tag(imgs[0], name), nil
}

// askRemoveImages asks with what depends on each image: the containers that
// keep it from going. They go along only by a key of their own.
func (m *Model) askRemoveImages(imgs []engine.ImageSummary) tea.Cmd {
	names := imageNamesOf(imgs)
	var objects []dialogs.Object
	var free int64
	var users []engine.ContainerSummary
	keep, held := 0, 0
	for i, img := range imgs {
		o := dialogs.Object{Name: names[i], About: bytesText(img.Size)}
		mine := m.usersOf(img)
		switch {
		case len(img.Tags) > 1:
			keep++
			o.About += fmt.Sprintf("  keeps %d other %s", len(img.Tags)-1, pick(len(img.Tags)-1, "name", "names"))
		case len(mine) > 0:
			held++
			users = append(users, mine...)
		default:
			free += img.Size
		}
		for _, c := range mine {
			o.Under = append(o.Under, c.Name+", "+m.stateWord(c))
		}
		objects = append(objects, o)
	}
	d := dialogs.Confirm{Name: "Remove", Question: "Remove " + sumNames(names, "images") + "?", Yes: "remove", Objects: objects, Command: m.line("image.remove", names...)}
	switch {
	case free > 0:
		d.Note = "Up to " + bytesText(free) + " come back: layers that nothing else needs go."
	case keep > 0 && held == 0:
		d.Note = "Nothing comes back: only a name goes."
	}
	if held > 0 {
		d.Warn = "What containers use stays until they are removed."
		d.More = []dialogs.Button{{Key: "c", Word: fmt.Sprintf("remove with %d %s", len(users), pick(len(users), "container", "containers")), Short: "with containers"}}
	}
	if held == len(imgs) {
		d.Yes = ""
	}
	d.Tag = resultTag(func(m *Model, r dialogs.Result) tea.Cmd {
		switch {
		case !r.OK:
			return nil
		case r.Key == "c":
			return m.removeWithUsers(names, users)
		}
		return m.removeImages(names)
	})
	m.open(d)
	return nil
}

// usersOf are the containers that were made of an image.
func (m *Model) usersOf(img engine.ImageSummary) []engine.ContainerSummary {
	var out []engine.ContainerSummary
	for _, c := range m.state.Containers {
		if slices.Contains(img.Containers, c.ID) {
			out = append(out, c)
		}
	}
	return out
}

func (m *Model) removeImages(names []string) tea.Cmd {
	m.images.Unmark()
	return m.do(operation{name: "Remove", past: "removed", command: m.line("image.remove", names...), objects: names,
		one: func(ctx context.Context, i int) (string, error) {
			gone, err := m.eng.Images().Remove(ctx, names[i], engine.ImageRemoveOptions{})
			return removedText(gone), err
		}})
}

// removeWithUsers removes containers, and when all of them went, their images.
func (m *Model) removeWithUsers(names []string, users []engine.ContainerSummary) tea.Cmd {
	op := m.each("Remove", "removed", m.line("container.remove", containerNames(users)...), users, func(ctx context.Context, id string) error {
		return m.eng.Containers().Remove(ctx, id, engine.RemoveOptions{Force: true})
	})
	op.then = func() tea.Cmd { return m.removeImages(names) }
	return m.do(op)
}

func removedText(gone []engine.ImageRemoved) string {
	for _, g := range gone {
		if g.Deleted != "" {
			return "image deleted"
		}
	}
	return "name taken off; the image stays"
}

// killWords completes containers, then a signal.
func killWords(m *Model, args []string) []string {
	words := m.containerNames(running, args)
	if len(args) > 1 {
		for _, s := range signals {
			words = append(words, s.Text)
		}
	}
	return words
}

// killWith takes containers, and a signal as the last word.
func killWith(m *Model, args []string) (tea.Cmd, error) {
	signal := ""
	if n := len(args); n > 0 {
		for _, s := range signals {
			if strings.TrimPrefix(strings.ToUpper(args[n-1]), "SIG") == s.Text {
				signal, args = s.Text, args[:n-1]
				break
			}
		}
	}
	cs, err := m.named(args)
	if err != nil {
		return nil, err
	}
	for _, c := range cs {
		if why := running(c); why != "" {
			return nil, fmt.Errorf("%s: %s", c.Name, why)
		}
	}
	if signal == "" {
		return m.askKill(cs), nil
	}
	return m.kill(cs, signal), nil
}

// oneContainer completes a container as the first argument.
func oneContainer(m *Model, args []string) []string {
	if len(args) > 1 {
		return nil
	}
	return m.containerNames(whatever, args)
}

// renameWith takes ":rename NAME" for the chosen container and
// ":rename CONTAINER NAME".
func renameWith(m *Model, args []string) (tea.Cmd, error) {
	if len(args) == 0 || len(args) > 2 {
		return nil, fmt.Errorf("want rename NAME, or rename CONTAINER NAME")
	}
	cs, err := m.named(args[:len(args)-1])
	if err != nil {
		return nil, err
	}
	name := args[len(args)-1]
	if why := m.checkNewName(name); why != "" {
		return nil, fmt.Errorf("%s", why)
	}
	return m.rename(cs[0], name), nil
}
