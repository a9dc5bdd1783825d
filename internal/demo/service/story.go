package service

import (
	"math"
	"math/rand/v2"
	"runtime"
	"time"
)

// What happens in the demo is a function of the wall clock, so that services
// that cannot talk to each other tell one story:
//
//	second of the minute   0         20        40  44      52        60
//	                       ├─────────┴─────────┼───┼───────┼─────────┤
//	                       all is well         │   │       well again
//	                           the store is slow   timeouts, retries
const (
	slowFrom    = 40
	timeoutFrom = 44
	wellAgain   = 52
)

func slow(t time.Time) bool { return t.Second() >= slowFrom && t.Second() < wellAgain }

func timingOut(t time.Time) bool { return t.Second() >= timeoutFrom && t.Second() < wellAgain }

// orderAt is the number of the order that is under way: web takes it, the
// queue works on it a little later, and a search for it finds both.
func orderAt(t time.Time) int { return 1000 + int(t.Unix()/3%9000) }

// wave swings between low and high once in a period.
func wave(t time.Time, period time.Duration, low, high float64) float64 {
	phase := 2 * math.Pi * float64(t.UnixNano()%int64(period)) / float64(period)
	return low + (high-low)*(1-math.Cos(phase))/2
}

// What each program uses of a core. All of them together stay below a seventh,
// their own work and that of their monitors included; a test adds them up.

func storeShare(t time.Time) float64 {
	if slow(t) {
		return 0.08
	}
	return wave(t, 13*time.Second, 0.004, 0.022)
}

func queueShare(t time.Time) float64 {
	if t.Second()%20 < 5 {
		return wave(t, 5*time.Second, 0.02, 0.07) // a batch of pictures
	}
	return 0.006
}

// workerShare is that of a worker of web; there are two of them twice.
func workerShare(n string, t time.Time) float64 {
	share := wave(t, 23*time.Second, 0.002, 0.018)
	if n == "2" {
		share = wave(t.Add(7*time.Second), 31*time.Second, 0.002, 0.012)
	}
	if t.Second()%17 < 2 {
		share += 0.03 // somebody opened the sale
	}
	return share
}

// burn uses the processor: in every tenth of a second the share (0 to 1) that
// share says for it.
func burn(share func(time.Time) float64) {
	const slice = 100 * time.Millisecond
	every(func() time.Duration { return slice }, func() {
		start := time.Now()
		work := time.Duration(share(start) * (0.7 + 0.6*rand.Float64()) * float64(slice))
		for time.Since(start) < work {
			spin()
		}
	})
}

// spin is some microseconds of work between two looks at the clock.
func spin() {
	x := rand.Uint64()
	for range 2000 {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	runtime.KeepAlive(x) // or the compiler drops the work
}

// between draws a duration.
func between(low, high time.Duration) time.Duration {
	return low + rand.N(high-low)
}

func pick[T any](of ...T) T { return of[rand.N(len(of))] }
