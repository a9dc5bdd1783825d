package local

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gantry/engine"
	"gantry/engine/network/netns"
	"gantry/engine/shim"
)

// sharedWith is the container whose network another one has.
func sharedWith(rec *containerRecord) (engine.ID, bool) {
	ref, ok := strings.CutPrefix(rec.Host.NetworkMode, engine.NetworkContainer)
	return engine.ID(ref), ok
}

// checkShared refuses what a container that shares another one's network cannot
// have for itself, as docker does. It looks at what was asked for: what the
// image says is passed over.
func checkShared(opts engine.CreateOptions) error {
	if !strings.HasPrefix(opts.Host.NetworkMode, engine.NetworkContainer) {
		return nil
	}
	c, h := opts.Config, opts.Host
	for _, o := range []struct {
		asked bool
		what  string
	}{
		{c.Hostname != "", "a host name (--hostname)"},
		{c.Domainname != "", "a domain (--domainname)"},
		{len(h.DNS)+len(h.DNSSearch)+len(h.DNSOptions) > 0, "DNS settings (--dns)"},
		{len(h.ExtraHosts) > 0, "extra hosts (--add-host)"},
		{len(h.PortBindings) > 0 || h.PublishAllPorts, "published ports (-p)"},
		{len(c.ExposedPorts) > 0, "exposed ports (--expose)"},
	} {
		if o.asked {
			return fmt.Errorf("%w options: %s belong to the container whose network is shared (%s); give them to that one", engine.ErrInvalid, o.what, h.NetworkMode)
		}
	}
	return nil
}

// completeShared finds the container whose network is shared. It is kept by its
// ID: a name may become another's.
func (e *Engine) completeShared(rec *containerRecord) error {
	ref, _ := strings.CutPrefix(rec.Host.NetworkMode, engine.NetworkContainer)
	if ref == "" {
		return fmt.Errorf("%w network %q: want container:NAME or container:ID", engine.ErrInvalid, rec.Host.NetworkMode)
	}
	id, err := e.find(ref)
	if err != nil {
		return opErr("share the network of", ref, err)
	}
	other, err := e.readRecord(id)
	if err != nil {
		return opErr("share the network of", ref, err)
	}
	if further, ok := sharedWith(other); ok {
		id = further // that one's files are its network's
	}
	rec.Host.NetworkMode = engine.NetworkContainer + string(id)
	if rec.Host.UTSMode == "" {
		rec.Config.Hostname, rec.Config.Domainname = other.Config.Hostname, other.Config.Domainname
	}
	return nil
}

// launchShared starts a container in the network namespace of another one.
func (e *Engine) launchShared(ctx context.Context, client *shim.Client, other engine.ID, order shim.Launch) error {
	v, err := e.view(other)
	if errors.Is(err, engine.ErrNotFound) {
		return fmt.Errorf("%w: the container %s, whose network it shares, was removed; make this one anew", engine.ErrConflict, other.Short())
	}
	if err != nil {
		return opErr("share the network of", string(other), err)
	}
	if !v.state.Live() {
		return fmt.Errorf("%w: the container %s, whose network it shares, is %s, not running; start that one first", engine.ErrConflict, v.rec.Name, v.state)
	}
	space, err := openSpace(v)
	if err != nil {
		return opErr("share the network of", v.rec.Name, err)
	}
	defer space.Close()
	order.Netns = netns.Path(space)
	return client.Launch(ctx, order)
}
