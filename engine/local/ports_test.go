package local_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gantry/engine"
	"gantry/engine/local"
)

// serverCommand answers every connection to a port with a line, for ever.
func serverCommand(line string) []string {
	return []string{"sh", "-c", "while :; do echo " + line + " | nc -l -p 80; done"}
}

// runServer starts a container that publishes its port 80.
func runServer(t *testing.T, e *local.Engine, name, line string, bindings ...engine.PortBinding) engine.ID {
	t.Helper()
	id, err := startServer(t, e, name, line, bindings...)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func startServer(t *testing.T, e *local.Engine, name, line string, bindings ...engine.PortBinding) (engine.ID, error) {
	t.Helper()
	res, err := e.Containers().Create(t.Context(), engine.CreateOptions{
		Name:   name,
		Config: engine.ContainerConfig{Image: image, Cmd: serverCommand(line), ExposedPorts: map[string]struct{}{"80/tcp": {}, "81/tcp": {}}},
		Host:   engine.HostConfig{NetworkMode: engine.NetworkBridge, PortBindings: engine.PortMap{"80/tcp": bindings}},
	})
	if err != nil {
		return "", err
	}
	return res.ID, e.Containers().Start(t.Context(), name)
}

// hostPort is the port of the host that leads to a container's port 80.
func hostPort(t *testing.T, e *local.Engine, name string) string {
	t.Helper()
	c, err := e.Containers().Inspect(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	b := c.NetworkSettings.Ports["80/tcp"]
	if len(b) == 0 || b[0].HostPort == "" {
		t.Fatalf("ports of %s: %v", name, c.NetworkSettings.Ports)
	}
	return b[0].HostPort
}

// ask connects until somebody answers: the server is in the middle of two
// connections now and then.
func ask(t *testing.T, address string) string {
	t.Helper()
	var last error
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			c.SetDeadline(time.Now().Add(time.Second))
			line, err := bufio.NewReader(c).ReadString('\n')
			c.Close()
			if line != "" {
				return strings.TrimSpace(line)
			}
			last = err
			continue
		}
		last = err
	}
	t.Errorf("%s does not answer: %v", address, last)
	return ""
}

