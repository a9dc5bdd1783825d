package engine

import "time"

// The networks that every engine has. Containers on the default bridge do not
// find each other by name, as in docker; those on other bridges do.
const (
	NetworkBridge = "bridge" // the default bridge
	NetworkHost   = "host"   // the host's own, shared
	NetworkNone   = "none"   // loopback only
)

// NetworkContainer begins a network mode that names another container, whose
// network namespace is shared: "container:ID".
const NetworkContainer = "container:"

// Network is what containers are connected by. JSON names are docker's.
type Network struct {
	Name       string            `json:"Name"`
	ID         ID                `json:"Id"`
	Created    time.Time         `json:"Created"`
	Scope      string            `json:"Scope"`  // "local"
	Driver     string            `json:"Driver"` // "bridge", "host" or "null"
	EnableIPv4 bool              `json:"EnableIPv4"`
	EnableIPv6 bool              `json:"EnableIPv6"`
	IPAM       IPAM              `json:"IPAM"`
	Internal   bool              `json:"Internal"` // without a way out
	Attachable bool              `json:"Attachable"`
	Ingress    bool              `json:"Ingress"`
	ConfigFrom NetworkConfigFrom `json:"ConfigFrom"`
	ConfigOnly bool              `json:"ConfigOnly"`
	// Containers are those that are connected and run, by ID.
	Containers map[ID]NetworkMember `json:"Containers"`
	Options    map[string]string    `json:"Options"`
	Labels     map[string]string    `json:"Labels"`
}

// Predefined tells whether the engine has the network by itself: it can be
// neither made nor removed.
func (n Network) Predefined() bool { return PredefinedNetwork(n.Name) }

// PredefinedNetwork tells it of a name.
func PredefinedNetwork(name string) bool {
	return name == NetworkBridge || name == NetworkHost || name == NetworkNone
}

// IPAM is how a network gives out addresses.
type IPAM struct {
	Driver  string            `json:"Driver"` // "default"
	Options map[string]string `json:"Options"`
	Config  []Subnet          `json:"Config"`
}

// Subnet is one range of addresses. What is empty is chosen by the engine.
type Subnet struct {
	Subnet  string            `json:"Subnet,omitempty"`  // CIDR
	IPRange string            `json:"IPRange,omitempty"` // CIDR within it: the addresses that are given out
	Gateway string            `json:"Gateway,omitempty"`
	Aux     map[string]string `json:"AuxiliaryAddresses,omitempty"` // never given out
}

// NetworkConfigFrom is there for docker's templates; it is always empty.
type NetworkConfigFrom struct {
	Network string `json:"Network"`
}

// NetworkMember is a container on a network.
type NetworkMember struct {
	Name        string `json:"Name"`
	EndpointID  ID     `json:"EndpointID"`
	MacAddress  string `json:"MacAddress"`
	IPv4Address string `json:"IPv4Address"` // CIDR, or empty
	IPv6Address string `json:"IPv6Address"`
}

// NetworkList is a list and the event that it is current to.
type NetworkList struct {
	Seq   Seq
	Items []Network
}

// NetworkListOptions choose rows. Filters are docker's: id, name (parts of
// them), driver, scope, type (custom or builtin), dangling, label.
type NetworkListOptions struct{ Filters Filters }

// NetworkCreateOptions of a network. Options are docker's driver options, of
// which com.docker.network.bridge.name, .enable_ip_masquerade, .enable_icc and
// .host_binding_ipv4, and com.docker.network.driver.mtu are understood.
type NetworkCreateOptions struct {
	Name       string
	Driver     string // "" is bridge
	EnableIPv4 *bool  // nil: yes
	EnableIPv6 bool
	Internal   bool
	Attachable bool // kept for docker's sake: every network is
	Subnets    []Subnet
	IPAMDriver string // "" is default
	Options    map[string]string
	Labels     map[string]string
}

// NetworkCreateResult is the answer of Create.
type NetworkCreateResult struct {
	ID       ID       `json:"Id"`
	Warnings []string `json:"Warnings"`
}

