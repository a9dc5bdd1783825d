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

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/images"
	"gantry/logs"
	"gantry/ui"
	"gantry/ui/uitest"
	"gantry/ui/widgets"
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
		if h.Memory != 256<<20 || h.NanoCpus != 1.5e9 || h.PidsLimit != 50 || !h.AutoRemove || h.NetworkMode != "bridge" || len(h.PortBindings["80/tcp"]) != 1 {
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

// TestPruneVolumes: their data cannot be had again, so they are ticked by hand.
func TestPruneVolumes(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		for _, name := range []string{"data", "", "kept"} {
			if _, err := e.Volumes().Create(context.Background(), engine.VolumeCreateOptions{Name: name}); err != nil {
				t.Fatal(err)
			}
		}
		e.SetVolumeSize("data", 5_000_000)
		chooseImage(t, d, "redis")
		d.Keys("n", "tab", "tab", "tab", "tab")
		text(d, "ke")
		d.Pass(100 * time.Millisecond)
		d.Keys("tab")
		text(d, "/srv:ro")
		wants(t, d, "-v kept:/srv:ro redis:7")
		d.Keys("ctrl+s")
		d.Pass(time.Second)
		d.Keys("b")
		d.Pass(200 * time.Millisecond)
		wants(t, d, "[ ] volumes without a name that nothing mounts", "data")
		d.Keys("tab", "tab", "tab", "tab", "space") // what has a name, and with it what has none
		wants(t, d, "gantry volume prune -af")
		d.Keys("y")
		d.Pass(time.Second)
		list, err := e.Volumes().List(context.Background(), engine.VolumeListOptions{})
		if err != nil || len(list.Items) != 1 || list.Items[0].Name != "kept" {
			t.Errorf("left: %+v, %v", list.Items, err)
		}
	})
}

func TestCommit(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		choose(t, d, "db")
		d.Keys("c")
		text(d, "my/db:1")
		d.Keys("tab")
		text(d, "with data")
		d.Keys("tab", "tab", "tab", "space", "enter")
		d.Pass(time.Second)
		if !hasImage(e, "my/db:1") {
			t.Errorf("there is no image:\n%s", d.Screen())
		}
		did(t, d, "gantry commit -m 'with data' --pause=false db my/db:1")
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
		wants(t, d, "x.tar", "no such file or directory", "the folder or the file does not exist")
		d.Keys("esc")
		palette(d, "save "+file)
		d.Pass(time.Second)
		wants(t, d, "done", "saved redis:7")
		d.Keys("esc")
		did(t, d, "gantry save -o "+file+" redis:7")
		d.Keys("esc")
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

// TestTerminalIsHandedOver only where there is one, and attach says first how to
// leave.
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

// TestHandOverWords: the terminal goes to exec and attach, with the words that
// do it.
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

// TestDiskUsage: what the store takes stands beside what is used of its file
// system, and the way to have some of it back is one key away.
func TestDiskUsage(t *testing.T) {
	for _, width := range []int{40, 120} {
		drive(t, width, 24, func(t *testing.T) *fake.Engine {
			e := stocked(t)
			e.SetHost(func(time.Time) engine.HostSample { return engine.HostSample{StoreUsed: 42e9, StoreTotal: 80e9} })
			return e
		}, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
			d.Pass(3 * time.Second)
			palette(d, "df")
			d.Pass(time.Second)
			usage, err := e.System().DiskUsage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			images, _, _ := usage.Sums()
			row := fmt.Sprintf("images     %4d %8s %8s", images.Total, widgets.Bytes(float64(images.Size)), widgets.Bytes(float64(images.Reclaimable)))
			wants(t, d, "Disk usage", "unused", row, "containers", "volumes", "together", "42 GB of 80 GB")
			d.Keys("b")
			d.Pass(time.Second)
			wants(t, d, "What may go?")
			d.Keys("esc")
		})
	}
}

// TestSaveLog writes all of it, whatever is shown.
func TestSaveLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "db.log")
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		for _, line := range []string{"one", "two", "three"} {
			if err := e.Log("db", logs.Stdout, line); err != nil {
				t.Fatal(err)
			}
		}
		choose(t, d, "db")
		d.Keys("enter")
		d.Pass(time.Second)
		d.Keys("C", "ctrl+s", "ctrl+u")
		text(d, file)
		wants(t, d, "gantry logs db >")
		d.Keys("enter")
		d.Pass(time.Second)
		wants(t, d, "saved the log")
		if b, err := os.ReadFile(file); err != nil || string(b) != "one\ntwo\nthree\n" {
			t.Errorf("it holds %q, %v", b, err)
		}
		d.Keys("esc", "esc")
		did(t, d, "gantry logs db > "+file)
	})
}
