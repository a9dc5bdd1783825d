package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"syscall"
	"time"
)

// benchmark is one budget of the project.
type benchmark struct {
	name string
	goal string
	run  func(ctx context.Context, b *bench) error
}

var benchmarks = []benchmark{
	{"run", "run --rm IMAGE true without network: at most 0.6 of runc run", runTrue},
	{"bridge", "run --rm with a bridge and a published port: at most 40 ms", runBridge},
	{"throughput", "container to container and host to container: as fast as docker's bridge", throughput},
	{"pull", "pull of a 3-layer image of some 200 MB: at most 2.0 s, and 0.3 of docker", pullImage},
	{"ps", "ps: at most 8 ms", psStart},
	{"shim", "memory of the monitor of a running container: at most 4 MB", shimMemory},
	{"paint", "workbench, first useful paint: at most 60 ms with 50 containers, 100 ms with 1,000", firstPaint},
	{"keys", "workbench, a key under 200 events a second and 50 measured containers: at most 50 ms", keyToPaint},
	{"rest", "workbench at rest: at most 0.5 % of a core and 0 bytes; with 30 chatty containers at most 1.5 %", atRest},
	{"pair", "a change in one workbench shows in another within 100 ms", sideBySide},
	{"health", "a health check every second: monitors of at most 4 MB, and a fraction of the processor time of docker", healthChecks},
	{"dns", "names answered to a container: more a second than docker, and no slower with 200 containers on the network", answerNames},
	{"logs", "log capture and read-back: at least 1 M and 2 M lines a second", logSpeed},
}

// allowed are the peers that take part.
var allowed []string

// bench is what all benchmarks share.
type bench struct {
	gantry string
	dir    string // on a disk, as /var/lib is
	run    string // below /run, a tmpfs: where runtime directories are
	rounds int
	docker *dockerd // nil when it cannot be had
}

func main() {
	if len(os.Args) > 1 && (os.Args[1] == sinkArg || os.Args[1] == sendArg) {
		if err := playThroughput(os.Args[1:]); err != nil {
			log.Fatal(err)
		}
		return
	}
	gantry := flag.String("gantry", "bin/gantry", "the program to measure")
	rounds := flag.Int("rounds", 15, "turns of each contestant")
	peers := flag.String("peers", "docker,podman,runc,bwrap,lazydocker", "the peers to measure beside it")
	flag.Parse()
	allowed = strings.Split(*peers, ",")
	if err := measure(*gantry, *rounds, flag.Args()); err != nil {
		log.Fatal("bench: ", err)
	}
}

func measure(gantry string, rounds int, names []string) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("containers need root: run it with sudo")
	}
	gantry, err := filepath.Abs(gantry)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "gb")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	run, err := os.MkdirTemp("/run", "gb")
	if err != nil {
		return err
	}
	defer os.RemoveAll(run)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b := &bench{gantry: gantry, dir: dir, run: run, rounds: rounds}
	if err := os.Setenv("GANTRY_ROOT", filepath.Join(dir, "root")); err != nil {
		return err
	}
	if err := os.Setenv("GANTRY_RUN", filepath.Join(run, "gantry")); err != nil {
		return err
	}
	defer b.cleanup()
	if b.docker, err = startDockerd(ctx, dir, run); err != nil {
		fmt.Println("docker is left out:", err)
	}
	for _, bm := range benchmarks {
		if len(names) > 0 && !slices.Contains(names, bm.name) {
			continue
		}
		fmt.Printf("\n%s\n  goal: %s\n", bm.name, bm.goal)
		if err := bm.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", bm.name, err)
		}
	}
	return nil
}

func (b *bench) cleanup() {
	if out, err := command(context.Background(), b.gantry, "ps", "-aq", "--no-trunc"); err == nil {
		if ids := strings.Fields(out); len(ids) > 0 {
			_, _ = command(context.Background(), b.gantry, append([]string{"rm", "-f"}, ids...)...)
		}
	}
	if b.docker != nil {
		b.docker.stop()
	}
}

// contestant is one program that does the job of a benchmark.
type contestant struct {
	name   string
	before func() error // not timed, before each turn
	turn   func() error
}

// race lets the contestants take turns and prints the median of each, with its
// ratio to the first.
func race(rounds int, contestants ...contestant) error {
	times := make([][]time.Duration, len(contestants))
	for round := range rounds + 1 {
		for i, c := range contestants {
			if c.before != nil {
				if err := c.before(); err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
			}
			start := time.Now()
			if err := c.turn(); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if round > 0 || rounds == 1 { // the first turn warms caches
				times[i] = append(times[i], time.Since(start))
			}
		}
	}
	first := median(times[0])
	for i, c := range contestants {
		m := median(times[i])
		fmt.Printf("  %-26s %10s   (%s to %s)   gantry takes %.2f of it\n", c.name, show(m), show(slices.Min(times[i])), show(slices.Max(times[i])), float64(first)/float64(m))
	}
	return nil
}

func median(d []time.Duration) time.Duration {
	s := slices.Clone(d)
	sort.Slice(s, func(i, j int) bool { return s[i] < s[j] })
	return s[len(s)/2]
}

func show(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}
