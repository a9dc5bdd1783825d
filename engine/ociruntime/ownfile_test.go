package ociruntime_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/ociruntime"
)

// withHosts gives the container its own /etc/hosts.
func withHosts(t testing.TB) func(*ociruntime.CreateOptions) {
	src := filepath.Join(t.TempDir(), "hosts")
	check(t, os.WriteFile(src, []byte("127.0.0.1 localhost\n"), 0o644))
	return func(o *ociruntime.CreateOptions) {
		o.Spec.Mounts = append(o.Spec.Mounts, specs.Mount{Destination: "/etc/hosts", Type: "bind", Source: src, Options: []string{"rbind"}})
	}
}

// Whatever an image has at the place of its container's hosts file: the
// container gets its own, and what the image's points to is as it was.
func TestOwnFiles(t *testing.T) {
	t.Parallel()
	const script = `cat /etc/hosts; cat /real; test -f /etc/hosts && test ! -L /etc/hosts && test -c /dev/null && test ! -s /dev/null && echo sound`
	for name, files := range map[string]map[string]string{
		"a file":                      {"etc/hosts": "image's"},
		"nothing":                     {},
		"no /etc":                     {"etc/passwd": "-", "etc/group": "-"},
		"a link to a device":          {"etc/hosts": "->/dev/null"},
		"a link to a file":            {"etc/hosts": "->/real"},
		"a link to nothing":           {"etc/hosts": "->/run/systemd/resolve/stub"},
		"a link upwards":              {"etc/hosts": "->../../../../../../../real"},
		"a link to itself":            {"etc/hosts": "->hosts"},
		"a link to the root":          {"etc/hosts": "->/"},
		"a link into procfs":          {"etc/hosts": "->/proc/self/environ"},
		"a link to a link":            {"etc/hosts": "->/etc/other", "etc/other": "->/dev/full"},
		"a link in the place of /etc": {"etc/passwd": "-", "etc/group": "-", "etc": "->/usr/etc", "usr/etc/hosts": "->/dev/null"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files["real"] = "real\n"
			for _, readonly := range []bool{false, true} {
				out := sh(t, image(t, files), script, withHosts(t), func(o *ociruntime.CreateOptions) { o.Spec.Root.Readonly = readonly })
				if out != "127.0.0.1 localhost\nreal\nsound\n" {
					t.Errorf("got %q", out)
				}
			}
		})
	}
	dir := image(t, nil)
	check(t, unix.Mkfifo(filepath.Join(dir, "etc/hosts"), 0o644))
	check(t, os.WriteFile(filepath.Join(dir, "real"), []byte("real\n"), 0o644))
	if out := sh(t, dir, script, withHosts(t)); out != "127.0.0.1 localhost\nreal\nsound\n" {
		t.Errorf("a fifo: got %q", out)
	}
}

func TestOwnFileRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		files map[string]string
		want  string
	}{
		{map[string]string{"etc/hosts/": ""}, "-v DIR:/etc/hosts"},
		{map[string]string{"etc/passwd": "-", "etc/group": "-", "etc": "file"}, "/etc is no directory"},
	} {
		o := ociruntime.CreateOptions{Spec: testSpec("true"), Root: detach(t, image(t, test.files))}
		withHosts(t)(&o)
		if _, err := ociruntime.Create(o); !errors.Is(err, engine.ErrInvalid) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want one with %s", err, test.want)
		}
	}
}

// A link in a volume is the user's, and on the host: it stays.
func TestOwnFilesOfAVolume(t *testing.T) {
	t.Parallel()
	volume := t.TempDir()
	check(t, os.Symlink("real", filepath.Join(volume, "hosts")))
	check(t, os.WriteFile(filepath.Join(volume, "real"), []byte("mine\n"), 0o644))
	out := sh(t, image(t, nil), "cat /etc/hosts", func(o *ociruntime.CreateOptions) {
		o.Spec.Mounts = append(o.Spec.Mounts, specs.Mount{Destination: "/etc", Type: "bind", Source: volume, Options: []string{"rbind"}})
	}, withHosts(t))
	if link, err := os.Readlink(filepath.Join(volume, "hosts")); err != nil || link != "real" || out != "127.0.0.1 localhost\n" {
		t.Errorf("got %q; the volume's link is %q, %v", out, link, err)
	}
}
