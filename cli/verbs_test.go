package cli_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gantry/cli"
	"gantry/engine"
	"gantry/engine/fake"
	"gantry/images"
	"gantry/logs"
)

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args string
		code int
	}{
		{"run --rm busybox true", 0},
		{"run --rm busybox false", 1},
		{"run --rm busybox sh -c exit_42", 42},
		{"run --rm busybox nosuchprogram", 127},
		{"run --rm busybox /etc/passwd", 126},
		{"run --rm nosuch true", 125},
		{"run --bogus busybox", 125},
		{"run", 1},
		{"ps extra", 1},
		{"rm -f nosuch", 0},
		{"rm nosuch", 1},
		{"run --network nosuch busybox", 125},
		{"run --pull sometimes busybox", 125},
		{"run -d -a stdout busybox", 125},
		{"run --detach-keys nonsense busybox", 125},
		{"run -it busybox", 1},
		{"create --bogus busybox", 125},
		{"create nosuch", 1},
		{"exec", 1},
		{"exec --bogus live true", 125},
		{"exec nosuch true", 1},
		{"exec live true", 0},
		{"exec live sh -c exit_9", 9},
		{"exec live nosuchprogram", 127},
		{"exec live /etc/passwd", 126},
		{"start -a three", 3},
		{"start nosuch", 1},
		{"start live", 0},
		{"attach nosuch", 1},
		{"attach three", 1},
		{"stop three", 0},
		{"rm live", 1},
		{"ps --bogus", 125},
		{"ps extra", 1},
		{"ps --filter nonsense", 125},
		{"ps --filter colour=red", 1},
		{"ps --format {{.Bogus}}", 1},
		{"logs --since never live", 1},
		{"update live", 1},
		{"nosuchverb", 1},
		{"container nosuchverb", 1},
		{"version", 0},
		{"--version", 0},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			w := shellWorld(t)
			w.ok("run", "-d", "--name", "live", "busybox", "sleep", "1000")
			w.ok("create", "--name", "three", "busybox", "sh", "-c", "exit 3")
			args := strings.Fields(test.args)
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "_", " ")
			}
			if code := w.run(args...); code != test.code {
				t.Errorf("exit code %d, want %d; %s", code, test.code, w.err.String())
			}
			if said := w.err.String(); test.code != 0 && !strings.HasPrefix(said, "Unable to find") && strings.Count(said, "\n") > 2 {
				t.Errorf("more than a line and a hint: %s", said)
			}
		})
	}
}

// TestErrors: one line that says what, which object, why; then a hint.
func TestErrors(t *testing.T) {
	t.Parallel()
	w := shellWorld(t)
	w.ok("run", "-d", "--name", "live", "busybox", "sleep", "1000")
	w.want(1, "", "gantry: unknown command \"rnu\" for \"gantry\"\nhint: did you mean run?\n", "rnu")
	w.want(1, "", "gantry: unknown command \"zzzzzz\" for \"gantry\"\nhint: run 'gantry --help' for its usage\n", "zzzzzz")
	w.want(1, "", "gantry: unknown command \"lst\" for \"gantry container\"\nhint: did you mean ls?\n", "container", "lst")
	w.want(125, "", "gantry: unknown flag: --bogus\nhint: run 'gantry run --help' for its usage\n", "run", "--bogus")
	w.want(1, "", "gantry: \"gantry rm\" needs at least 1 argument\nhint: run 'gantry rm --help' for its usage\n", "rm")
	w.want(1, "", "gantry: remove container live: conflict\nhint: it is running; stop it first, or remove it with force\n", "rm", "live")
	w.want(125, "", "gantry: --network \"name=web,colour=red\": \"colour\": there are name, alias, ip, ip6, mac-address, link-local-ip, driver-opt and gw-priority\nhint: run 'gantry run --help' for its usage\n", "run", "--network", "name=web,colour=red", "busybox")
	w.want(1, "", "gantry: inspect container live2: not found\n", "attach", "live2")
	w.e.Inject(fake.OpList, fake.Fault{Err: engine.ErrPermission})
	w.want(1, "", "gantry: list containers: not permitted\nhint: run gantry as root\n", "ps")
}

