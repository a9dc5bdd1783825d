package service

import (
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

// runWeb is the first process of a web container: it keeps two workers, and
// starts another when one is killed.
func runWeb(args []string) int {
	w := webLog{json: os.Getenv(Format) == "json"}
	if len(args) > 1 && args[0] == "worker" {
		return w.work(args[1])
	}
	w.event("info", "listening", "addr", ":8080", "workers", "2")
	s := untilStopped(
		func() { w.event("info", "configuration read again", "file", "built in") },
		func() { w.keep("1") }, func() { w.keep("2") },
		func() {
			breathe(2*time.Second, func(t time.Time) int { return int(wave(t, 37*time.Second, 6, 14)) << 20 })
		},
	)
	w.event("warn", "stopping", "signal", s.String(), "open", "0")
	return 0
}

// keep runs worker n, and another when it ends.
func (w webLog) keep(n string) {
	for {
		p, err := os.StartProcess(Path, []string{Path, Web, "worker", n}, &os.ProcAttr{
			Env: os.Environ(), Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
		})
		if err != nil {
			w.event("error", "worker does not start", "worker", n, "error", err.Error())
			time.Sleep(time.Second)
			continue
		}
		state, err := p.Wait()
		if err == nil {
			w.event("error", "worker ended, starting another", "worker", n, "how", state.String())
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// work answers requests that nobody sends.
func (w webLog) work(n string) int {
	untilStopped(func() {},
		func() { burn(func(t time.Time) float64 { return workerShare(n, t) }) },
		func() {
			every(func() time.Duration { return between(200*time.Millisecond, 1100*time.Millisecond) }, func() { w.request(time.Now()) })
		},
	)
	return 0
}

func (w webLog) request(t time.Time) {
	switch {
	case timingOut(t) && rand.N(3) == 0:
		w.timeout(t)
	case t.Second()%3 == 0 && rand.N(2) == 0:
		w.answer(t, "POST", fmt.Sprintf("/checkout?order=%d", orderAt(t)), 201, between(30*time.Millisecond, 90*time.Millisecond))
	case rand.N(14) == 0:
		w.answer(t, "GET", pick("/favicon.ico", "/wp-login.php", "/cart/items/none"), 404, time.Millisecond)
	default:
		path := pick("/", "/cart", "/cart/items", "/products?page=2", "/products/81", "/health", "/search?q=crane")
		took := between(2*time.Millisecond, 40*time.Millisecond)
		if slow(t) {
			took += between(300*time.Millisecond, 900*time.Millisecond)
		}
		w.answer(t, "GET", path, 200, took)
	}
}
