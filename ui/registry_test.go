package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/images"
	"gantry/ui/dialogs"
	"gantry/ui/keys"
)

// TestEveryActionHasAHandler and every handler an action.
func TestEveryActionHasAHandler(t *testing.T) {
	t.Parallel()
	h := handlers()
	for _, a := range actions() {
		if _, ok := h[a.ID]; !ok {
			t.Errorf("%s has no handler", a.ID)
		}
		if a.Title == "" || a.Help == "" {
			t.Errorf("%s lacks its title or help", a.ID)
		}
		delete(h, a.ID)
	}
	for id := range h {
		t.Errorf("%s has a handler but is no action", id)
	}
}

// fingers are keys that users of other programs know already, with what they
// must do here (0: they may do nothing, but nothing else either).
var fingers = map[keys.Scope]map[string]keys.ID{
	keys.Containers: {
		"n": "container.run", "S": "container.start", "s": "container.stop", "r": "container.restart", "p": "container.pause", "K": "container.kill",
		"R": "container.rename", "d": "container.remove", "E": "container.shell", "a": "container.attach", "m": "container.logfull", "b": "container.prune",
		"enter": "container.log", "w": "container.browse", "F": "container.files",
	},
	keys.Images: {"P": "image.pull", "n": "image.run", "t": "image.tag", "U": "image.push", "d": "image.remove", "L": "", "B": ""},
	keys.Lists: {
		"space": "mark", "o": "sort", "z": "fold", "1": "pane.containers", "2": "pane.images", "3": "pane.volumes", "4": "pane.networks", "5": "", "6": "", "7": "",
		"h": "list.previous", "l": "list.next", "/": "filter", "y": "copy",
	},
	keys.Global: {
		"tab": "pane.next", "shift+tab": "pane.previous", "]": "tab.next", "[": "tab.previous", "esc": "back", "+": "zoom", "_": "unzoom",
		"x": "menu", ":": "palette", "?": "help", "q": "quit", "j": "move.down", "k": "move.up", "g": "move.first", "G": "move.last",
	},
	keys.Log: {
		"/": "log.search", "n": "log.next", "N": "log.previous", "e": "log.error.next", "E": "log.error.previous", "f": "log.follow", "W": "log.wrap",
		"i": "log.times", "o": "log.streams", "C": "log.clear", "y": "log.copy", "Z": "log.zoom",
		"&": "log.include", "!": "log.exclude", "v": "log.level", "T": "log.window", "@": "log.jump", "J": "log.json", "ctrl+s": "log.save",
	},
	keys.Tree: {"/": "tree.search", "n": "tree.next", "N": "tree.previous", "z": "tree.toggle", "Z": "tree.toggle.all", "enter": "tree.toggle", "h": "tree.fold", "l": "tree.unfold"},
}

func TestKeysThatFingersKnow(t *testing.T) {
	t.Parallel()
	r := keys.New(actions())
	for scope, want := range fingers {
		for key, id := range want {
			if a, _ := r.Lookup(scope, key); a.ID != id {
				t.Errorf("%s in %s is %q, want %q", key, scope, a.ID, id)
			}
		}
	}
}

// TestWhatIsDestructiveAsks, and sits on no ctrl key.
func TestWhatIsDestructiveAsks(t *testing.T) {
	t.Parallel()
	for _, a := range actions() {
		destructive := slices.Contains([]keys.ID{
			"container.stop", "container.restart", "container.kill", "container.remove", "container.prune", "image.remove", "image.prune", "job.cancel",
		}, a.ID)
		if destructive && !a.Asks {
			t.Errorf("%s does not ask", a.ID)
		}
		for _, k := range a.Keys {
			if destructive && strings.HasPrefix(k, "ctrl+") {
				t.Errorf("%s is on %s", a.ID, k)
			}
		}
	}
}

// TestNoKeyOfALingeringFinger: a key that changes something in a list at once, or
// after one more key, means nothing else one esc away, in the tabs of what is
// chosen there; and the other way round.
func TestNoKeyOfALingeringFinger(t *testing.T) {
	t.Parallel()
	asks := func(a keys.Action) bool {
		return a.Asks || slices.Contains([]keys.ID{"container.start", "container.pause", "job.remove"}, a.ID)
	}
	// The same word for the same thing: a signal, to the container or to one
	// of its processes. Both ask which.
	same := map[keys.ID]keys.ID{"process.signal": "container.kill"}
	r := keys.New(actions())
	for list, sides := range map[keys.Scope][]keys.Scope{
		keys.Containers: {keys.Log, keys.Stats, keys.Tree, keys.Env, keys.Mounts, keys.Processes, keys.Events},
		keys.Images:     {keys.Tree, keys.History, keys.Events},
	} {
		for _, side := range sides {
			for in := range r.Effective(list) {
				for _, k := range in.Keys {
					there, ok := r.Lookup(side, k)
					if ok && there.ID != in.ID && (asks(in) || asks(there)) && same[there.ID] != in.ID {
						t.Errorf("%s is %s in %s, and %s in %s one esc away", k, in.ID, list, there.ID, side)
					}
				}
			}
		}
	}
}

