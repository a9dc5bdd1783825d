package ui_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/ui"
	"gantry/ui/uitest"
)

// harbour is an engine with volumes, networks and published ports.
func harbour(t *testing.T) *fake.Engine {
	t.Helper()
	e := fake.New()
	now := time.Now()
	e.SetInfo(engine.Info{Name: "embedded engine", Cgroup: "v2", Storage: "overlay", DefaultNet: engine.NetworkBridge})
	e.AddImage(fake.Image{Refs: []string{"postgres:16"}, Size: 212e6, Created: now.Add(-50 * time.Hour)})
	ctx := context.Background()
	for name, size := range map[string]int64{"shop-data": 412e6, "cache": 9e6, "old-backup": 1.2e9} {
		if _, err := e.Volumes().Create(ctx, engine.VolumeCreateOptions{Name: name, Labels: map[string]string{"tier": "db"}}); err != nil {
			t.Fatal(err)
		}
		e.SetVolumeSize(name, size)
	}
	for _, o := range []engine.NetworkCreateOptions{
		{Name: "shop", Subnets: []engine.Subnet{{Subnet: "10.5.0.0/24", Gateway: "10.5.0.1"}}},
		{Name: "backstage", Internal: true, EnableIPv6: true, Subnets: []engine.Subnet{{Subnet: "10.6.0.0/24"}, {Subnet: "fd00:6::/64"}}},
	} {
		if _, err := e.Networks().Create(ctx, o); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name  string
		ports engine.PortMap
		mount string
		nets  []engine.NetworkAttachment
		runs  bool
	}{
		{"db", engine.PortMap{"5432/tcp": {{HostIP: "127.0.0.1", HostPort: "5432"}}}, "shop-data", []engine.NetworkAttachment{{Network: "shop", EndpointOptions: engine.EndpointOptions{Aliases: []string{"postgres"}}}, {Network: "backstage"}}, true},
		{"web", engine.PortMap{"80/tcp": {{HostPort: "8080"}}, "443/tcp": {{HostPort: "443"}}}, "", []engine.NetworkAttachment{{Network: "shop"}}, true},
		{"restore", nil, "shop-data", []engine.NetworkAttachment{{Network: "backstage"}}, false},
	} {
		e.Program("serve", fake.Idle)
		o := engine.CreateOptions{Name: c.name, Networks: c.nets, Config: engine.ContainerConfig{Image: "postgres:16", Cmd: []string{"serve"}}}
		if c.mount != "" {
			o.Host.Mounts = []engine.Mount{{Type: "volume", Source: c.mount, Target: "/var/lib/data"}}
		}
		o.Host.PortBindings = c.ports
		for p := range c.ports {
			if o.Config.ExposedPorts == nil {
				o.Config.ExposedPorts = map[string]struct{}{}
			}
			o.Config.ExposedPorts[p] = struct{}{}
		}
		if _, err := e.Containers().Create(ctx, o); err != nil {
			t.Fatal(err)
		}
		if c.runs {
			if err := e.Containers().Start(ctx, c.name); err != nil {
				t.Fatal(err)
			}
		}
	}
	e.SetVolumeFile("shop-data", "/base/1/pg_class", "", make([]byte, 81920))
	e.SetVolumeFile("shop-data", "/base/notes.txt", "", []byte("first line\nsecond \x1b[31mred\x1b[2J line\n"))
	e.SetVolumeFile("shop-data", "/latest", "/etc/passwd", nil)
	e.SetVolumeFile("shop-data", "/ev\x1b[2Jil\nname", "", []byte("x"))
	e.SetVolumeFile("shop-data", "/blob.bin", "", []byte{0, 1, 2, 0xff, 'a'})
	if err := e.SetConnections("db", []engine.Connection{
		{Proto: "tcp", Local: "0.0.0.0:5432", State: "listen"},
		{Proto: "tcp", Local: "10.5.0.2:5432", Remote: "10.5.0.3:40112", State: "established"},
	}); err != nil {
		t.Fatal(err)
	}
	if err := e.SetSample("db", func(at time.Time) engine.Sample {
		n := uint64(at.Sub(now).Milliseconds())
		return engine.Sample{Network: engine.NetSample{RxBytes: 12 * n, TxBytes: 3 * n, RxPackets: n / 100, TxPackets: n / 200}, Memory: engine.MemSample{Usage: 64 << 20, Limit: 8 << 30}}
	}); err != nil {
		t.Fatal(err)
	}
	return e
}

