package ui_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/logs"
	"gantry/ui"
	"gantry/ui/uitest"
)

// step is one key, or one text that is typed, and where the screen said so just
// before: "footer: s stop". What a keyboard says by itself needs no telling.
type step struct{ key, typed, told string }

func key(key, told string) step { return step{key: key, told: told} }
func typed(text string) step    { return step{typed: text} }

// chore is something that people want to get done, and proof that it is.
type chore struct {
	name  string
	steps []step
	done  func(t *testing.T, p *port)
}

// port is the world of the jobs: the demo's app, and a container besides.
type port struct {
	e   *fake.Engine
	d   *uitest.Driver
	ran [][]string // what the terminal was handed over to
	dir string
}

func (p *port) open(t *testing.T) {
	e := fake.New()
	now := time.Now()
	e.AddRemote("redis:7", fake.Remote{Image: fake.Image{Size: 30e6}})
	e.AddImage(fake.Image{Refs: []string{"gantry/demo:latest"}, Size: 17e6, Created: now.Add(-time.Hour)})
	e.AddImage(fake.Image{Refs: []string{"alpine:3.20"}, Size: 8.8e6, Created: now.Add(-50 * time.Hour), History: []engine.HistoryEntry{
		{CreatedBy: "ADD alpine-minirootfs.tar.gz /", Created: now.Add(-50 * time.Hour), Size: 8.8e6}, {CreatedBy: `CMD ["/bin/sh"]`, Created: now.Add(-50 * time.Hour)},
	}})
	e.AddImage(fake.Image{Refs: []string{"debian:bookworm"}, Size: 199e6, Created: now.Add(-90 * time.Hour)})
	e.Program("sleep", fake.Idle)
	for i, name := range []string{"web-1", "web-2", "queue-1", "store-1"} {
		cores := []float64{0.05, 0.31, 0.02, 0.08}[i]
		e.AddContainer(fake.Container{
			Name: "demo-" + name, Image: "gantry/demo:latest", Command: []string{"sleep", "9"}, State: engine.Running, Created: now.Add(-time.Hour),
			Labels: map[string]string{"com.docker.compose.project": "demo"}, Log: told(now, name),
		})
		if err := e.SetSample("demo-"+name, func(at time.Time) engine.Sample {
			return engine.Sample{CPU: engine.CPUSample{Usage: uint64(cores * 1e9 * at.Sub(now).Seconds()), Online: 4}, Memory: engine.MemSample{Usage: 20 << 20, Limit: 64 << 20}, PIDs: 3}
		}); err != nil {
			t.Fatal(err)
		}
	}
	e.AddContainer(fake.Container{
		Name: "demo-migrate-1", Image: "gantry/demo:latest", Command: []string{"migrate"}, State: engine.Exited, ExitCode: 1, Created: now.Add(-time.Hour),
		Labels: map[string]string{"com.docker.compose.project": "demo"}, Log: told(now, "column \"currency\" already exists"),
	})
	ctx := context.Background()
	if _, err := e.Containers().Create(ctx, engine.CreateOptions{Name: "scratchpad", Config: engine.ContainerConfig{Image: "alpine:3.20", Cmd: []string{"sleep", "9"}, Env: []string{"LOG_FORMAT=json"}}}); err != nil {
		t.Fatal(err)
	}
	if err := e.Containers().Start(ctx, "scratchpad"); err != nil {
		t.Fatal(err)
	}
	p.e = e
	p.stock(t)
}

// stock is what containers use besides images.
func (p *port) stock(t *testing.T) {
	ctx := context.Background()
	if _, err := p.e.Volumes().Create(ctx, engine.VolumeCreateOptions{Name: "notes"}); err != nil {
		t.Fatal(err)
	}
	p.e.SetVolumeFile("notes", "/todo.txt", "", []byte("rest\n"))
	if _, err := p.e.Networks().Create(ctx, engine.NetworkCreateOptions{Name: "lab"}); err != nil {
		t.Fatal(err)
	}
	shop := engine.CreateOptions{Name: "shop", Config: engine.ContainerConfig{Image: "alpine:3.20", Cmd: []string{"sleep", "9"}, ExposedPorts: map[string]struct{}{"80/tcp": {}}}}
	shop.Host = engine.HostConfig{
		NetworkMode: engine.NetworkBridge, PortBindings: engine.PortMap{"80/tcp": {{HostPort: "8080"}}},
		Mounts: []engine.Mount{{Type: "volume", Source: "notes", Target: "/notes"}},
	}
	if _, err := p.e.Containers().Create(ctx, shop); err != nil {
		t.Fatal(err)
	}
	if err := p.e.Containers().Start(ctx, "shop"); err != nil {
		t.Fatal(err)
	}
}

