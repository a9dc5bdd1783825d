package ui_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/images"
	"gantry/ui"
	"gantry/ui/uitest"
)

func inspect(t *testing.T, e *fake.Engine, name string) engine.ContainerDetail {
	t.Helper()
	d, err := e.Containers().Inspect(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func hasImage(e *fake.Engine, ref string) bool {
	_, err := e.Images().Inspect(context.Background(), ref)
	return err == nil
}

// did tells what the command log says was done last.
func did(t *testing.T, d *uitest.Driver, command string) {
	t.Helper()
	d.Keys("@")
	if w := d.Window("Command log"); !strings.Contains(w, command) {
		t.Errorf("the command log does not say %q:\n%s", command, d.Screen())
	}
	d.Keys("esc")
}

// TestRunFromForm fills in every field of the form, and the container is made
// so.
func TestRunFromForm(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		e.Program("docker-entrypoint.sh", fake.Idle)
		runFilled(t, e, d)
		d.Keys("tab")
		text(d, "50")
		d.Keys("tab", "tab")
		text(d, "1000:1000")
		d.Keys("tab", "right", "tab", "enter")
		d.Pass(time.Second)
		c := inspect(t, e, "web")
		if c.State.Status != engine.Running {
			t.Errorf("it is %s", c.State.Status)
		}
		h := c.HostConfig
		if h.Memory != 256<<20 || h.NanoCpus != 1.5e9 || h.PidsLimit != 50 || !h.AutoRemove || h.NetworkMode != "host" {
			t.Errorf("limits: %+v", h)
		}
		if len(h.Mounts) != 1 || h.Mounts[0].Source != "/data" || h.Mounts[0].Target != "/srv/data" || !h.Mounts[0].ReadOnly {
			t.Errorf("mounts: %+v", h.Mounts)
		}
		if c.Config.User != "1000:1000" || c.Config.WorkingDir != "/srv" || !slices.Contains(c.Config.Env, "B=two words") {
			t.Errorf("config: %+v", c.Config)
		}
		did(t, d, "gantry run -d --rm --name web -e A=1 -e 'B=two words'")
	})
}

// TestCreateOnly makes a container and does not start it.
func TestCreateOnly(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		chooseImage(t, d, "redis")
		d.Keys("n", "tab")
		text(d, "later")
		d.Keys("shift+tab", "shift+tab", "right", "enter")
		d.Pass(time.Second)
		if s := state(t, e, "later"); s != engine.Created {
			t.Errorf("it is %s", s)
		}
		wants(t, d, "✔ created later")
		did(t, d, "gantry create --name later redis:7")
	})
}

// TestRunPullsWhatIsMissing, and goes on by itself.
func TestRunPullsWhatIsMissing(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		e.Program("sleep", fake.Idle)
		palette(d, "run busybox:1 --name new sleep 60")
		d.Pass(time.Second)
		wants(t, d, "Pull, then run", "busybox:1")
		d.Pass(5 * time.Second)
		if c := inspect(t, e, "new"); c.State.Status != engine.Running || c.Path != "sleep" {
			t.Errorf("it is %s: %s", c.State.Status, c.Path)
		}
		lacks(t, d, "Pull, then run")
		did(t, d, "gantry run -d --name new busybox:1 sleep 60")
	})
}

func TestPasteIntoTheForm(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		chooseImage(t, d, "redis")
		d.Keys("n", "tab", "tab", "tab")
		d.Send(tea.PasteMsg{Content: "A=1\nB=2\n"})
		wants(t, d, "$ gantry run -d -e A=1 -e B=2 redis:7")
	})
}

// TestClickOnAButton of a dialog does what its key does.
func TestClickOnAButton(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		choose(t, d, "db")
		d.Keys("s")
		x, y := spot(t, d, "   y stop")
		click(d, x+4, y)
		d.Pass(time.Second)
		if s := state(t, e, "db"); s != engine.Exited {
			t.Errorf("it is %s", s)
		}
	})
}

