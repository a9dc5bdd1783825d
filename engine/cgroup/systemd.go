package cgroup

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

// Everything gantry runs on a systemd host with cgroup v2 is inside one transient scope with
// Delegate=yes, which one D-Bus call per boot starts. A slice cannot be
// delegated (systemd's CGROUP_DELEGATION.md). A scope begins with a process
// and is removed, with the groups inside, when its last one has gone: it might
// vanish between the making of a container's group and the container's start.
// So one process that does nothing lives in it, the keeper, which is also in
// the way of controllers (see vacate) and therefore moved to a child.
const (
	slice    = "gantry.slice"
	unit     = "gantry.scope"
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
	for {
		err := startScope(ctx)
		if err == nil {
			return nil
		}
		if !unitExists(err) {
			return fmt.Errorf("start %s: %w", unit, err)
		}
		// Another gantry process is about to start it, or systemd to end it.
		select {
		case <-ctx.Done():
			return fmt.Errorf("start %s: %w", unit, errors.Join(err, ctx.Err()))
		case <-time.After(10 * time.Millisecond):
		}
		if h.delegated() {
			return nil
		}
	}
}

// delegated looks for the mark of a delegated group.
func (h *Host) delegated() bool {
	dir := filepath.Join(h.unified, unitPath)
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

func startScope(ctx context.Context) error {
	conn, err := dialSystemd(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	keeper, err := startKeeper()
	if err != nil {
		return err
	}
	err = startTransient(ctx, conn, keeper.Pid)
	if err != nil {
		return errors.Join(err, keeper.Kill(), reap(keeper))
	}
	return keeper.Release()
}

func startTransient(ctx context.Context, conn *dbus.Conn, pid int) error {
	signals := make(chan *dbus.Signal, 64)
	conn.Signal(signals)
	var job dbus.ObjectPath
	err := conn.Object("org.freedesktop.systemd1", managerPath).CallWithContext(ctx,
		manager+".StartTransientUnit", 0, unit, "fail", scopeProperties(pid), []auxiliary{}).Store(&job)
	if err != nil {
		return err
	}
	return awaitJob(ctx, signals, job)
}

// startKeeper starts a process that outlives the caller and has nothing of it:
// no session, terminal, environment or directory.
func startKeeper() (*os.Process, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("start keeper of %s: %w", unit, err)
	}
	defer null.Close()
	for _, path := range []string{"/usr/bin/sleep", "/bin/sleep", "/run/current-system/sw/bin/sleep"} {
		// The longest time that every sleep takes: 68 years.
		p, startErr := os.StartProcess(path, []string{"gantry-keeper", "2147483647"}, &os.ProcAttr{
			Dir: "/", Env: []string{}, Files: []*os.File{null, null, null},
			Sys: &syscall.SysProcAttr{Setsid: true},
		})
		if startErr == nil {
			return p, nil
		}
		err = startErr
	}
	return nil, fmt.Errorf("start keeper of %s: %w", unit, err)
}

func reap(p *os.Process) error {
	_, err := p.Wait()
	return err
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

// property and auxiliary are the D-Bus types (sv) and (sa(sv)).
type property struct {
	Name  string
	Value dbus.Variant
}

type auxiliary struct {
	Name       string
	Properties []property
}

func scopeProperties(pid int) []property {
	prop := func(name string, value any) property { return property{name, dbus.MakeVariant(value)} }
	return []property{
		prop("Description", "Containers of gantry"),
		prop("Slice", slice),
		prop("PIDs", []uint32{uint32(pid)}),
		prop("Delegate", true),
		// The default would count the processes of all containers against
		// the limit of one unit.
		prop("TasksMax", uint64(math.MaxUint64)),
		prop("CPUAccounting", true),
		prop("MemoryAccounting", true),
		prop("IOAccounting", true),
		prop("TasksAccounting", true),
		prop("CollectMode", "inactive-or-failed"),
	}
}
