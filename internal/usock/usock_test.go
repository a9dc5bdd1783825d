package usock_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/internal/usock"
)

func TestConnect(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"short": "s", "long": strings.Repeat("long", 40)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), dir, "sock")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, nil, 0o600); err != nil { // a stale one
				t.Fatal(err)
			}
			l, err := usock.Listen(path)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
				t.Errorf("socket is %v, %v", fi.Mode(), err)
			}
			echoed := make(chan error, 1)
			go func() {
				c, err := l.Accept()
				if err == nil {
					_, err = io.CopyN(c, c, 5)
					c.Close()
				}
				echoed <- err
			}()
			c, err := usock.Dial(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if uid, err := usock.PeerUID(c); err != nil || uid != uint32(os.Getuid()) {
				t.Errorf("peer is %d, %v", uid, err)
			}
			if _, err := c.WriteString("hello"); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(c)
			if err != nil || string(got) != "hello" {
				t.Errorf("got %q, %v", got, err)
			}
			if err := <-echoed; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDialNobody(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sock")
	if _, err := usock.Dial(t.Context(), path); !errors.Is(err, unix.ENOENT) {
		t.Error(err)
	}
	l, err := usock.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := usock.Dial(t.Context(), path); !errors.Is(err, unix.ECONNREFUSED) {
		t.Error(err)
	}
}

func TestCloseEndsAccept(t *testing.T) {
	t.Parallel()
	l, err := usock.Listen(filepath.Join(t.TempDir(), "sock"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		done <- err
	}()
	l.Close()
	select {
	case err := <-done:
		if !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Error("Accept does not end")
	}
}