// TestTheListsKeysAreTheTabs own in the detail: digits, h and l change panes
// only while a list has the focus, also where the tab has no use for them.
func TestTheListsKeysAreTheTabs(t *testing.T) {
	t.Parallel()
	r := keys.New(actions())
	for _, side := range []keys.Scope{keys.Detail, keys.Log, keys.Stats, keys.Tree, keys.Env, keys.Mounts, keys.Processes, keys.Events, keys.History} {
		for _, k := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "h", "l", "left", "right"} {
			if a, ok := r.Lookup(side, k); ok && a.Scope != side {
				t.Errorf("%s in %s is %s", k, side, a.ID)
			}
		}
	}
}

// TestWhatChangesSomethingHasACommand and a word for the palette, where its
// arguments are explained.
func TestWhatChangesSomethingHasACommand(t *testing.T) {
	t.Parallel()
	h := handlers()
	for _, a := range actions() {
		if slices.Contains([]keys.Scope{keys.Containers, keys.Images, keys.Jobs}, a.Scope) && a.Command == "" && a.ID != "container.log" {
			t.Errorf("%s has no command line that does the same", a.ID)
		}
		if (a.Word != "" && a.Args != "") != (h[a.ID].with != nil && a.Word != "") {
			t.Errorf("%s: the palette says it takes %q, and its handler takes arguments: %v", a.ID, a.Args, h[a.ID].with != nil)
		}
	}
}

// TestHelpNamesEveryAction that has a key or a word.
func TestHelpNamesEveryAction(t *testing.T) {
	t.Parallel()
	m := New(t.Context(), fake.New(), Options{})
	var rows []dialogs.HelpRow
	for _, s := range m.helpSections() {
		rows = append(rows, s.Rows...)
	}
	for _, a := range actions() {
		if !slices.ContainsFunc(rows, func(r dialogs.HelpRow) bool { return r.Text == a.Name() && r.Keys != "" }) {
			t.Errorf("%s is not in the help", a.ID)
		}
	}
}

func TestCommandLines(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "''", "plain-1.0/x:y": "plain-1.0/x:y", "two words": "'two words'", "it's": `'it'\''s'`, "a$b": "'a$b'"} {
		if got := quote(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
		if back, err := split(quote(in)); err != nil || !slices.Equal(back, []string{in}) {
			t.Errorf("%q comes back as %q, %v", in, back, err)
		}
	}
}

