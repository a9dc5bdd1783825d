package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"net/http"
)

// busyboxImage imports the busybox root into every engine as "bench/busybox".
func (b *bench) busyboxImage(ctx context.Context) (root string, err error) {
	root = filepath.Join(b.dir, "rootfs")
	if err := busyboxRoot(root); err != nil {
		return "", err
	}
	layer, err := tarOf(root, ".")
	if err != nil {
		return "", err
	}
	load := func(name string, args ...string) error {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Stdin = bytes.NewReader(layer)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", name, err, out)
		}
		return nil
	}
	if err := load(b.gantry, "import", "-", "bench/busybox"); err != nil {
		return "", err
	}
	if b.docker != nil {
		if err := load("docker", "-H", b.docker.host, "import", "-", "bench/busybox"); err != nil {
			return "", err
		}
	}
	return root, nil
}

// podmanArgs keeps podman's state in the benchmark's directory. Its runtime is
// runc with the limits of its own environment: with crun it does not start on a
// host with hybrid control groups.
func (b *bench) podmanArgs(args ...string) []string {
	return append([]string{"--root", filepath.Join(b.dir, "podman"), "--runroot", filepath.Join(b.run, "podman"), "--tmpdir", filepath.Join(b.dir, "podmantmp"),
		"--runtime", "runc", "--cgroup-manager", "cgroupfs", "--events-backend", "file"}, args...)
}

func runTrue(ctx context.Context, b *bench) error {
	root, err := b.busyboxImage(ctx)
	if err != nil {
		return err
	}
	list := []contestant{{name: "gantry run --rm", turn: do(ctx, b.gantry, "run", "--rm", "--network", "none", "bench/busybox", "/bin/true")}}
	if have("runc") {
		bundle := filepath.Join(b.dir, "bundle")
		if err := runcBundle(ctx, bundle, root, "/bin/true"); err != nil {
			return err
		}
		list = append(list, contestant{name: "runc run", turn: do(ctx, "runc", "--root", filepath.Join(b.run, "runc"), "run", "-b", bundle, "bench")})
	}
	if have("bwrap") {
		list = append(list, contestant{name: "bwrap (the floor)", turn: do(ctx, "bwrap", "--unshare-all", "--bind", root, "/", "--proc", "/proc", "--dev", "/dev", "/bin/true")})
	}
	if b.docker != nil {
		list = append(list, contestant{name: "docker run --rm", turn: b.docker.do(ctx, "run", "--rm", "--network", "none", "bench/busybox", "/bin/true")})
	}
	if have("podman") {
		args := b.podmanArgs("import", "-q", "-", "bench/busybox")
		layer, err := tarOf(root, ".")
		if err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, "podman", args...)
		cmd.Stdin = bytes.NewReader(layer)
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Printf("  podman is left out: %v: %s\n", err, out)
		} else {
			limits := []string{"--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"}
			args := append(append([]string{"run", "--rm", "--network", "none"}, limits...), "bench/busybox", "/bin/true")
			list = append(list, contestant{name: "podman run --rm", turn: do(ctx, "podman", b.podmanArgs(args...)...)})
		}
	}
	return race(b.rounds, list...)
}

func psStart(ctx context.Context, b *bench) error {
	if _, err := b.busyboxImage(ctx); err != nil {
		return err
	}
	for range 10 {
		if _, err := command(ctx, b.gantry, "create", "--network", "none", "bench/busybox", "/bin/true"); err != nil {
			return err
		}
	}
	list := []contestant{
		{name: "gantry ps -a, 10", turn: do(ctx, b.gantry, "ps", "-a")},
		{name: "gantry version", turn: do(ctx, b.gantry, "version")},
		{name: "true (a process alone)", turn: do(ctx, "/bin/true")},
	}
	if b.docker != nil {
		list = append(list, contestant{name: "docker ps -a", turn: b.docker.do(ctx, "ps", "-a")})
	}
	return race(b.rounds*2, list...)
}

