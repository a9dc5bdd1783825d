package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	checkedContainers = 10
	checkedTime       = 15 * time.Second
)

// healthChecks measures what a check every second costs: the processor time of
// the processes that look after the containers, and of all that they have
// started and reaped, the checks themselves among them.
func healthChecks(ctx context.Context, b *bench) error {
	if _, err := b.busyboxImage(ctx); err != nil {
		return err
	}
	if err := b.checkedBy(ctx, []string{b.gantry}, "gantry-shim"); err != nil {
		return err
	}
	if b.docker == nil {
		return nil
	}
	return b.checkedBy(ctx, []string{"docker", "-H", b.docker.host}, "dockerd", "containerd", "containerd-shim")
}

func (b *bench) checkedBy(ctx context.Context, tool []string, keepers ...string) error {
	args := func(more ...string) []string { return append(tool[1:len(tool):len(tool)], more...) }
	var names []string
	defer func() { _, _ = command(context.WithoutCancel(ctx), tool[0], append(args("rm", "-f"), names...)...) }()
	for n := range checkedContainers {
		name := fmt.Sprintf("bench-check-%d", n)
		names = append(names, name)
		if _, err := command(ctx, tool[0], args("run", "-d", "--network", "none", "--name", name, "--health-cmd", "true", "--health-interval", "1s", "bench/busybox", "/bin/sleep", "600")...); err != nil {
			return err
		}
	}
	used, err := usedFor(ctx, checkedTime, keepers)
	if err != nil {
		return err
	}
	fmt.Printf("  %-24s %7.2f ms of a processor for each check", filepath.Base(tool[0]), used.Seconds()*1e3/(checkedContainers*checkedTime.Seconds()))
	if kb, count, err := pssOf(keepers[0]); err == nil && count >= checkedContainers {
		fmt.Printf(", monitors of %.2f MB PSS", float64(kb)/float64(count)/1000)
	}
	fmt.Println()
	return nil
}

// usedFor is what processes of these names use within a span, once the starts
// before it have died down.
func usedFor(ctx context.Context, span time.Duration, names []string) (time.Duration, error) {
	var used [2]time.Duration
	for i, pause := range []time.Duration{3 * time.Second, span} {
		select {
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-time.After(pause):
		}
		var err error
		if used[i], err = usedBy(names); err != nil {
			return 0, err
		}
	}
	return used[1] - used[0], nil
}

// usedBy adds up the processor time of processes and of their reaped children,
// fields 14 to 17 of proc_pid_stat(5), in hundredths of a second.
func usedBy(names []string) (time.Duration, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	ticks := 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // it has ended
		}
		text := string(b)
		from, to := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
		if from < 0 || to < from || !slices.Contains(names, text[from+1:to]) {
			continue
		}
		for _, field := range strings.Fields(text[to+1:])[14-3 : 18-3] {
			n, err := strconv.Atoi(field)
			if err != nil {
				return 0, fmt.Errorf("parse %s: %w", f, err)
			}
			ticks += n
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}
