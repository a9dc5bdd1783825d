package main

import (
	"context"
	"time"

	"gantry/internal/vt"
)

// scene is one picture: what is run, on a terminal of what size, and what is
// done there.
type scene struct {
	name, title   string
	args, env     []string
	width, height int
	light         bool
	steps         []step
}

type step func(ctx context.Context, x *vt.Terminal) error

// press presses keys one after another.
func press(keys ...string) step {
	return func(_ context.Context, x *vt.Terminal) error { return x.Press(keys...) }
}

// until waits for texts on the screen.
func until(texts ...string) step {
	return func(ctx context.Context, x *vt.Terminal) error {
		_, err := x.Wait(ctx, vt.Shows(texts...))
		return err
	}
}

// linger lets the demo go on, for what needs time to look like something.
func linger(d time.Duration) step {
	return func(ctx context.Context, _ *vt.Terminal) error { return rest(ctx, d) }
}

// settle is long enough for everything that a key begins to be drawn.
const settle = 400 * time.Millisecond

const (
	wide, high = 120, 34
)

// toWeb puts the cursor on the first web worker.
func toWeb() step {
	return func(ctx context.Context, x *vt.Terminal) error {
		if err := until("web-1")(ctx, x); err != nil {
			return err
		}
		if err := x.Type("/web-1\r"); err != nil {
			return err
		}
		return rest(ctx, settle)
	}
}

var scenes = []scene{
	{name: "workbench", title: "The workbench: containers and images at the left, a log at the right", width: wide, height: high,
		steps: []step{until("web-1"), linger(8 * time.Second)}},
	{name: "stats", title: "Charts of one container", width: wide, height: high,
		steps: []step{toWeb(), press("]"), linger(25 * time.Second)}},
	{name: "inspect", title: "Everything that inspect knows, as a tree", width: wide, height: high,
		steps: []step{toWeb(), press("]", "]"), linger(settle)}},
	{name: "light", title: "The workbench on a light terminal", width: wide, height: high, light: true,
		steps: []step{until("web-1"), linger(8 * time.Second)}},
	{name: "small", title: "The workbench at 40 by 12", width: 40, height: 12,
		steps: []step{until("web-1"), linger(settle)}},
}
