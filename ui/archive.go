package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/images"
	"gantry/ui/dialogs"
	"gantry/ui/feed"
)

// most is how many names of files are offered.
const most = 200

// lookPaths completes a path of this machine; folders end with a slash. What
// stands behind a colon is inside a container and is not looked up.
func lookPaths(typed string) []string {
	if typed == "" || strings.Contains(typed, ":") {
		return nil
	}
	dir, start := filepath.Split(typed)
	entries, err := os.ReadDir(home(orHere(dir)))
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), start) || start == "" && strings.HasPrefix(e.Name(), ".") {
			continue
		}
		name := dir + e.Name()
		if info, err := os.Stat(home(name)); err == nil && info.IsDir() {
			name += "/"
		}
		if out = append(out, name); len(out) == most {
			break
		}
	}
	return out
}

// lookHere is lookPaths that shows the present folder where nothing is typed
// yet.
func lookHere(typed string) []string {
	if typed == "" {
		return trimmed(lookPaths("./"))
	}
	return lookPaths(typed)
}

// trimmed leaves the present folder out of paths.
func trimmed(paths []string) []string {
	for i := range paths {
		paths[i] = strings.TrimPrefix(paths[i], "./")
	}
	return paths
}

func orHere(dir string) string {
	if dir == "" {
		return "."
	}
	return dir
}

// home resolves a tilde at the beginning of a path.
func home(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if dir, err := os.UserHomeDir(); err == nil {
			return filepath.Join(dir, rest)
		}
	}
	return path
}

func needed(what string) func(string) string {
	return func(s string) string {
		if s == "" {
			return "give " + what
		}
		return ""
	}
}

func (m *Model) askSave(imgs []engine.ImageSummary) tea.Cmd {
	names := imageNamesOf(imgs)
	file := strings.NewReplacer("/", "_", ":", "_").Replace(names[0]) + ".tar"
	return m.openForm(dialogs.Form{
		Name: "Save to a file", About: sumNames(names, "images"), Yes: "save",
		Fields:  []dialogs.Field{{Key: "file", Label: "file", Value: file, Lookup: lookHere, Check: needed("the file's name")}},
		Preview: func(v dialogs.Values) string { return saveCommand(v.Text("file"), names) },
		Note: func(dialogs.Values) string {
			return "An OCI archive, which docker load and podman load read too."
		},
		Tag: formTag(func(v dialogs.Values) tea.Cmd { return m.save(v.Text("file"), names) }),
	})
}

func saveCommand(file string, names []string) string {
	return "gantry save -o " + orWord(file, "FILE") + " " + strings.Join(names, " ")
}

func (m *Model) save(file string, names []string) tea.Cmd {
	return m.writeFile(localWork{title: "Save", about: file, command: saveCommand(file, names), do: func(ctx context.Context) iter.Seq2[images.Progress, error] {
		return saveTo(ctx, m.eng, home(file), names)
	}})
}

// writeFile does what makes the file that the work is about. One that is there
// already is asked about.
func (m *Model) writeFile(work localWork) tea.Cmd {
	file := work.about
	return func() tea.Msg {
		info, err := os.Stat(home(file))
		return changeMsg(func(m *Model) tea.Cmd {
			if err != nil {
				return m.doLocally(work)
			}
			return m.ask(dialogs.Confirm{
				Name: "Save", Question: "Overwrite it?", Yes: "overwrite", Command: work.command,
				Objects: []dialogs.Object{{Name: file, About: bytesText(info.Size()) + "  of " + info.ModTime().Format("2006-01-02 15:04")}},
			}, func() tea.Cmd { return m.doLocally(work) })
		})
	}
}

// saveTo writes an archive, and tells how far it is.
func saveTo(ctx context.Context, eng engine.Engine, file string, names []string) iter.Seq2[images.Progress, error] {
	return func(yield func(images.Progress, error) bool) {
		alone := false // nobody listens any more
		err := saveWhole(file, func(out io.Writer) error {
			for p, err := range eng.Images().Save(ctx, engine.SaveOptions{Refs: names, Output: out}) {
				if err != nil {
					return err
				}
				if alone = p.ID != "" && !yield(p, nil); alone {
					return context.Canceled
				}
			}
			return nil
		})
		switch {
		case alone:
		case err != nil:
			yield(images.Progress{}, err)
		default:
			yield(images.Progress{State: images.Done, Text: "saved " + sumNames(names, "images")}, nil)
		}
	}
}

// saveWhole writes beside a file and puts that into its place when it is whole.
func saveWhole(file string, write func(io.Writer) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), ".gantry-save-*")
	if err != nil {
		return fileError("save to", file, err)
	}
	defer os.Remove(tmp.Name()) // gone already when all went well
	if err := write(tmp); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := errors.Join(tmp.Chmod(0o644), tmp.Close()); err != nil {
		return fileError("save to", file, err)
	}
	if err := os.Rename(tmp.Name(), file); err != nil {
		return fileError("save to", file, err)
	}
	return nil
}