func told(at time.Time, about string) []logs.Entry {
	var out []logs.Entry
	for i := range 60 {
		text := fmt.Sprintf("INFO %s request %d", about, i)
		if i%20 == 7 {
			text = fmt.Sprintf("ERROR %s timeout %d", about, i)
		}
		out = append(out, logs.Entry{Time: at.Add(time.Duration(i-100) * time.Second), Stream: logs.Stdout, Line: []byte(text)})
	}
	return out
}

func (p *port) state(t *testing.T, name string) engine.State { return state(t, p.e, name) }

// to filters the list for a container and puts the cursor on it.
func to(name string, then ...step) []step {
	return append([]step{key("/", "footer: / filter"), typed(name), key("enter", "footer: enter keep")}, then...)
}

// menu takes an action of the menu.
func menu(word, title string, then ...step) []step {
	return append([]step{key("x", "footer: x more"), typed(word), key("enter", "menu: "+title)}, then...)
}

func join(parts ...[]step) (all []step) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// tasks are the chores, in the order of docs/tasks.md.
func tasks() []chore {
	toImages := key("2", "title: 2 Images")
	died := `row: ✖ migrate-1  exited 1`
	return []chore{
		{"Pull an image", []step{toImages, key("P", "footer: P pull"), typed("redis:7"), key("enter", "footer: enter")}, func(t *testing.T, p *port) {
			if !hasImage(p.e, "redis:7") {
				t.Error("the image is not there")
			}
		}},
		{"Run an image with a name", []step{toImages, key("n", "footer: n run"), key("tab", "form: name"), typed("mine"), key("tab", "form: command"), typed("sleep 60"), key("enter", "form: $ gantry run -d --name mine alpine:3.20 sleep 60")}, func(t *testing.T, p *port) {
			if s := p.state(t, "mine"); s != engine.Running {
				t.Errorf("it is %s", s)
			}
		}},
		{"Find out why a container died", []step{key("enter", died), key("e", "footer: e next error")}, func(t *testing.T, p *port) {
			wants(t, p.d, `ERROR column "currency" already exists`)
		}},
		{"Copy its ID", menu("copy", "Copy ID"), func(t *testing.T, p *port) { wants(t, p.d, "copied") }},
		{"Open a shell in a container", to("web-2", key("E", "footer: E shell")), func(t *testing.T, p *port) {
			if len(p.ran) != 1 || !strings.HasPrefix(strings.Join(p.ran[0], " "), "exec -it") {
				t.Errorf("the terminal went to %q", p.ran)
			}
		}},
		{"See who eats the processor", []step{key("o", "help: Sort"), key("o", "title: by name")}, func(t *testing.T, p *port) { wants(t, p.d, "by CPU") }},
		{"See how near a container is to its limits", to("web-2", key("]", "title: Log Stats")), func(t *testing.T, p *port) {
			wants(t, p.d, "20 MiB", "64 MiB")
		}},
		{"Free space", menu("prune", "Prune", key("y", "sheet: come back")), func(t *testing.T, p *port) { wants(t, p.d, "came back") }},
		{"Follow one log and search it", to("web-2", key("enter", "footer: enter open"), key("/", "footer: / search"), typed("timeout"), key("enter", ""), key("N", "footer: N previous")), func(t *testing.T, p *port) {
			wants(t, p.d, "ERROR web-2 timeout", "of 3")
		}},
		{"Stop everything of a project", []step{key("up", "row: ▾ demo"), key("s", "footer: s stop"), key("y", "sheet: y stop")}, func(t *testing.T, p *port) {
			for _, name := range []string{"demo-web-1", "demo-web-2", "demo-queue-1", "demo-store-1"} {
				if s := p.state(t, name); s != engine.Exited {
					t.Errorf("%s is %s", name, s)
				}
			}
			if s := p.state(t, "scratchpad"); s != engine.Running {
				t.Errorf("scratchpad is %s", s)
			}
		}},
		{"See an image's history", []step{toImages, key("]", "title: Config History")}, func(t *testing.T, p *port) {
			wants(t, p.d, "ADD alpine-minirootfs.tar.gz /")
		}},
		{"Change a memory limit", join(to("web-2"), menu("limits", "Change limits", typed("128m"), key("enter", "form: $ gantry update -m 128m demo-web-2"))), func(t *testing.T, p *port) {
			if m := inspect(t, p.e, "demo-web-2").HostConfig.Memory; m != 128<<20 {
				t.Errorf("the limit is %d", m)
			}
		}},
		{"Save an image to a file", join([]step{toImages}, menu("save", "Save to a file", key("ctrl+u", ""), typed("DIR/alpine.tar"), key("enter", "form: $ gantry save -o"))), func(t *testing.T, p *port) {
			if _, err := os.Stat(filepath.Join(p.dir, "alpine.tar")); err != nil {
				t.Error(err)
			}
		}},
		{"Copy a command that does the same", to("web-2", key("s", "footer: s stop"), key("ctrl+y", "footer: ctrl+y copy")), func(t *testing.T, p *port) {
			wants(t, p.d, "copied", "$ gantry stop demo-web-2")
		}},
		{"Restart a container", to("queue", key("r", "footer: r restart"), key("y", "sheet: y restart")), func(t *testing.T, p *port) { wants(t, p.d, "restarted") }},
		{"Remove two containers at once", []step{key("space", "help: space"), key("space", "help: space"), key("d", "help: d"), key("y", "sheet: y remove")}, func(t *testing.T, p *port) {
			for _, name := range []string{"demo-migrate-1", "demo-queue-1"} {
				if s := p.state(t, name); s != "gone" {
					t.Errorf("%s is %s", name, s)
				}
			}
		}},
		{"Give a container another name", join(to("scratch"), menu("rename", "Rename", key("ctrl+u", ""), typed("desk"), key("enter", "form: $ gantry rename scratchpad desk"))), func(t *testing.T, p *port) {
			if s := p.state(t, "desk"); s != engine.Running {
				t.Errorf("it is %s", s)
			}
		}},
		{"Let a program read its configuration again", join(to("web-1"), menu("signal", "Send a signal", typed("hup"), key("enter", "list: HUP"))), func(t *testing.T, p *port) {
			did(t, p.d, "gantry kill -s HUP demo-web-1")
		}},
		{"See a variable of a container's environment", to("scratch", key("]", "title: Log Stats Inspect Env"), key("]", ""), key("]", "")), func(t *testing.T, p *port) {
			wants(t, p.d, "LOG_FORMAT", "json")
		}},
		{"See what was done, as commands", join([]step{key("S", "footer: S start")}, menu("command log", "Command log")), func(t *testing.T, p *port) {
			wants(t, p.d, "gantry start demo-migrate-1")
		}},
		{"See who uses a volume", []step{key("3", "bar: 3 Volumes"), key("]", "title: Files Containers")}, func(t *testing.T, p *port) { wants(t, p.d, "CONTAINER", "/notes") }},
		{"Copy a file out of a volume", []step{key("3", "bar: 3 Volumes"), key("enter", "footer: enter open"), key("X", "footer: X copy out"), key("ctrl+u", "form: into"), typed("DIR"), key("enter", "form: $ cp -r")}, func(t *testing.T, p *port) {
			if got, err := os.ReadFile(filepath.Join(p.dir, "todo.txt")); err != nil || string(got) != "rest\n" {
				t.Errorf("the copy: %q, %v", got, err)
			}
		}},
		{"Connect a container to a network", []step{key("4", "bar: 4 Networks"), key("c", "footer: c connect"), typed("scratchpad"), key("enter", "form: $ gantry network connect lab scratchpad")}, func(t *testing.T, p *port) {
			if _, on := inspect(t, p.e, "scratchpad").NetworkSettings.Networks["lab"]; !on {
				t.Error("it is not connected")
			}
		}},
		{"Open a published port", to("shop", menu("browser", "Open in a browser")...), func(t *testing.T, p *port) { wants(t, p.d, "http://localhost:8080") }},
		{"See what a container is connected to", to("shop", key("]", "title: Network"), key("]", ""), key("]", ""), key("]", ""), key("]", "")), func(t *testing.T, p *port) {
			wants(t, p.d, "THERE", "bridge", "80/tcp")
		}},
		{"Leave, and let everything run on", []step{key("q", "help: q")}, func(t *testing.T, p *port) {
			if s := p.state(t, "demo-web-1"); !p.d.Quit() || s != engine.Running {
				t.Errorf("it has ended: %v, the container is %s", p.d.Quit(), s)
			}
		}},
	}
}

