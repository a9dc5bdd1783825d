package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"
)

// space is a network namespace of the benchmark's own with an engine's rules in
// it: dockerd changes the policy of the firewall that it is started in.
type space struct {
	name string
	b    *bench
	d    *dockerd // nil when it cannot be had
}

// hostAddr is the address of the namespace that is not loopback.
const hostAddr = "203.0.113.1"

func (b *bench) newSpace(ctx context.Context) (*space, error) {
	s := &space{name: fmt.Sprintf("gantrybench%d", os.Getpid()), b: b}
	if err := do(ctx, "ip", "netns", "add", s.name)(); err != nil {
		return nil, err
	}
	for _, c := range []string{"ip link set lo up", "ip addr add " + hostAddr + "/24 dev lo"} {
		if err := s.do(ctx, strings.Fields(c)...)(); err != nil {
			s.close()
			return nil, err
		}
	}
	if _, err := b.busyboxImage(ctx); err != nil {
		s.close()
		return nil, err
	}
	if err := s.startDocker(ctx); err != nil {
		fmt.Println("  docker is left out:", err)
	}
	return s, nil
}

func (s *space) close() {
	if s.d != nil {
		s.d.stop()
	}
	_ = do(context.Background(), "ip", "netns", "del", s.name)()
}

// args runs a command in the namespace.
func (s *space) args(args ...string) []string {
	return append([]string{"nsenter", "--net=/run/netns/" + s.name}, args...)
}

func (s *space) do(ctx context.Context, args ...string) func() error {
	a := s.args(args...)
	return do(ctx, a[0], a[1:]...)
}

func (s *space) output(ctx context.Context, args ...string) (string, error) {
	a := s.args(args...)
	return command(ctx, a[0], a[1:]...)
}