// closed tells whether nobody listens.
func closed(address string) bool {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err == nil {
		c.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// hostAddress is an address of the host that is not loopback.
func hostAddress(t *testing.T) string {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if ip := a.(*net.IPNet).IP; ip.To4() != nil && !ip.IsLoopback() {
			return ip.String()
		}
	}
	t.Fatal("the host has no address but loopback")
	return ""
}

// TestPublishedPorts: reached by loopback of both families and by the host's
// address, told by ps and inspect, named when they are taken, gone with the end.
func TestPublishedPorts(t *testing.T) {
	t.Parallel()
	e := open(t)
	id := runServer(t, e, "web", "hello", engine.PortBinding{}, engine.PortBinding{HostIP: "127.0.0.1"})
	port := hostPort(t, e, "web")
	for _, address := range []string{"127.0.0.1:" + port, "[::1]:" + port, net.JoinHostPort(hostAddress(t), port)} {
		if got := ask(t, address); got != "hello" {
			t.Errorf("%s: %q", address, got)
		}
	}
	c, err := e.Containers().Inspect(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	ports := c.NetworkSettings.Ports
	want := engine.PortMap{"81/tcp": nil, "80/tcp": {{HostIP: "0.0.0.0", HostPort: port}, {HostIP: "::", HostPort: port}, {HostIP: "127.0.0.1", HostPort: ports["80/tcp"][2].HostPort}}}
	if diff := cmp.Diff(want, ports); diff != "" {
		t.Errorf("ports (-want +got):\n%s", diff)
	}
	for filter, n := range map[string]int{"publish=" + port: 1, "publish=80": 0, "expose=80-81": 1, "expose=80/udp": 0} {
		key, value, _ := strings.Cut(filter, "=")
		list, err := e.Containers().List(t.Context(), engine.ListOptions{Filters: engine.Filters{key: {value}}})
		if err != nil || len(list.Items) != n {
			t.Errorf("%s: %d containers, %v", filter, len(list.Items), err)
		}
	}

	_, err = startServer(t, e, "second", "no", engine.PortBinding{HostPort: port})
	if text := fmt.Sprintf("port %s/tcp is already published by container web (%s); stop it or publish another port", port, id.Short()); !errors.Is(err, engine.ErrConflict) || !strings.Contains(err.Error(), text) {
		t.Errorf("a port of another container: %v, want %q", err, text)
	}
	if err := e.Containers().Stop(t.Context(), "web", engine.StopOptions{Timeout: new(time.Duration)}); err != nil {
		t.Fatal(err)
	}
	if !closed("127.0.0.1:" + port) {
		t.Error("the port outlives the container")
	}
	if err := e.Containers().Start(t.Context(), "second"); err != nil {
		t.Errorf("the port of a container that has ended: %v", err)
	}
	if got := ask(t, net.JoinHostPort(hostAddress(t), port)); got != "no" {
		t.Errorf("the port's next holder: %q", got)
	}
}

// TestDrawnPortsStay: ports that were drawn are those of the next start as well,
// but for one that somebody else has by then.
func TestDrawnPortsStay(t *testing.T) {
	t.Parallel()
	e := open(t)
	runServer(t, e, "web", "hello", engine.PortBinding{}, engine.PortBinding{}, engine.PortBinding{HostIP: "127.0.0.1"})
	ports := func() []engine.PortBinding {
		c, err := e.Containers().Inspect(t.Context(), "web")
		if err != nil {
			t.Fatal(err)
		}
		return c.NetworkSettings.Ports["80/tcp"]
	}
	before := ports()
	now := engine.StopOptions{Timeout: new(time.Duration)}
	if err := e.Containers().Restart(t.Context(), "web", now); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, ports()); diff != "" {
		t.Errorf("ports after a restart (-before +after):\n%s", diff)
	}
	if err := e.Containers().Stop(t.Context(), "web", now); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:"+before[len(before)-1].HostPort)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := e.Containers().Start(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	after := ports()
	n := len(before) - 1
	if diff := cmp.Diff(before[:n], after[:n]); diff != "" || len(after) != n+1 || after[n].HostPort == before[n].HostPort {
		t.Errorf("with one port taken: %v, before %v", after, before)
	}
}

// TestForeignHolder: a port that another program has is told with its name.
func TestForeignHolder(t *testing.T) {
	t.Parallel()
	e := open(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_, err = startServer(t, e, "web", "no", engine.PortBinding{HostPort: port})
	if text := fmt.Sprintf("port %s/tcp is already in use by local.test (process %d)", port, os.Getpid()); !errors.Is(err, engine.ErrConflict) || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want %q", err, text)
	}
}

// TestPortsOutliveMonitor: the monitor is killed, its successor takes the ports
// again.
func TestPortsOutliveMonitor(t *testing.T) {
	t.Parallel()
	e := open(t)
	id := runServer(t, e, "web", "hello", engine.PortBinding{})
	port := hostPort(t, e, "web")
	if got := ask(t, "127.0.0.1:"+port); got != "hello" {
		t.Fatalf("before: %q", got)
	}
	local.KillMonitor(t, e, id)
	if !closed("127.0.0.1:" + port) {
		t.Error("the monitor's port is open without it")
	}
	// The rules do not need the monitor.
	if got := ask(t, net.JoinHostPort(hostAddress(t), port)); got != "hello" {
		t.Errorf("without a monitor: %q", got)
	}
	if err := e.Containers().Pause(t.Context(), "web"); err != nil { // brings a new monitor
		t.Fatal(err)
	}
	if err := e.Containers().Unpause(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, "127.0.0.1:"+port); got != "hello" {
		t.Errorf("with the next monitor: %q", got)
	}
}

// TestDeadAddress: everything of a container is killed at once; whoever gets its
// address is not reached by its port.
func TestDeadAddress(t *testing.T) {
	t.Parallel()
	e := open(t)
	const subnet, address = "10.254.77.0/29", "10.254.77.3"
	if _, err := e.Networks().Create(t.Context(), engine.NetworkCreateOptions{Name: "small", Subnets: []engine.Subnet{{Subnet: subnet}}}); err != nil {
		t.Fatal(err)
	}
	start := func(name string, b engine.PortBinding) engine.ID {
		t.Helper()
		res, err := e.Containers().Create(t.Context(), engine.CreateOptions{
			Name: name, Config: engine.ContainerConfig{Image: image, Cmd: serverCommand(name)},
			Host:     engine.HostConfig{PortBindings: engine.PortMap{"80/tcp": {b}}},
			Networks: []engine.NetworkAttachment{{Network: "small", EndpointOptions: engine.EndpointOptions{IPv4: address}}},
		})
		if err == nil {
			err = e.Containers().Start(t.Context(), name)
		}
		if err != nil {
			t.Fatal(err)
		}
		return res.ID
	}
	id := start("former", engine.PortBinding{})
	outside := net.JoinHostPort(hostAddress(t), hostPort(t, e, "former"))
	if got := ask(t, outside); got != "former" {
		t.Fatalf("before: %q", got)
	}
	pid := pidOf(t, e, "former")
	local.KillMonitor(t, e, id)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for pidOf(t, e, "former") != 0 {
		runtime.Gosched()
	}
	start("next", engine.PortBinding{HostIP: "127.0.0.1"})
	if got := ask(t, "127.0.0.1:"+hostPort(t, e, "next")); got != "next" {
		t.Errorf("the next one: %q", got)
	}
	if c, err := net.DialTimeout("tcp", outside, time.Second); err == nil {
		c.Close()
		t.Error("the dead container's port leads to somebody")
	}
}

// pidOf is a container's first process, 0 when it has ended.
func pidOf(t *testing.T, e *local.Engine, name string) int {
	t.Helper()
	c, err := e.Containers().Inspect(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return c.State.Pid
}

func TestPortRefusals(t *testing.T) {
	t.Parallel()
	e := open(t)
	create := func(mode string, m engine.PortMap) (engine.CreateResult, error) {
		return e.Containers().Create(t.Context(), engine.CreateOptions{
			Config: engine.ContainerConfig{Image: image}, Host: engine.HostConfig{NetworkMode: mode, PortBindings: m},
		})
	}
	one := engine.PortMap{"80/tcp": {{HostPort: "8080"}}}
	for name, c := range map[string]struct {
		mode string
		m    engine.PortMap
		want string
	}{
		"another's network": {"container:web", one, "belong to the container whose network is shared"},
		"twice":             {"bridge", engine.PortMap{"80/tcp": {{HostPort: "8080"}}, "81/tcp": {{HostPort: "8080"}}}, "port 8080/tcp of the host is given to 80/tcp and to 81/tcp"},
		"no port":           {"bridge", engine.PortMap{"web": {{}}}, "port \"web\""},
		"no host port":      {"bridge", engine.PortMap{"80/tcp": {{HostPort: "x"}}}, "not a port"},
		"no address":        {"bridge", engine.PortMap{"80/tcp": {{HostIP: "x"}}}, "host address"},
	} {
		if _, err := create(c.mode, c.m); !errors.Is(err, engine.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for _, mode := range []string{"host", "none"} {
		if res, err := create(mode, one); err != nil || len(res.Warnings) == 0 || !strings.HasPrefix(res.Warnings[0], "Published ports are discarded") {
			t.Errorf("%s: %v, %v", mode, res.Warnings, err)
		}
	}
}

// TestPortsAfterReboot: everything is killed and the runtime directory is gone,
// with all claims; the container starts again on the port that it wants.
func TestPortsAfterReboot(t *testing.T) {
	t.Parallel()
	e := open(t)
	l, err := net.Listen("tcp", "127.0.0.1:0") // a port that is free
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	id := runServer(t, e, "web", "hello", engine.PortBinding{HostPort: port})
	pid := pidOf(t, e, "web")
	local.KillMonitor(t, e, id)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	run, err := os.MkdirTemp("", "gl")
	if err != nil {
		t.Fatal(err)
	}
	next := reopen(t, e.Root(), run)
	t.Cleanup(func() {
		if err := next.Containers().Remove(context.Background(), "web", engine.RemoveOptions{Force: true}); err != nil {
			t.Error(err)
		}
		// A process that finishes the end may be at work still, as in open.
		for deadline := time.Now().Add(time.Minute); os.RemoveAll(run) != nil && time.Now().Before(deadline); {
			runtime.Gosched()
		}
	})
	for pidOf(t, next, "web") != 0 {
		runtime.Gosched()
	}
	if err := next.Containers().Start(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"127.0.0.1:" + port, net.JoinHostPort(hostAddress(t), port)} {
		if got := ask(t, address); got != "hello" {
			t.Errorf("%s: %q", address, got)
		}
	}
}