func TestTasks(t *testing.T) {
	for _, j := range tasks() {
		t.Run(strings.ReplaceAll(j.name, " ", "-"), func(t *testing.T) {
			p := &port{dir: t.TempDir()}
			synctest.Test(t, func(t *testing.T) {
				t.Setenv("TZ", "UTC")
				p.open(t)
				ctx, cancel := context.WithCancel(context.Background())
				p.d = uitest.New(t, ui.New(ctx, p.e, ui.Options{Command: func(args ...string) *exec.Cmd {
					p.ran = append(p.ran, args)
					return exec.Command("/bin/true")
				}}), 120, 40)
				p.d.Pass(3 * time.Second)
				for _, s := range j.steps {
					p.take(t, s)
				}
				p.d.Pass(3 * time.Second)
				j.done(t, p)
				if t.Failed() {
					t.Logf("at last:\n%s", p.d.Screen())
				}
				cancel()
				if err := p.e.Close(); err != nil {
					t.Error(err)
				}
				p.d.End(2 * time.Minute)
			})
		})
	}
}

// help is what ? lists, all of it.
func (p *port) help() string {
	p.d.Keys("?")
	all := p.d.Screen()
	for range 4 {
		p.d.Keys("pgdown")
		all += p.d.Screen()
	}
	p.d.Keys("esc")
	return all
}