// TestRunArguments reads what stands behind :run as the command line does.
func TestRunArguments(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"alpine":                           "gantry run -d alpine",
		"--name x --rm -it alpine sh -c x": "gantry run -d -it --rm --name x alpine sh -c x",
		"alpine --name x":                  "gantry run -d --name x alpine",
		"alpine ls -l --name":              "gantry run -d alpine ls -l --name",
		"-e A=1 -e=B=2 -v /a:/b:ro alpine": "gantry run -d -e A=1 -e B=2 -v /a:/b:ro alpine",
		"-p 8080:80 -p=53:53/udp --restart always --network shop alpine":                   "gantry run -d --network shop -p 8080:80 -p 53:53/udp --restart always alpine",
		"-m 64m --cpus=.5 --network host --entrypoint sh -u 1 -w /x --pids-limit 9 alpine": "gantry run -d -m 64m --cpus .5 --pids-limit 9 --network host --entrypoint sh -u 1 -w /x alpine",
	} {
		v, err := runArguments(strings.Fields(in))
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := runCommand(v, "none"); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
		if _, err := runOptions(v); err != nil {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func TestMount(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]engine.Mount{
		"/a:/b":       {Source: "/a", Target: "/b"},
		"/a:/b/../c/": {Source: "/a", Target: "/c"},
		"/a b:/c:ro":  {Source: "/a b", Target: "/c", ReadOnly: true},
		"/a:/b:rw":    {Source: "/a", Target: "/b"},
		"data:/b:ro":  {Type: "volume", Source: "data", Target: "/b", ReadOnly: true},
	} {
		if want.Type == "" {
			want.Type = "bind"
		}
		if got, err := mount(in); err != nil || got.Type != want.Type || got.Source != want.Source || got.Target != want.Target || got.ReadOnly != want.ReadOnly {
			t.Errorf("%q: got %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "/a", "a:/b", "/a:b", "/a:/", "/a:/b:x", "/a:/b:ro:z", "v!:/b"} {
		if got, err := mount(in); err == nil {
			t.Errorf("%q: got %+v, want an error", in, got)
		}
	}
}

// TestLimitsComeBack: what the form writes it reads again.
func TestLimitsComeBack(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{0, 1, 1 << 10, 256 << 20, 3 << 30, 1000} {
		if got, err := size(sizeWord(n)); err != nil || got != n {
			t.Errorf("size %d: %q comes back as %d, %v", n, sizeWord(n), got, err)
		}
		if got, err := pids(pidsWord(n)); err != nil || got != n {
			t.Errorf("pids %d: %d, %v", n, got, err)
		}
	}
	for _, n := range []int64{0, 1e9, 1.5e9, 5e8, 1e7} {
		if got, err := cpus(cpusWord(n)); err != nil || got != n {
			t.Errorf("cpus %d: %q comes back as %d, %v", n, cpusWord(n), got, err)
		}
	}
	for _, bad := range []string{"x", "-1", "NaN", "1e9"} {
		if got, err := cpus(bad); err == nil {
			t.Errorf("cpus %q: %d", bad, got)
		}
	}
}

// TestExplain takes the innermost account, and always says what to do next.
func TestExplain(t *testing.T) {
	t.Parallel()
	m := New(t.Context(), fake.New(), Options{})
	inner := &engine.OpError{Op: "start", Kind: "container", ID: "db", Err: engine.ErrCommandNotFound}
	a := m.explain(fmt.Errorf("restart: %w", &engine.OpError{Op: "restart", Kind: "container", ID: "db", Err: inner}))
	if a.what != "start container db" || a.why != "executable file not found" || a.hint == "" || !strings.Contains(a.all, "restart container db") {
		t.Errorf("got %+v", a)
	}
	for _, err := range []error{errors.New("odd"), images.ErrUnauthorized, images.ErrUnavailable, engine.ErrInUse, context.Canceled, io.EOF} {
		if a := m.explain(err); a.hint == "" || a.why == "" {
			t.Errorf("%v: %+v", err, a)
		}
	}
	if a := m.explain(errors.New("a\x1b[31mb\nc")); a.why != "ab\nc" {
		t.Errorf("control sequences come through: %q", a.why)
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"": nil, "a b": {"a", "b"}, `sh -c "echo hi there"`: {"sh", "-c", "echo hi there"}, `'a "b'`: {`a "b`}, `a\ b c`: {"a b", "c"}, `""`: {""},
	} {
		if got, err := split(in); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %q, %v", in, got, err)
		}
	}
	for _, in := range []string{`"open`, `a\`, `'x`} {
		if got, err := split(in); err == nil {
			t.Errorf("%q: got %q, want an error", in, got)
		}
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int64{"": 0, "1": 1, "64m": 64 << 20, "2G": 2 << 30, "10k": 10 << 10} {
		if got, err := size(in); err != nil || got != want {
			t.Errorf("%q: got %d, %v", in, got, err)
		}
	}
	for _, in := range []string{"m", "x", "1x", "-1", "9999999999999999999"} {
		if got, err := size(in); err == nil {
			t.Errorf("%q: got %d, want an error", in, got)
		}
	}
}

func rows(p pane, n int) (out [panes]int) {
	out[p] = n
	return out
}

// TestSpareRowsGoToListsThatAreCut, but what containers need stays theirs.
func TestSpareRowsGoToListsThatAreCut(t *testing.T) {
	t.Parallel()
	few := arrange(120, 40, shape{rows: [panes]int{containersPane: 2, imagesPane: 20}})
	if got := few.of(imagesPane).inner(); got != 21 {
		t.Errorf("20 images beside 2 containers have %d lines, want 21", got)
	}
	many := arrange(120, 40, shape{rows: [panes]int{containersPane: 60, imagesPane: 20}})
	if got := many.of(containersPane).h; got < 24 {
		t.Errorf("60 containers have %d lines", got)
	}
}

// TestLayoutFillsTheScreenWithoutOverlap at any size.
func TestLayoutFillsTheScreenWithoutOverlap(t *testing.T) {
	t.Parallel()
	for w := 20; w <= 250; w += 7 {
		for h := 6; h <= 80; h += 3 {
			for _, s := range []shape{
				{focus: containersPane}, {focus: imagesPane, rows: rows(imagesPane, 40)}, {focus: detailPane, rows: rows(imagesPane, 2)}, {focus: volumesPane, rows: rows(volumesPane, 70)},
				{focus: networksPane, under: volumesPane, rows: rows(networksPane, 3)}, {focus: containersPane, under: networksPane}, {focus: detailPane, zoom: true},
				{focus: jobsPane, rows: rows(jobsPane, 3)}, {focus: containersPane, rows: rows(jobsPane, 30), quiet: true}, {focus: imagesPane, rows: [panes]int{imagesPane: 9, jobsPane: 2}},
				{left: 5, lower: 1, right: 3}, {left: 400, lower: 400, right: 400, rows: rows(jobsPane, 9)}, {left: 50, lower: 12, right: 60},
			} {
				l := arrange(w, h, s)
				area := 0
				for _, r := range append(l.panes[:], l.bar) {
					if r == (rect{}) {
						continue
					}
					area += r.w * r.h
					if r.x < 0 || r.y < 1 || r.x+r.w > w || r.y+r.h > h-1 || r.h < 1 || r.w < 1 {
						t.Fatalf("%dx%d %+v: %+v is outside", w, h, s, r)
					}
				}
				if area != w*(h-2) {
					t.Fatalf("%dx%d %+v: panes cover %d cells of %d: %+v", w, h, s, area, w*(h-2), l)
				}
				if reflect.ValueOf(l.of(s.focus)).IsZero() {
					t.Fatalf("%dx%d %+v: what has the focus is not shown", w, h, s)
				}
			}
		}
	}
}