// TestPaneScreens are the panes of volumes and networks at every size.
func TestPaneScreens(t *testing.T) {
	for _, size := range []struct{ w, h int }{{40, 12}, {80, 24}, {120, 40}, {200, 50}} {
		name := fmt.Sprintf("%dx%d", size.w, size.h)
		t.Run(name, func(t *testing.T) {
			drive(t, size.w, size.h, harbour, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
				shot := func(what string) {
					t.Helper()
					d.Pass(3 * time.Second)
					d.Golden("panes-" + what + "-" + name)
					for i, line := range strings.Split(d.Raw(), "\n") {
						if w := ansi.StringWidth(line); w > size.w {
							t.Errorf("%s: line %d is %d cells wide:\n%s", what, i, w, d.Screen())
						}
					}
				}
				shot("ports")
				d.Keys("3", "G")
				shot("volumes")
				d.Keys("enter", "enter", "j", "j")
				shot("files")
				d.Keys("esc", "4", "j", "enter")
				shot("networks")
				d.Keys("esc", "1", "i", "]", "]", "]", "enter")
				shot("network")
			})
		})
	}
}

// TestPanesInColours are the new panes in both themes, with the links of ports.
func TestPanesInColours(t *testing.T) {
	for _, theme := range []string{"dark", "light"} {
		for _, size := range []struct{ w, h int }{{40, 12}, {80, 24}, {120, 40}, {200, 50}} {
			name := fmt.Sprintf("panes-%s-%dx%d", theme, size.w, size.h)
			t.Run(name, func(t *testing.T) {
				driveWith(t, size.w, size.h, ui.Options{Theme: theme}, harbour, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
					d.Pass(time.Second)
					if size.w > 40 && !strings.Contains(d.Raw(), "\x1b]8;;http://localhost:8080") {
						t.Errorf("the port is no link:\n%s", d.Screen())
					}
					d.Keys("3", "G")
					d.Pass(time.Second)
					d.GoldenStyled(name)
				})
			})
		}
	}
}

// TestSizesAreMeasuredWhileSomebodyLooks: lists need none, rows on the screen
// get theirs one after another, and a volume that takes for ever holds up
// neither keys nor the others' pane.
func TestSizesAreMeasuredWhileSomebodyLooks(t *testing.T) {
	slow := func(t *testing.T) *fake.Engine {
		e := harbour(t)
		e.Inject(fake.OpVolumeMeasure, fake.Fault{Delay: time.Hour, Skip: 1, Times: 1})
		return e
	}
	drive(t, 120, 40, slow, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		d.Keys("3")
		d.Pass(time.Second)
		wants(t, d, "cache        9.0 MB", "old-backup        …", "shop-data         …")
		d.Keys("1") // still in sight
		d.Pass(time.Second)
		d.Keys("2") // not any more: it is broken off
		d.Pass(time.Second)
		d.Keys("3")
		d.Pass(time.Second)
		wants(t, d, "old-backup   1.2 GB", "shop-data    412 MB")
		if _, err := e.Volumes().Create(t.Context(), engine.VolumeCreateOptions{Name: "all", Options: map[string]string{"type": "none", "o": "bind", "device": "/"}}); err != nil {
			t.Fatal(err)
		}
		e.SetVolumeSize("all", 9e9)
		d.Pass(time.Second)
		wants(t, d, "all               –") // a directory of the host is not walked through
	})
}

