package enginetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"gantry/engine"
	"gantry/logs"
)

func asOpError(err error, target **engine.OpError) bool { return errors.As(err, target) }

var allOutput = engine.AttachOptions{Stdout: true, Stderr: true}

// testAttachBeforeStart: the first byte of a program that ends at once is
// seen, and the streams end by themselves.
func testAttachBeforeStart(s *suite) {
	for range 5 {
		id := s.create("echo first; echo oops >&2; exit 9")
		sc, sess := s.talk(id, allOutput)
		s.must(s.c.Start(s.ctx, string(id)))
		sc.end("first\n", "oops\n")
		status, err := sess.Wait(s.ctx)
		s.must(err)
		if status.Code != 9 {
			s.Errorf("exit code = %d, want 9", status.Code)
		}
	}
}

func testAttachStdin(s *suite) {
	id := s.create("cat; exit 2", withStdin)
	sc, sess := s.talk(id, engine.AttachOptions{Stdin: true, Stdout: true, Stderr: true})
	s.must(s.c.Start(s.ctx, string(id)))
	_, err := sess.Write([]byte("hello\n"))
	s.must(err)
	sc.until("hello\n")
	_, err = sess.Write([]byte("bye\n"))
	s.must(err)
	s.must(sess.CloseWrite())
	sc.end("hello\nbye\n", "")
	if got := s.wait(id, engine.WaitNotRunning); got.Code != 2 {
		s.Errorf("exit code = %d, want 2", got.Code)
	}
}

// testAttachTwice: a second attachment sees what comes, closing it harms
// nobody, and a restarted container takes a new one.
func testAttachTwice(s *suite) {
	id := s.create(polite)
	one, _ := s.talk(id, allOutput)
	two, sess := s.talk(id, allOutput)
	s.must(s.c.Start(s.ctx, string(id)))
	one.until("ready\n")
	two.until("ready\n")
	s.must(sess.Close())
	s.wantState(id, engine.Running)
	s.must(s.c.Stop(s.ctx, string(id), engine.StopOptions{}))
	one.end("ready\n", "")
	again, _ := s.talk(id, allOutput)
	s.must(s.c.Start(s.ctx, string(id)))
	again.until("ready\n")
}

func testExec(s *suite) {
	id := s.ready(forever, func(o *engine.CreateOptions) { o.Config.Env = []string{"COLOUR=red"} })
	for _, test := range []struct {
		opts     engine.ExecOptions
		in       string
		out, err string
		code     int
	}{
		{opts: engine.ExecOptions{Cmd: []string{"true"}}},
		{opts: engine.ExecOptions{Cmd: []string{"sh", "-c", "echo out; echo err >&2; exit 5"}}, out: "out\n", err: "err\n", code: 5},
		{opts: engine.ExecOptions{Cmd: []string{"pwd"}, WorkingDir: "/tmp"}, out: "/tmp\n"},
		{opts: engine.ExecOptions{Cmd: []string{"cat"}, Stdin: true}, in: "typed\n", out: "typed\n"},
	} {
		sess, err := s.c.Exec(s.ctx, string(id), test.opts)
		s.must(err)
		sc := s.collect(sess)
		if test.in != "" {
			_, err := sess.Write([]byte(test.in))
			s.must(err)
			s.must(sess.CloseWrite())
		}
		sc.end(test.out, test.err)
		status, err := sess.Wait(s.ctx)
		s.must(err)
		if status.Code != test.code {
			s.Errorf("exec %v: exit code = %d, want %d", test.opts.Cmd, status.Code, test.code)
		}
	}
	sess, err := s.c.Exec(s.ctx, string(id), engine.ExecOptions{Cmd: []string{"env"}, Env: []string{"SIZE=big"}})
	s.must(err)
	sc := s.collect(sess)
	sc.until("SIZE=big\n")
	sc.until("COLOUR=red\n")
	s.wantState(id, engine.Running)
}

func testExecRefusals(s *suite) {
	id := s.create(forever)
	_, err := s.c.Exec(s.ctx, string(id), engine.ExecOptions{Cmd: []string{"true"}})
	s.wantIs(err, engine.ErrConflict)
	s.must(s.c.Start(s.ctx, string(id)))
	_, err = s.c.Exec(s.ctx, string(id), engine.ExecOptions{Cmd: []string{"no-such-program"}})
	s.wantIs(err, engine.ErrCommandNotFound)
	_, err = s.c.Exec(s.ctx, "no-such-container", engine.ExecOptions{Cmd: []string{"true"}})
	s.wantIs(err, engine.ErrNotFound)
	s.wantState(id, engine.Running)
}

