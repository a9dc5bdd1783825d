package ui

import (
	"context"
	"fmt"
	"path"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/dialogs"
	"gantry/ui/keys"
)

func volumeActions() []keys.Action {
	list := []keys.Action{
		{ID: "volume.open", Keys: []string{"enter"}, Command: "gantry volume inspect OBJECT", Title: "Into the detail", Help: "Give the tab that is shown the focus", Short: "open"},
		{ID: "volume.create", Keys: []string{"n"}, Word: "volume-create", Args: "[NAME]", Command: "gantry volume create OBJECT",
			Title: "Make a volume…", Help: "A directory that outlives the containers that mount it", Short: "new"},
		{ID: "volume.remove", Keys: []string{"d"}, Word: "volume-rm", Args: "[VOLUME…]", Command: "gantry volume rm OBJECT",
			Title: "Remove…", Help: "Remove volumes with all that is in them", Short: "remove…", Asks: true},
		{ID: "volume.run", Keys: []string{"r"}, Command: "gantry run -d -v OBJECT:/data IMAGE",
			Title: "Run with it…", Help: "Create and start a container that mounts the volume", Short: "run with it"},
		{ID: "volume.prune", Keys: []string{"b"}, Command: "gantry volume prune",
			Title: "Prune…", Help: "Remove what nothing needs, after a look at all of it", Asks: true},
	}
	return within(keys.Volumes, list)
}

func volumeHandlers() map[keys.ID]handler {
	return map[keys.ID]handler{
		"volume.open":   volumeObjects.one(anyVolume, func(m *Model, _ engine.VolumeSummary) tea.Cmd { m.focus = detailPane; return nil }),
		"volume.create": always((*Model).askVolume).taking(nil, volumeWith),
		"volume.remove": volumeObjects.on(anyVolume, (*Model).askRemoveVolumes),
		"volume.run":    volumeObjects.one(anyVolume, (*Model).askRunWith),
		"volume.prune":  always((*Model).findPrune),
	}
}

func anyVolume(*Model, *engine.VolumeSummary) string { return "" }

func (m *Model) askVolume() tea.Cmd {
	return m.openForm(dialogs.Form{
		Name: "Make a volume", Yes: "make it",
		Fields: []dialogs.Field{
			{Key: "name", Label: "name", Hint: "drawn when empty", Check: m.checkVolumeName},
			{Key: "labels", Label: "labels", Kind: dialogs.Rows, Hint: "NAME=value, a row each", Check: checkLabel},
			{Key: "device", Label: "directory", Hint: "gantry's own; or one of the host", Lookup: lookPaths, Check: checkHostDir},
		},
		Preview: volumeCommand,
		Note: func(v dialogs.Values) string {
			if v.Text("device") != "" {
				return "The volume is that directory: removing it leaves what is in it."
			}
			return ""
		},
		Tag: formTag(func(v dialogs.Values) tea.Cmd { return m.createVolume(volumeOptions(v), volumeCommand(v)) }),
	})
}

func (m *Model) checkVolumeName(s string) string {
	if s == "" {
		return ""
	}
	for i := range m.state.Volumes {
		if m.state.Volumes[i].Name == s {
			return fmt.Sprintf("there is a volume %s", s)
		}
	}
	return errText(engine.CheckName(s))
}

func checkLabel(s string) string {
	if name, _, _ := strings.Cut(s, "="); strings.TrimSpace(name) == "" {
		return fmt.Sprintf("%q: want NAME=value", s)
	}
	return ""
}

func checkHostDir(s string) string {
	if s != "" && !path.IsAbs(home(s)) {
		return fmt.Sprintf("%q: want an absolute path of the host", s)
	}
	return ""
}

func volumeOptions(v dialogs.Values) engine.VolumeCreateOptions {
	o := engine.VolumeCreateOptions{Name: v.Text("name"), Labels: labelsOf(v.List("labels"))}
	if dir := v.Text("device"); dir != "" {
		o.Options = map[string]string{"type": "none", "o": "bind", "device": home(dir)}
	}
	return o
}

