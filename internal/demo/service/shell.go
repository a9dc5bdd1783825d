package service

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// builtins of the demo's shell: there is no other program in the image. It is
// no variable, because every monitor of a container would initialise it.
func builtins() map[string]func(out io.Writer, args []string) {
	return map[string]func(out io.Writer, args []string){
		"cat": builtinCat, "cd": builtinCd, "ls": builtinLs, "ps": builtinPs,
		"echo": func(out io.Writer, args []string) { fmt.Fprintln(out, strings.Join(args, " ")) },
		"env":  func(out io.Writer, _ []string) { fmt.Fprintln(out, strings.Join(os.Environ(), "\n")) },
		"pwd": func(out io.Writer, _ []string) {
			dir, _ := os.Getwd()
			fmt.Fprintln(out, dir)
		},
		"hostname": func(out io.Writer, _ []string) {
			name, _ := os.Hostname()
			fmt.Fprintln(out, name)
		},
	}
}

// shell is enough of one to look around: the image of the demo holds gantry
// and nothing else. What stands behind -c is not read; a workbench only uses
// it to look for a better shell.
func shell(in io.Reader, out io.Writer) int {
	fmt.Fprintln(out, "This image holds gantry and nothing else; so this is gantry's own small shell.")
	help(out)
	lines := bufio.NewScanner(in)
	for prompt(out); lines.Scan(); prompt(out) {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		if words[0] == "exit" {
			code := 0
			if len(words) > 1 {
				code, _ = strconv.Atoi(words[1])
			}
			return code
		}
		if run := builtins()[words[0]]; run != nil {
			run(out, words[1:])
			continue
		}
		if words[0] != "help" {
			fmt.Fprintf(out, "%s: not found\n", words[0])
		}
		help(out)
	}
	fmt.Fprintln(out)
	return 0
}

func prompt(out io.Writer) {
	dir, _ := os.Getwd()
	fmt.Fprintf(out, "%s $ ", dir)
}

func help(out io.Writer) {
	names := []string{"exit", "help"}
	for name := range builtins() {
		names = append(names, name)
	}
	slices.Sort(names)
	fmt.Fprintln(out, "It knows:", strings.Join(names, " "))
}

func builtinCat(out io.Writer, args []string) {
	for _, name := range args {
		f, err := os.Open(name)
		if err != nil {
			fmt.Fprintln(out, err)
			continue
		}
		_, _ = io.Copy(out, io.LimitReader(f, 1<<20))
		_ = f.Close()
	}
}

func builtinCd(out io.Writer, args []string) {
	to := "/"
	if len(args) > 0 {
		to = args[0]
	}
	if err := os.Chdir(to); err != nil {
		fmt.Fprintln(out, err)
	}
}

func builtinLs(out io.Writer, args []string) {
	dir := "."
	if n := len(args); n > 0 && !strings.HasPrefix(args[n-1], "-") {
		dir = args[n-1]
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		fmt.Fprintln(out, err)
	}
	for _, e := range entries {
		if fi, err := e.Info(); err == nil {
			fmt.Fprintf(out, "%s %9d %s\n", fi.Mode(), fi.Size(), e.Name())
		}
	}
}

func builtinPs(out io.Writer, _ []string) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		if line, err := os.ReadFile(path.Join("/proc", e.Name(), "cmdline")); err == nil {
			fmt.Fprintf(out, "%6s %s\n", e.Name(), strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " ")))
		}
	}
}
