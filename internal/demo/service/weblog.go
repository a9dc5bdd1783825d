package service

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// webLog writes what web has to say, as JSON or for eyes with colours. Errors
// go to stderr.
type webLog struct{ json bool }

// stamp is how times are written in JSON; they stand behind what matters.
const stamp = "2006-01-02T15:04:05.000Z"

func (w webLog) answer(t time.Time, method, path string, status int, took time.Duration) {
	level := "info"
	switch {
	case status >= 500:
		level = "error"
	case status >= 400 || took > 500*time.Millisecond:
		level = "warn"
	}
	if w.json {
		fmt.Printf(`{"level":%q,"msg":"request","method":%q,"path":%q,"status":%d,"ms":%d,"time":%q}`+"\n",
			level, method, path, status, took.Milliseconds(), t.UTC().Format(stamp))
		return
	}
	colour := map[string]string{"info": "32", "warn": "33", "error": "31"}[level]
	fmt.Printf("\x1b[2m%s\x1b[0m \x1b[%sm%-5s\x1b[0m %s \x1b[1m%s\x1b[0m \x1b[36m%d\x1b[0m %s\n",
		t.UTC().Format("15:04:05.000"), colour, strings.ToUpper(level), method, path, status, took.Round(time.Millisecond))
}

// timeout is an error with its stack.
func (w webLog) timeout(t time.Time) {
	order := orderAt(t)
	stack := []string{
		"shop.example/pay.(*Client).Charge(0xc000112000, {0x1f4, " + strconv.Itoa(order) + "})", "\t/src/pay/client.go:88 +0x1c5",
		"shop.example/cart.(*Cart).Checkout(0xc0000b6180)", "\t/src/cart/cart.go:41 +0x9f",
		"shop.example/web.checkout({0x7b2f40, 0xc0001a4000})", "\t/src/web/handlers.go:117 +0x233",
	}
	if w.json {
		fmt.Fprintf(os.Stderr, `{"level":"error","msg":"store does not answer","order":%d,"error":"context deadline exceeded","time":%q,"stack":%q}`+"\n",
			order, t.UTC().Format(stamp), strings.Join(stack, "\n"))
		return
	}
	fmt.Fprintf(os.Stderr, "\x1b[2m%s\x1b[0m \x1b[1;31mERROR\x1b[0m store does not answer order=%d: context deadline exceeded\n%s\n",
		t.UTC().Format("15:04:05.000"), order, strings.Join(stack, "\n"))
}

// event is a message with pairs of names and values.
func (w webLog) event(level, msg string, pairs ...string) {
	t := time.Now().UTC()
	out := os.Stdout
	if level == "error" {
		out = os.Stderr
	}
	var b strings.Builder
	if w.json {
		fmt.Fprintf(&b, `{"level":%q,"msg":%q`, level, msg)
		for i := 0; i+1 < len(pairs); i += 2 {
			fmt.Fprintf(&b, ",%q:%q", pairs[i], pairs[i+1])
		}
		fmt.Fprintf(&b, `,"time":%q}`, t.Format(stamp))
	} else {
		fmt.Fprintf(&b, "\x1b[2m%s\x1b[0m \x1b[35m%-5s\x1b[0m %s", t.Format("15:04:05.000"), strings.ToUpper(level), msg)
		for i := 0; i+1 < len(pairs); i += 2 {
			fmt.Fprintf(&b, " \x1b[2m%s=\x1b[0m%s", pairs[i], pairs[i+1])
		}
	}
	fmt.Fprintln(out, b.String())
}
