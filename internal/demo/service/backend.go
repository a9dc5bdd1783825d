package service

import (
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

// runQueue works on jobs and tells of it in logfmt.
func runQueue() int {
	say := func(level, format string, args ...any) {
		fmt.Printf("ts=%s level=%s %s\n", time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), level, fmt.Sprintf(format, args...))
	}
	say("info", `msg="queue is open" queues=mail,charge,resize consumers=3`)
	s := untilStopped(
		func() { say("info", `msg="configuration read again"`) },
		func() { burn(queueShare) },
		func() {
			every(func() time.Duration { return between(300*time.Millisecond, 1600*time.Millisecond) }, func() { queueJob(say, time.Now()) })
		},
		func() {
			breathe(3*time.Second, func(t time.Time) int { return int(wave(t, 20*time.Second, 4, 18)) << 20 })
		},
	)
	say("warn", `msg="queue is closed" signal=%q waiting=%d`, s, rand.N(4))
	return 0
}

func queueJob(say func(string, string, ...any), t time.Time) {
	job, took := 40000+t.Unix()%10000, between(8*time.Millisecond, 120*time.Millisecond).Round(time.Millisecond)
	switch {
	case timingOut(t) && rand.N(2) == 0:
		say("error", `msg="charge failed" queue=charge job=%d order=%d attempt=%d retry_in=4s error="store does not answer"`, job, orderAt(t.Add(-3*time.Second)), 1+rand.N(3))
	case slow(t) && rand.N(2) == 0:
		say("warn", `msg="queue grows" queue=charge waiting=%d oldest=%s`, 12+rand.N(40), between(time.Second, 6*time.Second).Round(100*time.Millisecond))
	case rand.N(3) == 0:
		say("info", `msg="charged" queue=charge job=%d order=%d amount=%d.%02d took=%s`, job, orderAt(t.Add(-3*time.Second)), 5+rand.N(90), rand.N(100), took)
	case rand.N(5) == 0:
		say("debug", `msg="heartbeat" consumers=3 waiting=%d`, rand.N(5))
	default:
		say("info", `msg="done" queue=%s job=%d took=%s`, pick("mail", "resize", "mail"), job, took)
	}
}

// storeFile is where the store writes: a directory of the image that its user
// owns.
const storeFile = "/data/journal"

// runStore keeps things in memory and writes a journal; it logs to stderr, as
// databases do.
func runStore() int {
	say := func(level, format string, args ...any) {
		fmt.Fprintf(os.Stderr, "%s [%d] %-8s %s\n", time.Now().UTC().Format("2006-01-02 15:04:05.000 UTC"), os.Getpid(), level+":", fmt.Sprintf(format, args...))
	}
	say("LOG", "store is ready to accept connections")
	s := untilStopped(
		func() { say("LOG", "received SIGHUP, reloading configuration files") },
		func() { burn(storeShare) },
		func() { // a cache that fills up and is thrown away
			breathe(1500*time.Millisecond, func(t time.Time) int { return (8 + int(t.Unix()%40)) << 20 })
		},
		func() { storeJournal(say) },
		func() {
			every(func() time.Duration { return between(800*time.Millisecond, 3*time.Second) }, func() { storeLine(say, time.Now()) })
		},
	)
	say("LOG", "received %s, shutting down; database system is shut down", s)
	return 0
}

func storeLine(say func(string, string, ...any), t time.Time) {
	switch {
	case slow(t):
		say("WARNING", "slow query (%d ms): SELECT * FROM orders WHERE id = %d FOR UPDATE", 400+rand.N(800), orderAt(t))
	case rand.N(4) == 0:
		say("LOG", "checkpoint complete: wrote %d buffers (%d.%d%%); sync=0.0%02d s", 20+rand.N(400), rand.N(9), rand.N(10), rand.N(90))
	case rand.N(9) == 0:
		say("ERROR", "duplicate key value violates unique constraint \"carts_pkey\"\n%36sDETAIL:  Key (id)=(%d) already exists.", "", orderAt(t))
	default:
		say("LOG", "%s: %d rows in %d.%d ms", pick("SELECT orders", "UPDATE carts", "SELECT products", "INSERT orders"), 1+rand.N(400), rand.N(30), rand.N(10))
	}
}

// storeJournal writes to the disk, waits until it is there, reads some of it
// back and begins again at 2 MB: the charts of the disk move, and it fills
// none.
func storeJournal(say func(string, string, ...any)) {
	const most = 2 << 20
	f, err := os.OpenFile(storeFile, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		say("ERROR", "could not open the journal: %v", err)
		return
	}
	at, block := int64(0), make([]byte, 64<<10)
	every(func() time.Duration { return time.Second }, func() {
		n := 1 + int(wave(time.Now(), 29*time.Second, 0, 4))
		for range n {
			if _, err := f.WriteAt(block, at); err != nil {
				say("ERROR", "could not write the journal: %v", err)
				return
			}
			at = (at + int64(len(block))) % most
		}
		_ = f.Sync()
	})
}

// runMigrate fails: every app has one of those.
func runMigrate() int {
	for i, step := range []string{"create table carts", "create table orders", "create index orders_by_customer"} {
		fmt.Printf("migrate: %04d %s ... ok\n", i+1, step)
		time.Sleep(150 * time.Millisecond)
	}
	fmt.Print("migrate: 0004 add column orders.currency ... ")
	time.Sleep(300 * time.Millisecond)
	fmt.Println("FAILED")
	time.Sleep(50 * time.Millisecond) // two streams: whoever reads both sees this first
	fmt.Fprint(os.Stderr, `Traceback (most recent call last):
  File "/app/migrate.py", line 42, in <module>
    main(sys.argv[1:])
  File "/app/migrate.py", line 31, in main
    run(step, connection)
  File "/app/steps.py", line 118, in run
    cursor.execute(step.sql)
store.errors.DuplicateColumn: column "currency" of relation "orders" already exists

migrate: stopped at step 4 of 6; nothing after it was applied
`)
	return 1
}