// labelsOf reads rows of NAME=value.
func labelsOf(rows []string) map[string]string {
	if len(rows) == 0 {
		return nil
	}
	out := make(map[string]string, len(rows))
	for _, s := range rows {
		name, value, _ := strings.Cut(s, "=")
		out[name] = value
	}
	return out
}

func volumeCommand(v dialogs.Values) string {
	words := []string{"gantry volume create"}
	for _, l := range v.List("labels") {
		words = append(words, "--label "+quote(l))
	}
	if dir := v.Text("device"); dir != "" {
		words = append(words, "-o type=none -o o=bind -o "+quote("device="+home(dir)))
	}
	if name := v.Text("name"); name != "" {
		words = append(words, quote(name))
	}
	return strings.Join(words, " ")
}

// volumeWith takes ":volume-create NAME".
func volumeWith(m *Model, args []string) (tea.Cmd, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("want volume-create NAME")
	}
	if why := m.checkVolumeName(args[0]); why != "" {
		return nil, fmt.Errorf("%s", why)
	}
	v := dialogs.Values{"name": args}
	return m.createVolume(volumeOptions(v), volumeCommand(v)), nil
}

func (m *Model) createVolume(o engine.VolumeCreateOptions, command string) tea.Cmd {
	name := o.Name
	if name == "" {
		name = "a volume"
	}
	return m.do(operation{name: "Make", past: "made", command: command, objects: []string{name},
		one: func(ctx context.Context, _ int) (string, error) {
			made, err := m.eng.Volumes().Create(ctx, o)
			if o.Name == "" {
				return made.Name, err
			}
			return "", err
		}})
}

// askRemoveVolumes names who mounts each volume: those keep it. What comes back
// is known of the volumes that were measured.
func (m *Model) askRemoveVolumes(vs []engine.VolumeSummary) tea.Cmd {
	d := dialogs.Confirm{Name: "Remove", Yes: "remove"}
	var free []engine.VolumeSummary
	var bytes int64
	unknown := false
	for _, v := range vs {
		o := dialogs.Object{Name: volumeName(&v)}
		size, known := m.sizes.known[v.Name]
		if known && size.bytes >= 0 {
			o.About = bytesText(size.bytes)
		}
		users := m.mounting(v.Name)
		for _, c := range users {
			o.Under = append(o.Under, c.Name+", "+m.stateWord(*c))
		}
		if len(users) > 0 {
			o.About = strings.TrimSpace(o.About + "  stays: it is mounted")
		} else {
			free = append(free, v)
			bytes += max(0, size.bytes)
			unknown = unknown || !known
		}
		d.Objects = append(d.Objects, o)
	}
	d.Question = removeQuestion(volumeObjects.names(vs), len(free), "volumes")
	names := volumeObjects.names(free)
	d.Command = m.line("volume.remove", names...)
	if held := len(vs) - len(free); held > 0 {
		d.Warn = "What containers mount stays until they are removed."
	}
	switch {
	case len(free) == 0:
		d.Yes, d.Command = "", ""
	case unknown:
		d.Note = "Their data cannot be had again."
	default:
		d.Note = bytesText(bytes) + " come back. The data cannot be had again."
	}
	return m.ask(d, func() tea.Cmd {
		m.volumes.Unmark()
		return m.do(operation{name: "Remove", past: "removed", command: d.Command, objects: names,
			one: func(ctx context.Context, i int) (string, error) {
				return "", m.eng.Volumes().Remove(ctx, names[i], engine.VolumeRemoveOptions{})
			}})
	})
}

// removeQuestion names what is to go, and how many of them can.
func removeQuestion(names []string, free int, what string) string {
	if free > 0 && free < len(names) {
		return fmt.Sprintf("Remove %d of %d %s?", free, len(names), what)
	}
	return "Remove " + sumNames(names, what) + "?"
}

// askRunWith opens the form of a new container that mounts a volume.
func (m *Model) askRunWith(v engine.VolumeSummary) tea.Cmd {
	return m.askRunOf(m.likelyImage(), v.Name+":/data")
}
