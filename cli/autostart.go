package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"gantry/engine"
)

func (a *app) autostartCmd() *cobra.Command {
	simple := func(use, short, example string, do func(context.Context) error) *cobra.Command {
		return &cobra.Command{
			Use: use, Short: short, Example: example, Args: args(0, 0), ValidArgsFunction: cobra.NoFileCompletions,
			RunE: func(cmd *cobra.Command, _ []string) error { return do(cmd.Context()) },
		}
	}
	cmd := a.family("autostart", "Bring containers back after a boot, and keep them going",
		simple("enable", "Install, enable and start the systemd unit of autostart", "  gantry autostart enable", a.enableAutostart),
		simple("disable", "Stop, disable and remove the systemd unit of autostart (no container stops)", "  gantry autostart disable", a.disableAutostart),
		simple("status", "Show whether containers come back after a boot", "  gantry autostart status", a.autostartStatus),
		simple("run", "Do the work: for systemd, or for any other supervisor", "  gantry autostart run", a.runAutostart))
	cmd.Long = "Containers with the restart policies always and unless-stopped come back after a\n" +
		"boot when something runs 'gantry autostart run': with systemd the unit that\n" +
		"'gantry autostart enable' installs, elsewhere any supervisor (OpenRC, runit, s6).\n" +
		"It also puts a new monitor in the place of one that was killed. To stop it stops\n" +
		"no container. Restarts themselves need nothing of this: monitors see to them."
	return cmd
}

// unitDir is where administrators' units are.
const unitDir = "/etc/systemd/system"

// unitName is the unit's; engines with directories of their own have their own.
func unitName(g engine.Info) string {
	if g.Root == engine.DefaultRoot {
		return "gantry-autostart.service"
	}
	h := fnv.New32a()
	h.Write([]byte(g.Root))
	return fmt.Sprintf("gantry-autostart-%08x.service", h.Sum32())
}

// unitText is the unit. KillMode=process: what the service starts outlives it, a
// container all the more.
func unitText(exe, root, run, config string) string {
	words := []string{exe, "--root", root, "--run", run}
	if config != "" {
		words = append(words, "--config", config)
	}
	words = append(words, "autostart", "run")
	for i, word := range words {
		words[i] = quoteUnit(word)
	}
	return `# Written by gantry autostart enable.
[Unit]
Description=Containers of gantry that come back after a boot
Wants=network-online.target
After=network-online.target
RequiresMountsFor=` + quoteUnit(root) + `

[Service]
Type=notify
NotifyAccess=main
ExecStart=` + strings.Join(words, " ") + `
KillMode=process
Restart=on-failure
RestartSec=2s
TimeoutStartSec=infinity

[Install]
WantedBy=multi-user.target
`
}

