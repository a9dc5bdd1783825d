package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"strconv"
	"strings"

	"gantry/images"
)

// changes are the instructions that may alter an image's configuration without
// a build. Each takes what stands behind its word.
var changes = map[string]func(c *images.Config, args string) error{
	"CMD":         func(c *images.Config, a string) error { c.Cmd = command(a); return nil },
	"ENTRYPOINT":  func(c *images.Config, a string) error { c.Entrypoint = command(a); return nil },
	"ENV":         changeEnv,
	"EXPOSE":      changeExpose,
	"HEALTHCHECK": changeHealth,
	"LABEL":       changeLabel,
	"ONBUILD":     func(c *images.Config, a string) error { c.OnBuild = append(c.OnBuild, a); return nil },
	"STOPSIGNAL":  func(c *images.Config, a string) error { c.StopSignal = a; return nil },
	"USER":        func(c *images.Config, a string) error { c.User = a; return nil },
	"VOLUME":      changeVolume,
	"WORKDIR":     changeWorkdir,
}

// Change applies one Dockerfile instruction, such as `CMD ["/bin/sh"]` or
// `ENV A=1 B="two words"`, to a configuration. Variables are not expanded.
func Change(c *images.Config, line string) error {
	word, args, _ := strings.Cut(strings.TrimSpace(line), " ")
	args = strings.TrimSpace(args)
	apply := changes[strings.ToUpper(word)]
	switch {
	case apply == nil:
		return fmt.Errorf("change %q: %q is not one of CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR", line, word)
	case args == "":
		return fmt.Errorf("change %q: it has no argument", line)
	}
	if err := apply(c, args); err != nil {
		return fmt.Errorf("change %q: %w", line, err)
	}
	return nil
}

// command reads the exec form, a JSON array, or takes the text for the shell.
// As in a Dockerfile, what is not quite JSON is text.
func command(args string) []string {
	var list []string
	if strings.HasPrefix(args, "[") && json.Unmarshal([]byte(args), &list) == nil {
		return list
	}
	return []string{"/bin/sh", "-c", args}
}

func changeEnv(c *images.Config, args string) error {
	pairs, err := keyValues(args)
	if err != nil {
		return err
	}
	for _, kv := range pairs {
		c.Env = setEnv(c.Env, kv[0], kv[1])
	}
	return nil
}

func setEnv(env []string, name, value string) []string {
	for i, e := range env {
		if n, _, _ := strings.Cut(e, "="); n == name {
			env[i] = name + "=" + value
			return env
		}
	}
	return append(env, name+"="+value)
}

func changeLabel(c *images.Config, args string) error {
	pairs, err := keyValues(args)
	if err != nil {
		return err
	}
	labels := maps.Clone(c.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	for _, kv := range pairs {
		labels[kv[0]] = kv[1]
	}
	c.Labels = labels
	return nil
}

// keyValues reads `k=v k2="v 2"` and the old `k the rest`.
func keyValues(args string) ([][2]string, error) {
	words, err := split(args)
	if err != nil {
		return nil, err
	}
	if len(words) > 0 && !strings.Contains(words[0], "=") {
		name, value, ok := strings.Cut(args, " ")
		if !ok {
			return nil, fmt.Errorf("%q has no value; want name=value", name)
		}
		return [][2]string{{name, strings.TrimSpace(value)}}, nil
	}
	var out [][2]string
	for _, w := range words {
		name, value, ok := strings.Cut(w, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q is not name=value", w)
		}
		out = append(out, [2]string{name, value})
	}
	return out, nil
}

// split cuts text at white space outside of quotes and takes the quotes off. A
// backslash takes the next character as it is, except in single quotes.
func split(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	started, quote := false, byte(0)
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case b == '\\' && quote != '\'' && i+1 < len(text):
			i++
			word.WriteByte(text[i])
			started = true
		case quote != 0 && b == quote:
			quote = 0
		case quote == 0 && (b == '"' || b == '\''):
			quote, started = b, true
		case quote == 0 && (b == ' ' || b == '\t'):
			if started {
				words = append(words, word.String())
			}
			word.Reset()
			started = false
		default:
			word.WriteByte(b)
			started = true
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	if started {
		words = append(words, word.String())
	}
	return words, nil
}

func changeExpose(c *images.Config, args string) error {
	ports := maps.Clone(c.ExposedPorts)
	if ports == nil {
		ports = map[string]struct{}{}
	}
	for _, w := range strings.Fields(args) {
		span, proto, ok := strings.Cut(w, "/")
		if !ok {
			proto = "tcp"
		}
		proto = strings.ToLower(proto)
		first, last, err := portRange(span)
		if err != nil || proto != "tcp" && proto != "udp" && proto != "sctp" {
			return fmt.Errorf("%q is not a port such as 80, 53/udp or 8000-8010/tcp", w)
		}
		for p := first; p <= last; p++ {
			ports[strconv.Itoa(p)+"/"+proto] = struct{}{}
		}
	}
	c.ExposedPorts = ports
	return nil
}

func portRange(s string) (first, last int, err error) {
	a, b, ok := strings.Cut(s, "-")
	if !ok {
		b = a
	}
	lo, err1 := strconv.ParseUint(a, 10, 16)
	hi, err2 := strconv.ParseUint(b, 10, 16)
	if err := errors.Join(err1, err2); err != nil {
		return 0, 0, err
	}
	if lo == 0 || hi < lo {
		return 0, 0, errors.New("bad range")
	}
	return int(lo), int(hi), nil
}

func changeVolume(c *images.Config, args string) error {
	var list []string
	if !strings.HasPrefix(args, "[") || json.Unmarshal([]byte(args), &list) != nil {
		var err error
		if list, err = split(args); err != nil {
			return err
		}
	}
	volumes := maps.Clone(c.Volumes)
	if volumes == nil {
		volumes = map[string]struct{}{}
	}
	for _, v := range list {
		if v == "" {
			return errors.New("a volume needs a path")
		}
		volumes[v] = struct{}{}
	}
	c.Volumes = volumes
	return nil
}

// changeWorkdir joins, as a chain of WORKDIR lines does.
func changeWorkdir(c *images.Config, args string) error {
	if !path.IsAbs(args) {
		args = path.Join("/", c.WorkingDir, args)
	}
	c.WorkingDir = path.Clean(args)
	return nil
}
