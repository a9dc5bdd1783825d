// Package uitest drives a model of the user interface in tests, without a
// terminal: keys go in, screens come out. It is used inside a testing/synctest
// bubble, where time is fake and waiting is exact.
package uitest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// Driver runs a model as bubbletea would: commands in goroutines, their
// messages one after another.
type Driver struct {
	t     *testing.T
	model tea.Model
	msgs  chan tea.Msg
	quit  bool
	ended bool
}

// New starts a model on a screen of the given size.
func New(t *testing.T, m tea.Model, width, height int) *Driver {
	t.Helper()
	d := &Driver{t: t, model: m, msgs: make(chan tea.Msg, 1024)}
	d.run(m.Init())
	d.Send(tea.WindowSizeMsg{Width: width, Height: height})
	return d
}

func (d *Driver) run(cmd tea.Cmd) {
	if cmd == nil || d.ended {
		return
	}
	go func() {
		switch msg := cmd().(type) {
		case nil:
		case tea.BatchMsg:
			for _, c := range msg {
				d.run(c)
			}
		default:
			d.msgs <- msg
		}
	}()
}

// Send delivers a message and everything that follows from it at once.
func (d *Driver) Send(msg tea.Msg) {
	d.deliver(msg)
	d.drain()
}

func (d *Driver) deliver(msg tea.Msg) {
	if _, ok := msg.(tea.QuitMsg); ok {
		d.quit = true
		return
	}
	var cmd tea.Cmd
	d.model, cmd = d.model.Update(msg)
	d.run(cmd)
}

func (d *Driver) drain() {
	for {
		synctest.Wait()
		select {
		case msg := <-d.msgs:
			d.deliver(msg)
		default:
			return
		}
	}
}

// Pass lets fake time go by, in steps of a frame.
func (d *Driver) Pass(t time.Duration) {
	const frame = 33 * time.Millisecond
	for end := time.Now().Add(t); time.Now().Before(end); {
		time.Sleep(min(frame, time.Until(end)))
		d.drain()
	}
}

// Keys presses keys, each as tea.KeyPressMsg names it: "j", "enter", "ctrl+c".
func (d *Driver) Keys(keys ...string) {
	for _, k := range keys {
		d.Send(press(k))
	}
}

func press(k string) tea.KeyPressMsg {
	special := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown,
		"pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "home": tea.KeyHome, "end": tea.KeyEnd, "left": tea.KeyLeft, "right": tea.KeyRight,
	}
	var key tea.Key
	if rest, ok := strings.CutPrefix(k, "ctrl+"); ok {
		k, key.Mod = rest, tea.ModCtrl
	}
	if rest, ok := strings.CutPrefix(k, "shift+"); ok {
		k, key.Mod = rest, tea.ModShift
	}
	if k == "space" {
		key.Code, key.Text = tea.KeySpace, " "
		return tea.KeyPressMsg(key)
	}
	if code, ok := special[k]; ok {
		key.Code = code
		return tea.KeyPressMsg(key)
	}
	key.Code = []rune(k)[0]
	if key.Mod == 0 {
		key.Text = k
	}
	return tea.KeyPressMsg(key)
}

// End stops the model: its commands are no longer run. Those that wait for a
// timer, for at most longest, are waited for.
func (d *Driver) End(longest time.Duration) {
	d.ended = true
	time.Sleep(longest)
	d.drain()
}

// Quit tells whether the model has asked to end the program.
func (d *Driver) Quit() bool { return d.quit }

// Screen is what is shown, without colours.
func (d *Driver) Screen() string {
	lines := strings.Split(ansi.Strip(d.Raw()), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// Raw is what is shown, with its escape sequences.
func (d *Driver) Raw() string { return d.View().Content }

// View is what the model asks the terminal to be.
func (d *Driver) View() tea.View { return d.model.View() }

// Golden compares the screen with testdata/screens/NAME.txt. With UPDATE=1 in
// the environment it writes the file.
func (d *Driver) Golden(name string) {
	d.t.Helper()
	d.compare(name+".txt", d.Screen())
}

// GoldenStyled is Golden with the styles, in NAME.ansi: cat shows it.
func (d *Driver) GoldenStyled(name string) {
	d.t.Helper()
	d.compare(name+".ansi", d.Raw()+"\n")
}

// GoldenWindow is Golden for the dialog with a title, without what is behind.
func (d *Driver) GoldenWindow(name, title string) {
	d.t.Helper()
	got := d.Window(title)
	if got == "" {
		d.t.Errorf("%s: no window %q on the screen:\n%s", name, title, d.Screen())
		return
	}
	d.compare(name+".txt", got)
}

// Window is the dialog with a title, "" when there is none.
func (d *Driver) Window(title string) string {
	lines := strings.Split(ansi.Strip(d.Raw()), "\n")
	for y, l := range lines {
		before, after, ok := strings.Cut(l, "╭─ "+title+" ")
		if !ok {
			continue
		}
		x := ansi.StringWidth(before)
		edge, _, _ := strings.Cut(after, "╮")
		width := ansi.StringWidth("╭─ "+title+" "+edge) + 1
		var b strings.Builder
		for _, l := range lines[y:] {
			part := ansi.Cut(l, x, x+width)
			b.WriteString(part + "\n")
			if strings.HasPrefix(part, "╰") {
				return b.String()
			}
		}
	}
	return ""
}

func (d *Driver) compare(name, got string) {
	d.t.Helper()
	path := filepath.Join("testdata", "screens", name)
	if os.Getenv("UPDATE") == "1" {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			d.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			d.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		d.t.Fatalf("%v (UPDATE=1 writes it)", err)
	}
	if got != string(want) {
		d.t.Errorf("screen %s differs\n--- want\n%s--- got\n%s", name, want, got)
	}
}