// TestFilesOfAVolume are opened, looked into and copied out.
func TestFilesOfAVolume(t *testing.T) {
	drive(t, 120, 40, harbour, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		d.Keys("3", "G", "enter")
		d.Pass(time.Second)
		wants(t, d, "▸ base/", "latest → /etc/passwd", "evilname")
		d.Keys("enter")
		d.Pass(time.Second)
		wants(t, d, "▾ base/", "▸ 1/", "notes.txt", "82 kB")
		d.Keys("j", "j", "enter")
		d.Pass(time.Second)
		wants(t, d, "/base/notes.txt", "first line", "second red line", "2 lines")
		if strings.Contains(d.Raw(), "\x1b[31m") || strings.Contains(d.Raw(), "\x1b[2J") {
			t.Error("a file draws")
		}
		dir := t.TempDir()
		d.Keys("X")
		d.Pass(time.Second)
		wants(t, d, "Copy out", "/base/notes.txt", "$ cp -r ")
		d.Keys("ctrl+u")
		text(d, dir)
		d.Keys("enter")
		d.Pass(time.Second)
		wants(t, d, "copied to")
		if got, err := os.ReadFile(filepath.Join(dir, "notes.txt")); err != nil || !strings.HasPrefix(string(got), "first line\n") {
			t.Errorf("the copy: %q, %v", got, err)
		}
		d.Keys("X", "ctrl+u")
		text(d, dir)
		d.Keys("enter")
		d.Pass(time.Second)
		wants(t, d, "Copy over it?")
		d.Keys("esc", "esc")
		d.Pass(time.Second)
		wants(t, d, "▾ base/") // back in the tree
		d.Keys("G", "h", "g", "h")
		wants(t, d, "▸ base/")
		d.Keys("j", "enter")
		d.Pass(time.Second)
		wants(t, d, "00000000  00 01 02 ff 61", "binary")
	})
}

// TestFailuresOfFilesAreTold, and pass when it is read again.
func TestFailuresOfFilesAreTold(t *testing.T) {
	drive(t, 120, 40, harbour, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		e.Inject(fake.OpVolumeReadDir, fake.Fault{Err: errors.New("disk on fire"), Times: 1})
		d.Keys("3", "G", "enter")
		d.Pass(time.Second)
		wants(t, d, "disk on fire")
		d.Keys("[", "]")
		d.Pass(time.Second)
		wants(t, d, "▸ base/")
		e.Inject(fake.OpVolumeRead, fake.Fault{Err: errors.New("bad sector"), Times: 1})
		d.Keys("j", "enter")
		d.Pass(time.Second)
		wants(t, d, "bad sector")
		if err := e.Volumes().Remove(t.Context(), "cache", engine.VolumeRemoveOptions{}); err != nil {
			t.Fatal(err)
		}
		d.Pass(time.Second)
		lacks(t, d, "cache  ")
	})
}

// TestVolumesComeAndGo by keys, with what they do told before.
func TestVolumesComeAndGo(t *testing.T) {
	drive(t, 120, 40, harbour, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		d.Keys("3", "n")
		text(d, "fresh")
		d.Keys("tab")
		text(d, "tier=web")
		wants(t, d, "$ gantry volume create --label tier=web fresh")
		d.Keys("ctrl+s")
		d.Pass(time.Second)
		wants(t, d, "✔ made fresh")
		did(t, d, "gantry volume create --label tier=web fresh")
		d.Keys("*", "d")
		wants(t, d, "Remove 3 of 4 volumes?", "stays: it is mounted", "├ restore, created", "└ db, running", "What containers mount stays", "1.2 GB come back", "$ gantry volume rm")
		d.Keys("y")
		d.Pass(time.Second)
		list, err := e.Volumes().List(t.Context(), engine.VolumeListOptions{})
		if err != nil || len(list.Items) != 1 || list.Items[0].Name != "shop-data" {
			t.Errorf("left: %+v, %v", list.Items, err)
		}
		d.Keys("d")
		wants(t, d, "Remove shop-data?")
		lacks(t, d, "y remove")
		d.Keys("esc", "r")
		wants(t, d, "Run a new container", "shop-data:/data")
	})
}