func shimMemory(ctx context.Context, b *bench) error {
	if _, err := b.busyboxImage(ctx); err != nil {
		return err
	}
	const n = 10
	var names []string
	for i := range n {
		name := fmt.Sprintf("bench-mem-%d", i)
		names = append(names, name)
		if _, err := command(ctx, b.gantry, "run", "-d", "--network", "none", "--name", name, "bench/busybox", "/bin/sleep", "600"); err != nil {
			return err
		}
	}
	defer func() { _, _ = command(ctx, b.gantry, append([]string{"rm", "-f"}, names...)...) }()
	kb, count, err := pssOf("gantry-shim")
	if err != nil || count == 0 {
		return fmt.Errorf("no monitor found: %w", err)
	}
	fmt.Printf("  %-24s %7.2f MB PSS each, %d of them\n", "gantry-shim", float64(kb)/float64(count)/1000, count)
	return nil
}

// pssOf adds up the proportional set sizes (kB) of the processes whose first
// argument is name.
func pssOf(name string) (kb, count int, err error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, 0, err
	}
	for _, d := range dirs {
		cmdline, err := os.ReadFile(d + "/cmdline")
		if err != nil || !strings.HasPrefix(string(cmdline), name+"\x00") {
			continue
		}
		rollup, err := os.ReadFile(d + "/smaps_rollup")
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(rollup)) {
			if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
				n, _ := strconv.Atoi(strings.Fields(rest)[0])
				kb += n
				count++
			}
		}
	}
	return kb, count, nil
}

// logLines is how many lines of 99 bytes a log benchmark prints.
const logLines = 3_000_000

func logSpeed(ctx context.Context, b *bench) error {
	if _, err := b.busyboxImage(ctx); err != nil {
		return err
	}
	printing := fmt.Sprintf("yes %s | head -n %d", strings.Repeat("x", 98), logLines)
	capture := func(tool []string, extra ...string) error {
		args := append(append([]string{}, tool[1:]...), "run", "-d", "--name", "bench-log", "--network", "none")
		args = append(append(args, extra...), "bench/busybox", "/bin/sh", "-c", printing)
		start := time.Now()
		if _, err := command(ctx, tool[0], args...); err != nil {
			return err
		}
		if _, err := command(ctx, tool[0], append(append([]string{}, tool[1:]...), "wait", "bench-log")...); err != nil {
			return err
		}
		wrote := time.Since(start)
		start = time.Now()
		n, err := countLines(ctx, tool[0], append(append([]string{}, tool[1:]...), "logs", "bench-log")...)
		if err != nil {
			return err
		}
		read := time.Since(start)
		fmt.Printf("  %-10s captured %8.0f lines/s, read back %8.0f lines/s (%d lines)\n", filepath.Base(tool[0]), logLines/wrote.Seconds(), float64(n)/read.Seconds(), n)
		_, err = command(ctx, tool[0], append(append([]string{}, tool[1:]...), "rm", "-f", "bench-log")...)
		return err
	}
	if err := capture([]string{b.gantry}, "--log-opt", "max-size=2g"); err != nil {
		return err
	}
	if b.docker == nil {
		return nil
	}
	return capture([]string{"docker", "-H", b.docker.host})
}

func countLines(ctx context.Context, name string, args ...string) (int, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	n, buf := 0, make([]byte, 1<<20)
	for {
		k, err := out.Read(buf)
		n += bytes.Count(buf[:k], []byte{'\n'})
		if err != nil {
			break
		}
	}
	return n, cmd.Wait()
}

