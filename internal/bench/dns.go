package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"gantry/engine/network/netns"
)

const (
	dnsTime    = 3 * time.Second
	dnsAskers  = 4
	dnsNetwork = "bench-dns"
	endpoints  = 200
)

// answerNames measures how fast a container learns the address of another by
// name: answers a second and the slowest of a hundred, from inside the
// container, where several programs ask one after the other; then the same on a
// network of 200 containers, and how long these take to start.
func answerNames(ctx context.Context, b *bench) error {
	if _, err := b.busyboxImage(ctx); err != nil {
		return err
	}
	if err := b.namesBy(ctx, []string{b.gantry}, endpoints); err != nil {
		return err
	}
	if kb, count, err := pssOf("gantry-shim"); err == nil && count > 0 {
		fmt.Printf("  %-24s %7.2f MB PSS each of %d\n", "monitors", float64(kb)/float64(count)/1000, count)
	}
	if err := b.dropNames(ctx, []string{b.gantry}); err != nil || b.docker == nil {
		return err
	}
	docker := []string{"docker", "-H", b.docker.host}
	return firstErr(b.namesBy(ctx, docker, 0), b.dropNames(ctx, docker))
}

func firstErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) namesBy(ctx context.Context, tool []string, more int) error {
	run := func(args ...string) (string, error) {
		return command(ctx, tool[0], append(tool[1:len(tool):len(tool)], args...)...)
	}
	if _, err := run("network", "create", dnsNetwork); err != nil {
		return err
	}
	start := func(name string) error {
		_, err := run("run", "-d", "--network", dnsNetwork, "--name", name, "bench/busybox", "/bin/sleep", "600")
		return err
	}
	if err := firstErr(start("bench-dns-a"), start("bench-dns-b")); err != nil {
		return err
	}
	pid, err := run("inspect", "-f", "{{.State.Pid}}", "bench-dns-a")
	if err != nil {
		return err
	}
	what := filepath.Base(tool[0])
	if err := askNames(strings.TrimSpace(pid), what, "bench-dns-b"); err != nil || more == 0 {
		return err
	}
	begun := time.Now()
	for n := range more - 2 {
		if err := start(fmt.Sprintf("bench-dns-%d", n)); err != nil {
			return err
		}
	}
	fmt.Printf("  %-24s %7s for the start of each of %d on one network\n", what, show(time.Since(begun)/time.Duration(more-2)), more)
	return askNames(strings.TrimSpace(pid), fmt.Sprintf("%s, of %d", what, more), fmt.Sprintf("bench-dns-%d", more-3))
}

func (b *bench) dropNames(ctx context.Context, tool []string) error {
	args := func(more ...string) []string { return append(tool[1:len(tool):len(tool)], more...) }
	ctx = context.WithoutCancel(ctx)
	out, err := command(ctx, tool[0], args("ps", "-aq", "--filter", "name=bench-dns")...)
	if err != nil {
		return err
	}
	if ids := strings.Fields(out); len(ids) > 0 {
		if _, err := command(ctx, tool[0], append(args("rm", "-f"), ids...)...); err != nil {
			return err
		}
	}
	_, err = command(ctx, tool[0], args("network", "rm", dnsNetwork)...)
	return err
}

// askNames asks from inside the namespace of a process.
func askNames(pid, what, name string) error {
	ns, err := netns.Open("/proc/" + pid + "/ns/net")
	if err != nil {
		return err
	}
	defer ns.Close()
	q := dnsmessage.Message{Header: dnsmessage.Header{RecursionDesired: true}, Questions: []dnsmessage.Question{
		{Name: dnsmessage.MustNewName(name + "."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
	msg, err := q.Pack()
	if err != nil {
		return err
	}
	var all []time.Duration
	var failed error
	var mu sync.Mutex
	var askers sync.WaitGroup
	end := time.Now().Add(dnsTime)
	for range dnsAskers {
		var c net.Conn
		if err := netns.Do(ns, func() (err error) {
			c, err = net.Dial("udp4", "127.0.0.11:53")
			return err
		}); err != nil {
			return err
		}
		defer c.Close()
		askers.Go(func() {
			took, err := askUntil(c, slices.Clone(msg), end)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
			if err != nil {
				failed = fmt.Errorf("ask %s for %s: %w", what, name, err)
			}
		})
	}
	askers.Wait()
	if failed != nil || len(all) == 0 {
		return failed
	}
	slices.Sort(all)
	at := func(percent int) string {
		return fmt.Sprintf("%d µs", all[len(all)*percent/100].Microseconds())
	}
	fmt.Printf("  %-24s %7.0f answers a second, half within %s, 99 %% within %s\n", what, float64(len(all))/dnsTime.Seconds(), at(50), at(99))
	return nil
}

// askUntil asks one query after the other. An answer without an address is an
// error: it would be the wrong one that is so fast.
func askUntil(c net.Conn, msg []byte, end time.Time) (took []time.Duration, err error) {
	buf := make([]byte, 512)
	for id := uint16(1); time.Now().Before(end); id++ {
		binary.BigEndian.PutUint16(msg, id)
		begun := time.Now()
		if err := c.SetDeadline(begun.Add(5 * time.Second)); err != nil {
			return nil, err
		}
		if _, err := c.Write(msg); err != nil {
			return nil, err
		}
		n, err := c.Read(buf)
		if err != nil {
			return nil, err
		}
		if n < 12 || binary.BigEndian.Uint16(buf) != id || binary.BigEndian.Uint16(buf[6:]) == 0 {
			return nil, fmt.Errorf("the answer has no address: % x", buf[:min(n, 12)])
		}
		took = append(took, time.Since(begun))
	}
	return took, nil
}
