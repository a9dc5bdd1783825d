package fake

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

func builtins() map[string]Program {
	return map[string]Program{
		"true":  func(context.Context, *Process) int { return 0 },
		"false": func(context.Context, *Process) int { return 1 },
		"echo": func(_ context.Context, p *Process) int {
			fmt.Fprintln(p.Stdout, strings.Join(p.Args[1:], " "))
			return 0
		},
		"cat": func(_ context.Context, p *Process) int {
			io.Copy(p.Stdout, p.Stdin)
			return 0
		},
		"sleep": func(ctx context.Context, p *Process) int { return sleepFor(ctx, p, nil) },
		"env": func(_ context.Context, p *Process) int {
			for _, v := range p.Env {
				fmt.Fprintln(p.Stdout, v)
			}
			return 0
		},
		"pwd": func(_ context.Context, p *Process) int {
			fmt.Fprintln(p.Stdout, p.Dir)
			return 0
		},
		"sh": func(ctx context.Context, p *Process) int { return (&shell{p: p, traps: map[string]int{}}).run(ctx) },
	}
}

// sleepFor is sleep(1). Without traps no signal ends it, as for a process 1.
func sleepFor(ctx context.Context, p *Process, traps map[string]int) int {
	d := time.Duration(1<<63 - 1)
	if s, err := strconv.ParseFloat(p.Args[1], 64); err == nil && s < 1e9 {
		d = time.Duration(s * float64(time.Second))
	}
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			return 0
		case <-ctx.Done():
			return 137
		case s := <-p.Signals():
			if code, ok := traps[s]; ok {
				return code
			}
		}
	}
}

// shell runs the one-line scripts of tests: commands with ";" between them,
// single quotes, ">&2" on echo, exit, "trap 'exit N' SIGNAL", and "sleep N &
// wait", which a trap interrupts. Without a script it reads lines from
// standard input.
type shell struct {
	p     *Process
	traps map[string]int // signal -> exit code
	last  int            // exit code of the last command
}

func (sh *shell) run(ctx context.Context) int {
	if len(sh.p.Args) < 3 || sh.p.Args[1] != "-c" {
		return sh.interactive(ctx)
	}
	if code, ended := sh.script(ctx, sh.p.Args[2]); ended {
		return code
	}
	return sh.last
}

func (sh *shell) interactive(ctx context.Context) int {
	var line []byte
	b := make([]byte, 1)
	for {
		n, err := sh.p.Stdin.Read(b)
		if n == 0 || err != nil {
			return sh.last
		}
		if b[0] != '\n' && b[0] != '\r' {
			line = append(line, b[0])
			continue
		}
		if code, ended := sh.script(ctx, string(line)); ended {
			return code
		}
		line = line[:0]
	}
}

func (sh *shell) script(ctx context.Context, text string) (code int, ended bool) {
	for _, stmt := range splitQuoted(text, ';') {
		stmt = strings.TrimSpace(stmt)
		if stmt == "" {
			continue
		}
		if ctx.Err() != nil {
			return 137, true
		}
		if code, ended := sh.statement(ctx, stmt); ended {
			return code, true
		}
	}
	return sh.last, false
}

func (sh *shell) statement(ctx context.Context, stmt string) (code int, ended bool) {
	p := *sh.p
	var traps map[string]int
	if s, ok := strings.CutSuffix(stmt, "& wait"); ok {
		stmt, traps = s, sh.traps
	}
	if s, ok := strings.CutSuffix(stmt, ">&2"); ok {
		stmt, p.Stdout = s, p.Stderr
	}
	p.Args = words(stmt)
	switch p.Args[0] {
	case "exit":
		return number(p.Args, 1, sh.last), true
	case "trap":
		if exit := strings.Fields(p.Args[1]); len(exit) == 2 && len(p.Args) == 3 {
			if name, err := signalName(p.Args[2]); err == nil {
				sh.traps[name] = number(exit, 1, 0)
			}
		}
		return 0, false
	case "sleep":
		sh.last = sleepFor(ctx, &p, traps)
		return sh.last, traps != nil && sh.last != 0
	}
	if run, ok := builtins()[p.Args[0]]; ok {
		sh.last = run(ctx, &p)
		return 0, false
	}
	fmt.Fprintf(p.Stderr, "sh: %s: not found\n", p.Args[0])
	sh.last = 127
	return 0, false
}

func number(args []string, i, otherwise int) int {
	if i < len(args) {
		if n, err := strconv.Atoi(args[i]); err == nil {
			return n
		}
	}
	return otherwise
}

// splitQuoted splits at sep outside of single and double quotes.
func splitQuoted(s string, sep byte) []string {
	var parts []string
	start, quote := 0, byte(0)
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == sep:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

// words splits at blanks and takes quotes off.
func words(s string) []string {
	var out []string
	for _, w := range splitQuoted(strings.TrimSpace(s), ' ') {
		if w != "" {
			out = append(out, strings.Trim(w, `'"`))
		}
	}
	return out
}