// NetworkRemoveOptions of a network: with Force a missing one is no error.
type NetworkRemoveOptions struct{ Force bool }

// EndpointOptions are what a container wants of one network.
type EndpointOptions struct {
	Aliases    []string          `json:"aliases,omitempty"` // further names on the network
	IPv4       string            `json:"ipv4,omitempty"`    // a static address
	IPv6       string            `json:"ipv6,omitempty"`
	LinkLocal  []string          `json:"linkLocal,omitempty"` // further addresses
	MAC        string            `json:"mac,omitempty"`
	DriverOpts map[string]string `json:"driverOpts,omitempty"`
	// GwPriority decides which network the default route leads to: the highest;
	// of equal ones the first by name.
	GwPriority int `json:"gwPriority,omitempty"`
}

// NetworkAttachment is one network that a container is made with, by name or
// ID.
type NetworkAttachment struct {
	Network string `json:"network"`
	EndpointOptions
}

// EndpointIPAM are the addresses that were asked for.
type EndpointIPAM struct {
	IPv4Address  string   `json:"IPv4Address,omitempty"`
	IPv6Address  string   `json:"IPv6Address,omitempty"`
	LinkLocalIPs []string `json:"LinkLocalIPs,omitempty"`
}

// EndpointSettings are a container's place on one network, as inspect shows it.
// While the container does not run only what was asked for is set.
type EndpointSettings struct {
	IPAMConfig          *EndpointIPAM     `json:"IPAMConfig"`
	Links               []string          `json:"Links"`
	Aliases             []string          `json:"Aliases"`
	MacAddress          string            `json:"MacAddress"`
	DriverOpts          map[string]string `json:"DriverOpts"`
	GwPriority          int               `json:"GwPriority"`
	NetworkID           ID                `json:"NetworkID"`
	EndpointID          ID                `json:"EndpointID"`
	Gateway             string            `json:"Gateway"`
	IPAddress           string            `json:"IPAddress"`
	IPPrefixLen         int               `json:"IPPrefixLen"`
	IPv6Gateway         string            `json:"IPv6Gateway"`
	GlobalIPv6Address   string            `json:"GlobalIPv6Address"`
	GlobalIPv6PrefixLen int               `json:"GlobalIPv6PrefixLen"`
	// DNSNames are what the container is found by on this network.
	DNSNames []string `json:"DNSNames"`
}

// NetworkSettings are a container's network as inspect shows it. Those members
// that name one endpoint are of the default bridge, as in docker.
type NetworkSettings struct {
	Bridge                 string                      `json:"Bridge"`
	SandboxID              ID                          `json:"SandboxID"`
	SandboxKey             string                      `json:"SandboxKey"` // path of the network namespace
	Ports                  PortMap                     `json:"Ports"`
	HairpinMode            bool                        `json:"HairpinMode"`
	LinkLocalIPv6Address   string                      `json:"LinkLocalIPv6Address"`
	LinkLocalIPv6PrefixLen int                         `json:"LinkLocalIPv6PrefixLen"`
	EndpointID             ID                          `json:"EndpointID"`
	Gateway                string                      `json:"Gateway"`
	GlobalIPv6Address      string                      `json:"GlobalIPv6Address"`
	GlobalIPv6PrefixLen    int                         `json:"GlobalIPv6PrefixLen"`
	IPAddress              string                      `json:"IPAddress"`
	IPPrefixLen            int                         `json:"IPPrefixLen"`
	IPv6Gateway            string                      `json:"IPv6Gateway"`
	MacAddress             string                      `json:"MacAddress"`
	Networks               map[string]EndpointSettings `json:"Networks"` // by name
}

// PortMap is which ports of the host lead to which of the container. Keys are
// "80/tcp"; a port without bindings is exposed only.
type PortMap map[string][]PortBinding

// PortBinding is an address and a port of the host. An empty address is every
// one, an empty port any that is free.
type PortBinding struct {
	HostIP   string `json:"HostIp"`
	HostPort string `json:"HostPort"` // in a request also a range, "8000-8010"
}
