package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// command runs a program and returns what it printed.
func command(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", filepath.Base(name), strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

func do(ctx context.Context, name string, args ...string) func() error {
	return func() error {
		_, err := command(ctx, name, args...)
		return err
	}
}

// have tells whether a peer is installed and takes part.
func have(name string) bool {
	return slices.Contains(allowed, name) && installed(name)
}

func installed(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

// server is a process that a benchmark started and will end.
type server struct{ cmd *exec.Cmd }

func startServer(log, name string, args ...string) (*server, error) {
	f, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = f, f
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &server{cmd}, nil
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan struct{})
	go func() { _ = s.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		_ = s.cmd.Process.Kill()
		<-done
	}
}

// eventually retries a check for at most half a minute.
func eventually(ctx context.Context, what string, check func() error) error {
	end := time.Now().Add(30 * time.Second)
	for {
		err := check()
		if err == nil {
			return nil
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return fmt.Errorf("%s does not answer: %w", what, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// dockerd is a docker daemon of our own.
type dockerd struct {
	*server
	host string
}

func startDockerd(ctx context.Context, dir, run string) (*dockerd, error) {
	if !have("docker") || !installed("dockerd") {
		return nil, fmt.Errorf("it is not installed or not asked for")
	}
	host := "unix://" + filepath.Join(dir, "docker.sock")
	s, err := startServer(filepath.Join(dir, "dockerd.log"), "dockerd", "--data-root", filepath.Join(dir, "docker"), "--exec-root", filepath.Join(run, "docker"),
		"-H", host, "-p", filepath.Join(dir, "docker.pid"), "--bridge", "none", "--iptables=false", "--ip6tables=false")
	if err != nil {
		return nil, err
	}
	d := &dockerd{s, host}
	if err := eventually(ctx, "dockerd", do(ctx, "docker", "-H", host, "version")); err != nil {
		d.stop()
		return nil, err
	}
	return d, nil
}

func (d *dockerd) do(ctx context.Context, args ...string) func() error {
	return do(ctx, "docker", append([]string{"-H", d.host}, args...)...)
}

// startRegistry starts Debian's docker-registry on a free port.
func startRegistry(ctx context.Context, dir string) (*server, string, error) {
	if !installed("docker-registry") {
		return nil, "", fmt.Errorf("docker-registry is not installed")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	addr := l.Addr().String()
	l.Close()
	config := filepath.Join(dir, "registry.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: %s}\n", filepath.Join(dir, "registry"), addr)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, "", err
	}
	s, err := startServer(filepath.Join(dir, "registry.log"), "docker-registry", "serve", config)
	if err != nil {
		return nil, "", err
	}
	err = eventually(ctx, "docker-registry", func() error {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err
	})
	if err != nil {
		s.stop()
		return nil, "", err
	}
	return s, addr, nil
}

// busyboxRoot makes a root file system of the host's static busybox.
func busyboxRoot(root string) error {
	for _, d := range []string{"bin", "dev", "etc", "proc", "sys", "tmp", "root"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			return err
		}
	}
	bin, err := os.ReadFile("/bin/busybox")
	if err != nil {
		return fmt.Errorf("a static busybox is needed: %w", err)
	}
	if err := os.WriteFile(filepath.Join(root, "bin/busybox"), bin, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"sh", "true", "sleep", "yes", "head", "cat"} {
		if err := os.Symlink("busybox", filepath.Join(root, "bin", name)); err != nil && !os.IsExist(err) {
			return err
		}
	}
	return nil
}

// tarOf packs directories of the host as one layer.
func tarOf(root string, dirs ...string) ([]byte, error) {
	var out bytes.Buffer
	tw := tar.NewWriter(&out)
	for _, d := range dirs {
		if err := addTree(tw, root, d); err != nil {
			return nil, err
		}
	}
	err := tw.Close()
	return out.Bytes(), err
}

func addTree(tw *tar.Writer, root, dir string) error {
	return filepath.Walk(filepath.Join(root, dir), func(path string, fi os.FileInfo, err error) error {
		if err != nil || !(fi.Mode().IsRegular() || fi.IsDir() || fi.Mode()&os.ModeSymlink != 0) {
			return nil
		}
		link := ""
		if fi.Mode()&os.ModeSymlink != 0 {
			link, _ = os.Readlink(path)
		}
		h, err := tar.FileInfoHeader(fi, link)
		if err != nil {
			return err
		}
		if h.Name, err = filepath.Rel(root, path); err != nil || h.Name == "." {
			return err
		}
		var body []byte
		if fi.Mode().IsRegular() {
			if body, err = os.ReadFile(path); err != nil {
				return nil
			}
			h.Size = int64(len(body))
		}
		if err := tw.WriteHeader(h); err != nil {
			return err
		}
		_, err = tw.Write(body)
		return err
	})
}

// runcBundle writes an OCI bundle around a root file system that runs true
// with no network, terminal or limits: what `runc spec` makes.
func runcBundle(ctx context.Context, dir, root string, args ...string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if _, err := command(ctx, "runc", "spec", "-b", dir); err != nil {
		return err
	}
	path := filepath.Join(dir, "config.json")
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var spec map[string]any
	if err := json.Unmarshal(b, &spec); err != nil {
		return err
	}
	process := spec["process"].(map[string]any)
	process["terminal"], process["args"] = false, args
	delete(process, "rlimits") // raising them needs CAP_SYS_RESOURCE
	spec["root"] = map[string]any{"path": root, "readonly": false}
	if b, err = json.Marshal(spec); err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}

// wholeEntries cuts an archive after the last entry that ends before limit.
func wholeEntries(archive []byte, limit int) []byte {
	var out bytes.Buffer
	tw := tar.NewWriter(&out)
	for tr := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := tr.Next()
		if err != nil || out.Len()+int(h.Size) > limit {
			break
		}
		if err := tw.WriteHeader(h); err != nil {
			break
		}
		if _, err := io.Copy(tw, tr); err != nil {
			break
		}
	}
	_ = tw.Close()
	return out.Bytes()
}
