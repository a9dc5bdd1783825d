package local

import (
	"context"
	"errors"
	"os"
	"slices"

	"gantry/engine"
	"gantry/engine/network"
	"gantry/engine/network/redirect"
	"gantry/engine/network/resolv"
	"gantry/engine/shim"
)

// refind has a running container, whose namespace space is, find others as its
// networks have become. What the container itself has written into its files
// stays.
func (e *Engine) refind(ctx context.Context, rec *containerRecord, space *os.File, before, after []network.Endpoint) error {
	was, err := e.finding(rec, before)
	if err != nil {
		return err
	}
	is, err := e.finding(rec, after)
	if err != nil {
		return err
	}
	if is.dns != nil && was.dns == nil {
		if err := redirect.Install(int(space.Fd())); err != nil {
			return err
		}
	}
	if err := shim.WriteDNS(e.run, rec.ID, is.dns); err != nil {
		return err
	}
	// The responder first: the file may lead to it.
	return errors.Join(e.tellResponder(ctx, rec.ID), e.changeFiles(rec, was, is))
}

// tellNetworks has a container that runs be found by the name that it has now.
func (e *Engine) tellNetworks(ctx context.Context, rec *containerRecord) error {
	if len(rec.Networks) == 0 {
		return nil
	}
	v, _, err := e.look(rec.ID)
	if err != nil || !v.state.Live() {
		return err
	}
	return e.nets.Rename(ctx, rec.request())
}

// tellResponder says that there is news. A monitor that was killed needs no
// word: the next one reads it anyway.
func (e *Engine) tellResponder(ctx context.Context, id engine.ID) error {
	client, err := shim.Dial(ctx, e.run, id)
	if err == nil {
		defer client.Close()
		err = client.Names(ctx)
	}
	if errors.Is(err, shim.ErrGone) {
		return nil
	}
	return err
}

func (e *Engine) changeFiles(rec *containerRecord, was, is *finding) error {
	path := e.file(rec.ID, "hosts")
	text := fileOr(path, "")
	old, young := slices.Concat(was.extra, was.own), slices.Concat(is.extra, is.own)
	if now := resolv.Change(text, without(old, young), without(young, old)); now != text {
		if err := resolv.Rewrite(path, now); err != nil {
			return err
		}
	}
	path = e.file(rec.ID, "resolv.conf")
	if is.resolvConf == was.resolvConf || fileOr(path, "") != was.resolvConf {
		return nil // nothing to change, or changed by the container
	}
	return resolv.Rewrite(path, is.resolvConf)
}

// without are the lines that others have not.
func without(lines, others []resolv.Host) []resolv.Host {
	return slices.DeleteFunc(slices.Clone(lines), func(h resolv.Host) bool { return slices.Contains(others, h) })
}