// TestNetworksComeAndGo, and containers on them.
func TestNetworksComeAndGo(t *testing.T) {
	drive(t, 120, 40, harbour, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		d.Keys("4", "n")
		text(d, "lab")
		d.Keys("tab")
		text(d, "10.5.0.0/16")
		d.Keys("tab", "tab", "tab", "tab", "space")
		wants(t, d, "$ gantry network create --subnet 10.5.0.0/16 --internal lab")
		d.Keys("enter")
		d.Pass(time.Second)
		wants(t, d, "That did not work", "network shop has 10.5.0.0/24")
		d.Keys("esc")
		palette(d, "network-create lab")
		d.Pass(time.Second)
		wants(t, d, "✔ made lab")

		d.Keys("/")
		text(d, "lab")
		d.Keys("enter", "c")
		text(d, "restore")
		d.Keys("tab")
		text(d, "keeper")
		wants(t, d, "$ gantry network connect --alias keeper lab restore")
		d.Keys("enter")
		d.Pass(time.Second)
		wants(t, d, "✔ connected to lab: restore", "keeper")
		if nets := inspect(t, e, "restore").NetworkSettings.Networks; !slices.Equal(nets["lab"].Aliases, []string{"keeper"}) {
			t.Errorf("its networks: %+v", nets)
		}
		d.Keys("D")
		wants(t, d, "Disconnect from lab", "restore")
		d.Keys("enter")
		d.Pass(time.Second)
		wants(t, d, "✔ disconnected from lab: restore")
		d.Keys("d")
		wants(t, d, "Remove lab?")
		d.Keys("y")
		d.Pass(time.Second)
		wants(t, d, "✔ removed lab")
		d.Keys("esc", "g", "d")
		wants(t, d, "Containers that run are connected to it")
		lacks(t, d, "y remove")
		d.Keys("esc", "G", "d")
		wants(t, d, "it stays") // every engine has it
	})
}

// TestPrunesNameNetworksAndVolumes with what comes back.
func TestPrunesNameNetworksAndVolumes(t *testing.T) {
	drive(t, 120, 60, harbour, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		if _, err := e.Networks().Create(t.Context(), engine.NetworkCreateOptions{Name: "idle"}); err != nil {
			t.Fatal(err)
		}
		d.Pass(time.Second)
		d.Keys("4", "b")
		d.Pass(time.Second)
		wants(t, d, "[✓] networks that nothing is connected to", "idle", "old-backup", "gantry network prune -f")
		d.Keys("y")
		d.Pass(time.Second)
		if _, err := e.Networks().Inspect(t.Context(), "idle"); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("idle is there still: %v", err)
		}
		if _, err := e.Volumes().Inspect(t.Context(), "old-backup"); err != nil {
			t.Errorf("a volume with a name went: %v", err)
		}
	})
}

// TestPortsAreReached: w opens the address, or copies it where there is no
// browser; of several it asks which.
func TestPortsAreReached(t *testing.T) {
	drive(t, 120, 40, harbour, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		choose(t, d, "web")
		d.Keys("w")
		wants(t, d, "http://localhost:8080", "https://localhost")
		d.Keys("down", "enter")
		d.Pass(time.Second)
		wants(t, d, "copied https://localhost")
		d.Keys("esc")
		choose(t, d, "restore")
		d.Keys("w")
		wants(t, d, "it is not running")
	})
	file := filepath.Join(t.TempDir(), "opened")
	driveWith(t, 120, 40, ui.Options{Browser: []string{"sh", "-c", `echo "$0" >` + file}}, harbour, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		choose(t, d, "web")
		d.Keys("w", "enter")
		d.Pass(time.Second)
		wants(t, d, "opened http")
	})
	if got, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(got), "http") {
		t.Errorf("the browser got %q, %v", got, err)
	}
}

// TestGoingFromAVolumeToItsContainer and from a network.
func TestGoingFromAVolumeToItsContainer(t *testing.T) {
	drive(t, 120, 40, harbour, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		d.Keys("3", "G", "]", "enter")
		d.Pass(time.Second)
		wants(t, d, "/var/lib/data")
		d.Keys("enter")
		d.Pass(time.Second)
		wants(t, d, "╭─ ○ restore")
		d.Keys("4", "enter")
		d.Pass(time.Second)
		wants(t, d, "10.6.0.", "fd00:6::")
	})
}

// TestTheNetworkTabIsBounded and goes with its container.
func TestTheNetworkTabIsBounded(t *testing.T) {
	drive(t, 120, 40, harbour, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		choose(t, d, "db")
		d.Keys("i", "]", "]", "]", "enter")
		d.Pass(5 * time.Second)
		wants(t, d, "postgres", "127.0.0.1:5432", "12 kB/s", "10.5.0.3:40112", "established", "2 sockets")
		d.Keys("/")
		text(d, "listen")
		d.Keys("enter")
		wants(t, d, "0.0.0.0:5432")
		lacks(t, d, "40112")
		if err := e.Containers().Remove(t.Context(), "db", engine.RemoveOptions{Force: true}); err != nil {
			t.Fatal(err)
		}
		d.Pass(5 * time.Second)
		lacks(t, d, "0.0.0.0:5432")
	})
}
