package nat_test

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gantry/engine/network/nat"
)

// dockerd runs the real one in the lab's host. Its state is in a mount namespace
// of its own. It ends with the test.
func (l *lab) dockerd() {
	l.t.Helper()
	state := l.t.TempDir()
	cmd := exec.Command("nsenter", "--net=/run/netns/"+l.prefix+"host", "unshare", "-m", "sh", "-c",
		"mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs "+state+" && exec dockerd --data-root "+state+
			" --exec-root /run/docker -p /run/docker.pid -H unix:///run/docker.sock --storage-driver vfs")
	log := filepath.Join(state, "..", "dockerd.log")
	out, err := os.Create(log)
	if err != nil {
		l.t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	l.t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		<-ended
	})
	// It says when it is ready, and has written its rules by then.
	for deadline := time.Now().Add(time.Minute); ; {
		said, _ := os.ReadFile(log)
		if strings.Contains(string(said), "API listen on") {
			return
		}
		select {
		case err := <-ended:
			ended <- err
			l.t.Fatalf("dockerd ended: %v\n%s", err, said)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("dockerd does not get ready:\n%s", said)
		}
	}
}

// publishA1 publishes port 8080 for a1.
func (l *lab) publishA1() {
	l.t.Helper()
	l.table(func(t *nat.Table) error {
		a1 := addr("10.101.0.2")
		return t.Publish([]netip.Addr{a1}, []nat.Port{{Proto: "tcp", HostIP: anywhere4, HostPort: 8080, Addr: a1, Port: 80}})
	})
}

// allWays are the ways of packets that a policy of others could close.
var allWays = []question{
	{"a1", "tcp", "203.0.113.2:80", "away 203.0.113.1"},
	{"away", "tcp", "203.0.113.1:8080", "a1 203.0.113.2"},
	{"a2", "tcp", "10.101.0.2:80", "a1 10.101.0.3"},
	{"a2", "tcp", "203.0.113.1:8080", "a1 10.101.0.1"},
	{"b1", "tcp", "10.101.0.2:80", ""},
	{"i1", "tcp", "203.0.113.2:80", ""},
}

func (l *lab) serveAll() {
	for _, c := range []string{"a1", "a2", "b1", "away"} {
		l.serve(c, "tcp", ":80")
	}
}

// TestBesideDocker: a dockerd that drops what it does not know, whoever came
// first, and its administrator's own rules.
func TestBesideDocker(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.serveAll()
	l.dockerd()
	before := l.sh("host", "iptables -S DOCKER-USER")
	if policy := l.sh("host", "iptables -S FORWARD"); !strings.Contains(policy, "-P FORWARD DROP") {
		t.Fatalf("this dockerd does not drop what it does not know:\n%s", policy)
	}
	l.addBridges()
	l.publishA1()
	l.expect(allWays)

	// What dockerd does at a restart or a reload of the firewall: the rules are
	// there again at the next start of a container.
	l.sh("host", "iptables -F DOCKER-USER", "iptables -A DOCKER-USER -j RETURN")
	l.expect([]question{{"a1", "tcp", "203.0.113.2:80", ""}, {"away", "tcp", "203.0.113.1:8080", ""}})
	l.addBridges()
	l.expect(allWays)
	once := l.sh("host", "iptables -S DOCKER-USER")
	l.addBridges()
	if again := l.sh("host", "iptables -S DOCKER-USER"); again != once {
		t.Errorf("rules of a second start:\n%s\nof the first:\n%s", again, once)
	}
	for _, want := range []string{"-A DOCKER-USER -i gt-+ -j ACCEPT", "-A DOCKER-USER -o gt-+ -j ACCEPT"} {
		if !strings.Contains(once, want) {
			t.Errorf("DOCKER-USER lacks %q:\n%s", want, once)
		}
	}

	// The administrator has the first word.
	l.sh("host", "iptables -I DOCKER-USER -s 203.0.113.2 -j DROP")
	l.expect([]question{{"away", "tcp", "203.0.113.1:8080", ""}})
	l.sh("host", "iptables -D DOCKER-USER -s 203.0.113.2 -j DROP")

	for _, b := range labBridges {
		l.table(func(t *nat.Table) error { return t.RemoveBridge(b.Name) })
	}
	if after := l.sh("host", "iptables -S DOCKER-USER"); after != before {
		t.Errorf("DOCKER-USER is\n%safter the last network, was\n%s", after, before)
	}
	if left := l.sh("host", "nft list tables inet"); left != "" {
		t.Errorf("left: %s", left)
	}
}

// TestDockerComesLater: containers that run when dockerd starts are reachable
// again with the next start.
func TestDockerComesLater(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.serveAll()
	l.addBridges()
	l.publishA1()
	l.expect(allWays)
	l.dockerd()
	// It finds that the host forwards already, and leaves the policy alone; an
	// administrator may not.
	l.sh("host", "iptables -P FORWARD DROP")
	l.addBridges()
	l.expect(allWays)
}

// TestNamedBridge: a bridge that its owner named is let through by its name.
func TestNamedBridge(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.sh("host", "iptables -N DOCKER-USER", "iptables -A DOCKER-USER -j RETURN", "iptables -A FORWARD -j DOCKER-USER", "iptables -P FORWARD DROP")
	l.sh("host", "ip link set gt-a down", "ip link set gt-a name shop0", "ip link set shop0 up")
	l.serveAll()
	shop := labBridges[0]
	shop.Name = "shop0"
	l.table(func(t *nat.Table) error { return t.AddBridge(shop) })
	l.table(func(t *nat.Table) error { return t.AddBridge(labBridges[1]) })
	l.expect([]question{{"a1", "tcp", "203.0.113.2:80", "away 203.0.113.1"}, {"a2", "tcp", "10.101.0.2:80", "a1 10.101.0.3"}})
	l.table(func(t *nat.Table) error { return t.RemoveBridge("shop0") })
	if rules := l.sh("host", "iptables -S DOCKER-USER"); strings.Contains(rules, "shop0") || !strings.Contains(rules, "gt-+") {
		t.Errorf("after one of two bridges:\n%s", rules)
	}
}

// TestObstacles: what gantry cannot pass by is told.
func TestObstacles(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	obstacles := func() string {
		var found []string
		l.table(func(tab *nat.Table) (err error) {
			found, err = tab.Obstacles()
			return err
		})
		return strings.Join(found, "\n")
	}
	if got := obstacles(); got != "" {
		t.Errorf("on a host without any: %s", got)
	}
	l.addBridges()
	l.sh("host", "nft add table inet strict", `nft add chain inet strict passing "{ type filter hook forward priority 10; policy drop; }"`)
	if got := obstacles(); !strings.Contains(got, "chain passing of table strict drops") || strings.Contains(got, "legacy") {
		t.Errorf("with a policy: %q", got)
	}
	l.sh("host", "nft delete table inet strict", "nft add table inet firewalld", `nft add chain inet firewalld filter_FORWARD "{ type filter hook forward priority 10; }"`)
	if got := obstacles(); !strings.Contains(got, "firewall-cmd --permanent --zone=trusted --add-interface=gt-+") {
		t.Errorf("with firewalld: %q", got)
	}
	l.sh("host", "nft delete table inet firewalld", "iptables-legacy -P FORWARD DROP")
	if got := obstacles(); !strings.Contains(got, "iptables-legacy is in use") {
		t.Errorf("with iptables-legacy: %q", got)
	}
}