func TestBulkVerbs(t *testing.T) {
	t.Parallel()
	w := shellWorld(t)
	for _, name := range []string{"a1", "b1"} {
		w.ok("run", "-d", "--name", name, "busybox", "sleep", "1000")
	}
	missing := "gantry: %s container nosuch: not found\n"
	say := func(verb string) string { return strings.Replace(missing, "%s", verb, 1) }
	w.want(1, "a1\nb1\n", say("pause"), "pause", "a1", "nosuch", "b1")
	w.want(0, "a1\nb1\n", "", "unpause", "a1", "b1")
	w.want(1, "a1\nb1\n", say("stop"), "stop", "-t", "0", "a1", "nosuch", "b1")
	w.want(0, "137\n137\n", "", "wait", "a1", "b1")
	w.want(1, "a1\nb1\n", say("start"), "start", "a1", "nosuch", "b1")
	w.want(0, "a1\n", "", "restart", "-t", "0", "a1")
	w.want(0, "b1\n", "", "update", "-m", "64m", "b1")
	w.want(0, "67108864\n", "", "inspect", "-f", "{{.HostConfig.Memory}}", "b1")
	w.want(0, "", "", "rename", "b1", "c1")
	w.want(1, "a1\nc1\n", say("kill"), "kill", "nosuch", "a1", "c1")
	w.want(1, "a1\nc1\n", say("remove"), "rm", "a1", "nosuch", "c1")
	w.want(0, "", "", "ps", "-aq")
}

func TestRunStreams(t *testing.T) {
	t.Parallel()
	w := shellWorld(t)
	w.want(3, "out\n", "err\n", "run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 3")
	w.want(0, "out\n", "", "run", "--rm", "-a", "stdout", "busybox", "sh", "-c", "echo out; echo err >&2")
	w.in = strings.NewReader("typed\n")
	w.want(0, "typed\n", "", "run", "--rm", "-i", "busybox", "cat")
	w.in = strings.NewReader("not read\n")
	w.want(0, "", "", "run", "--rm", "busybox", "cat")
	w.want(0, "", "", "ps", "-aq")
	w.ok("run", "-d", "--name", "live", "busybox", "sleep", "1000")
	w.in = strings.NewReader("typed\n")
	w.want(0, "typed\n", "", "exec", "-i", "live", "cat")
	w.want(4, "out\n", "err\n", "exec", "live", "sh", "-c", "echo out; echo err >&2; exit 4")
	w.want(0, "", "", "exec", "-d", "live", "sleep", "1000")
	w.env["SECRET"] = "x"
	w.want(0, "A=1\nSECRET=x\n", "", "exec", "-e", "A=1", "-e", "SECRET", "-e", "UNSET", "live", "env")
}

func TestCIDFile(t *testing.T) {
	t.Parallel()
	w := shellWorld(t)
	path := filepath.Join(t.TempDir(), "cid")
	id := strings.TrimSpace(w.ok("run", "-d", "--cidfile", path, "busybox", "sleep", "1"))
	if b, err := os.ReadFile(path); err != nil || string(b) != id {
		t.Errorf("cidfile holds %q, %v; want %q", b, err, id)
	}
	if code := w.run("run", "--cidfile", path, "busybox", "true"); code != 125 || !strings.Contains(w.err.String(), "exists") {
		t.Errorf("second use: code %d, %s", code, w.err.String())
	}
	other := path + "2"
	w.run("run", "--cidfile", other, "nosuch")
	if _, err := os.Stat(other); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a failed run left its cidfile: %v", err)
	}
}

