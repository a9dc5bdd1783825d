package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gantry/engine"
	"gantry/engine/record"
)

var _ engine.ProcessSignaler = (*containers)(nil)

// Top implements engine.ContainerReader. Without arguments it reads /proc and
// prints the columns of `ps -ef`; with arguments it asks the host's ps and
// keeps the container's rows, as docker does.
func (c *containers) Top(ctx context.Context, ref string, psArgs []string) (engine.ProcessTable, error) {
	e := (*Engine)(c)
	v, err := e.viewOf(ref)
	if err != nil {
		return engine.ProcessTable{}, opErr("list processes of", ref, err)
	}
	if !v.state.Live() {
		return engine.ProcessTable{}, opErr("list processes of", ref, notRunning(v.state))
	}
	g, err := e.group(v.rec.ID)
	if err != nil {
		return engine.ProcessTable{}, opErr("list processes of", ref, err)
	}
	pids, err := g.Pids()
	if err != nil {
		return engine.ProcessTable{}, opErr("list processes of", ref, err)
	}
	var t engine.ProcessTable
	if len(psArgs) > 0 {
		t, err = hostPs(ctx, psArgs, pids)
	} else {
		t, err = procTable(pids)
	}
	return t, opErr("list processes of", ref, err)
}

// SignalProcess implements engine.ProcessSignaler. It holds the process by
// descriptor before it looks whether that is one of the container's, so that
// the signal cannot reach another one of the same number.
func (c *containers) SignalProcess(_ context.Context, ref string, pid int, signal string) error {
	return opErr("signal process "+strconv.Itoa(pid)+" of", ref, (*Engine)(c).signalProcess(ref, pid, signal))
}

func (e *Engine) signalProcess(ref string, pid int, signal string) error {
	sig, err := ParseSignal(signal, syscall.SIGTERM)
	if err != nil {
		return err
	}
	v, err := e.viewOf(ref)
	if err != nil {
		return err
	}
	if !v.state.Live() {
		return notRunning(v.state)
	}
	gone := fmt.Errorf("%w: it has no process %d any more", engine.ErrConflict, pid)
	start, err := record.PidStart(pid)
	if err != nil {
		return gone
	}
	f, err := record.PidFD(pid, start)
	if err != nil {
		return gone
	}
	defer f.Close()
	g, err := e.group(v.rec.ID)
	if err != nil {
		return err
	}
	pids, err := g.Pids()
	if err != nil {
		return err
	}
	if !slices.Contains(pids, pid) {
		return gone
	}
	err = record.SignalFD(f, sig)
	if errors.Is(err, engine.ErrNotFound) {
		return gone
	}
	return err
}

// hostPs runs the host's ps and keeps the rows of pids. The output needs a
// column PID to tell them.
func hostPs(ctx context.Context, args []string, pids []int) (engine.ProcessTable, error) {
	// By itself ps shows what its terminal has. With a selection of the user's it
	// takes none by number; then it is asked for what the user selects.
	out, err := runPs(ctx, append(args[:len(args):len(args)], "-q"+joined(pids)))
	if err != nil {
		out, err = runPs(ctx, args)
	}
	if err != nil {
		return engine.ProcessTable{}, err
	}
	return parsePs(out, pids)
}

func joined(pids []int) string {
	var text []string
	for _, p := range pids {
		text = append(text, strconv.Itoa(p))
	}
	return strings.Join(text, ",")
}

func runPs(ctx context.Context, args []string) (string, error) {
	var out, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "ps", args...)
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("run the host's ps %s: %w %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return out.String(), nil
}

