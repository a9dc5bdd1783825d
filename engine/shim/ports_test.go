package shim_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/network/hostport"
	"gantry/engine/shim"
	"gantry/internal/inetaddr"
)

// TestPorts: a published port is held from before the start until after the end,
// also across the death of the monitor, and leads to the container's address.
func TestPorts(t *testing.T) {
	t.Parallel()
	inside, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { inside.Close() })
	go func() {
		for {
			c, err := inside.Accept()
			if err != nil {
				return
			}
			fmt.Fprintln(c, "hello")
			c.Close()
		}
	}()
	loop, err := inetaddr.Parse("127.0.0.1")
	must(t, err)
	want := hostport.Want{Proto: "tcp", Port: uint16(inside.Addr().(*net.TCPAddr).Port), Addrs: []inetaddr.Addr{loop}, Hosts: []inetaddr.Addr{loop}}

	b := newBox(t, sh("exec sleep 1000"))
	c := b.spawn()
	ports, err := c.Publish(b.ctx(), []hostport.Want{want})
	must(t, err)
	at := fmt.Sprintf("127.0.0.1:%d", ports[0].HostPort)
	answers(t, at)
	must(t, c.Start(b.ctx()))
	if got := b.started().Ports; len(got) != 1 || got[0] != ports[0] {
		t.Errorf("start.json says %v, held are %v", got, ports)
	}
	if _, err := c.Publish(b.ctx(), nil); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("publish of a running container: %v", err)
	}

	other := newBox(t, sh("exec sleep 1000"))
	want.First, want.Last = ports[0].HostPort, ports[0].HostPort
	o := other.spawn()
	var taken *hostport.TakenError
	if _, err := o.Publish(other.ctx(), []hostport.Want{want}); !errors.As(err, &taken) || taken.Port.HostPort != want.First {
		t.Errorf("publish of a taken port: %v", err)
	}
	if who, ok := hostport.Holder(taken.Port); !ok || len(who.Args) < 2 || who.Args[0] != shim.Name || who.Args[1] != b.file(shim.ConfigFile) {
		t.Errorf("the holder is %v, want the container's monitor", who)
	}

	b.killMonitor()
	if conn, err := net.Dial("tcp", at); err == nil {
		conn.Close()
		t.Error("the port outlives the monitor")
	}
	c = b.adopt()
	answers(t, at)
	must(t, c.Signal(b.ctx(), int(unix.SIGKILL)))
	b.wait(c)
	_, err = o.Publish(other.ctx(), []hostport.Want{want})
	must(t, err)
	answers(t, at)
	must(t, o.Dismiss(other.ctx()))
	other.monitorDied()
	if conn, err := net.Dial("tcp", at); err == nil {
		conn.Close()
		t.Error("the port outlives a monitor that was sent away")
	}
}

func answers(t *testing.T, at string) {
	t.Helper()
	c, err := net.Dial("tcp", at)
	must(t, err)
	defer c.Close()
	if line, err := bufio.NewReader(c).ReadString('\n'); line != "hello\n" {
		t.Errorf("%s answered %q, %v", at, line, err)
	}
}