// read collects "stream:line" of a container's log.
func (s *suite) read(id engine.ID, q logs.Query) []string {
	s.Helper()
	var lines []string
	var last time.Time
	for entry, err := range s.c.Logs(s.ctx, string(id), q) {
		s.must(err)
		if entry.Time.Before(last) {
			s.Errorf("the log runs backwards: %s after %s", entry.Time, last)
		}
		last = entry.Time
		lines = append(lines, fmt.Sprintf("%s:%s", entry.Stream, entry.Line))
	}
	return lines
}

func testLogs(s *suite) {
	id := s.start("echo one; echo two >&2; echo three")
	s.wait(id, engine.WaitNotRunning)
	for _, test := range []struct {
		q    logs.Query
		want string
	}{
		{logs.Query{Tail: -1, Stdout: true, Stderr: true}, "stdout:one stderr:two stdout:three"},
		{logs.Query{Tail: -1, Stdout: true}, "stdout:one stdout:three"},
		{logs.Query{Tail: 1, Stdout: true}, "stdout:three"},
		{logs.Query{Tail: 0, Stdout: true, Stderr: true}, ""},
		{logs.Query{Tail: -1, Stdout: true, Stderr: true, Follow: true}, "stdout:one stderr:two stdout:three"},
		{logs.Query{Tail: -1, Stdout: true, Stderr: true, Since: time.Now().Add(time.Hour)}, ""},
		{logs.Query{Tail: -1, Stdout: true, Stderr: true, Until: time.Now().Add(-time.Hour)}, ""},
	} {
		got := s.read(id, test.q)
		// Two pipes have no order between them: compare the sets.
		if !sameLines(got, strings.Fields(test.want)) {
			s.Errorf("%+v: %q, want %q", test.q, got, test.want)
		}
	}
	for _, err := range s.c.Logs(s.ctx, "no-such-container", logs.Query{Tail: -1, Stdout: true}) {
		s.wantIs(err, engine.ErrNotFound)
	}
}

// testLogPlaces: an entry's place is where one can go on reading.
func testLogPlaces(s *suite) {
	id := s.start("echo 1; echo 2; echo 3; echo 4; echo 5; echo 6; echo 7; echo 8")
	s.wait(id, engine.WaitNotRunning)
	all := logs.Query{Tail: -1, Stdout: true}
	var places []logs.Pos
	for entry, err := range s.c.Logs(s.ctx, string(id), all) {
		s.must(err)
		places = append(places, entry.Pos)
	}
	if len(places) != 8 || !places[0].Known() {
		s.Fatalf("the places are %v", places)
	}
	for i := range places {
		after, before := all, all
		after.After, before.Before, before.Tail = places[i], places[i], 3
		if got := len(s.read(id, after)); got != 7-i {
			s.Errorf("%d lines after line %d", got, i+1)
		}
		if got, want := s.read(id, before), min(3, i); len(got) != want || want > 0 && got[want-1] != fmt.Sprintf("stdout:%d", i) {
			s.Errorf("the three before line %d are %q", i+1, got)
		}
	}
}