// TestPullHidden goes on without its dialog, and says when it is done.
func TestPullHidden(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		palette(d, "pull busybox:1")
		d.Pass(2 * time.Second)
		wants(t, d, "MB/s", "esc hide, it goes on")
		d.Keys("esc")
		lacks(t, d, "it goes on")
		d.Keys(".")
		wants(t, d, "esc hide, it goes on") // and it can be looked at again
		d.Keys("esc")
		d.Pass(3 * time.Second)
		wants(t, d, "✔ pull of busybox:1 is done")
		if !hasImage(e, "busybox:1") {
			t.Error("it is not there")
		}
	})
}

func TestPullCancelled(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		palette(d, "pull busybox:1")
		d.Pass(time.Second)
		d.Keys("x")
		d.Pass(5 * time.Second)
		if hasImage(e, "busybox:1") {
			t.Error("it was pulled all the same")
		}
		jobs, err := e.Jobs().List(context.Background())
		if err != nil || len(jobs) != 1 || jobs[0].State != engine.JobCanceled {
			t.Errorf("jobs: %+v, %v", jobs, err)
		}
		lacks(t, d, "That did not work") // who cancels knows
	})
}

// TestPullThatWantsALogin offers it, and tries again afterwards.
func TestPullThatWantsALogin(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		e.AddRemote("reg.example/private:1", fake.Remote{Err: images.ErrUnauthorized})
		palette(d, "pull reg.example/private:1")
		d.Pass(time.Second)
		d.Keys("l")
		wants(t, d, "Log in to a registry", "reg.example")
		d.Keys("tab")
		text(d, "bob")
		d.Keys("tab")
		text(d, "s3cret")
		lacks(t, d, "s3cret")
		e.AddRemote("reg.example/private:1", fake.Remote{})
		d.Keys("enter")
		d.Pass(3 * time.Second)
		if cred, ok := e.Login("reg.example"); !ok || cred.Username != "bob" || cred.Password != "s3cret" {
			t.Errorf("kept %+v", cred)
		}
		if !hasImage(e, "reg.example/private:1") {
			t.Errorf("it is not tried again:\n%s", d.Screen())
		}
	})
}

func TestLogout(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		if _, err := e.Images().Login(context.Background(), engine.Credentials{Registry: "reg.example", Username: "bob"}); err != nil {
			t.Fatal(err)
		}
		palette(d, "logout reg.example")
		wants(t, d, "✔ logged out of reg.example")
		if _, ok := e.Login("reg.example"); ok {
			t.Error("the credentials are still there")
		}
		palette(d, "logout reg.example")
		wants(t, d, "log out of registry reg.example", "nobody is logged in there")
	})
}

func TestPush(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		chooseImage(t, d, "nginx")
		d.Keys("U", "down", "enter")
		wants(t, d, "Push it to docker.io?", "nginx:stable")
		d.Keys("y")
		d.Pass(time.Second)
		wants(t, d, "✔ nginx:stable@sha256:")
		d.Keys("esc")
		did(t, d, "gantry push nginx:stable")
	})
}

func TestTagAndUntag(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		chooseImage(t, d, "redis")
		d.Keys("t")
		text(d, "Not A Name")
		d.Keys("enter")
		wants(t, d, "▲ parse image reference")
		d.Keys("ctrl+u")
		text(d, "mine:1")
		d.Keys("enter")
		d.Pass(200 * time.Millisecond)
		if !hasImage(e, "mine:1") {
			t.Fatal("it has no such name")
		}
		palette(d, "rmi mine:1")
		wants(t, d, "keeps 1 other name")
		d.Keys("y")
		d.Pass(200 * time.Millisecond)
		if hasImage(e, "mine:1") || !hasImage(e, "redis:7") {
			t.Error("not the one name is gone")
		}
	})
}

// TestRemoveImageWithItsContainers only by the key of its own.
func TestRemoveImageWithItsContainers(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		palette(d, "rmi redis:7")
		wants(t, d, "limited, running")
		d.Keys("y") // there is no such button
		d.Pass(time.Second)
		if !hasImage(e, "redis:7") || state(t, e, "limited") != engine.Running {
			t.Fatal("y removed it")
		}
		palette(d, "rmi redis:7")
		d.Keys("c")
		d.Pass(time.Second)
		if hasImage(e, "redis:7") || state(t, e, "limited") != "gone" {
			t.Error("it is still there")
		}
	})
}

