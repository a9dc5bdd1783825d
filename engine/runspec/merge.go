package runspec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gantry/engine"
	"gantry/images"
)

// defaultPath is what docker gives an image that sets no PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Merge lays a user's configuration over the image's, with docker's rules: an
// entrypoint of the user's drops the image's command, the environment is merged
// by name, labels and volumes are united. resetEntrypoint says that an empty
// entrypoint is meant.
func Merge(user engine.ContainerConfig, img images.Config, resetEntrypoint bool) (engine.ContainerConfig, error) {
	c := user
	switch {
	case len(user.Entrypoint) > 0 || resetEntrypoint:
	case len(user.Cmd) == 0:
		c.Entrypoint, c.Cmd = img.Entrypoint, img.Cmd
	default:
		c.Entrypoint = img.Entrypoint
	}
	if len(c.Entrypoint)+len(c.Cmd) == 0 {
		return c, fmt.Errorf("%w: no command: the image has none, so give one after its name", engine.ErrInvalid)
	}
	env, err := mergeEnv(img.Env, user.Env)
	if err != nil {
		return c, err
	}
	c.Env = env
	if c.User == "" {
		c.User = img.User
	}
	if c.WorkingDir == "" {
		c.WorkingDir = img.WorkingDir
	}
	if c.StopSignal == "" {
		c.StopSignal = img.StopSignal
	}
	if c.StopTimeout == nil {
		c.StopTimeout = img.StopTimeout
	}
	c.Healthcheck = mergeHealth(user.Healthcheck, img.Healthcheck)
	if err := checkHealth(c.Healthcheck); err != nil {
		return c, err
	}
	if len(c.Shell) == 0 {
		c.Shell = img.Shell
	}
	c.Labels = united(img.Labels, user.Labels)
	if err := checkLabels(c.Labels, img.Labels); err != nil {
		return c, err
	}
	c.Volumes = united(img.Volumes, user.Volumes)
	c.ExposedPorts = united(img.ExposedPorts, user.ExposedPorts)
	return c, nil
}

// checkLabels wants labels that an event can carry.
func checkLabels(all, image map[string]string) error {
	size, err := encodedSize(all)
	if err != nil || size <= engine.MaxLabels {
		return err
	}
	from := ""
	if n, err := encodedSize(image); err == nil && len(image) > 0 {
		from = fmt.Sprintf(" (%d of them are the image's)", n)
	}
	return fmt.Errorf("%w labels: %d bytes as JSON%s, and no more than %d fit into the events of a container", engine.ErrInvalid, size, from, engine.MaxLabels)
}

// encodedSize is what labels take in an event, where some characters take more
// than a byte.
func encodedSize(labels map[string]string) (int, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(labels); err != nil {
		return 0, err
	}
	return b.Len() - len("\n"), nil
}

func united[V any](below, above map[string]V) map[string]V {
	if len(below)+len(above) == 0 {
		return nil
	}
	out := make(map[string]V, len(below)+len(above))
	maps.Copy(out, below)
	maps.Copy(out, above)
	return out
}

// mergeEnv lays the user's variables over the image's. An entry of an image
// without "=" would mean "take the host's" to some engines (CVE-2026-57231):
// it is refused.
func mergeEnv(image, user []string) ([]string, error) {
	out := make([]string, 0, len(image)+len(user)+1)
	add := func(kv string) {
		name, _, _ := strings.Cut(kv, "=")
		for i, have := range out {
			if strings.HasPrefix(have, name+"=") {
				out[i] = kv
				return
			}
		}
		out = append(out, kv)
	}
	for _, kv := range image {
		if name, _, ok := strings.Cut(kv, "="); !ok || name == "" {
			return nil, fmt.Errorf("%w: the image's environment has the entry %q, which is no NAME=value", engine.ErrInvalid, kv)
		}
		add(kv)
	}
	for _, kv := range user {
		name, _, ok := strings.Cut(kv, "=")
		switch {
		case name == "":
			return nil, fmt.Errorf("%w environment variable %q: it has no name", engine.ErrInvalid, kv)
		case !ok: // NAME alone takes a variable away
			out = slices.DeleteFunc(out, func(have string) bool { return strings.HasPrefix(have, name+"=") })
		default:
			add(kv)
		}
	}
	if strings.ContainsRune(strings.Join(out, ""), 0) {
		return nil, fmt.Errorf("%w: an environment variable holds a NUL byte", engine.ErrInvalid)
	}
	return out, nil
}

// processEnv is the environment of the program: docker's additions below what
// the image and the user say. HOME is added by the runtime, which knows the
// user.
func processEnv(c engine.ContainerConfig) []string {
	has := func(name string) bool {
		return slices.ContainsFunc(c.Env, func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
	}
	var out []string
	if !has("PATH") {
		out = append(out, "PATH="+defaultPath)
	}
	if !has("HOSTNAME") && c.Hostname != "" {
		out = append(out, "HOSTNAME="+c.Hostname)
	}
	if c.Tty && !has("TERM") {
		out = append(out, "TERM=xterm")
	}
	return append(out, c.Env...)
}
