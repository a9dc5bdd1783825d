package cli

import (
	"context"
	"fmt"

	"gantry/engine"
	"gantry/internal/detach"
)

// app is one run of the command line.
type app struct {
	std      IO
	prog     Program
	global   Global
	eng      engine.Engine // nil until engine opens it
	hold     func()        // stops catchSignals from ending the context
	requests passage       // where signals go that ask to end
}

// engine opens the engine on first use.
func (a *app) engine(ctx context.Context) (engine.Engine, error) {
	if a.eng == nil {
		eng, err := a.prog.Open(ctx, a.global)
		if err != nil {
			return nil, err
		}
		a.eng = eng
	}
	return a.eng, nil
}

func (a *app) containers(ctx context.Context) (engine.Containers, error) {
	eng, err := a.engine(ctx)
	if err != nil {
		return nil, err
	}
	return eng.Containers(), nil
}

func (a *app) images(ctx context.Context) (engine.Images, error) {
	eng, err := a.engine(ctx)
	if err != nil {
		return nil, err
	}
	return eng.Images(), nil
}

func (a *app) jobs(ctx context.Context) (engine.Jobs, error) {
	eng, err := a.engine(ctx)
	if err != nil {
		return nil, err
	}
	return eng.Jobs(), nil
}

func (a *app) close() error {
	if a.eng == nil {
		return nil
	}
	return a.eng.Close()
}

// detachKeys are those of the flag, of the configuration or the default, in
// this order.
func (a *app) detachKeys(flag string) ([]byte, error) {
	keys := flag
	if keys == "" && a.prog.DetachKeys != nil {
		keys = a.prog.DetachKeys(a.global.Config)
	}
	if keys == "" {
		keys = detach.Default
	}
	return detach.Parse(keys)
}

func (a *app) println(s ...any) { fmt.Fprintln(a.std.Out, s...) }

func (a *app) env(name string) string {
	v, _ := a.lookupEnv(name)
	return v
}

func (a *app) lookupEnv(name string) (string, bool) {
	if a.std.LookupEnv == nil {
		return "", false
	}
	return a.std.LookupEnv(name)
}