func TestPrune(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		d.Keys("b")
		d.Pass(200 * time.Millisecond)
		d.Keys("enter")
		d.Pass(time.Second)
		if state(t, e, "worker") == "gone" {
			t.Fatal("enter takes what is not safe")
		}
		d.Keys("b")
		d.Pass(200 * time.Millisecond)
		d.Keys("space", "tab", "tab", "space") // no containers, all images
		wants(t, d, "239 MB come back", "gantry image prune -af")
		d.Keys("y")
		d.Pass(time.Second)
		wants(t, d, "239 MB came back")
		if state(t, e, "worker") == "gone" || hasImage(e, "nginx:1.27") {
			t.Error("not what was ticked is gone")
		}
		if !hasImage(e, "alpine:3.20") {
			t.Error("an image that is used is gone")
		}
	})
}

func TestChangeLimits(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		choose(t, d, "limited")
		d.Keys("u")
		d.Pass(100 * time.Millisecond)
		wants(t, d, "256m", "1.5", "100")
		d.Keys("enter")
		wants(t, d, "nothing is changed")
		d.Keys("ctrl+u")
		text(d, "1g")
		wants(t, d, "$ gantry update -m 1g limited")
		d.Keys("tab", "tab", "ctrl+u", "2", "enter")
		d.Pass(200 * time.Millisecond)
		if r := inspect(t, e, "limited").HostConfig.Resources; r.Memory != 1<<30 || r.NanoCpus != 2e9 || r.PidsLimit != 100 {
			t.Errorf("limits: %+v", r)
		}
	})
}

func TestKillSendsTheSignal(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		choose(t, d, "db")
		d.Keys("K")
		text(d, "kil")
		d.Keys("enter")
		d.Pass(200 * time.Millisecond)
		if s := state(t, e, "db"); s != engine.Exited {
			t.Errorf("it is %s", s)
		}
		did(t, d, "gantry kill -s KILL db")
	})
}

// TestSaveLoadImport with real files.
func TestSaveLoadImport(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "out.tar")
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		chooseImage(t, d, "redis")
		d.Keys("S", "ctrl+u")
		text(d, filepath.Join(dir, "missing", "x.tar"))
		d.Keys("enter")
		d.Pass(time.Second)
		wants(t, d, "That did not work", "x.tar", "no such file or directory", "the folder or the file does not exist")
		d.Keys("esc")
		palette(d, "save "+file)
		d.Pass(time.Second)
		wants(t, d, "✔ saved redis:7 to")
		if _, err := os.Stat(file); err != nil {
			t.Fatal(err)
		}
		palette(d, "save "+file)
		d.Pass(time.Second)
		wants(t, d, "Overwrite it?")
		d.Keys("esc")
		if left, _ := os.ReadDir(dir); len(left) != 1 {
			t.Errorf("left behind: %v", left)
		}
		palette(d, "rmi redis:7")
		d.Keys("c")
		d.Pass(time.Second)
		palette(d, "load")
		text(d, filepath.Join(dir, "o"))
		d.Pass(100 * time.Millisecond)
		d.Keys("tab") // completes the path
		wants(t, d, "gantry load -i "+file)
		d.Keys("enter")
		d.Pass(time.Second)
		wants(t, d, "loaded redis:7")
		d.Keys("esc")
		palette(d, "import "+file+" base:1")
		d.Pass(time.Second)
		if !hasImage(e, "base:1") {
			t.Errorf("it is not imported:\n%s", d.Screen())
		}
	})
}

// TestAttachSaysFirstHowToLeave, and the terminal is handed over with the right
// words.
func TestTerminalIsHandedOver(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		choose(t, d, "db")
		d.Keys("a")
		wants(t, d, "ctrl-p  ctrl-q", "leaves it, and it goes on")
		d.Keys("enter")
		wants(t, d, "no terminal to hand over") // this one has none
		d.Keys("E")
		wants(t, d, "no terminal to hand over")
		choose(t, d, "frozen")
		d.Keys("E")
		wants(t, d, "it is paused; let it go on first")
	})
}