// fileError tells of a file what the engine's errors tell of its objects.
func fileError(op, file string, err error) error {
	hint := "check the path"
	switch {
	case errors.Is(err, fs.ErrPermission):
		hint = "choose a folder that may be written to"
	case errors.Is(err, fs.ErrNotExist):
		hint = "the folder or the file does not exist; tab completes what there is"
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return &engine.OpError{Op: op, Kind: "file", ID: file, Err: err, Hint: hint}
}

func (m *Model) askLoad() tea.Cmd {
	return m.openForm(dialogs.Form{
		Name: "Load from a file", Yes: "load",
		Fields:  []dialogs.Field{{Key: "file", Label: "file", Hint: "images.tar, also compressed", Lookup: lookHere, Check: needed("the file's name")}},
		Preview: func(v dialogs.Values) string { return "gantry load -i " + orWord(v.Text("file"), "FILE") },
		Tag:     formTag(func(v dialogs.Values) tea.Cmd { return m.loadFile(v.Text("file")) }),
	})
}

// localWork is long work of this process: it ends with the workbench.
type localWork struct {
	title, about, command string
	do                    func(ctx context.Context) iter.Seq2[images.Progress, error]
}

// doLocally begins such work and shows it.
func (m *Model) doLocally(w localWork) tea.Cmd {
	ctx, cancel := context.WithCancel(m.ctx)
	m.lastWork++
	j := &jobView{
		jobOrder: jobOrder{title: w.title, local: true, about: w.about, command: w.command},
		feed:     feed.NewWork(w.do(ctx)),
	}
	j.cancel = func() tea.Cmd { cancel(); return m.say(j.name()+" was cancelled", true) }
	id := engine.ID("local " + itoa(m.lastWork))
	cmd := m.watch(id, j)
	m.openJob(id)
	return cmd
}

func (m *Model) loadFile(file string) tea.Cmd {
	return m.doLocally(localWork{title: "Load", about: file, command: "gantry load -i " + quote(file), do: func(ctx context.Context) iter.Seq2[images.Progress, error] {
		return loadFrom(ctx, m.eng, home(file))
	}})
}

func loadFrom(ctx context.Context, eng engine.Engine, file string) iter.Seq2[images.Progress, error] {
	return func(yield func(images.Progress, error) bool) {
		in, err := os.Open(file)
		if err != nil {
			yield(images.Progress{}, fileError("load", file, err))
			return
		}
		defer in.Close()
		for p, err := range eng.Images().Load(ctx, engine.LoadOptions{Input: in}) {
			if p.ID == "" && p.State == images.Done {
				p.Text = "loaded " + strings.ReplaceAll(p.Text, "\n", ", ")
			}
			if !yield(p, err) {
				return
			}
		}
	}
}

func (m *Model) askImport() tea.Cmd {
	return m.openForm(dialogs.Form{
		Name: "Import a file system", Yes: "import",
		Fields: []dialogs.Field{
			{Key: "file", Label: "file", Hint: "rootfs.tar, also compressed", Lookup: lookHere, Check: needed("the file's name")},
			{Key: "name", Label: "name", Hint: "none; my/image:1.0", Check: optionalRef},
			{Key: "message", Label: "message", Hint: "for the image's history"},
		},
		Note: func(dialogs.Values) string {
			return "The image has one layer with these files, and no command of its own."
		},
		Preview: func(v dialogs.Values) string { return importCommand(v.Text("file"), v.Text("name"), v.Text("message")) },
		Tag: formTag(func(v dialogs.Values) tea.Cmd {
			return m.importFile(v.Text("file"), v.Text("name"), v.Text("message"))
		}),
	})
}

func importCommand(file, name, message string) string {
	cmd := "gantry import "
	if message != "" {
		cmd += "-m " + quote(message) + " "
	}
	return strings.TrimSpace(cmd + orWord(file, "FILE") + " " + name)
}

func (m *Model) importFile(file, name, message string) tea.Cmd {
	return m.do(operation{name: "Import", past: "imported", command: importCommand(file, name, message), objects: []string{file},
		one: func(ctx context.Context, _ int) (string, error) {
			in, err := os.Open(home(file))
			if err != nil {
				return "", fileError("import", file, err)
			}
			defer in.Close()
			id, err := m.eng.Images().Import(ctx, engine.ImportOptions{Input: in, Ref: name, Message: message})
			return id.Short(), err
		}})
}

func saveWith(m *Model, args []string) (tea.Cmd, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("want save FILE, or save IMAGE… FILE")
	}
	imgs, err := m.namedImages(args[:len(args)-1])
	if err != nil {
		return nil, err
	}
	return m.save(args[len(args)-1], imageNamesOf(imgs)), nil
}

func loadWith(m *Model, args []string) (tea.Cmd, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("want load FILE")
	}
	return m.loadFile(args[0]), nil
}

func importWith(m *Model, args []string) (tea.Cmd, error) {
	if len(args) == 0 || len(args) > 2 {
		return nil, fmt.Errorf("want import FILE, or import FILE NAME")
	}
	name := ""
	if len(args) == 2 {
		name = args[1]
		if _, err := images.ParseRef(name); err != nil {
			return nil, err
		}
	}
	return m.importFile(args[0], name, ""), nil
}