func parsePs(out string, pids []int) (engine.ProcessTable, error) {
	lines := strings.Split(strings.TrimRight(out, "\n"), "\n")
	t := engine.ProcessTable{Titles: strings.Fields(lines[0])}
	col := -1
	for i, title := range t.Titles {
		if title == "PID" {
			col = i
		}
	}
	if col < 0 {
		return t, fmt.Errorf("%w: the ps options print no column PID, by which the container's processes are told", engine.ErrInvalid)
	}
	want := make(map[string]bool, len(pids))
	for _, p := range pids {
		want[strconv.Itoa(p)] = true
	}
	for _, line := range lines[1:] {
		f := strings.Fields(line)
		if len(f) <= col || !want[f[col]] {
			continue
		}
		if n := len(t.Titles); len(f) > n { // the last column is a command with blanks
			f = append(f[:n-1:n-1], strings.Join(f[n-1:], " "))
		}
		t.Processes = append(t.Processes, f)
	}
	return t, nil
}

// clockTicks is USER_HZ, 100 on every architecture that Go supports.
const clockTicks = 100

func procTable(pids []int) (engine.ProcessTable, error) {
	t := engine.ProcessTable{Titles: []string{"UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"}}
	boot, err := bootTime()
	if err != nil {
		return t, err
	}
	for _, pid := range pids {
		if row, used, ok := procRow(pid, boot, time.Now()); ok {
			t.Processes, t.Usage = append(t.Processes, row), append(t.Usage, used)
		}
	}
	return t, nil
}

// procRow reads one process (proc(5), /proc/pid/stat); false when it is gone.
func procRow(pid int, boot, now time.Time) (row []string, used engine.ProcessUsage, ok bool) {
	dir := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return nil, used, false
	}
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 0 || end < open {
		return nil, used, false
	}
	comm, f := string(stat[open+1:end]), strings.Fields(string(stat[end+1:]))
	if len(f) < 22 {
		return nil, used, false
	}
	num := func(i int) int64 { n, _ := strconv.ParseInt(f[i], 10, 64); return n }
	cpu := time.Duration(num(11)+num(12)) * time.Second / clockTicks
	started := boot.Add(time.Duration(num(19)) * time.Second / clockTicks)
	share := int64(0)
	if age := now.Sub(started); age > 0 {
		share = int64(100 * cpu / age)
	}
	used = engine.ProcessUsage{PID: pid, Parent: int(num(1)), CPU: cpu, Memory: uint64(num(21)) * uint64(os.Getpagesize())}
	return []string{
		procUser(dir), strconv.Itoa(pid), f[1], strconv.FormatInt(share, 10), startTime(started, now),
		ttyName(num(4)), cpuTime(cpu), procCommand(dir, comm),
	}, used, true
}

func procCommand(dir, comm string) string {
	b, err := os.ReadFile(dir + "/cmdline")
	if err != nil || len(b) == 0 {
		return "[" + comm + "]"
	}
	return strings.TrimRight(strings.ReplaceAll(string(b), "\x00", " "), " ")
}

func procUser(dir string) string {
	b, err := os.ReadFile(dir + "/status")
	if err != nil {
		return "?"
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "Uid:"); ok {
			if f := strings.Fields(rest); len(f) > 1 {
				if u, err := user.LookupId(f[1]); err == nil {
					return u.Username
				}
				return f[1]
			}
		}
	}
	return "?"
}

func startTime(t, now time.Time) string {
	if now.Sub(t) < 24*time.Hour {
		return t.Local().Format("15:04")
	}
	return t.Local().Format("Jan02")
}

func cpuTime(d time.Duration) string {
	s := int64(d.Seconds())
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

// ttyName decodes tty_nr; pseudo-terminals have majors 136 to 143.
func ttyName(dev int64) string {
	major, minor := dev>>8&0xfff, dev&0xff|dev>>12&0xfff00
	if major >= 136 && major <= 143 {
		return fmt.Sprintf("pts/%d", (major-136)*256+minor)
	}
	return "?"
}

func bootTime() (time.Time, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return time.Time{}, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "btime "); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
			return time.Unix(n, 0), err
		}
	}
	return time.Time{}, fmt.Errorf("%w: /proc/stat has no btime", engine.ErrCorrupt)
}