// TestBulkReport: what did not work is named with why, and can be tried again.
func TestBulkReport(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		e.Inject(fake.OpStop, fake.Fault{Times: 2, Err: &engine.OpError{Op: "stop", Kind: "container", Err: errors.New("its monitor does not answer"), Hint: "wait a moment"}})
		palette(d, "stop db shop-api-1 limited")
		d.Keys("y")
		d.Pass(time.Second)
		wants(t, d, "1 stopped · 2 failed", "its monitor does not answer", "→ wait a moment")
		d.Keys("r")
		d.Pass(time.Second)
		wants(t, d, "✔ stopped all 2")
		for _, name := range []string{"db", "shop-api-1", "limited"} {
			if s := state(t, e, name); s != engine.Exited {
				t.Errorf("%s is %s", name, s)
			}
		}
	})
}

// TestBulkCancel ends what is under way and begins nothing more.
func TestBulkCancel(t *testing.T) {
	many := func(t *testing.T) *fake.Engine {
		e := fake.New()
		e.AddImage(fake.Image{Refs: []string{"a:1"}})
		for _, n := range strings.Fields("aa bb cc dd ee ff gg hh ii jj") {
			e.AddContainer(fake.Container{Name: n, Image: "a:1", State: engine.Running})
		}
		return e
	}
	drive(t, 120, 40, many, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		e.Inject(fake.OpStop, fake.Fault{Delay: time.Hour})
		d.Keys("*", "s", "y")
		d.Pass(time.Second)
		wants(t, d, "0 of 10", "waiting")
		d.Keys("x")
		d.Pass(time.Second)
		wants(t, d, "10 cancelled")
		d.Keys("esc")
		for _, n := range []string{"aa", "jj"} {
			if s := state(t, e, n); s != engine.Running {
				t.Errorf("%s is %s", n, s)
			}
		}
	})
}

// TestNothingFreezes: while any operation hangs, keys go on working, and it can
// be looked at and cancelled.
func TestNothingFreezes(t *testing.T) {
	for _, tt := range []struct {
		name string
		op   fake.Op
		keys func(d *uitest.Driver)
	}{
		{"stop", fake.OpStop, func(d *uitest.Driver) { palette(d, "stop db"); d.Keys("y") }},
		{"start", fake.OpStart, func(d *uitest.Driver) { palette(d, "start migrate") }},
		{"restart", fake.OpRestart, func(d *uitest.Driver) { palette(d, "restart db"); d.Keys("y") }},
		{"kill", fake.OpKill, func(d *uitest.Driver) { palette(d, "kill db KILL") }},
		{"pause", fake.OpPause, func(d *uitest.Driver) { palette(d, "pause db") }},
		{"unpause", fake.OpUnpause, func(d *uitest.Driver) { palette(d, "pause frozen") }},
		{"rename", fake.OpRename, func(d *uitest.Driver) { palette(d, "rename db other") }},
		{"remove", fake.OpRemove, func(d *uitest.Driver) { palette(d, "rm db"); d.Keys("y") }},
		{"create", fake.OpCreate, func(d *uitest.Driver) { palette(d, "run redis:7") }},
		{"prune", fake.OpPrune, func(d *uitest.Driver) { d.Keys("b") }},
		{"limits", fake.OpInspect, func(d *uitest.Driver) { palette(d, "update limited") }},
		{"tag", fake.OpTag, func(d *uitest.Driver) { palette(d, "tag redis:7 x:1") }},
		{"remove image", fake.OpImageRemove, func(d *uitest.Driver) { palette(d, "rmi nginx:1.27"); d.Keys("y") }},
		{"login", fake.OpLogin, func(d *uitest.Driver) { palette(d, "login"); d.Keys("tab", "a", "tab", "b", "enter") }},
		{"logout", fake.OpLogout, func(d *uitest.Driver) { palette(d, "logout"); d.Keys("enter") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
				e.Inject(tt.op, fake.Fault{Delay: time.Hour})
				tt.keys(d)
				d.Pass(time.Second)
				wants(t, d, "◐ ")
				d.Keys("?")
				wants(t, d, "Everywhere")
				d.Keys("esc", ".")
				wants(t, d, "x cancel")
				d.Keys("x")
				d.Pass(time.Second)
				d.Keys("esc", "esc")
				lacks(t, d, "x cancel", "◐ "+tt.name)
				d.Keys(".")
				wants(t, d, "nothing is under way")
			})
		})
	}
}