func sameLines(a, b []string) bool {
	count := map[string]int{}
	for _, l := range a {
		count[l]++
	}
	for _, l := range b {
		count[l]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

func testLogsFollow(s *suite) {
	id := s.create("cat", withStdin)
	_, sess := s.talk(id, engine.AttachOptions{Stdin: true, Stdout: true})
	s.must(s.c.Start(s.ctx, string(id)))
	say := func(text string) {
		_, err := sess.Write([]byte(text))
		s.must(err)
	}
	say("a\n")
	n := 0
	for entry, err := range s.c.Logs(s.ctx, string(id), logs.Query{Tail: -1, Follow: true, Stdout: true, Stderr: true}) {
		s.must(err)
		switch n++; n {
		case 1:
			say("b\n")
		case 2:
			s.must(sess.CloseWrite())
		}
		if want := string(rune('a' + n - 1)); string(entry.Line) != want {
			s.Errorf("line %d = %q, want %q", n, entry.Line, want)
		}
	}
	if n != 2 {
		s.Errorf("%d lines, want 2", n)
	}
}

func testStats(s *suite) {
	id := s.ready(forever)
	n := 0
	for sample, err := range s.c.Stats(s.ctx, string(id), engine.StatsOptions{}) {
		s.must(err)
		n++
		if sample.ID != id || sample.Name == "" || sample.Time.IsZero() || sample.PIDs == 0 || sample.Memory.Limit == 0 || sample.CPU.Online == 0 {
			s.Errorf("sample = %+v", sample)
		}
	}
	if n != 1 {
		s.Errorf("interval 0 yielded %d samples, want 1", n)
	}
	n = 0
	for _, err := range s.c.Stats(s.ctx, string(id), engine.StatsOptions{Interval: 10 * time.Millisecond}) {
		s.must(err)
		if n++; n == 3 {
			break
		}
	}
}

// testPulledStats: a sample for each step, at the reader's pace.
func testPulledStats(s *suite) {
	id := s.ready(forever)
	next, stop := iter.Pull2(s.c.Stats(s.ctx, string(id), engine.StatsOptions{Pulled: true, Brief: true, Interval: time.Hour}))
	defer stop()
	var last engine.Sample
	for range 3 {
		sample, err, ok := next()
		s.must(err)
		if !ok {
			s.Fatalf("the samples ended while the container runs")
		}
		if sample.ID != id || sample.Memory.Usage == 0 || !sample.Time.After(last.Time) || sample.CPU.Usage < last.CPU.Usage {
			s.Errorf("sample %+v after %+v", sample, last)
		}
		last = sample
	}
	s.must(s.c.Kill(s.ctx, string(id), "KILL"))
	if _, err := s.c.Wait(s.ctx, string(id), engine.WaitNotRunning); err != nil {
		s.must(err)
	}
	if sample, err, ok := next(); ok || err != nil {
		s.Errorf("after the container's end: %+v, %v", sample, err)
	}
}

func testTop(s *suite) {
	id := s.ready("echo ready; sleep 100000")
	table, err := s.c.Top(s.ctx, string(id), nil)
	s.must(err)
	if len(table.Titles) == 0 || len(table.Processes) == 0 || len(table.Processes[0]) != len(table.Titles) {
		s.Errorf("process table = %+v", table)
	}
	if n := len(table.Usage); n > 0 && (n != len(table.Processes) || table.Usage[0].PID == 0 || table.Usage[0].Memory == 0) {
		s.Errorf("usage = %+v", table.Usage)
	}
	_, err = s.c.Top(s.ctx, string(s.create("true")), nil)
	s.wantIs(err, engine.ErrConflict)
}

// testSignalProcess: what Top lists can be signalled, and nothing else.
func testSignalProcess(s *suite) {
	reach, ok := s.c.(engine.ProcessSignaler)
	if !ok {
		s.Skip("this engine does not reach single processes")
	}
	id := s.ready(polite)
	table, err := s.c.Top(s.ctx, string(id), nil)
	s.must(err)
	pid := table.Usage[0].PID
	s.wantIs(reach.SignalProcess(s.ctx, string(id), 1, "KILL"), engine.ErrConflict)
	s.wantIs(reach.SignalProcess(s.ctx, "no-such-container", pid, "TERM"), engine.ErrNotFound)
	s.wantIs(reach.SignalProcess(s.ctx, string(id), pid, "NONSENSE"), engine.ErrInvalid)
	s.must(reach.SignalProcess(s.ctx, string(id), pid, "TERM"))
	if st := s.wait(id, engine.WaitNotRunning); st.Code != 7 {
		s.Errorf("it ended with %+v", st)
	}
	s.wantIs(reach.SignalProcess(s.ctx, string(id), pid, "TERM"), engine.ErrConflict)
}

func testInfo(s *suite) {
	info, err := s.e.Info(s.ctx)
	s.must(err)
	if info.Name == "" || info.Root == "" || info.CPUs == 0 || info.Memory == 0 || info.DefaultNet == "" || info.Images == 0 {
		s.Errorf("info = %+v", info)
	}
	ended, cancel := context.WithCancel(s.ctx)
	cancel()
	if _, err := s.c.List(ended, engine.ListOptions{}); err != nil && !errors.Is(err, context.Canceled) {
		s.Errorf("an ended context gave %v", err)
	}
}
