package network

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gantry/engine"
	"gantry/engine/record"
)

// Docker's options of bridges that mean something here.
const (
	OptionBridgeName  = "com.docker.network.bridge.name"
	OptionMasquerade  = "com.docker.network.bridge.enable_ip_masquerade"
	OptionICC         = "com.docker.network.bridge.enable_icc"
	OptionHostBinding = "com.docker.network.bridge.host_binding_ipv4"
	OptionMTU         = "com.docker.network.driver.mtu"
	optionDefault     = "com.docker.network.bridge.default_bridge"
	optionIPv4        = "com.docker.network.enable_ipv4"
	optionIPv6        = "com.docker.network.enable_ipv6"
)

// maxLinkName is the kernel's limit of the name of an interface (IFNAMSIZ).
const maxLinkName = 15

// Record is network.json.
type Record struct {
	ID         engine.ID         `json:"id"`
	Name       string            `json:"name"`
	Created    time.Time         `json:"created"`
	NoIPv4     bool              `json:"noIPv4,omitempty"`
	IPv6       bool              `json:"ipv6,omitempty"`
	Internal   bool              `json:"internal,omitempty"`
	Attachable bool              `json:"attachable,omitempty"`
	Subnets    []Subnet          `json:"subnets"`
	Options    map[string]string `json:"options,omitempty"`
	Labels     map[string]string `json:"labels,omitempty"`
	// Seq is the number of the event that wrote the record.
	Seq engine.Seq `json:"seq"`
}

// Default tells of the bridge that every engine has.
func (r *Record) Default() bool { return r.Name == engine.NetworkBridge }

// Bridge is the name of the host's interface.
func (r *Record) Bridge() string {
	if n := r.Options[OptionBridgeName]; n != "" {
		return n
	}
	return r.ownBridge()
}

func (r *Record) ownBridge() string { return "gt-" + r.ID.Short() }

// flag reads an option that says yes or no.
func (r *Record) flag(option string, def bool) bool {
	b, err := strconv.ParseBool(r.Options[option])
	if err != nil {
		return def
	}
	return b
}

// Masquerade tells whether containers go out under the host's address.
func (r *Record) Masquerade() bool { return r.flag(OptionMasquerade, true) }

// ICC tells whether the containers of the network reach each other.
func (r *Record) ICC() bool { return r.flag(OptionICC, true) }

// HostBinding is where ports without an address of the host are published.
func (r *Record) HostBinding() netip.Addr {
	a, _ := netip.ParseAddr(r.Options[OptionHostBinding])
	return a
}

// MTU is 0 when the network does not say.
func (r *Record) MTU() int {
	n, _ := strconv.Atoi(r.Options[OptionMTU])
	return n
}

// Prefixes are the network's ranges.
func (r *Record) Prefixes() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range r.Subnets {
		out = append(out, s.Prefix)
	}
	return out
}

// checkOptions refuses values that the kernel or we would stumble over later,
// and tells of options that do nothing.
func checkOptions(o map[string]string) (warnings []string, err error) {
	for key, value := range o {
		var wrong error
		switch key {
		case OptionBridgeName:
			wrong = checkLinkName(value)
		case OptionMasquerade, OptionICC, optionIPv4, optionIPv6:
			if _, e := strconv.ParseBool(value); e != nil {
				wrong = errors.New("want true or false")
			}
		case OptionHostBinding:
			if a, e := netip.ParseAddr(value); e != nil || !a.Is4() {
				wrong = errors.New("want an IPv4 address")
			}
		case OptionMTU:
			if n, e := strconv.Atoi(value); e != nil || n < 68 || n > 65535 {
				wrong = errors.New("want a number of bytes from 68 to 65535")
			}
		default:
			warnings = append(warnings, fmt.Sprintf("the network option %s is not known and does nothing", key))
		}
		if wrong != nil {
			return nil, fmt.Errorf("%w network option %s=%s: %w", engine.ErrInvalid, key, value, wrong)
		}
	}
	slices.Sort(warnings)
	return warnings, nil
}

func checkLinkName(name string) error {
	if name == "" || len(name) > maxLinkName || name == "." || name == ".." || strings.ContainsAny(name, "/: \t\n%") {
		return fmt.Errorf("want the name of an interface, of up to %d characters", maxLinkName)
	}
	return nil
}

func (s *Store) recordPath(id engine.ID) string {
	return filepath.Join(s.o.Root, "networks", string(id), recordFile)
}

const recordFile = "network.json"

func (s *Store) read(id engine.ID) (*Record, error) {
	var r Record
	err := record.Read(s.recordPath(id), &r)
	if errors.Is(err, engine.ErrNotFound) {
		return nil, errNoNetwork
	}
	if err != nil {
		return nil, err
	}
	r.ID = id
	return &r, nil
}

var errNoNetwork = fmt.Errorf("%w: no such network", engine.ErrNotFound)

// records are all networks that have one, by name. Broken ones are left out and
// their errors returned beside the others.
func (s *Store) records() ([]*Record, error) {
	entries, err := os.ReadDir(filepath.Join(s.o.Root, "networks"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list networks: %w", err)
	}
	var out []*Record
	var errs []error
	for _, ent := range entries {
		if len(ent.Name()) != 64 {
			continue
		}
		r, err := s.read(engine.ID(ent.Name()))
		switch {
		case err == nil:
			out = append(out, r)
		case !errors.Is(err, engine.ErrNotFound):
			errs = append(errs, err)
		}
	}
	slices.SortFunc(out, func(a, b *Record) int { return strings.Compare(a.Name, b.Name) })
	return out, errors.Join(errs...)
}

// shown is a network as inspect shows it, without who is on it.
func (r *Record) shown() engine.Network {
	n := engine.Network{
		Name: r.Name, ID: r.ID, Created: r.Created, Scope: "local", Driver: "bridge", EnableIPv4: !r.NoIPv4, EnableIPv6: r.IPv6,
		Internal: r.Internal, Attachable: r.Attachable, Options: orEmpty(r.Options), Labels: orEmpty(r.Labels),
		IPAM: engine.IPAM{Driver: "default", Options: map[string]string{}, Config: []engine.Subnet{}}, Containers: map[engine.ID]engine.NetworkMember{},
	}
	for _, s := range r.Subnets {
		n.IPAM.Config = append(n.IPAM.Config, s.given())
	}
	return n
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