// TestFailuresAreTold for every operation: what, which, why and what next.
func TestFailuresAreTold(t *testing.T) {
	for _, tt := range []struct {
		op    fake.Op
		keys  func(d *uitest.Driver)
		wants string
	}{
		{fake.OpStop, func(d *uitest.Driver) { palette(d, "stop db"); d.Keys("y") }, "stop container db"},
		{fake.OpStart, func(d *uitest.Driver) { palette(d, "start migrate") }, "start container migrate"},
		{fake.OpRestart, func(d *uitest.Driver) { palette(d, "restart db"); d.Keys("y") }, "restart container db"},
		{fake.OpKill, func(d *uitest.Driver) { palette(d, "kill db KILL") }, "kill container db"},
		{fake.OpPause, func(d *uitest.Driver) { palette(d, "pause db") }, "pause container db"},
		{fake.OpRename, func(d *uitest.Driver) { palette(d, "rename db other") }, "rename container db"},
		{fake.OpRemove, func(d *uitest.Driver) { palette(d, "rm db"); d.Keys("y") }, "remove container db"},
		{fake.OpCreate, func(d *uitest.Driver) { palette(d, "run redis:7") }, "create container"},
		{fake.OpPrune, func(d *uitest.Driver) { d.Keys("b") }, "prune containers"},
		{fake.OpImagePrune, func(d *uitest.Driver) { d.Keys("b") }, "prune images"},
		{fake.OpInspect, func(d *uitest.Driver) { palette(d, "update limited") }, "inspect container limited"},
		{fake.OpTag, func(d *uitest.Driver) { palette(d, "tag redis:7 x:1") }, "tag image redis:7"},
		{fake.OpImageRemove, func(d *uitest.Driver) { palette(d, "rmi nginx:1.27"); d.Keys("y") }, "remove image nginx:1.27"},
		{fake.OpLogin, func(d *uitest.Driver) { palette(d, "login reg.example"); d.Keys("tab", "a", "tab", "b", "enter") }, "log in to registry reg.example"},
		{fake.OpJobStart, func(d *uitest.Driver) { palette(d, "pull x") }, "start job"},
	} {
		t.Run(string(tt.op), func(t *testing.T) {
			drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
				e.Inject(tt.op, fake.Fault{Err: errors.New("the disk is on fire")})
				tt.keys(d)
				d.Pass(time.Second)
				wants(t, d, "That did not work", "▲ "+tt.wants, "the disk is on fire", "→ ")
				d.Keys("y")
				wants(t, d, "copied")
				d.Keys("esc")
				lacks(t, d, "That did not work")
			})
		})
	}
}

// TestALateAnswerOpensNothing under keys that are meant for something else.
func TestALateAnswerOpensNothing(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		e.Inject(fake.OpPrune, fake.Fault{Delay: 5 * time.Second})
		d.Keys("b", "?")
		d.Pass(10 * time.Second)
		lacks(t, d, "What may go?")
		d.Keys("y", "esc")
		d.Pass(time.Second)
		if state(t, e, "worker") == "gone" {
			t.Error("y was taken for another dialog")
		}
	})
}

// TestSeveralAtOnce: what goes to one says so, what goes to many does not stack
// its windows.
func TestSeveralAtOnce(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		e.AddRemote("second:1", fake.Remote{Pace: 100 * time.Millisecond})
		palette(d, "pull busybox:1 second:1")
		wants(t, d, "2 jobs begin")
		lacks(t, d, "esc hide")
		d.Pass(5 * time.Second)
		if !hasImage(e, "busybox:1") || !hasImage(e, "second:1") {
			t.Error("they are not there")
		}
		choose(t, d, "db")
		d.Keys("space", "space", "R")
		wants(t, d, "one at a time; 2 are chosen")
		palette(d, "push redis:7 debian:bookworm")
		wants(t, d, "Push them to docker.io?", "redis:7", "debian:bookworm")
		d.Keys("y")
		d.Pass(2 * time.Second)
		jobs, err := e.Jobs().List(context.Background())
		if err != nil || len(jobs) != 4 {
			t.Errorf("%d jobs, %v", len(jobs), err)
		}
	})
}

