package shim_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gantry/engine"
	"gantry/engine/shim"
)

// BenchmarkMemory prints the proportional set size of a resting monitor, alone
// and with two attachers and an exec session. The budget is 4 MiB. The pages
// of the program's file count by as many as share them: here the test binary,
// which is smaller than gantry, with a single monitor.
func BenchmarkMemory(b *testing.B) {
	bx := newBox(b, sh("seq 1 100000; while :; do sleep 1; done"))
	c := bx.start()
	eventually(b, "the log", func() bool {
		fi, err := os.Stat(bx.file("log/00000001.log"))
		return err == nil && fi.Size() > 4_000_000
	})
	st, err := c.Status(bx.ctx())
	must(b, err)
	begun := pss(b, st.ShimPid, "Pss:")
	eventually(b, "a smaller monitor", func() bool { return pss(b, st.ShimPid, "Pss:") < 0.7*begun })
	for b.Loop() {
	}
	b.ReportMetric(begun, "KiB-begun")
	b.ReportMetric(pss(b, st.ShimPid, "Pss:"), "KiB-resting")
	b.ReportMetric(pss(b, st.ShimPid, "Pss_Anon:"), "KiB-anonymous")
	bx.attach(c, everything)
	bx.attach(c, everything)
	bx.exec(c, engine.ExecOptions{Cmd: sh("echo; while :; do sleep 1; done")}).expect("\n")
	b.ReportMetric(pss(b, st.ShimPid, "Pss:"), "KiB-busy")
	b.ReportMetric(0, "ns/op")
}

func pss(t testing.TB, pid int, field string) float64 {
	t.Helper()
	rollup, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	must(t, err)
	for line := range strings.Lines(string(rollup)) {
		if f := strings.Fields(line); f[0] == field {
			n, err := strconv.ParseFloat(f[1], 64)
			must(t, err)
			return n
		}
	}
	t.Fatalf("no %s in smaps_rollup", field)
	return 0
}

// BenchmarkCapture is what a container prints, through FIFO, monitor and
// journal: lines of 99 bytes. The budget is 1 M lines/s.
func BenchmarkCapture(b *testing.B) {
	const lines = 2_000_000
	data := b.TempDir()
	line := strings.Repeat("0123456789", 10)[:98] + "\n"
	must(b, os.WriteFile(filepath.Join(data, "data"), []byte(strings.Repeat(line, lines)), 0o644))
	for _, attached := range []bool{false, true} {
		b.Run(fmt.Sprintf("attached=%v", attached), func(b *testing.B) {
			var spent time.Duration
			for b.Loop() {
				bx := newBox(b, []string{"/bin/dd", "if=/data", "bs=64k"})
				bx.cfg.Layers = append(bx.cfg.Layers, data)
				bx.writeConfig()
				c := bx.spawn()
				if attached {
					s, err := c.Attach(bx.ctx(), everything)
					must(b, err)
					go s.Copy(io.Discard, io.Discard)
				}
				begun := time.Now()
				must(b, c.Start(bx.ctx()))
				bx.wait(c)
				spent += time.Since(begun)
				bx.remove()
				must(b, os.RemoveAll(bx.file("log")))
			}
			b.ReportMetric(float64(lines)*float64(b.N)/spent.Seconds()/1e6, "Mlines/s")
		})
	}
}

// BenchmarkRun is a whole life: monitor spawned, program run, exit on record
// and told.
func BenchmarkRun(b *testing.B) {
	for _, temporary := range []bool{false, true} {
		b.Run(fmt.Sprintf("autoremove=%v", temporary), func(b *testing.B) {
			var spawn, start, end time.Duration
			for b.Loop() {
				b.StopTimer()
				bx := newBox(b, []string{"/bin/true"})
				bx.cfg.AutoRemove = temporary
				bx.writeConfig()
				b.StartTimer()
				t0 := time.Now()
				c, err := shim.Spawn(bx.ctx(), bx.path)
				must(b, err)
				t1 := time.Now()
				s, err := c.Attach(bx.ctx(), everything)
				must(b, err)
				must(b, c.Start(bx.ctx()))
				t2 := time.Now()
				must(b, s.Copy(io.Discard, io.Discard))
				t3 := time.Now()
				s.Close()
				if temporary {
					b.StopTimer()
					bx.finished()
					b.StartTimer()
				}
				spawn, start, end = spawn+t1.Sub(t0), start+t2.Sub(t1), end+t3.Sub(t2)
			}
			for name, d := range map[string]time.Duration{"ms-spawn": spawn, "ms-start": start, "ms-end": end} {
				b.ReportMetric(d.Seconds()*1e3/float64(b.N), name)
			}
		})
	}
}
