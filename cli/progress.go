package cli

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"gantry/images"
)

// words are what a state is called in a kind of work.
type words map[images.ProgressState]string

// pullWords and pushWords are docker's.
var (
	pullWords = words{
		images.Waiting: "Waiting", images.Resolving: "Resolving", images.Downloading: "Downloading",
		images.Verifying: "Verifying Checksum", images.Unpacking: "Extracting", images.Exists: "Already exists",
		images.Done: "Pull complete", images.Failed: "Failed",
	}
	pushWords = words{
		images.Waiting: "Waiting", images.Resolving: "Preparing", images.Uploading: "Pushing",
		images.Exists: "Layer already exists", images.Done: "Pushed", images.Failed: "Failed",
	}
	loadWords = words{
		images.Waiting: "Waiting", images.Downloading: "Reading", images.Verifying: "Verifying Checksum",
		images.Unpacking: "Loading layer", images.Exists: "Already exists", images.Done: "Loaded", images.Failed: "Failed",
	}
	saveWords = words{images.Waiting: "Waiting", images.Writing: "Writing", images.Done: "Written", images.Failed: "Failed"}
	jobWords  = words{
		images.Waiting: "Waiting", images.Resolving: "Resolving", images.Downloading: "Downloading",
		images.Verifying: "Verifying Checksum", images.Unpacking: "Extracting", images.Uploading: "Pushing",
		images.Exists: "Already exists", images.Done: "Done", images.Failed: "Failed",
	}
)

func (w words) of(s images.ProgressState) string {
	if word := w[s]; word != "" {
		return word
	}
	return string(s)
}

// outcome is how work ended.
type outcome struct {
	text string // of the work as a whole
	news bool   // some part was not there before
}

// progressView shows progress. show is called for each change; end when there
// is no more.
type progressView interface {
	show(p images.Progress) error
	end() error
}

// watchProgress shows work until it ends: bars that move in place on a
// terminal, else a line per part and state.
func (a *app) watchProgress(w io.Writer, seq iter.Seq2[images.Progress, error], names words) (outcome, error) {
	var view progressView = &plainView{w: w, words: names, last: map[string]images.ProgressState{}}
	if cols, rows, ok := terminalSize(w); ok && a.ansi(w) {
		view = newBarView(w, names, cols, rows)
	}
	return showProgress(view, seq)
}

func showProgress(view progressView, seq iter.Seq2[images.Progress, error]) (outcome, error) {
	var out outcome
	for p, err := range seq {
		if err != nil {
			_ = view.end() // the error is worth more
			return out, err
		}
		if p.ID == "" {
			if p.State == images.Done {
				out.text = p.Text
			}
			continue
		}
		out.news = out.news || p.State != images.Exists && p.State != images.Waiting && p.State != images.Resolving
		if err := view.show(p); err != nil {
			return out, err
		}
	}
	return out, view.end()
}

// plainView prints a line when a part changes its state.
type plainView struct {
	w     io.Writer
	words words
	last  map[string]images.ProgressState
}

func (v *plainView) show(p images.Progress) error {
	if v.last[p.ID] == p.State {
		return nil
	}
	v.last[p.ID] = p.State
	text := v.words.of(p.State)
	if p.State == images.Failed && p.Text != "" {
		text += ": " + p.Text
	}
	_, err := fmt.Fprintf(v.w, "%s: %s\n", p.ID, text)
	return err
}

func (v *plainView) end() error { return nil }

// barInterval bounds how often bars are drawn: a fast network must not spend
// its time on the terminal.
const barInterval = 66 * time.Millisecond

// barView keeps a line per part and moves the cursor up to draw over them.
type barView struct {
	w          io.Writer
	words      words
	cols, rows int
	order      []string
	parts      map[string]images.Progress
	drawn      int // lines on the screen
	settled    int // parts whose last line was printed and left behind
	next       time.Time
}

func newBarView(w io.Writer, names words, cols, rows int) *barView {
	return &barView{w: w, words: names, cols: cols, rows: rows, parts: map[string]images.Progress{}}
}

func (v *barView) show(p images.Progress) error {
	if _, known := v.parts[p.ID]; !known {
		v.order = append(v.order, p.ID)
	}
	v.parts[p.ID] = p
	if now := time.Now(); now.Before(v.next) && !p.State.Finished() {
		return nil
	} else {
		v.next = now.Add(barInterval)
	}
	return v.draw(v.rows - 1)
}

// end draws the last state of all parts.
func (v *barView) end() error { return v.draw(len(v.order)) }

// draw paints the parts that are not settled, at most limit lines. Finished
// parts at the top settle: nothing will change above them any more, so their
// lines may scroll away.
func (v *barView) draw(limit int) error {
	var b bytes.Buffer
	if v.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", v.drawn)
	}
	v.drawn = 0
	for v.settled < len(v.order) && v.parts[v.order[v.settled]].State.Finished() {
		v.line(&b, v.parts[v.order[v.settled]])
		v.settled++
	}
	left := v.order[v.settled:]
	for i, id := range left {
		if i == limit-1 && len(left) > limit {
			fmt.Fprintf(&b, "\x1b[2K… and %d more\n", len(left)-i)
			v.drawn++
			break
		}
		v.line(&b, v.parts[id])
		v.drawn++
	}
	b.WriteString("\x1b[J")
	_, err := v.w.Write(b.Bytes())
	return err
}

func (v *barView) line(b *bytes.Buffer, p images.Progress) {
	text := p.ID + ": " + v.words.of(p.State)
	switch {
	case p.State == images.Failed && p.Text != "":
		text += ": " + p.Text
	case !p.State.Finished() && p.Total > 0 && p.Done > 0:
		text = fmt.Sprintf("%-32s %s", text, bar(p.Done, p.Total, v.cols))
	case !p.State.Finished() && p.Done > 0:
		text = fmt.Sprintf("%-32s %s", text, size3(float64(p.Done)))
	}
	b.WriteString("\x1b[2K" + ellipsis(text, v.cols-1) + "\n")
}

// bar is docker's "[====>   ]  1.5MB/3MB"; the numbers alone where it is
// narrow.
func bar(done, total int64, cols int) string {
	done = min(done, total)
	numbers := size3(float64(done)) + "/" + size3(float64(total))
	width := min(50, cols-32-len(numbers)-6)
	if width < 8 {
		return numbers
	}
	filled := int(int64(width) * done / total)
	head := ">"
	if filled == width {
		filled, head = width-1, ">"
	}
	return "[" + strings.Repeat("=", filled) + head + strings.Repeat(" ", width-filled-1) + "]  " + numbers
}