// TestQuitAsks only when work would be broken off.
func TestQuitAsks(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		e.Inject(fake.OpStop, fake.Fault{Delay: time.Hour})
		palette(d, "pull busybox:1")
		d.Pass(time.Second)
		d.Keys("esc")
		palette(d, "stop db")
		d.Keys("y", "q")
		wants(t, d, "Leave while this is under way?", "gantry stop db")
		if strings.Contains(d.Window("Quit"), "gantry pull") {
			t.Error("a job is named, which goes on")
		}
		d.Keys("enter")
		if d.Quit() {
			t.Fatal("the answer that is preselected leaves")
		}
		d.Keys("q", "y")
		if !d.Quit() {
			t.Error("y does not leave")
		}
	})
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		if d.Keys("q"); !d.Quit() {
			t.Error("q asks though nothing is under way")
		}
	})
}

// TestPaletteArguments does what the words say, and says why not.
func TestPaletteArguments(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		for _, tt := range []struct{ line, wrong string }{
			{"stop nobody", `there is no container "nobody"`},
			{"stop migrate", "migrate: it is not running"},
			{"start db", "db: it is running already"},
			{"run", ""},
			{"run --name x", "which image?"},
			{"run alpine --frobnicate", "--frobnicate: not known here"},
			{"run alpine --name", "--name: its value is missing"},
			{"run alpine -m lots", "invalid size"},
			{"run alpine --name db", "the name of another container"},
			{"tag redis:7 NOT_OK!", "parse image reference"},
			{"rename db a!", "invalid name"},
			{"rmi nope", `there is no image "nope"`},
			{"theme nope", `there is no theme "nope"`},
			{"exec migrate ls", "it is not running"},
			{"save", ""},
			{"load a b", "want load FILE"},
			{`stop "db`, "a quote is not closed"},
		} {
			if tt.wrong == "" {
				continue
			}
			d.Keys(":")
			text(d, tt.line)
			d.Keys("enter")
			if w := d.Window("Command"); !strings.Contains(strings.ReplaceAll(w, "\n", " "), "▲ ") || !strings.Contains(strings.ToLower(w), strings.ToLower(tt.wrong)) {
				t.Errorf("%s: %q is not said:\n%s", tt.line, tt.wrong, d.Screen())
			}
			d.Keys("esc")
		}
		d.Keys(":", "up")
		wants(t, d, `stop "db`) // the last line can be put right
		d.Keys("esc")
		palette(d, "theme light")
		palette(d, "stats db")
		d.Pass(time.Second)
		wants(t, d, "● db")
	})
}

// TestStarts: the program's terminal goes to exec and attach, with the words
// that do it.
func TestHandOverWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := stocked(t)
		ctx, cancel := context.WithCancel(context.Background())
		var got [][]string
		d := uitest.New(t, ui.New(ctx, e, ui.Options{DetachKeys: "ctrl-x", Command: func(args ...string) *exec.Cmd { got = append(got, args); return exec.Command("/bin/true") }}), 120, 40)
		d.Pass(300 * time.Millisecond)
		choose(t, d, "db")
		d.Keys("E")
		palette(d, "exec db ls -l /tmp")
		d.Keys("e")
		wants(t, d, "$ gantry exec -it db ls -l /tmp") // the last one comes first
		d.Keys("ctrl+u")
		text(d, "ps | wc -l")
		d.Keys("tab")
		text(d, "root")
		d.Keys("enter", "a")
		wants(t, d, "ctrl-x")
		d.Keys("enter")
		id := string(inspect(t, e, "db").ID)
		for i, want := range [][]string{
			{"exec", "-it", id, "sh", "-c"}, {"exec", "-it", id, "ls", "-l", "/tmp"}, {"exec", "-it", "-u", "root", id, "sh", "-c", "ps | wc -l"}, {"attach", id},
		} {
			if i >= len(got) || !slices.Equal(got[i][:len(want)], want) {
				t.Errorf("call %d: %q, want %q", i, got[i:], want)
			}
		}
		cancel()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		d.End(2 * time.Minute)
	})
}