func pullImage(ctx context.Context, b *bench) error {
	reg, addr, err := startRegistry(ctx, b.dir)
	if err != nil {
		return err
	}
	defer reg.stop()
	size, err := pushHostImage(ctx, addr, "bench/web")
	if err != nil {
		return err
	}
	fmt.Printf("  image: %.0f MB compressed\n", float64(size)/1e6)
	ref := addr + "/bench/web:1"
	store := filepath.Join(b.dir, "pull")
	list := []contestant{{
		name:   "gantry pull",
		before: func() error { return os.RemoveAll(store) },
		turn: func() error {
			_, err := command(ctx, b.gantry, "--root", store, "pull", "-q", ref)
			return err
		},
	}}
	if b.docker != nil {
		list = append(list, contestant{
			name:   "docker pull",
			before: func() error { _ = b.docker.do(ctx, "rmi", "-f", ref)(); return nil },
			turn:   b.docker.do(ctx, "pull", "-q", ref),
		})
	}
	if have("podman") {
		list = append(list, contestant{
			name:   "podman pull",
			before: func() error { _ = do(ctx, "podman", b.podmanArgs("rmi", "-f", ref)...)(); return nil },
			turn:   do(ctx, "podman", b.podmanArgs("pull", "-q", "--tls-verify=false", ref)...),
		})
	}
	return race(3, list...)
}

// pushHostImage pushes an image of three layers that are made of the host's own
// files, until they hold some 200 MB compressed.
func pushHostImage(ctx context.Context, addr, repo string) (int64, error) {
	type descriptor struct {
		MediaType string `json:"mediaType"`
		Digest    string `json:"digest"`
		Size      int    `json:"size"`
	}
	base := "http://" + addr + "/v2/" + repo
	var layers []descriptor
	var diffIDs []string
	var total int64
	for _, dirs := range [][]string{{"usr/lib/x86_64-linux-gnu", "usr/bin", "etc"}, {"usr/share"}, {"usr/local/go/src", "usr/local/go/pkg", "usr/lib/gcc"}} {
		plain, err := tarOf("/", dirs...)
		if err != nil {
			return 0, err
		}
		if len(plain) > 180<<20 {
			plain = wholeEntries(plain, 180<<20)
		}
		var packed bytes.Buffer
		zw, _ := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
		if _, err := zw.Write(plain); err != nil {
			return 0, err
		}
		if err := zw.Close(); err != nil {
			return 0, err
		}
		digest, err := pushBlob(ctx, base, packed.Bytes())
		if err != nil {
			return 0, err
		}
		layers = append(layers, descriptor{"application/vnd.oci.image.layer.v1.tar+gzip", digest, packed.Len()})
		diffIDs = append(diffIDs, digestOf(plain))
		total += int64(packed.Len())
	}
	config, err := json.Marshal(map[string]any{"architecture": "amd64", "os": "linux", "config": map[string]any{"Cmd": []string{"true"}}, "rootfs": map[string]any{"type": "layers", "diff_ids": diffIDs}})
	if err != nil {
		return 0, err
	}
	digest, err := pushBlob(ctx, base, config)
	if err != nil {
		return 0, err
	}
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": descriptor{"application/vnd.oci.image.config.v1+json", digest, len(config)}, "layers": layers,
	})
	if err != nil {
		return 0, err
	}
	return total, put(ctx, base+"/manifests/1", "application/vnd.oci.image.manifest.v1+json", manifest)
}

func digestOf(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }

func pushBlob(ctx context.Context, base string, b []byte) (string, error) {
	req, err := http.NewRequestWithContext(ctx, "POST", base+"/blobs/uploads/", nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	res.Body.Close()
	digest := digestOf(b)
	to := res.Header.Get("Location")
	sep := "?"
	if strings.Contains(to, "?") {
		sep = "&"
	}
	return digest, put(ctx, to+sep+"digest="+digest, "application/octet-stream", b)
}

func put(ctx context.Context, url, contentType string, b []byte) error {
	req, err := http.NewRequestWithContext(ctx, "PUT", url, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", contentType)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		return fmt.Errorf("put %s: %s", url, res.Status)
	}
	return nil
}
