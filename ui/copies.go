package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/internal/tartree"
	"gantry/ui/dialogs"
	"gantry/ui/keys"
	"gantry/ui/tabs"
)

// toFiles opens the files of what a list has under the cursor.
func toFiles(p pane, list keys.Scope) handler {
	why := map[keys.Scope]string{keys.Containers: "there is no container", keys.Images: "there is no image"}[list]
	return handler{
		disabled: func(m *Model) string {
			if m.list(p).CurrentID() == "" {
				return why
			}
			return ""
		},
		run: func(m *Model) tea.Cmd {
			m.detail.side, m.focus = p, detailPane
			if p == containersPane {
				m.showTab(filesTab)
				return nil
			}
			other := m.detail.others[p]
			for i, t := range other.tabs {
				if t.Name() == filesTab {
					other.at = i
				}
			}
			return nil
		},
	}
}

// filesTab is the name of the tabs of files.
const filesTab = "Files"

// goVolume shows a volume in its list.
func (m *Model) goVolume(name string) tea.Cmd {
	if !m.volumes.Select(name) {
		return m.say("volume "+safeText(name)+" is not in the list", true)
	}
	m.focus = volumesPane
	return m.follow()
}

// role is what has the files of a kind of objects.
func role(eng engine.Engine, kind engine.ObjectKind) any {
	switch kind {
	case engine.KindContainer:
		return eng.Containers()
	case engine.KindImage:
		return eng.Images()
	}
	return eng.Volumes()
}

// askCopyOut asks where on the host a part of a container, an image or a volume
// goes.
func (m *Model) askCopyOut(c tabs.CopyOut) tea.Cmd {
	name := path.Base(c.Path)
	command := func(v dialogs.Values) string { return m.copyOutCommand(c, v.Text("dir")) }
	return m.openForm(dialogs.Form{
		Name: "Copy out", About: safeText(c.Path), Yes: "copy", Preview: command,
		Fields: []dialogs.Field{{Key: "dir", Label: "into", Value: "./", Hint: "a directory of this machine", Lookup: lookPaths, Check: needed("a directory")}},
		Tag: formTag(func(v dialogs.Values) tea.Cmd {
			dir := home(v.Text("dir"))
			op := operation{name: "Copy", past: "copied to " + v.Text("dir") + ":", command: command(v), objects: []string{safeText(name)},
				one: func(ctx context.Context, _ int) (string, error) { return copyOut(ctx, m.eng, c, dir) }}
			return m.copyOnto("Copy out", op, func() (string, bool) {
				target := filepath.Join(dir, name)
				_, err := os.Lstat(target)
				return target, err == nil
			})
		}),
	})
}

// copyOutCommand is the command line that does the same. For an image that is
// what an archive of a container of it has.
func (m *Model) copyOutCommand(c tabs.CopyOut, dir string) string {
	to := orWord(dir, "DIRECTORY")
	switch c.Kind {
	case engine.KindContainer:
		return "gantry cp " + quote(m.nameOf(c.Ref)+":"+c.Path) + " " + to
	case engine.KindImage:
		return "gantry cp $(gantry create " + m.nameOf(c.Ref) + "):" + quote(c.Path) + " " + to
	}
	return "cp -r " + quote(m.mountpoint(c.Ref)+c.Path) + " " + to
}

// copyOnto does the copy, after a question when it would meet something.
func (m *Model) copyOnto(name string, op operation, meets func() (target string, there bool)) tea.Cmd {
	return func() tea.Msg {
		target, there := meets()
		return changeMsg(func(m *Model) tea.Cmd {
			if !there {
				return m.do(op)
			}
			return m.ask(dialogs.Confirm{
				Name: name, Question: "It is there already. Copy over it?", Yes: "copy over it", Command: op.command,
				Objects: []dialogs.Object{{Name: safeText(target)}}, Note: "Files of the same name are replaced; others stay.",
			}, func() tea.Cmd { return m.do(op) })
		})
	}
}

func (m *Model) mountpoint(volume string) string {
	for i := range m.state.Volumes {
		if m.state.Volumes[i].Name == volume {
			return m.state.Volumes[i].Mountpoint
		}
	}
	return ""
}

