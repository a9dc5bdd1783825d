package shim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"gantry/engine/cgroup/leaf"
	"gantry/engine/ociruntime"
	"gantry/internal/usock"
)

// Spare is a monitor that was started before its container exists, so that
// its first milliseconds pass while the container is made. Until it is told to
// begin it is a process and nothing else: it holds no lock, has written
// nothing, and leaves when its Spare is closed or the process that holds that
// ends.
type Spare struct {
	path string
	conn *os.File
}

// spareArg tells a monitor to wait for the word to begin.
const spareArg = "spare"

// Prepare starts a monitor for a container whose shim.json will be at path.
// group is what will be its Config.MonitorGroup.
func Prepare(path string, group *leaf.Group) (*Spare, error) {
	ours, theirs, err := usock.Pair()
	if err != nil {
		return nil, fmt.Errorf("prepare monitor: %w", err)
	}
	defer theirs.Close()
	if err := execute(group, nil, theirs, []string{Name, path, spareArg}); err != nil {
		ours.Close()
		return nil, fmt.Errorf("prepare monitor: %w", err)
	}
	return &Spare{path: path, conn: ours}, nil
}

// Spawn does what the function of that name does, with the monitor that is
// there already. The spare is used up.
func (s *Spare) Spawn(ctx context.Context) (*Client, error) {
	cfg, err := readConfig(s.path)
	if err == nil {
		err = gone(newConn(s.conn).sendJSON(kindRequest, request{Op: opBegin}))
	}
	if err != nil {
		s.conn.Close()
		return nil, fmt.Errorf("spawn monitor: %w", err)
	}
	return begun(ctx, cfg, s.conn)
}

// Close dismisses a monitor that is not needed.
func (s *Spare) Close() error { return s.conn.Close() }

// spare tells whether a monitor's arguments make it one.
func spare(args []string) bool { return len(args) > 1 && args[1] == spareArg }

// stand is the life of a spare until it is told to begin.
func stand(spawner *conn) error {
	warmUp()
	var req request
	err := spawner.receive(kindRequest, &req)
	if errors.Is(err, io.EOF) || errors.Is(err, unix.ECONNRESET) {
		os.Exit(0)
	}
	if err == nil && req.Op != opBegin {
		err = fmt.Errorf("%w: request %q to a spare", errProtocol, req.Op)
	}
	return err
}

// warmUp has encoding/json learn the types that a start decodes: the first
// time takes it half a millisecond.
func warmUp() {
	_, _ = ociruntime.DecodeConfig([]byte(`{"linux":{"resources":{},"seccomp":{}}}`))
	for _, v := range []any{new(Config), new(request)} {
		_ = json.Unmarshal([]byte("{}"), v)
	}
}

// takeLog makes the log this process's output.
func takeLog(cfg *Config) error {
	log, err := cfg.openLog()
	if err != nil {
		return err
	}
	defer log.Close()
	for _, std := range []int{1, 2} {
		if err := unix.Dup3(int(log.Fd()), std, 0); err != nil {
			return fmt.Errorf("take log: %w", os.NewSyscallError("dup3", err))
		}
	}
	return nil
}
