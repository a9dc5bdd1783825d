package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"gantry/engine"
)

func parseDNS(t *testing.T, args string) (engine.HostConfig, error) {
	t.Helper()
	var d dnsFlags
	f := pflag.NewFlagSet("run", pflag.ContinueOnError)
	d.add(f)
	if err := f.Parse(strings.Fields(args)); err != nil {
		t.Fatal(err)
	}
	var h engine.HostConfig
	err := d.set(&h)
	return h, err
}

func TestDNSFlags(t *testing.T) {
	t.Parallel()
	got, err := parseDNS(t, "--dns 192.0.2.1 --dns=2001:db8::1 --dns-search corp.example --dns-search . --dns-opt ndots:2 --dns-option use-vc "+
		"--add-host db:10.0.0.1 --add-host six:[::1] --add-host six:fd00::1 --add-host eq=fd00::2 --add-host me:host-gateway --add-host you=host-gateway")
	if err != nil {
		t.Fatal(err)
	}
	want := engine.HostConfig{
		DNS: []string{"192.0.2.1", "2001:db8::1"}, DNSSearch: []string{"corp.example", "."}, DNSOptions: []string{"ndots:2", "use-vc"},
		ExtraHosts: []string{"db:10.0.0.1", "six:::1", "six:fd00::1", "eq:fd00::2", "me:host-gateway", "you:host-gateway"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDNSFlagsRefused(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--dns example.org":      "IP address",
		"--dns 192.0.2.1:53":     "IP address",
		"--dns-search a..b":      "domain",
		"--dns-search a/b":       "domain",
		"--dns-search=":          "domain",
		"--dns-option=":          "option",
		"--add-host db":          "HOST:IP",
		"--add-host :10.0.0.1":   "HOST:IP",
		"--add-host db:":         "HOST:IP",
		"--add-host db:10.0.0":   "10.0.0 is no IP address",
		"--add-host db:gateway":  "gateway is no IP address",
		"--add-host a:b=1.2.3.4": "name",
	} {
		flag, _, _ := strings.Cut(strings.Fields(args)[0], "=")
		if _, err := parseDNS(t, args); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}
