package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"gantry/engine"
	"gantry/engine/events"
	"gantry/internal/vt"
)

// screen starts a program on a virtual terminal.
func screen(width, height int, name string, args ...string) (*vt.Terminal, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "COLORTERM=truecolor")
	return vt.Start(cmd, vt.Options{Width: width, Height: height})
}

// containers makes n containers, a few at a time. Each has the name that name
// gives it.
func (b *bench) containers(ctx context.Context, n int, name func(i int) string, verb []string, program ...string) (remove func(), err error) {
	if _, err := b.busyboxImage(ctx); err != nil {
		return nil, err
	}
	names := make([]string, n)
	for i := range names {
		names[i] = name(i)
	}
	remove = func() {
		for part := range slices.Chunk(names, 100) {
			_, _ = command(context.WithoutCancel(ctx), b.gantry, append([]string{"rm", "-f"}, part...)...)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, name := range names {
		g.Go(func() error {
			args := append(append(slices.Clone(verb), "--name", name, "--network", "none", "bench/busybox"), program...)
			_, err := command(ctx, b.gantry, args...)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		remove()
		return nil, err
	}
	return remove, nil
}

// firstPaint is the time until a list can be used: every row that there is room
// for is on the screen, with its state.
func firstPaint(ctx context.Context, b *bench) error {
	for _, size := range []struct{ containers, width, height, rows int }{{50, 140, 100, 50}, {1000, 120, 40, 20}} {
		name := func(i int) string { return fmt.Sprintf("paint-%04d", i) }
		remove, err := b.containers(ctx, size.containers, name, []string{"create"}, "/bin/true")
		if err != nil {
			return err
		}
		useful := func(s vt.Screen) bool {
			rows := 0
			for y := range s.Cells {
				if line := s.Line(y); strings.Contains(line, "○ paint-") {
					rows++
				}
			}
			return rows >= size.rows && s.Has(fmt.Sprintf("Containers %d", size.containers))
		}
		var used []time.Duration // of the processor: it says more than time on a busy machine
		list := []contestant{{name: fmt.Sprintf("gantry, %d containers", size.containers), turn: func() error {
			cpu, err := b.paint(ctx, size.width, size.height, useful, nil, b.gantry)
			used = append(used, cpu)
			return err
		}}}
		if b.docker != nil && have("lazydocker") && size.containers == 50 {
			for i := range size.containers {
				if err := b.docker.do(ctx, "create", "--name", name(i), "bench/busybox", "/bin/true")(); err != nil {
					return err
				}
			}
			list = append(list, contestant{name: "lazydocker", turn: func() error {
				all := func(s vt.Screen) bool { return strings.Count(s.Text(), "paint-") >= 20 }
				_, err := b.paint(ctx, size.width, size.height, all, []string{"DOCKER_HOST=" + b.docker.host}, "lazydocker")
				return err
			}})
		}
		err = race(b.rounds, list...)
		remove()
		if err != nil {
			return err
		}
		printTimes("  of it the processor's", used)
	}
	if !have("lazydocker") {
		fmt.Println("  lazydocker is left out: it is not installed, or not asked for")
	}
	return nil
}

// paint runs a program until its screen is useful, and tells what it used of the
// processor until then.
func (b *bench) paint(ctx context.Context, width, height int, useful func(vt.Screen) bool, env []string, name string, args ...string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	x, err := screen(width, height, "/usr/bin/env", append(append(env, name), args...)...)
	if err != nil {
		return 0, err
	}
	defer x.Close()
	_, err = x.Wait(ctx, useful)
	return cpuTime(x.Process().Pid), err
}

// cursor is the row of the bar that marks where the cursor is.
func cursor(s vt.Screen) int {
	for y := range s.Cells {
		if s.Cells[y][1].Text == "▌" {
			return y
		}
	}
	return -1
}

// keyToPaint presses keys while events arrive and rows are sampled.
func keyToPaint(ctx context.Context, b *bench) error {
	remove, err := b.containers(ctx, 50, func(i int) string { return fmt.Sprintf("keys-%02d", i) }, []string{"run", "-d"}, "/bin/sleep", "1000")
	if err != nil {
		return err
	}
	defer remove()
	x, err := screen(140, 100, b.gantry)
	if err != nil {
		return err
	}
	defer x.Close()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if _, err := x.Wait(ctx, vt.Shows("keys-49")); err != nil {
		return err
	}
	storm, calm := context.WithCancel(ctx)
	defer calm()
	sent := make(chan error, 1)
	go func() { sent <- b.storm(storm, 200) }()
	var times []time.Duration
	for i := range 100 {
		from := cursor(x.Screen())
		start := time.Now()
		if err := x.Press([]string{"j", "j", "k"}[i%3]); err != nil {
			return err
		}
		if _, err := x.Wait(ctx, func(s vt.Screen) bool { at := cursor(s); return at >= 0 && at != from }); err != nil {
			return err
		}
		times = append(times, time.Since(start))
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	calm()
	if err := <-sent; err != nil {
		return err
	}
	printTimes("a key, until it shows", times)
	return nil
}

// storm appends events to the journal, as other processes of gantry would.
func (b *bench) storm(ctx context.Context, perSecond int) error {
	j, err := events.Open(filepath.Join(os.Getenv("GANTRY_ROOT"), "events"), filepath.Join(os.Getenv("GANTRY_RUN"), "locks"))
	if err != nil {
		return err
	}
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			ev := engine.Event{Kind: engine.KindImage, Action: engine.ActionTag, ID: "sha256:0", Time: time.Now(), Attributes: map[string]string{"name": "bench/busybox"}}
			if _, err := j.Append(ev); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func printTimes(what string, times []time.Duration) {
	slices.Sort(times)
	fmt.Printf("  %-24s %10s   (nine of ten within %s, all within %s)\n", what, show(median(times)), show(times[len(times)*9/10]), show(times[len(times)-1]))
}

// atRest measures a workbench that nobody touches for half a minute.
func atRest(ctx context.Context, b *bench) error {
	remove, err := b.containers(ctx, 50, func(i int) string { return fmt.Sprintf("rest-%02d", i) }, []string{"create"}, "/bin/true")
	if err != nil {
		return err
	}
	// What is younger than a minute changes by growing older.
	err = b.rest(ctx, "nothing changes", "rest-49", 65*time.Second, "%")
	remove()
	if err != nil {
		return err
	}
	const chat = `i=0; while :; do i=$((i+1)); echo "line $i of something that is going on"; sleep 0.5; done`
	remove, err = b.containers(ctx, 30, func(i int) string { return fmt.Sprintf("chat-%02d", i) }, []string{"run", "-d"}, "/bin/sh", "-c", chat)
	if err != nil {
		return err
	}
	defer remove()
	return b.rest(ctx, "30 chatty, one followed", "chat-29", 6*time.Second)
}

// rest prints what a workbench uses and writes in half a minute, some time after
// it was ready and the keys were pressed.
func (b *bench) rest(ctx context.Context, what, ready string, after time.Duration, keys ...string) error {
	x, err := screen(120, 60, b.gantry)
	if err != nil {
		return err
	}
	defer x.Close()
	if _, err := x.Wait(ctx, vt.Shows(ready)); err != nil {
		return err
	}
	if err := x.Press(keys...); err != nil {
		return err
	}
	pause := func(d time.Duration) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := pause(after); err != nil { // what a start begins has ended
		return err
	}
	const length = 30 * time.Second
	used, wrote := cpuTime(x.Process().Pid), x.Written()
	if err := pause(length); err != nil {
		return err
	}
	used, wrote = cpuTime(x.Process().Pid)-used, x.Written()-wrote
	fmt.Printf("  %-24s %9.2f %% of a core, %d bytes to the terminal in %v\n", what, 100*used.Seconds()/length.Seconds(), wrote, length)
	return nil
}

// cpuTime is what a process has used of the processor, by the nanosecond.
func cpuTime(pid int) time.Duration {
	var sum time.Duration
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, path := range threads {
		var ns int64
		if text, err := os.ReadFile(path); err == nil {
			_, _ = fmt.Sscan(string(text), &ns)
		}
		sum += time.Duration(ns)
	}
	return sum
}

// sideBySide is how long a change in one workbench takes to show in another.
func sideBySide(ctx context.Context, b *bench) error {
	remove, err := b.containers(ctx, 1, func(int) string { return "harbour" }, []string{"run", "-d"}, "/bin/sleep", "1000")
	if err != nil {
		return err
	}
	defer remove()
	var both [2]*vt.Terminal
	for i := range both {
		if both[i], err = screen(120, 40, b.gantry); err != nil {
			return err
		}
		defer both[i].Close()
		if _, err := both[i].Wait(ctx, vt.Shows("● harbour")); err != nil {
			return err
		}
	}
	var times []time.Duration
	for i := range 40 {
		want := []string{"‖ harbour", "● harbour"}[i%2]
		start := time.Now()
		if err := both[0].Press("p"); err != nil {
			return err
		}
		if _, err := both[1].Wait(ctx, vt.Shows(want)); err != nil {
			return err
		}
		times = append(times, time.Since(start))
		if _, err := both[0].Wait(ctx, vt.Shows(want)); err != nil {
			return err
		}
	}
	printTimes("p in one, ‖ in the other", times)
	return nil
}