func TestPullPolicies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.e.AddRemote("alpine", fake.Remote{Image: fake.Image{Config: images.Config{Cmd: []string{"true"}}}})
	if code := w.run("run", "--rm", "--pull", "never", "alpine"); code != 125 {
		t.Errorf("never: code %d", code)
	}
	w.ok("run", "--rm", "alpine")
	said := w.err.String()
	for _, want := range []string{
		"Unable to find image 'alpine:latest' locally\n", "latest: Pulling from library/alpine\n", ": Pull complete\n",
		"Digest: sha256:", "Status: Downloaded newer image for alpine:latest\n",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("stderr of a run that pulls lacks %q:\n%s", want, said)
		}
	}
	if w.out.Len() > 0 {
		t.Errorf("a run that pulls says on stdout: %q", w.out.String())
	}
	w.ok("run", "--rm", "alpine")
	if w.err.Len() > 0 {
		t.Errorf("a run that need not pull says: %q", w.err.String())
	}
	w.ok("run", "--rm", "--pull", "always", "alpine")
	if !strings.Contains(w.err.String(), "Status: Image is up to date for alpine:latest\n") {
		t.Errorf("always: %s", w.err.String())
	}
	w.ok("run", "--rm", "--pull", "always", "-q", "alpine")
	if w.err.Len() > 0 {
		t.Errorf("quiet: %q", w.err.String())
	}
}

func TestPullAndPush(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.e.AddRemote("alpine", fake.Remote{})
	golden(t, "pull.golden", w.ok("pull", "alpine"))
	golden(t, "pull-again.golden", w.ok("pull", "alpine:latest"))
	if got := w.ok("pull", "-q", "alpine"); got != "docker.io/library/alpine:latest\n" {
		t.Errorf("pull -q: %q", got)
	}
	w.want(1, "Using default tag: latest\nlatest: Pulling from library/nosuch\n",
		"gantry: pull image nosuch: not found\nhint: the registry has no such name, or it wants a login\n", "pull", "nosuch")
	w.ok("tag", "alpine", "registry.example/a:1")
	golden(t, "push.golden", w.ok("push", "registry.example/a:1"))
	w.want(0, "Untagged: registry.example/a:1\n", "", "rmi", "registry.example/a:1")
	w.want(1, "", "gantry: remove image nosuch: not found\n", "rmi", "nosuch")
	w.want(0, "", "gantry: remove image nosuch: not found\n", "rmi", "-f", "nosuch")
	if code := w.run("pull", "UPPER"); code != 1 {
		t.Errorf("pull of an invalid name: code %d", code)
	}
}

func TestJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.e.Close()
		w.e.AddRemote("alpine", fake.Remote{Pace: time.Second})
		id := strings.TrimSpace(w.ok("pull", "--detach", "alpine"))
		time.Sleep(3500 * time.Millisecond)
		golden(t, "job-ls.golden", w.ok("job", "ls"))
		golden(t, "job-attach.golden", w.ok("job", "attach", id[:12]))
		golden(t, "job-ls-done.golden", w.ok("job", "ls"))
		w.want(0, id+"\n", "", "job", "rm", id)
		w.want(1, "", "gantry: cancel job nosuch: not found\n", "job", "cancel", "nosuch")
	})
}

