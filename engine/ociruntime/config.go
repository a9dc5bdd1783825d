package ociruntime

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// encoding/json looks at a type with all types that it leads to before it reads
// or writes the first value. For specs.Spec these are 75, most of them of other
// systems, and half a millisecond in each process. What gantry makes is among
// the members below; a spec with others is read and written all the same, at
// that price.

// config is a config.json. R and S are its resources and its seccomp profile:
// whoever only reads needs next to nothing of them.
type config[R, S any] struct {
	Version     string            `json:"ociVersion"`
	Process     *process          `json:"process,omitempty"`
	Root        *specs.Root       `json:"root,omitempty"`
	Hostname    string            `json:"hostname,omitempty"`
	Domainname  string            `json:"domainname,omitempty"`
	Mounts      []specs.Mount     `json:"mounts,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Linux       *linux[R, S]      `json:"linux,omitempty"`
}

type process struct {
	Terminal        bool                     `json:"terminal,omitempty"`
	User            specs.User               `json:"user"`
	Args            []string                 `json:"args,omitempty"`
	Env             []string                 `json:"env,omitempty"`
	Cwd             string                   `json:"cwd"`
	Capabilities    *specs.LinuxCapabilities `json:"capabilities,omitempty"`
	Rlimits         []specs.POSIXRlimit      `json:"rlimits,omitempty"`
	NoNewPrivileges bool                     `json:"noNewPrivileges,omitempty"`
	OOMScoreAdj     *int                     `json:"oomScoreAdj,omitempty"`
}

type linux[R, S any] struct {
	Sysctl            map[string]string      `json:"sysctl,omitempty"`
	Resources         R                      `json:"resources,omitempty"`
	CgroupsPath       string                 `json:"cgroupsPath,omitempty"`
	Namespaces        []specs.LinuxNamespace `json:"namespaces,omitempty"`
	Devices           []specs.LinuxDevice    `json:"devices,omitempty"`
	Seccomp           S                      `json:"seccomp,omitempty"`
	RootfsPropagation string                 `json:"rootfsPropagation,omitempty"`
	MaskedPaths       []string               `json:"maskedPaths,omitempty"`
	ReadonlyPaths     []string               `json:"readonlyPaths,omitempty"`
}

func (p *process) spec() *specs.Process {
	if p == nil {
		return nil
	}
	return &specs.Process{Terminal: p.Terminal, User: p.User, Args: p.Args, Env: p.Env, Cwd: p.Cwd, Capabilities: p.Capabilities,
		Rlimits: p.Rlimits, NoNewPrivileges: p.NoNewPrivileges, OOMScoreAdj: p.OOMScoreAdj}
}

// spec is the whole but for resources and seccomp profile.
func (c *config[R, S]) spec() *specs.Spec {
	s := &specs.Spec{Version: c.Version, Process: c.Process.spec(), Root: c.Root, Hostname: c.Hostname, Domainname: c.Domainname,
		Mounts: c.Mounts, Annotations: c.Annotations}
	if l := c.Linux; l != nil {
		s.Linux = &specs.Linux{Sysctl: l.Sysctl, CgroupsPath: l.CgroupsPath, Namespaces: l.Namespaces, Devices: l.Devices,
			RootfsPropagation: l.RootfsPropagation, MaskedPaths: l.MaskedPaths, ReadonlyPaths: l.ReadonlyPaths}
	}
	return s
}

// EncodeConfig writes a config.json, as json.Marshal does.
func EncodeConfig(s *specs.Spec) ([]byte, error) {
	c := &config[*specs.LinuxResources, *specs.LinuxSeccomp]{Version: s.Version, Root: s.Root, Hostname: s.Hostname, Domainname: s.Domainname,
		Mounts: s.Mounts, Annotations: s.Annotations}
	if p := s.Process; p != nil {
		c.Process = &process{Terminal: p.Terminal, User: p.User, Args: p.Args, Env: p.Env, Cwd: p.Cwd, Capabilities: p.Capabilities,
			Rlimits: p.Rlimits, NoNewPrivileges: p.NoNewPrivileges, OOMScoreAdj: p.OOMScoreAdj}
	}
	if l := s.Linux; l != nil {
		c.Linux = &linux[*specs.LinuxResources, *specs.LinuxSeccomp]{Sysctl: l.Sysctl, Resources: l.Resources, CgroupsPath: l.CgroupsPath,
			Namespaces: l.Namespaces, Devices: l.Devices, Seccomp: l.Seccomp, RootfsPropagation: l.RootfsPropagation,
			MaskedPaths: l.MaskedPaths, ReadonlyPaths: l.ReadonlyPaths}
	}
	same := c.spec()
	if c.Linux != nil {
		same.Linux.Resources, same.Linux.Seccomp = c.Linux.Resources, c.Linux.Seccomp
	}
	if !reflect.DeepEqual(same, s) {
		return json.Marshal(s)
	}
	return json.Marshal(c)
}

// DecodeConfig reads from a config.json what Create and Exec need of it. Of the
// resources that is the limit of processes, of the seccomp profile all but the
// rules: they come compiled.
func DecodeConfig(b []byte) (*specs.Spec, error) {
	var c config[json.RawMessage, json.RawMessage]
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields() // what nobody looks at would be ignored
	if dec.Decode(&c) != nil || dec.More() {
		var s specs.Spec
		err := json.Unmarshal(b, &s)
		return &s, err
	}
	s := c.spec()
	if c.Linux == nil {
		return s, nil
	}
	if raw := c.Linux.Resources; raw != nil {
		var r struct {
			Pids *specs.LinuxPids `json:"pids"`
		}
		if err := json.Unmarshal(raw, &r); err != nil {
			return nil, err
		}
		s.Linux.Resources = &specs.LinuxResources{Pids: r.Pids}
	}
	if raw := c.Linux.Seccomp; raw != nil {
		var p struct {
			DefaultAction specs.LinuxSeccompAction `json:"defaultAction"`
			Flags         []specs.LinuxSeccompFlag `json:"flags"`
			ListenerPath  string                   `json:"listenerPath"`
		}
		if err := json.Unmarshal(raw, &p); err != nil {
			return nil, err
		}
		s.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: p.DefaultAction, Flags: p.Flags, ListenerPath: p.ListenerPath}
	}
	return s, nil
}
