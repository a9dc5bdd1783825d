package ui

import (
	"context"
	"errors"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/images"
	"gantry/ui/dialogs"
	"gantry/ui/widgets"
)

// account is a failure taken apart for people.
type account struct {
	what string // failed, and on which object: "stop container db"
	why  string
	hint string // what to do next
	all  string // the whole chain, where it says more
}

// explain takes the innermost account of a failure, which says most about it,
// with the container's name in the place of its ID.
func (m *Model) explain(err error) account {
	var op, last *engine.OpError
	for e := err; errors.As(e, &op); e = op.Err {
		last = op
	}
	a := account{why: err.Error(), hint: hintFor(err)}
	if last != nil {
		a.what = strings.TrimSpace(last.Op + " " + last.Kind + " " + m.nameOf(last.ID))
		a.why = last.Err.Error()
		switch {
		case last.Hint != "":
			a.hint = last.Hint
		case last.Op == "pull" && errors.Is(err, engine.ErrNotFound):
			a.hint = "check the name and its tag; a private repository may want a login first (:login)"
		}
		if all := err.Error(); all != last.Error() {
			a.all = all
		}
	}
	for _, s := range []*string{&a.what, &a.why, &a.hint, &a.all} {
		*s = safeText(*s)
	}
	return a
}

// safeText makes text of unknown origin harmless and keeps its lines. Most is
// plain, and comes back as it is.
func safeText(s string) string {
	if plainText(s) {
		return s
	}
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = widgets.Safe([]byte(l))
	}
	return strings.Join(lines, "\n")
}

func plainText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\n' || c > '~' {
			return false
		}
	}
	return true
}

// hintFor is what is known about the class of an error whose engine gave no
// hint.
func hintFor(err error) string {
	for _, class := range []struct {
		is   error
		hint string
	}{
		{images.ErrUnauthorized, "log in to the registry (:login), or check that the name is right"},
		{images.ErrUnavailable, "check the network and the registry's name, then try again"},
		{images.ErrPlatform, "give the platform that the image has"},
		{engine.ErrPermission, "run gantry as a user who may do this"},
		{engine.ErrInUse, "remove what uses it first"},
		{engine.ErrConflict, "choose another name, or remove what has it"},
		{engine.ErrCommandNotFound, "check the command's spelling and that the image has it"},
		{engine.ErrCorrupt, "pull the image again"},
		{engine.ErrNotFound, "it may have been removed meanwhile; look at the list"},
		{context.DeadlineExceeded, "the engine is slow to answer; try again"},
		{context.Canceled, "it was cancelled; what was done until then stays"},
	} {
		if errors.Is(err, class.is) {
			return class.hint
		}
	}
	return "try again; gantry info tells what this host lacks"
}

// fail opens the error dialog: what failed, on which object, why, and what to
// do next.
func (m *Model) fail(err error) tea.Cmd {
	a := m.explain(err)
	d := dialogs.Message{Name: "That did not work", What: a.what, Text: a.why, Hint: a.hint, Chain: a.all, Bad: true}
	if a.what == "" {
		d.What, d.Text = a.why, ""
	}
	m.open(d)
	return nil
}

// failUnauthorized is fail with a way to log in; then follows the login.
func (m *Model) failUnauthorized(err error, registry string, then func() tea.Cmd) tea.Cmd {
	a := m.explain(err)
	m.open(dialogs.Message{
		Name: "The registry wants a login", What: a.what, Text: a.why, Hint: "log in, and it is tried again", Chain: a.all, Bad: true,
		Buttons: []dialogs.Button{{Key: "l", Word: "log in"}},
		Tag: resultTag(func(m *Model, r dialogs.Result) tea.Cmd {
			if r.Key == "l" {
				return m.askLoginTo(registry, then)
			}
			return nil
		}),
	})
	return nil
}

// unauthorized tells whether a login may help. A job's error has lost its class
// on the way here, but not its words.
func unauthorized(err error) bool {
	return errors.Is(err, images.ErrUnauthorized) || strings.Contains(err.Error(), images.ErrUnauthorized.Error())
}

// nameOf is the name of a container or image by its ID; other words stay.
func (m *Model) nameOf(id string) string {
	for _, c := range m.state.Containers {
		if string(c.ID) == id {
			return c.Name
		}
	}
	for _, img := range m.state.Images {
		if string(img.ID) == id {
			return imageName(img)
		}
	}
	return id
}
