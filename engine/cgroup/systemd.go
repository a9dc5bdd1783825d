package cgroup

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

// Everything gantry runs on a systemd host is inside one transient unit. It
// is a service that has exited (RemainAfterExit) rather than a scope, because
// a scope needs a process to begin with and vanishes with its last one, and
// rather than a bare slice, because only services and scopes can be delegated
// (systemd's CGROUP_DELEGATION.md). One D-Bus call per boot starts it.
const (
	slice    = "gantry.slice"
	unit     = "gantry.service"
	unitPath = "/" + slice + "/" + unit

	// privateBus is systemd's own socket. It needs no dbus-daemon, and only
	// root may connect.
	privateBus  = "unix:path=/run/systemd/private"
	unitTimeout = 30 * time.Second
)

// bootedBySystemd is sd_booted(3).
func bootedBySystemd() bool {
	info, err := os.Lstat("/run/systemd/system")
	return err == nil && info.IsDir()
}

// startUnit makes sure that the unit runs. The usual answer costs one system
// call: systemd marks the groups that it has delegated.
func (h *Host) startUnit() error {
	if h.delegated() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), unitTimeout)
	defer cancel()
	if err := startTransient(ctx); err != nil {
		return fmt.Errorf("start %s: %w", unit, err)
	}
	return nil
}

// delegated looks for the mark of a delegated group, at the hierarchy that
// systemd itself works with.
func (h *Host) delegated() bool {
	root := h.unified
	if named, ok := h.legacy["name=systemd"]; ok && root == "" {
		root = named
	}
	dir := filepath.Join(root, unitPath)
	for _, mark := range []string{"trusted.delegate", "user.delegate"} {
		if _, err := unix.Getxattr(dir, mark, nil); err == nil {
			return true
		}
	}
	return false
}

const (
	manager     = "org.freedesktop.systemd1.Manager"
	managerPath = "/org/freedesktop/systemd1"
)

func startTransient(ctx context.Context) error {
	conn, err := dialSystemd(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	signals := make(chan *dbus.Signal, 64)
	conn.Signal(signals)
	systemd := conn.Object("org.freedesktop.systemd1", managerPath)
	var job dbus.ObjectPath
	err = systemd.CallWithContext(ctx, manager+".StartTransientUnit", 0,
		unit, "fail", unitProperties(), []auxiliary{}).Store(&job)
	if unitExists(err) {
		// Another gantry process was faster. A plain start waits for its job.
		err = systemd.CallWithContext(ctx, manager+".StartUnit", 0, unit, "replace").Store(&job)
	}
	if err != nil {
		return err
	}
	return awaitJob(ctx, signals, job)
}

// dialSystemd connects peer to peer: there is no bus, so no Hello.
func dialSystemd(ctx context.Context) (*dbus.Conn, error) {
	conn, err := dbus.Dial(privateBus, dbus.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("connect to systemd: %w", err)
	}
	uid := strconv.Itoa(os.Getuid())
	if err := conn.Auth([]dbus.Auth{dbus.AuthExternal(uid)}); err != nil {
		return nil, fmt.Errorf("authenticate to systemd: %w", errors.Join(err, conn.Close()))
	}
	return conn, nil
}

func unitExists(err error) bool {
	var e dbus.Error
	return errors.As(err, &e) && e.Name == "org.freedesktop.systemd1.UnitExists"
}

// awaitJob waits for JobRemoved(u id, o job, s unit, s result), which systemd
// sends to every private connection.
func awaitJob(ctx context.Context, signals <-chan *dbus.Signal, job dbus.ObjectPath) error {
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for systemd: %w", ctx.Err())
		case s, ok := <-signals:
			if !ok {
				return errors.New("systemd closed the connection")
			}
			if s.Name != manager+".JobRemoved" || len(s.Body) < 4 || s.Body[1] != job {
				continue
			}
			if result := s.Body[3]; result != "done" {
				return fmt.Errorf("systemd reports %q; see journalctl -u %s", result, unit)
			}
			return nil
		}
	}
}

// property, execStart and auxiliary are the D-Bus types (sv), (sasb) and
// (sa(sv)).
type property struct {
	Name  string
	Value dbus.Variant
}

type execStart struct {
	Path          string
	Args          []string
	IgnoreFailure bool
}

type auxiliary struct {
	Name       string
	Properties []property
}

func unitProperties() []property {
	prop := func(name string, value any) property { return property{name, dbus.MakeVariant(value)} }
	command := placeholder()
	return []property{
		prop("Description", "Containers of gantry"),
		prop("Slice", slice),
		prop("Type", "oneshot"),
		prop("RemainAfterExit", true),
		prop("ExecStart", []execStart{{Path: command[0], Args: command}}),
		prop("Delegate", true),
		// The defaults would end all containers when one runs out of memory,
		// and count all of their processes against one unit's limit.
		prop("OOMPolicy", "continue"),
		prop("TasksMax", uint64(math.MaxUint64)),
		prop("CPUAccounting", true),
		prop("MemoryAccounting", true),
		prop("IOAccounting", true),
		prop("TasksAccounting", true),
		prop("CollectMode", "inactive-or-failed"),
	}
}

// placeholder is a program that ends at once: a oneshot service must have one.
func placeholder() []string {
	for _, path := range []string{"/usr/bin/true", "/bin/true", "/run/current-system/sw/bin/true"} {
		if exists(path) {
			return []string{path}
		}
	}
	self, err := os.Executable()
	if err != nil {
		self = "/proc/self/exe"
	}
	return []string{strings.TrimSuffix(self, " (deleted)"), "version"}
}
