package ui

import (
	"bufio"
	"context"
	"io"
	"iter"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/images"
	"gantry/logs"
	"gantry/ui/dialogs"
)

// askSaveLog asks where all of a log goes, whatever of it is shown.
func (m *Model) askSaveLog() tea.Cmd {
	c := m.containers.Current()
	if c == nil {
		return nil
	}
	id, name := c.ID, c.Name
	command := func(file string) string { return "gantry logs " + name + " > " + quote(orWord(file, "FILE")) }
	return m.openForm(dialogs.Form{
		Name: "Save the log", About: name, Yes: "save",
		Fields:  []dialogs.Field{{Key: "file", Label: "file", Value: name + ".log", Lookup: lookHere, Check: needed("the file's name")}},
		Preview: func(v dialogs.Values) string { return command(v.Text("file")) },
		Note:    func(dialogs.Values) string { return "Both streams, as they were printed." },
		Tag: formTag(func(v dialogs.Values) tea.Cmd {
			file := v.Text("file")
			return m.writeFile(localWork{title: "Save", about: file, command: command(file), do: func(ctx context.Context) iter.Seq2[images.Progress, error] {
				return logTo(ctx, m.eng, id, home(file))
			}})
		}),
	})
}

// toldEvery is after how many bytes the progress of a log is told.
const toldEvery = 1 << 20

// logTo writes what a container has printed so far.
func logTo(ctx context.Context, eng engine.Engine, id engine.ID, file string) iter.Seq2[images.Progress, error] {
	return func(yield func(images.Progress, error) bool) {
		written := images.Progress{ID: "log", State: images.Writing}
		alone := false // nobody listens any more
		err := saveWhole(file, func(f io.Writer) error {
			out := bufio.NewWriterSize(f, 64<<10)
			for e, err := range eng.Containers().Logs(ctx, string(id), logs.Query{Tail: -1, Stdout: true, Stderr: true}) {
				if err != nil {
					return err
				}
				line := e.Line
				if !e.Partial {
					line = append(line[:len(line):len(line)], '\n')
				}
				n, err := out.Write(line)
				if err != nil {
					return fileError("save to", file, err)
				}
				before := written.Done
				written.Done += int64(n)
				written.Total = written.Done
				if alone = before/toldEvery != written.Done/toldEvery && !yield(written, nil); alone {
					return context.Canceled
				}
			}
			return out.Flush()
		})
		switch {
		case alone:
		case err != nil:
			yield(images.Progress{}, err)
		default:
			written.State = images.Done
			if yield(written, nil) {
				yield(images.Progress{State: images.Done, Text: "saved the log"}, nil)
			}
		}
	}
}
