package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image/color"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gantry/internal/vt"
	"gantry/internal/vt/svg"
)

// inside marks the process in the namespaces.
const inside = "GANTRY_PICTURES_INSIDE"

func main() {
	gantry := flag.String("gantry", "bin/gantry", "the program to show")
	out := flag.String("out", "docs/pictures", "where the pictures go")
	mirror := flag.String("mirror", "", "a registry on this machine to take Docker Hub's images from")
	flag.Parse()
	run := enter
	if os.Getenv(inside) != "" {
		run = func() error { return shoot(*gantry, *out, *mirror, flag.Args()) }
	}
	if err := run(); err != nil {
		log.Fatal("pictures: ", err)
	}
}

// enter runs this program again in namespaces of its own.
func enter() error {
	if os.Geteuid() != 0 {
		return errors.New("containers need root: run it with sudo")
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWUTS, Pdeathsig: syscall.SIGTERM}
	return cmd.Run()
}

// studio is the world of the pictures.
type studio struct {
	gantry, out string
	env         []string
}

func shoot(gantry, out, mirror string, names []string) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if gantry, err = filepath.Abs(gantry); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	if err := furnish(mirror); err != nil {
		return err
	}
	s := &studio{gantry: gantry, out: out, env: []string{
		"HOME=/root", "PATH=" + os.Getenv("PATH"), "TERM=xterm-256color", "COLORTERM=truecolor", "LANG=C.UTF-8", "TZ=UTC",
	}}
	defer func() { err = errors.Join(err, s.clear()) }()
	if err := s.set(ctx); err != nil {
		return err
	}
	for _, sc := range scenes {
		if len(names) > 0 && !slices.Contains(names, sc.name) {
			continue
		}
		if err := s.take(ctx, sc); err != nil {
			return fmt.Errorf("%s: %w", sc.name, err)
		}
		fmt.Println(filepath.Join(out, sc.name+".svg"))
	}
	return nil
}

// furnish makes the places where gantry keeps its state empty, and names the
// host.
func furnish(mirror string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	for _, dir := range []string{"/var/lib", "/run", "/etc/gantry"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
			return fmt.Errorf("mount tmpfs on %s: %w", dir, err)
		}
	}
	if mirror != "" {
		text := fmt.Sprintf("[registries.%q]\nmirrors = [%q]\n[registries.%q]\ninsecure = true\n", "docker.io", mirror, mirror)
		if err := os.WriteFile("/etc/gantry/config.toml", []byte(text), 0o644); err != nil {
			return err
		}
	}
	return unix.Sethostname([]byte("harbour"))
}

func (s *studio) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.gantry, args...)
	cmd.Env = s.env
	return cmd
}

func (s *studio) do(ctx context.Context, args ...string) error {
	if out, err := s.command(ctx, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("gantry %v: %w: %s", args, err, out)
	}
	return nil
}

// set runs what is seen: the demo, and a little of somebody's own where there
// are images to be had.
func (s *studio) set(ctx context.Context) error {
	for _, ref := range []string{"alpine:3.20", "busybox", "debian:bookworm-slim"} {
		if err := s.do(ctx, "pull", "-q", ref); err != nil {
			fmt.Println("pictures: an image is left out:", err)
		}
	}
	_ = s.do(ctx, "run", "-d", "--name", "scratchpad", "-m", "64m", "--init", "alpine:3.20", "sleep", "infinity")
	_ = s.do(ctx, "run", "--name", "backup", "alpine:3.20", "sh", "-c", "echo 'backup of 214 files'; exit 0")
	s.shop(ctx)
	if err := s.do(ctx, "demo", "-d"); err != nil {
		return err
	}
	return rest(ctx, warmUp)
}

// shop runs a store and its client on a network of their own, with a volume.
func (s *studio) shop(ctx context.Context) {
	const fill = "mkdir -p /data/base/16384 /data/pg_wal /data/log; " +
		"for i in 1 2 3 4 5; do head -c ${i}800000 /dev/zero >/data/base/16384/2${i}34; head -c 1048576 /dev/zero >/data/pg_wal/00000001000000000000000$i; done; " +
		"echo 'port = 5432' >/data/postgresql.conf; echo 16 >/data/PG_VERSION; ln -s log/today /data/latest; " +
		"while :; do nc -l -p 5432 </dev/zero >/dev/null; done"
	for _, args := range [][]string{
		{"network", "create", "shop"},
		{"run", "-d", "--name", "shop-db", "--network", "shop", "--network-alias", "postgres", "-p", "5432:5432", "-v", "shop-data:/data", "alpine:3.20", "sh", "-c", fill},
		{"run", "-d", "--name", "shop-web", "--network", "shop", "-p", "8080:80", "alpine:3.20", "sh", "-c", "while :; do nc -w 40 shop-db 5432 >/dev/null; sleep 1; done"},
	} {
		if err := s.do(ctx, args...); err != nil {
			fmt.Println("pictures: the shop is left out:", err)
			return
		}
	}
}

// warmUp is how long the demo runs before the first picture: long enough for a
// log that fills a screen.
const warmUp = 75 * time.Second

func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *studio) clear() error {
	ctx := context.Background()
	_ = s.do(ctx, "rm", "-f", "scratchpad", "backup", "shop-db", "shop-web")
	_ = s.do(ctx, "network", "rm", "shop")
	return s.do(ctx, "demo", "--rm")
}

// The colours of the terminal in the pictures.
var (
	darkFg, darkBg   = color.RGBA{0xd5, 0xd9, 0xe3, 0xff}, color.RGBA{0x16, 0x18, 0x1d, 0xff}
	lightFg, lightBg = color.RGBA{0x24, 0x29, 0x2f, 0xff}, color.RGBA{0xfd, 0xfd, 0xfc, 0xff}
)

// take plays a scene and draws its last screen.
func (s *studio) take(ctx context.Context, sc scene) error {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Minute)
	defer cancel()
	o := vt.Options{Width: sc.width, Height: sc.height, Foreground: darkFg, Background: darkBg}
	if sc.light {
		o.Foreground, o.Background = lightFg, lightBg
	}
	cmd := s.command(context.WithoutCancel(ctx), sc.args...)
	cmd.Env = append(slices.Clone(cmd.Env), sc.env...)
	x, err := vt.Start(cmd, o)
	if err != nil {
		return err
	}
	defer x.Close()
	for _, st := range sc.steps {
		if err := st(ctx, x); err != nil {
			return err
		}
	}
	f, err := os.Create(filepath.Join(s.out, sc.name+".svg"))
	if err != nil {
		return err
	}
	return errors.Join(svg.Write(f, x.Screen(), sc.title), f.Close())
}

// page is docs/pictures.md: every picture with what it shows.
func page() string {
	text := "# Pictures\n\nEach is the real program on a virtual terminal with its demo; `make pictures` takes them anew.\n"
	for _, sc := range scenes {
		text += fmt.Sprintf("\n## %s\n\n![%s](pictures/%s.svg)\n", sc.title, sc.title, sc.name)
	}
	return text
}
