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

// Rows of the list, counted from where the cursor stands at first: the demo's
// containers by name.
const (
	toQueue = 1 + iota
	toStore
	toWeb1
	toWeb2
)

// down moves the cursor, and waits until what it is on is shown.
func down(rows int) step {
	return func(ctx context.Context, x *vt.Terminal) error {
		if err := until("migrate-1", "web-2")(ctx, x); err != nil {
			return err
		}
		for range rows {
			if err := x.Press("j"); err != nil {
				return err
			}
		}
		return rest(ctx, settle)
	}
}

// typed types text as it is.
func typed(text string) step {
	return func(_ context.Context, x *vt.Terminal) error { return x.Type(text) }
}

// minute waits for a second of the minute: the demo tells a story in it.
func minute(second int) step {
	return func(ctx context.Context, _ *vt.Terminal) error {
		now := time.Now()
		wait := time.Duration((second-now.Second()+60)%60) * time.Second
		return rest(ctx, wait)
	}
}

// sampled is long enough for charts and for the small ones in the rows.
const sampled = 24 * time.Second

var scenes = []scene{
	{name: "workbench", title: "The workbench: containers by project, images, and the log of a web worker", width: wide, height: high,
		steps: []step{down(toWeb2), minute(30), linger(sampled)}},
	{name: "wide", title: "A wide terminal: lists, charts and log beside each other", width: 190, height: 46,
		steps: []step{down(toWeb1), minute(24), linger(sampled)}},
	{name: "died", title: "Why a container died: its log ends with the error", width: wide, height: high,
		steps: []step{down(0), until("Traceback"), linger(8 * time.Second)}},
	{name: "stats", title: "Charts of a container's processor, memory and IO, with its limits", width: wide, height: high,
		steps: []step{down(toStore), press("]"), minute(20), linger(40 * time.Second)}},
	{name: "inspect", title: "Everything that inspect knows, as a tree", width: wide, height: high,
		steps: []step{down(toStore), press("]", "]", "enter"), linger(sampled)}},
	{name: "environment", title: "The environment, with its secrets hidden", width: wide, height: high,
		steps: []step{down(toStore), press("]", "]", "]"), linger(6 * time.Second)}},
	{name: "processes", title: "The processes of a container, live", width: wide, height: high,
		steps: []step{down(toWeb1), press("]", "]", "]", "]", "]", "]"), linger(8 * time.Second)}},
	{name: "log", title: "A log on the whole screen, searched", width: wide, height: high,
		steps: []step{down(toWeb2), minute(54), press("m"), linger(settle), typed("/order"), linger(settle), press("enter"), linger(2 * time.Second)}},
	{name: "volumes", title: "The files of a volume, and what takes the room", width: wide, height: high,
		steps: []step{until("shop-db"), press("3", "G"), linger(2 * time.Second), press("enter", "enter"), linger(4 * time.Second)}},
	{name: "networks", title: "A network: its containers, their addresses and the names they are found by", width: wide, height: high,
		steps: []step{until("shop-db"), press("4"), linger(sampled)}},
	{name: "network", title: "How a container is reached, and what it is connected to", width: wide, height: high,
		steps: []step{until("shop-db"), press("/"), typed("shop-db"), press("enter", "]", "]", "]", "]", "]", "enter"), linger(12 * time.Second)}},
	{name: "images", title: "The history of an image", width: wide, height: high,
		steps: []step{until("alpine"), press("2", "]"), linger(3 * time.Second)}},
	{name: "run", title: "A new container, with the command that does the same", width: wide, height: high,
		steps: []step{until("alpine"), press("2", "n", "tab"), typed("scratch"), press("tab"), typed("sleep 600"), linger(2 * time.Second)}},
	{name: "confirm", title: "A question names everything that it is about", width: wide, height: high,
		steps: []step{down(0), press("up", "s"), linger(2 * time.Second)}},
	{name: "menu", title: "Everything that can be done here", width: wide, height: high,
		steps: []step{down(toWeb1), press("x"), linger(2 * time.Second)}},
	{name: "help", title: "All keys", width: wide, height: high,
		steps: []step{down(0), press("?"), linger(2 * time.Second)}},
	{name: "light", title: "The workbench on a light terminal", width: wide, height: high, light: true,
		steps: []step{down(toWeb2), linger(sampled)}},
	{name: "small", title: "The workbench on forty columns and twelve rows", width: 40, height: 12,
		steps: []step{until("web-1"), linger(8 * time.Second)}},
	{name: "welcome", title: "An empty store offers a beginning", width: wide, height: 26,
		args:  []string{"--root", "/var/lib/gantry-new", "--run", "/run/gantry-new"},
		steps: []step{until("no containers and no images"), linger(settle)}},
}