func TestSaveLoadImport(t *testing.T) {
	t.Parallel()
	w := shellWorld(t)
	path := filepath.Join(t.TempDir(), "a.tar")
	w.ok("save", "-o", path, "busybox")
	archive := w.ok("save", "busybox")
	w.ok("rmi", "busybox")
	w.want(0, "Loaded image: busybox:latest\n", "", "load", "-i", path)
	w.in = strings.NewReader(archive)
	w.want(0, "Loaded image: busybox:latest\n", "", "load")
	w.in = strings.NewReader("root file system")
	if got := w.ok("import", "https://example.com/rootfs.tar", "web:1"); !strings.HasPrefix(got, "sha256:") {
		t.Errorf("import of a URL: %q", got)
	}
	if got := w.ok("import", "-c", "CMD sh", "-", "mine:1"); !strings.HasPrefix(got, "sha256:") {
		t.Errorf("import: %q", got)
	}
	if code := w.run("save", "-o", path, "nosuch"); code != 1 {
		t.Errorf("save of a missing image: code %d", code)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != archive {
		t.Errorf("a failed save harmed the older archive: %q, %v", b, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*.tar*")); len(left) > 0 {
		t.Errorf("a failed save left %v", left)
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.in = strings.NewReader("secret\n")
	w.want(0, "Login Succeeded\n", "", "login", "-u", "bob", "--password-stdin", "registry.example")
	if cred, _ := w.e.Login("registry.example"); cred.Username != "bob" || cred.Password != "secret" {
		t.Errorf("stored %+v", cred)
	}
	w.want(0, "Removed login credentials for registry.example\n", "", "logout", "registry.example")
	if code := w.run("login"); code != 1 {
		t.Errorf("login without a terminal: code %d", code)
	}
}

func TestLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := shellWorld(t)
		defer w.e.Close()
		at := func(s int) time.Time { return time.Now().Add(time.Duration(s) * time.Second) }
		entry := func(s int, stream logs.Stream, line string, partial bool) logs.Entry {
			return logs.Entry{Time: at(s), Stream: stream, Line: []byte(line), Partial: partial}
		}
		w.e.AddContainer(fake.Container{Name: "one", Image: "busybox", State: engine.Exited, Log: []logs.Entry{
			entry(-9, logs.Stdout, "a", false), entry(-7, logs.Stderr, "b", false), entry(-5, logs.Stdout, "c1", true), entry(-5, logs.Stdout, "c2", false),
		}})
		w.e.AddContainer(fake.Container{Name: "second", Image: "busybox", State: engine.Exited, Log: []logs.Entry{entry(-8, logs.Stdout, "x", false), entry(-4, logs.Stdout, "y", false)}})
		w.want(0, "a\nc1c2\n", "b\n", "logs", "one")
		w.want(0, "c1c2\n", "b\n", "logs", "--since", "8s", "one")
		w.want(0, "a\n", "", "logs", "--until", "8s", "one")
		w.want(0, "y\n", "", "logs", "-n", "1", "second")
		w.want(0, "1999-12-31T23:59:52.000000000Z x\n1999-12-31T23:59:56.000000000Z y\n", "", "logs", "-t", "second")
		w.want(0, "one    | a\nsecond | x\none    | c1c2\nsecond | y\n", "one    | b\n", "logs", "one", "second")
		w.want(1, "", "gantry: read logs of container nosuch: not found\n", "logs", "nosuch")
		w.want(0, "x\ny\n", "", "logs", "-f", "second")
	})
}

func TestPrune(t *testing.T) {
	inScene(t, func(w *world) {
		if code := w.run("container", "prune"); code != 1 || !strings.Contains(w.out.String(), "Are you sure you want to continue? [y/N]") {
			t.Errorf("prune without an answer: code %d, %q", code, w.out.String())
		}
		w.in = strings.NewReader("y\n")
		if out := w.ok("container", "prune", "--filter", "until=1h"); strings.Count(out, "\n") != 5 || !strings.HasSuffix(out, "Total reclaimed space: 0B\n") {
			t.Errorf("prune with an answer: %q", out)
		}
		golden(t, "prune-images.golden", w.ok("image", "prune", "-f"))
		golden(t, "prune-system.golden", w.ok("system", "prune", "-af"))
		if code := w.run("system", "prune", "-f", "--filter", "colour=red"); code != 1 {
			t.Errorf("unknown filter: code %d", code)
		}
	})
}

func TestConfigCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config = func(path string) (cli.Config, error) {
		if path == "bad" {
			return cli.Config{}, errors.New("bad:3: unknown key \"mirors\"")
		}
		return cli.Config{Path: path}, nil
	}
	w.want(0, "good: no mistakes\n", "", "--config", "good", "config", "check")
	w.want(0, "There is no configuration file: the defaults hold.\n", "", "config", "check")
	w.want(1, "", "gantry: bad:3: unknown key \"mirors\"\n", "--config", "bad", "config", "check")
}

func TestOpenFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.program()
	p.Open = func(_ context.Context, g cli.Global) (engine.Engine, error) {
		if g.Root != "/somewhere" {
			t.Errorf("root = %q", g.Root)
		}
		return nil, errors.New("open engine: no space left")
	}
	if code := cli.Main(t.Context(), []string{"--root", "/somewhere", "ps"}, w.io(), p); code != 1 || w.err.String() != "gantry: open engine: no space left\n" {
		t.Errorf("code %d, %q", code, w.err.String())
	}
}