// quoteUnit quotes a word for a unit file (systemd.syntax(7), systemd.service(5)).
func quoteUnit(word string) string {
	word = strings.ReplaceAll(word, "%", "%%")
	if !strings.ContainsAny(word, " \t\"'\\$;") {
		return word
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", "$$").Replace(word) + `"`
}

// withSystemd is sd_booted(3).
func withSystemd() error {
	if info, err := os.Lstat("/run/systemd/system"); err == nil && info.IsDir() {
		return nil
	}
	return withHint(fmt.Errorf("install autostart: %w without systemd", engine.ErrUnsupported),
		"have the supervisor of this host (OpenRC's supervise-daemon, runit, s6) run 'gantry autostart run' after the file systems are mounted; to stop it stops no container")
}

func (a *app) enableAutostart(ctx context.Context) error {
	info, err := a.systemdInfo(ctx)
	if err != nil {
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	name := unitName(info)
	path := filepath.Join(unitDir, name)
	config := a.global.Config
	if config == "" {
		config = a.env("GANTRY_CONFIG")
	}
	if config != "" {
		if config, err = filepath.Abs(config); err != nil {
			return err
		}
	}
	text := []byte(unitText(exe, info.Root, info.Runtime, config))
	if old, err := os.ReadFile(path); err != nil || !bytes.Equal(old, text) {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return fmt.Errorf("write unit: %w", err)
		}
		if err := systemctl(ctx, "daemon-reload"); err != nil {
			return err
		}
	}
	if err := systemctl(ctx, "enable", "--quiet", name); err != nil {
		return err
	}
	if err := systemctl(ctx, "restart", name); err != nil {
		return err
	}
	a.println("enabled " + name + ": containers with the policies always and unless-stopped come back after a boot")
	return nil
}

func (a *app) disableAutostart(ctx context.Context) error {
	info, err := a.systemdInfo(ctx)
	if err != nil {
		return err
	}
	name := unitName(info)
	path := filepath.Join(unitDir, name)
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		a.println("not enabled")
		return nil
	}
	if err := systemctl(ctx, "disable", "--quiet", "--now", name); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove unit: %w", err)
	}
	if err := systemctl(ctx, "daemon-reload"); err != nil {
		return err
	}
	a.println("disabled " + name + ": containers go on, and do not come back after a boot")
	return nil
}

// systemdInfo is what the unit needs to know of the engine.
func (a *app) systemdInfo(ctx context.Context) (engine.Info, error) {
	if err := withSystemd(); err != nil {
		return engine.Info{}, err
	}
	eng, err := a.engine(ctx)
	if err != nil {
		return engine.Info{}, err
	}
	return eng.Info(ctx)
}

func systemctl(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "systemctl", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("systemctl %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

func (a *app) supervisor(ctx context.Context) (engine.Supervisor, error) {
	eng, err := a.engine(ctx)
	if err != nil {
		return nil, err
	}
	s, ok := eng.(engine.Supervisor)
	if !ok {
		return nil, fmt.Errorf("autostart: %w: this engine looks after its containers itself", engine.ErrUnsupported)
	}
	return s, nil
}

func (a *app) autostartStatus(ctx context.Context) error {
	s, err := a.supervisor(ctx)
	if err != nil {
		return err
	}
	pid, err := s.Supervised(ctx)
	if err != nil {
		return err
	}
	unit := "no systemd here; see gantry autostart --help"
	if withSystemd() == nil {
		info, err := a.eng.Info(ctx)
		if err != nil {
			return err
		}
		unit = unitState(ctx, unitName(info))
	}
	running := "no"
	if pid > 0 {
		running = fmt.Sprintf("yes, process %d", pid)
	}
	fmt.Fprintf(a.std.Out, "unit:     %s\nrunning:  %s\n", unit, running)
	if pid == 0 {
		return &exitError{code: exitFailure}
	}
	return nil
}

func unitState(ctx context.Context, name string) string {
	if _, err := os.Lstat(filepath.Join(unitDir, name)); err != nil {
		return "not installed; gantry autostart enable does it"
	}
	// Its exit code says the same as its output.
	out, _ := exec.CommandContext(ctx, "systemctl", "is-enabled", name).Output()
	return name + ", " + string(bytes.TrimSpace(out))
}

// runAutostart runs until it is asked to end; containers go on.
func (a *app) runAutostart(ctx context.Context) error {
	s, err := a.supervisor(ctx)
	if err != nil {
		return err
	}
	var mu sync.Mutex // notices come from several goroutines
	tell := func(n engine.CareNotice) {
		mu.Lock()
		defer mu.Unlock()
		if n.Err != nil {
			fmt.Fprintf(a.std.Err, "%s: %s: %v\n", n.Container, n.Text, n.Err)
			return
		}
		fmt.Fprintf(a.std.Err, "%s: %s\n", n.Container, n.Text)
	}
	if err := s.Boot(ctx, tell); err != nil {
		return err
	}
	if err := a.notify("READY=1\nSTATUS=Watching monitors"); err != nil {
		return err
	}
	return s.Supervise(ctx, tell)
}

// notify tells systemd how the service stands (sd_notify(3)); elsewhere nobody
// listens.
func (a *app) notify(state string) error {
	to := a.env("NOTIFY_SOCKET")
	if to == "" {
		return nil
	}
	if strings.HasPrefix(to, "@") { // an abstract socket
		to = "\x00" + to[1:]
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, []byte(state), 0, &unix.SockaddrUnix{Name: to}); err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	return nil
}
