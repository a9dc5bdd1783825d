package cli

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"gantry/engine"
)

func TestUnitText(t *testing.T) {
	t.Parallel()
	got := unitText("/usr/local/bin/gantry", engine.DefaultRoot, engine.DefaultRun, "")
	for _, want := range []string{
		"ExecStart=/usr/local/bin/gantry --root /var/lib/gantry --run /run/gantry autostart run\n",
		"KillMode=process\n", "Type=notify\n", "WantedBy=multi-user.target\n", "RequiresMountsFor=/var/lib/gantry\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	got = unitText("/opt/my tools/gantry", "/srv/100%", "/run/a$b", "/etc/gantry.toml")
	want := `ExecStart="/opt/my tools/gantry" --root /srv/100%% --run "/run/a$$b" --config /etc/gantry.toml autostart run` + "\n"
	if !strings.Contains(got, want) {
		t.Errorf("%q is not in\n%s", want, got)
	}
}

func TestUnitName(t *testing.T) {
	t.Parallel()
	def, one, two := unitName(engine.Info{Root: engine.DefaultRoot}), unitName(engine.Info{Root: "/srv/one"}), unitName(engine.Info{Root: "/srv/two"})
	if def != "gantry-autostart.service" || one == two || one == def || one != unitName(engine.Info{Root: "/srv/one"}) {
		t.Errorf("%s, %s, %s", def, one, two)
	}
}

// TestNotify: the state goes to who started the service; elsewhere to nobody.
func TestNotify(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a := &app{std: IO{LookupEnv: func(name string) (string, bool) { return path, name == "NOTIFY_SOCKET" }}}
	if err := a.notify("READY=1"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 64)
	if n, err := l.Read(b); err != nil || string(b[:n]) != "READY=1" {
		t.Errorf("systemd reads %q, %v", b[:n], err)
	}
	if err := (&app{}).notify("READY=1"); err != nil {
		t.Errorf("without systemd: %v", err)
	}
}
