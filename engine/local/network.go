package local

import (
	"context"
	"fmt"

	"gantry/engine"
)

var errNoBridges = fmt.Errorf("%w: bridges are not there yet", engine.ErrUnsupported)

// List implements engine.Networks.
func (ns *networks) List(context.Context, engine.NetworkListOptions) (engine.NetworkList, error) {
	return engine.NetworkList{}, errNoBridges
}

// Inspect implements engine.Networks.
func (ns *networks) Inspect(context.Context, string) (engine.Network, error) {
	return engine.Network{}, errNoBridges
}

// Create implements engine.Networks.
func (ns *networks) Create(context.Context, engine.NetworkCreateOptions) (engine.NetworkCreateResult, error) {
	return engine.NetworkCreateResult{}, errNoBridges
}

// Remove implements engine.Networks.
func (ns *networks) Remove(context.Context, string, engine.NetworkRemoveOptions) error {
	return errNoBridges
}

// Connect implements engine.Networks.
func (ns *networks) Connect(context.Context, string, string, engine.EndpointOptions) error {
	return errNoBridges
}

// Disconnect implements engine.Networks.
func (ns *networks) Disconnect(context.Context, string, string, bool) error { return errNoBridges }

// Prune implements engine.Networks.
func (ns *networks) Prune(context.Context, engine.PruneOptions) (engine.PruneReport, error) {
	return engine.PruneReport{}, errNoBridges
}
