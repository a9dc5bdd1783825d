package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"gantry/engine"
)

func TestParseSubnet(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		in   engine.Subnet
		want string // the gateway, or a part of the error
		bad  bool
	}{
		{"gateway is the first address", engine.Subnet{Subnet: "10.1.0.0/24"}, "10.1.0.1", false},
		{"IPv6", engine.Subnet{Subnet: "fd00:5::/64"}, "fd00:5::1", false},
		{"all of it", engine.Subnet{Subnet: "10.1.0.0/24", IPRange: "10.1.0.128/25", Gateway: "10.1.0.9", Aux: map[string]string{"a": "10.1.0.8"}}, "10.1.0.9", false},
		{"no prefix", engine.Subnet{Subnet: "10.1.0.0"}, "prefix length", true},
		{"host bits", engine.Subnet{Subnet: "10.1.0.7/24"}, "it should be 10.1.0.0/24", true},
		{"too small", engine.Subnet{Subnet: "10.1.0.0/31"}, "no room", true},
		{"range outside", engine.Subnet{Subnet: "10.1.0.0/24", IPRange: "10.1.1.0/25"}, "not in the subnet", true},
		{"range wider", engine.Subnet{Subnet: "10.1.0.0/24", IPRange: "10.1.0.0/16"}, "not in the subnet", true},
		{"gateway outside", engine.Subnet{Subnet: "10.1.0.0/24", Gateway: "10.2.0.1"}, "not in the subnet", true},
		{"gateway is the network", engine.Subnet{Subnet: "10.1.0.0/24", Gateway: "10.1.0.0"}, "no host can have", true},
		{"gateway is the broadcast", engine.Subnet{Subnet: "10.1.0.0/24", Gateway: "10.1.0.255"}, "no host can have", true},
		{"aux is the gateway", engine.Subnet{Subnet: "10.1.0.0/24", Aux: map[string]string{"a": "10.1.0.1"}}, "is the gateway", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := parseSubnet(tt.in)
			if tt.bad {
				if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.Is(err, engine.ErrInvalid) && !errors.Is(err, engine.ErrConflict) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil || s.Gateway.String() != tt.want {
				t.Errorf("%v, %v, want the gateway %s", s, err, tt.want)
			}
		})
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		taken []string
		want  string
	}{
		{nil, "172.17.0.0/16"},
		{[]string{"172.17.3.0/24"}, "172.18.0.0/16"},
		{[]string{"172.16.0.0/12"}, "192.168.0.0/20"},
		{[]string{"172.16.0.0/12", "192.168.0.0/18"}, "192.168.64.0/20"},
		{[]string{"fd00::/8"}, "172.17.0.0/16"},
		{[]string{"172.16.0.0/12", "192.168.0.0/16"}, ""},
	} {
		var taken []netip.Prefix
		for _, s := range tt.taken {
			taken = append(taken, netip.MustParsePrefix(s))
		}
		s, err := choose(DefaultPools(), taken)
		if got := s.Prefix.String(); tt.want == "" && !errors.Is(err, errNoSubnet) || tt.want != "" && got != tt.want {
			t.Errorf("beside %v: %s, %v, want %q", tt.taken, got, err, tt.want)
		}
	}
	pool, err := ParsePool("255.255.255.0/24", 25)
	if err != nil {
		t.Fatal(err)
	}
	// The end of all addresses is the end of the search, too.
	if _, err := choose([]Pool{pool}, []netip.Prefix{pool.Base}); !errors.Is(err, errNoSubnet) {
		t.Errorf("at the end of IPv4: %v", err)
	}
}

func TestChooseLocal(t *testing.T) {
	t.Parallel()
	ula := netip.MustParsePrefix("fd00::/8")
	a, b := chooseLocal(nil, nil), chooseLocal(nil, nil)
	if a.Prefix == b.Prefix || !ula.Overlaps(a.Prefix) || a.Prefix.Bits() != 64 || a.Prefix != a.Prefix.Masked() {
		t.Errorf("%v and %v", a, b)
	}
	pool, err := ParsePool("fd12:3456:789a::/48", 64)
	if err != nil {
		t.Fatal(err)
	}
	if s := chooseLocal([]Pool{pool}, nil); !pool.Base.Overlaps(s.Prefix) || s.Prefix.Bits() != 64 {
		t.Errorf("of %v: %v", pool, s)
	}
}

func TestMAC(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{"172.17.0.2": "02:42:ac:11:00:02", "fd00::1:2": "02:43:00:01:00:02"} {
		mac := macFor(netip.MustParseAddr(addr))
		if got := net.HardwareAddr(mac[:]).String(); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}

func TestRouted(t *testing.T) {
	t.Parallel()
	ep := func(name string, priority int, gateways ...string) Endpoint {
		e := Endpoint{NetworkName: name, Options: engine.EndpointOptions{GwPriority: priority}}
		for _, g := range gateways {
			e.Gateways = append(e.Gateways, netip.MustParseAddr(g))
		}
		return e
	}
	for _, tt := range []struct {
		all    []Endpoint
		v4, v6 string
	}{
		{nil, "", ""},
		{[]Endpoint{ep("inner", 9)}, "", ""},
		{[]Endpoint{ep("bb", 0, "10.1.0.1"), ep("aa", 0, "10.2.0.1")}, "10.2.0.1", ""},
		{[]Endpoint{ep("bb", 1, "10.1.0.1"), ep("aa", 0, "10.2.0.1", "fd00::1")}, "10.1.0.1", "fd00::1"},
		{[]Endpoint{ep("bb", -1, "10.1.0.1"), ep("cc", 0, "10.2.0.1")}, "10.2.0.1", ""},
	} {
		for v4, want := range map[bool]string{true: tt.v4, false: tt.v6} {
			best, via := routed(tt.all, v4)
			if got := fmt.Sprint(via); best == nil && want != "" || best != nil && got != want {
				t.Errorf("%+v, IPv4 %v: via %s, want %q", tt.all, v4, got, want)
			}
		}
	}
}

func TestCheckOptions(t *testing.T) {
	t.Parallel()
	for option, ok := range map[string]bool{
		OptionMTU + "=9000": true, OptionMTU + "=9": false, OptionICC + "=maybe": false, OptionBridgeName + "=br0": true,
		OptionBridgeName + "=longer-than-a-name-may-be": false, OptionBridgeName + "=a/b": false, OptionHostBinding + "=::1": false,
	} {
		key, value, _ := strings.Cut(option, "=")
		if _, err := checkOptions(map[string]string{key: value}); (err == nil) != ok {
			t.Errorf("%s: %v", option, err)
		}
	}
	warnings, err := checkOptions(map[string]string{"com.example.colour": "red"})
	if err != nil || len(warnings) != 1 {
		t.Errorf("an option of nobody's: %v, %v", warnings, err)
	}
}