// take does a step, when the screen says so.
func (p *port) take(t *testing.T, s step) {
	t.Helper()
	if s.typed != "" {
		text(p.d, strings.ReplaceAll(s.typed, "DIR", p.dir))
		p.d.Pass(300 * time.Millisecond)
		return
	}
	if s.told != "" {
		place, text, _ := strings.Cut(s.told, ": ")
		screen := p.d.Screen()
		switch lines := strings.Split(strings.TrimRight(screen, "\n"), "\n"); place {
		case "footer":
			screen = lines[len(lines)-1]
		case "help":
			screen = p.help()
		}
		if !strings.Contains(screen, text) {
			t.Errorf("before %s the %s does not say %q:\n%s", s.key, place, text, p.d.Screen())
		}
	}
	p.d.Keys(s.key)
	p.d.Pass(500 * time.Millisecond)
}

// TestTasksPage holds docs/tasks.md to what TestTasks presses. UPDATE=1 writes it.
func TestTasksPage(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`# What the keys are for, task by task

Every row is pressed by a test just as it stands here, in the workbench with the demo at 120×40, which then checks that the task is done; and
before each key the test looks for what the last column says on the screen. What a keyboard says by itself (letters, arrows, enter) needs no telling.

| | to … | press | where the screen said so |
| --: | --- | --- | --- |
`)
	for i, c := range tasks() {
		var keys, where []string
		for _, s := range c.steps {
			if s.typed != "" {
				keys = append(keys, "`"+strings.ReplaceAll(s.typed, "DIR", "/tmp")+"`")
				continue
			}
			keys = append(keys, "<kbd>"+s.key+"</kbd>")
			if s.told != "" {
				place, text, _ := strings.Cut(s.told, ": ")
				where = append(where, place+" “"+text+"”")
			}
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %s |\n", i+1, strings.ToLower(c.name[:1])+c.name[1:], strings.Join(keys, " "), strings.Join(slices.Compact(where), ", "))
	}
	page(t, "tasks.md", b.String())
}

// page compares a page of docs/ with what it should be.
func page(t *testing.T, name, want string) {
	t.Helper()
	path := filepath.Join("..", "docs", name)
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/%s is stale (-want +got; UPDATE=1 writes it):\n%s", name, diff)
	}
}

// TestKeysPage holds docs/keys.md to the registry. UPDATE=1 writes it.
func TestKeysPage(t *testing.T) {
	t.Parallel()
	page(t, "keys.md", ui.KeysPage())
}