// startDocker starts a dockerd with its bridge, and gives it the image.
func (s *space) startDocker(ctx context.Context) error {
	if !have("docker") || !installed("dockerd") {
		return fmt.Errorf("it is not installed or not asked for")
	}
	dir, err := os.MkdirTemp(s.b.dir, "netdocker")
	if err != nil {
		return err
	}
	host := "unix://" + filepath.Join(dir, "sock")
	a := s.args("dockerd", "--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(s.b.run, filepath.Base(dir)), "-H", host, "-p", filepath.Join(dir, "pid"), "--bip", "172.31.250.1/24")
	server, err := startServer(filepath.Join(dir, "log"), a[0], a[1:]...)
	if err != nil {
		return err
	}
	d := &dockerd{server, host}
	err = eventually(ctx, "dockerd", d.do(ctx, "version"))
	if err == nil {
		var layer []byte
		if layer, err = tarOf(filepath.Join(s.b.dir, "rootfs"), "."); err == nil {
			cmd := exec.CommandContext(ctx, "docker", "-H", host, "import", "-", "bench/busybox")
			cmd.Stdin = bytes.NewReader(layer)
			_, err = cmd.Output()
		}
	}
	if err != nil {
		d.stop()
		return err
	}
	s.d = d
	return nil
}

// engines are the command lines of the contestants.
func (s *space) engines() map[string][]string {
	all := map[string][]string{"gantry": {s.b.gantry}}
	if s.d != nil {
		all["docker"] = []string{"docker", "-H", s.d.host}
	}
	return all
}

// pause lets what the container before has left behind be cleared away: a run
// that comes at once waits for that, which is measured on its own.
func pause() error {
	time.Sleep(200 * time.Millisecond)
	return nil
}

func runBridge(ctx context.Context, b *bench) error {
	s, err := b.newSpace(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	run := func(engine []string, args ...string) func() error {
		return s.do(ctx, append(append(engine, "run", "--rm"), append(args, "bench/busybox", "/bin/true")...)...)
	}
	gantry := []string{b.gantry}
	first := run(gantry, "--network", "bridge", "-p", "18080:80")
	list := []contestant{
		{name: "gantry, the bridge's first", before: pause, turn: first},
		{name: "the same, one upon another", turn: first},
		{name: "gantry, network none", turn: run(gantry, "--network", "none")},
	}
	if s.d != nil {
		list = append(list, contestant{name: "docker", turn: run([]string{"docker", "-H", s.d.host}, "-p", "18081:80")})
	}
	if have("podman") {
		podman := append([]string{"podman"}, b.podmanArgs()...)
		turn := run(podman, "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "-p", "18082:80")
		if err := errorsOf(s.podmanImage(ctx), turn); err != nil {
			fmt.Println("  podman is left out:", err)
		} else {
			list = append(list, contestant{name: "podman", turn: turn})
		}
	}
	if err := race(b.rounds, list...); err != nil {
		return err
	}
	if err := s.do(ctx, b.gantry, "run", "-d", "--name", "stays", "--network", "bridge", "bench/busybox", "/bin/sleep", "1000")(); err != nil {
		return err
	}
	if err := race(b.rounds,
		contestant{name: "gantry, beside another", before: pause, turn: first},
		contestant{name: "the same, one upon another", turn: first}); err != nil {
		return err
	}
	return s.do(ctx, b.gantry, "rm", "-f", "stays")()
}

func errorsOf(err error, next func() error) error {
	if err != nil {
		return err
	}
	return next()
}

func (s *space) podmanImage(ctx context.Context) error {
	layer, err := tarOf(filepath.Join(s.b.dir, "rootfs"), ".")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "podman", s.b.podmanArgs("import", "-q", "-", "bench/busybox")...)
	cmd.Stdin = bytes.NewReader(layer)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// Throughput is measured by this program itself, in and out of containers.
const (
	sinkArg, sendArg = "throughput-sink", "throughput-send"
	sinkPort         = "9000"
	sendTime         = 2 * time.Second
)

// playThroughput is the program's part in a container.
func playThroughput(args []string) error {
	if args[0] == sinkArg {
		l, err := net.Listen("tcp", ":"+sinkPort)
		if err != nil {
			return err
		}
		for {
			c, err := l.Accept()
			if err != nil {
				return err
			}
			go func() {
				buf := make([]byte, 1<<20)
				for {
					if _, err := c.Read(buf); err != nil {
						c.Close()
						return
					}
				}
			}()
		}
	}
	c, err := net.Dial("tcp", args[1])
	if err != nil {
		return err
	}
	defer c.Close()
	buf := make([]byte, 256<<10)
	start, sent := time.Now(), 0
	for time.Since(start) < sendTime {
		n, err := c.Write(buf)
		if err != nil {
			return err
		}
		sent += n
	}
	fmt.Println(int(float64(sent) / 1e6 / time.Since(start).Seconds()))
	return nil
}

func throughput(ctx context.Context, b *bench) error {
	s, err := b.newSpace(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ways := map[string]func() (string, error){}
	port := 18090
	for name, engine := range s.engines() {
		port++
		run := func(args ...string) (string, error) { return s.output(ctx, append(engine, args...)...) }
		common := []string{"-v", self + ":/bench:ro", "--network", "bridge"}
		id, err := run(append(append([]string{"run", "-d", "-p", fmt.Sprintf("%d:%s", port, sinkPort)}, common...), "bench/busybox", "/bench", sinkArg)...)
		if err != nil {
			return err
		}
		id = strings.TrimSpace(id)
		defer func() { _, _ = run("rm", "-f", id) }()
		ip, err := run("inspect", "-f", "{{.NetworkSettings.IPAddress}}", id)
		if err != nil {
			return err
		}
		inside, outside, loop := net.JoinHostPort(strings.TrimSpace(ip), sinkPort), fmt.Sprintf("%s:%d", hostAddr, port), fmt.Sprintf("127.0.0.1:%d", port)
		if err := eventually(ctx, name, s.do(ctx, "nc", "-z", "127.0.0.1", strconv.Itoa(port))); err != nil && installed("nc") {
			return err
		}
		ways["container to container, "+name] = func() (string, error) {
			return run(append(append([]string{"run", "--rm"}, common...), "bench/busybox", "/bench", sendArg, inside)...)
		}
		ways["host to published port, "+name] = func() (string, error) { return s.output(ctx, self, sendArg, outside) }
		ways["host to loopback, "+name] = func() (string, error) { return s.output(ctx, self, sendArg, loop) }
	}
	return rates(min(b.rounds, 5), ways)
}

// rates lets every way take turns, and prints the median of each.
func rates(rounds int, ways map[string]func() (string, error)) error {
	names := make([]string, 0, len(ways))
	for n := range ways {
		names = append(names, n)
	}
	sort.Strings(names)
	found := map[string][]int{}
	for range rounds {
		for _, n := range names {
			out, err := ways[n]()
			if err != nil {
				return fmt.Errorf("%s: %w", n, err)
			}
			rate, err := strconv.Atoi(strings.TrimSpace(out))
			if err != nil {
				return fmt.Errorf("%s: %w", n, err)
			}
			found[n] = append(found[n], rate)
		}
	}
	for _, n := range names {
		sort.Ints(found[n])
		fmt.Printf("  %-40s %6d MB/s\n", n, found[n][len(found[n])/2])
	}
	return nil
}
