package cli_test

import (
	"testing"

	"gantry/engine"
	"gantry/engine/fake"
)

func TestPorts(t *testing.T) {
	t.Parallel()
	w := shellWorld(t)
	w.e.AddContainer(fake.Container{
		Name: "web", Image: "busybox", State: engine.Running, Networks: []string{"bridge"},
		Host: engine.HostConfig{PortBindings: engine.PortMap{
			"80/tcp": {{HostPort: "8080"}}, "443/tcp": {{HostIP: "127.0.0.1", HostPort: "443"}}, "444/tcp": {{HostIP: "127.0.0.1", HostPort: "444"}}, "53/udp": {{HostIP: "::1"}},
		}},
	})
	w.e.AddContainer(fake.Container{Name: "off", Image: "busybox", State: engine.Exited, Networks: []string{"bridge"}, Host: engine.HostConfig{PortBindings: engine.PortMap{"80/tcp": {{}}}}})
	w.want(0, "443/tcp -> 127.0.0.1:443\n444/tcp -> 127.0.0.1:444\n53/udp -> [::1]:49153\n80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080\n", "", "port", "web")
	w.want(0, "0.0.0.0:8080\n[::]:8080\n", "", "port", "web", "80")
	w.want(0, "[::1]:49153\n", "", "container", "port", "web", "53/udp")
	w.want(1, "", "gantry: no public port '80/udp' published for web\n", "port", "web", "80/udp")
	w.want(1, "", "gantry: port \"80/x\": unknown protocol \"x\": want tcp, udp or sctp\n", "port", "web", "80/x")
	w.want(0, "", "", "port", "off")
	w.want(0, "web\n", "", "ps", "-a", "--filter", "publish=8000-9000", "--format", "{{.Names}}")
	w.want(0, "", "", "ps", "-a", "--filter", "publish=80", "--format", "{{.Names}}")
	w.want(0, "web\n", "", "ps", "-a", "--filter", "expose=80", "--format", "{{.Names}}")
	w.want(0, "127.0.0.1:443-444->443-444/tcp, [::1]:49153->53/udp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp|\n", "", "ps", "--format", "{{.Ports}}|")
	w.want(0, `{"443/tcp":[{"HostIp":"127.0.0.1","HostPort":"443"}],"444/tcp":[{"HostIp":"127.0.0.1","HostPort":"444"}],"53/udp":[{"HostIp":"::1","HostPort":"49153"}],"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"},{"HostIp":"::","HostPort":"8080"}]}`+"\n", "",
		"inspect", "-f", "{{json .NetworkSettings.Ports}}", "web")
}