// copyOut takes the engine's tar stream in below a directory of this machine;
// owners become those of the user, as with cp.
func copyOut(ctx context.Context, eng engine.Engine, c tabs.CopyOut, dir string) (string, error) {
	files, ok := role(eng, c.Kind).(engine.Browsable)
	if !ok {
		return "", fmt.Errorf("copy from %s %s: %w", c.Kind, c.Ref, engine.ErrUnsupported)
	}
	root, err := os.Open(dir)
	if err != nil {
		return "", fileError("copy to", dir, err)
	}
	defer root.Close()
	r, w := io.Pipe()
	defer r.Close()
	go func() { w.CloseWithError(files.Files().CopyFrom(ctx, c.Ref, c.Path, w)) }()
	n, err := tartree.Extract(ctx, root, "/", r, tartree.ExtractOptions{KeepTypes: true, NoOwners: true})
	return bytesText(n), err
}

// askCopyIn asks what of this machine goes into a directory of a container.
func (m *Model) askCopyIn(c tabs.CopyIn) tea.Cmd {
	name := m.nameOf(c.Container)
	command := func(v dialogs.Values) string {
		return "gantry cp " + orWord(v.Text("from"), "PATH") + " " + quote(name+":"+c.Dir)
	}
	return m.openForm(dialogs.Form{
		Name: "Copy in", About: name + "  " + safeText(c.Dir), Yes: "copy", Preview: command,
		Fields: []dialogs.Field{{Key: "from", Label: "from", Value: "./", Hint: "a file or a directory of this machine", Lookup: lookPaths, Check: checkSource}},
		Tag: formTag(func(v dialogs.Values) tea.Cmd {
			source := filepath.Clean(home(v.Text("from")))
			op := operation{name: "Copy", past: "copied to " + safeText(c.Dir) + ":", command: command(v), objects: []string{safeText(filepath.Base(source))}, then: m.refreshFiles,
				one: func(ctx context.Context, _ int) (string, error) { return copyIn(ctx, m.eng, c, source) }}
			target, ctx, files := path.Join(c.Dir, filepath.Base(source)), m.ctx, m.eng.Containers()
			return m.copyOnto("Copy in", op, func() (string, bool) {
				_, err := files.StatPath(ctx, c.Container, target)
				return target, err == nil
			})
		}),
	})
}

// checkSource wants something that has a name to go by.
func checkSource(s string) string {
	switch filepath.Base(filepath.Clean(home(s))) {
	case ".", "..", "/":
		return "give a file or a directory"
	}
	return ""
}

// refreshFiles reads again what a copy may have changed.
func (m *Model) refreshFiles() tea.Cmd {
	if m.detail.open != nil && m.detail.open.Name() == filesTab {
		return m.detail.open.Refresh()
	}
	return nil
}

// copyIn writes a file or a directory of this machine, a link not followed, as
// the tar stream that the engine takes.
func copyIn(ctx context.Context, eng engine.Engine, c tabs.CopyIn, source string) (string, error) {
	parent, err := os.Open(filepath.Dir(source))
	if err != nil {
		return "", fileError("copy", source, err)
	}
	defer parent.Close()
	f, err := tartree.OpenEntry(parent, filepath.Base(source))
	if err != nil {
		return "", fileError("copy", source, err)
	}
	defer f.Close()
	r, w := io.Pipe()
	var size int64
	wrote := make(chan error, 1)
	go func() {
		tw := tartree.NewWriter(ctx, w)
		err := tw.Tree(f, filepath.Base(source))
		if err == nil {
			err = tw.Close()
		}
		size = tw.Size()
		w.CloseWithError(err)
		wrote <- err
	}()
	err = eng.Containers().CopyTo(ctx, c.Container, c.Dir, r, engine.CopyToOptions{KeepTypes: true})
	if err == nil {
		_, err = io.Copy(io.Discard, r) // what stands after the end of the archive
	}
	r.Close()
	if werr := <-wrote; werr != nil && !errors.Is(werr, io.ErrClosedPipe) {
		err = werr // the other only repeats it
	}
	return bytesText(size), err
}
