package cli

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// readKVFile reads "KEY=VALUE" lines of --env-file and --label-file, docker's
// rules: empty lines and lines with # are skipped, values are taken as they
// are, quotes included. bare decides what becomes of a KEY without a value.
func readKVFile(path string, bare func(key string) (line string, keep bool)) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read key-value file: %w", err)
	}
	defer f.Close()
	var out []string
	in := bufio.NewScanner(f)
	for n := 1; in.Scan(); n++ {
		line := in.Text()
		if n == 1 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		if !utf8.ValidString(line) {
			return nil, fmt.Errorf("read %s: line %d is not UTF-8", path, n)
		}
		line = strings.TrimLeftFunc(line, unicode.IsSpace)
		if line == "" || line[0] == '#' {
			continue
		}
		key, _, hasValue := strings.Cut(line, "=")
		switch {
		case key == "":
			return nil, fmt.Errorf("read %s: line %d has no name before the =", path, n)
		case strings.ContainsAny(key, " \t"):
			return nil, fmt.Errorf("read %s: line %d: the name %q holds a blank", path, n, key)
		}
		if !hasValue {
			var keep bool
			if line, keep = bare(key); !keep {
				continue
			}
		}
		out = append(out, line)
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return out, nil
}

// environment joins --env-file and --env. A name without a value takes that of
// the caller's environment; where that has none, the bare name stays: it takes
// the variable of the image away.
func (a *app) environment(files, vars []string) ([]string, error) {
	var env []string
	for _, path := range files {
		lines, err := readKVFile(path, func(key string) (string, bool) {
			v, ok := a.lookupEnv(key)
			return key + "=" + v, ok
		})
		if err != nil {
			return nil, err
		}
		env = append(env, lines...)
	}
	for _, v := range vars {
		key, _, hasValue := strings.Cut(v, "=")
		if key == "" {
			return nil, fmt.Errorf("environment variable %q has no name", v)
		}
		if value, ok := a.lookupEnv(key); ok && !hasValue {
			v = key + "=" + value
		}
		env = append(env, v)
	}
	return env, nil
}

// labelMap joins --label-file and --label; a label without a value is empty.
func labelMap(files, given []string) (map[string]string, error) {
	var lines []string
	for _, path := range files {
		more, err := readKVFile(path, func(key string) (string, bool) { return key, true })
		if err != nil {
			return nil, err
		}
		lines = append(lines, more...)
	}
	m := map[string]string{}
	for _, line := range append(lines, given...) {
		key, value, _ := strings.Cut(line, "=")
		if key == "" {
			return nil, fmt.Errorf("label %q has no name", line)
		}
		m[key] = value
	}
	return m, nil
}
