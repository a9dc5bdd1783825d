package cli

import (
	"github.com/spf13/pflag"

	"gantry/engine"
	"gantry/internal/portspec"
)

// portFlags are the flags of ports.
type portFlags struct {
	publish, expose list
	publishAll      bool
}

func (p *portFlags) add(f *pflag.FlagSet) {
	f.VarP(&p.publish, "publish", "p", "Publish a container's port(s) to the host ([[ADDRESS:][PORTS]:]PORTS[/tcp|udp|sctp])")
	f.BoolVarP(&p.publishAll, "publish-all", "P", false, "Publish all exposed ports to random ports")
	f.Var(&p.expose, "expose", "Expose a port or a range of ports")
}

// apply puts the ports into the options. A published port is an exposed one.
func (p *portFlags) apply(opts *engine.CreateOptions) error {
	bindings, err := portspec.Publish(p.publish)
	if err != nil {
		return err
	}
	exposed, err := portspec.Expose(p.expose)
	if err != nil {
		return err
	}
	for port := range bindings {
		exposed[port] = struct{}{}
	}
	if len(exposed) > 0 {
		opts.Config.ExposedPorts = exposed
	}
	if len(bindings) > 0 {
		opts.Host.PortBindings = bindings
	}
	opts.Host.PublishAllPorts = p.publishAll
	return nil
}
