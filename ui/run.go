package ui

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/images"
	"gantry/internal/portspec"
	"gantry/ui/dialogs"
)

const (
	runStarts  = "start it"
	runCreates = "only create it"
)

// askRun opens the form of a new container, for the image under the cursor.
func (m *Model) askRun() tea.Cmd { return m.askRunOf(m.likelyImage()) }

// likelyImage is the one under the cursor.
func (m *Model) likelyImage() string {
	if img, ok := m.image(); ok && len(img.Tags) > 0 {
		return img.Tags[0]
	}
	return ""
}

// askRunOf opens the form for an image, with what it shall mount.
func (m *Model) askRunOf(image string, mounts ...string) tea.Cmd {
	f := dialogs.Form{
		Name: "Run a new container", Yes: "run", Fields: m.runFields(image, mounts), Preview: m.runCommand,
		Note: func(v dialogs.Values) string {
			if _, ok := m.imageByName(v.Text("image")); !ok && v.Text("image") != "" {
				return "The image is not in the store: it is pulled first."
			}
			if n := v.Text("network"); len(v.List("ports")) > 0 && (n == engine.NetworkNone || n == engine.NetworkHost) {
				return "On the network " + n + " no port is published."
			}
			return ""
		},
		Check:  func(v dialogs.Values) string { _, err := runOptions(v); return errText(err) },
		Follow: m.followImage,
		Tag: formTag(func(v dialogs.Values) tea.Cmd {
			opts, err := runOptions(v)
			if err != nil {
				return m.fail(err)
			}
			return m.run(opts, v.Text("then") != runCreates, m.runCommand(v))
		}),
	}
	return m.openForm(f)
}

// runFields are what the engine can honour, most used first.
func (m *Model) runFields(image string, mounts []string) []dialogs.Field {
	fields := []dialogs.Field{
		{Key: "image", Label: "image", Value: image, Hint: "alpine, registry.example/team/app:1.0", Complete: prefixed(func() []string { return m.imageNames(nil) }), Check: checked(images.ParseRef)},
		{Key: "name", Label: "name", Hint: "drawn when empty", Check: m.checkNewName},
		{Key: "command", Label: "command", Hint: "the image's own", Check: checked(split)},
		{Key: "env", Label: "env", Kind: dialogs.Rows, Hint: "NAME=value, a row each", Check: checkEnv},
		{Key: "mounts", Label: "mounts", Kind: dialogs.Rows, List: mounts, Hint: "/on/the/host:/inside[:ro], or VOLUME:/inside", Check: checked(mount), Lookup: m.lookMounts},
		{Key: "network", Label: "network", Kind: dialogs.Choice, Options: m.networkChoices(), Value: m.defaultNetwork()},
		{Key: "ports", Label: "ports", Kind: dialogs.Rows, Hint: "8080:80, 53:53/udp, ADDRESS:8080:80", Check: checkPorts},
		{Key: "restart", Label: "restart", Kind: dialogs.Choice, Options: engine.RestartPolicies, Value: engine.RestartNo},
		{Key: "tty", Label: "terminal", Kind: dialogs.Toggle, About: "give it one, and keep its input open"},
		{Key: "rm", Label: "remove", Kind: dialogs.Toggle, About: "when it has ended"},
		{Key: "memory", Label: "memory", Hint: "no limit; 256m, 2g", Check: checked(size)},
		{Key: "cpus", Label: "cpus", Hint: "no limit; 1.5", Check: checked(cpus)},
		{Key: "pids", Label: "pids", Hint: "no limit; 100 processes", Check: checked(pids)},
		{Key: "entrypoint", Label: "entrypoint", Hint: "the image's own"},
		{Key: "user", Label: "user", Hint: "the image's own; NAME or UID:GID"},
		{Key: "workdir", Label: "directory", Hint: "the image's own", Check: checkDir},
	}
	fields = append(fields, healthFields()...)
	return append(fields, dialogs.Field{Key: "then", Label: "then", Kind: dialogs.Choice, Options: []string{runStarts, runCreates}, Value: runStarts})
}

// followImage fills in what holds when a field is left empty, from the
// configuration of the image.
func (m *Model) followImage(v dialogs.Values) (string, func() func(*dialogs.Form)) {
	name := v.Text("image")
	if _, ok := m.imageByName(name); !ok {
		return "", func() func(*dialogs.Form) { return func(f *dialogs.Form) { hintImage(f, &images.Config{}) } }
	}
	ctx, eng := m.ctx, m.eng
	return name, func() func(*dialogs.Form) {
		d, err := eng.Images().Inspect(ctx, name)
		return func(f *dialogs.Form) {
			if err == nil && d.Config != nil {
				hintImage(f, d.Config)
			}
		}
	}
}

func hintImage(f *dialogs.Form, c *images.Config) {
	set := func(key, value, none string) {
		field := f.Field(key)
		field.Take, field.Hint = value, value
		if value == "" {
			field.Hint = none
		}
	}
	set("command", safeText(quoteAll(c.Cmd)), "the image has none")
	set("entrypoint", safeText(quoteAll(c.Entrypoint)), "the image has none")
	set("user", safeText(c.User), "root")
	set("workdir", safeText(c.WorkingDir), "/")
	var names []string
	for _, e := range c.Env {
		name, _, _ := strings.Cut(e, "=")
		names = append(names, name)
	}
	if len(names) > 0 {
		f.Field("env").Hint = "besides " + safeText(strings.Join(names, ", "))
	}
}

// prefixed completes from a list that is read anew each time.
func prefixed(all func() []string) func(string) []string {
	return func(typed string) []string {
		var out []string
		for _, s := range all() {
			if typed != "" && s != typed && strings.HasPrefix(s, typed) {
				out = append(out, s)
			}
		}
		return out
	}
}

func (m *Model) checkNewName(s string) string {
	if s == "" {
		return ""
	}
	if slices.ContainsFunc(m.state.Containers, func(c engine.ContainerSummary) bool { return c.Name == s }) {
		return fmt.Sprintf("%s is the name of another container", s)
	}
	return errText(engine.CheckName(s))
}

func checkEnv(s string) string {
	if i := strings.IndexByte(s, '='); i <= 0 {
		return fmt.Sprintf("%q: want NAME=value", s)
	}
	return ""
}

func checkDir(s string) string {
	if s != "" && !strings.HasPrefix(s, "/") {
		return fmt.Sprintf("%q: want an absolute path in the container", s)
	}
	return ""
}

// mount reads "/on/the/host:/inside[:ro]" and "VOLUME:/inside[:ro]".
func mount(s string) (engine.Mount, error) {
	parts := strings.Split(s, ":")
	if len(parts) < 2 || len(parts) > 3 || !path.IsAbs(parts[1]) || path.Clean(parts[1]) == "/" {
		return engine.Mount{}, fmt.Errorf("%w mount %q: want /on/the/host:/inside or VOLUME:/inside, and :ro to protect it", engine.ErrInvalid, s)
	}
	mnt := engine.Mount{Type: "bind", Source: parts[0], Target: path.Clean(parts[1])}
	switch {
	case path.IsAbs(mnt.Source):
		mnt.BindOptions = &engine.BindOptions{CreateMountpoint: true}
	case engine.CheckName(mnt.Source) == nil:
		mnt.Type = "volume"
	default:
		return mnt, fmt.Errorf("%w mount %q: %q is neither an absolute path nor the name of a volume", engine.ErrInvalid, s, mnt.Source)
	}
	if len(parts) == 3 {
		if parts[2] != "ro" && parts[2] != "rw" {
			return mnt, fmt.Errorf("%w mount %q: the end can be :ro or :rw", engine.ErrInvalid, s)
		}
		mnt.ReadOnly = parts[2] == "ro"
	}
	return mnt, nil
}

// lookMounts completes what can be mounted: a path of this machine, or a volume.
func (m *Model) lookMounts(typed string) []string {
	if typed == "" || strings.ContainsAny(typed, "/:~") {
		return lookPaths(typed)
	}
	list, err := m.eng.Volumes().List(m.ctx, engine.VolumeListOptions{})
	if err != nil {
		return nil
	}
	var out []string
	for _, v := range list.Items {
		if strings.HasPrefix(v.Name, typed) && !v.Anonymous() {
			out = append(out, v.Name+":")
		}
	}
	return out
}

func (m *Model) runCommand(v dialogs.Values) string { return runCommand(v, m.defaultNetwork()) }

// runCommand is the command line that does the same as the form; usual is the
// network of a container that names none.
func runCommand(v dialogs.Values, usual string) string {
	words := []string{"gantry run -d"}
	if v.Text("then") == runCreates {
		words[0] = "gantry create"
	}
	add := func(flag string, values ...string) {
		for _, s := range values {
			if s != "" {
				words = append(words, flag+" "+quote(s))
			}
		}
	}
	on := func(key, flag string) {
		if v.On(key) {
			words = append(words, flag)
		}
	}
	on("tty", "-it")
	on("rm", "--rm")
	add("--name", v.Text("name"))
	add("-e", v.List("env")...)
	add("-v", v.List("mounts")...)
	add("-m", v.Text("memory"))
	add("--cpus", v.Text("cpus"))
	add("--pids-limit", v.Text("pids"))
	if n := v.Text("network"); n != usual {
		add("--network", n)
	}
	add("-p", v.List("ports")...)
	if p := v.Text("restart"); p != engine.RestartNo {
		add("--restart", p)
	}
	add("--entrypoint", v.Text("entrypoint"))
	add("-u", v.Text("user"))
	add("-w", v.Text("workdir"))
	add("--health-cmd", v.Text("health"))
	add("--health-interval", v.Text("health-interval"))
	words = append(words, orWord(v.Text("image"), "IMAGE"))
	if args, err := split(v.Text("command")); err == nil && len(args) > 0 {
		words = append(words, quoteAll(args))
	}
	return strings.TrimSpace(strings.Join(words, " "))
}

// runOptions is what the form asks the engine for.
func runOptions(v dialogs.Values) (engine.CreateOptions, error) {
	var o engine.CreateOptions
	if _, err := images.ParseRef(v.Text("image")); err != nil {
		return o, err
	}
	args, err := split(v.Text("command"))
	if err != nil {
		return o, err
	}
	o.Name = v.Text("name")
	o.Config = engine.ContainerConfig{
		Image: v.Text("image"), Cmd: args, Env: v.List("env"), User: v.Text("user"), WorkingDir: v.Text("workdir"), Tty: v.On("tty"), OpenStdin: v.On("tty"),
	}
	if o.Config.Healthcheck, err = healthCheck(v); err != nil {
		return o, err
	}
	if e := v.Text("entrypoint"); e != "" {
		o.Config.Entrypoint = []string{e}
	}
	o.Host.NetworkMode, o.Host.AutoRemove = v.Text("network"), v.On("rm")
	if err := reach(&o, v); err != nil {
		return o, err
	}
	for _, s := range v.List("mounts") {
		mnt, err := mount(s)
		if err != nil {
			return o, err
		}
		o.Host.Mounts = append(o.Host.Mounts, mnt)
	}
	o.Host.Resources, err = limits(v)
	return o, err
}

// reach sets how the container is got at, and whether it comes back. A published
// port is an exposed one.
func reach(o *engine.CreateOptions, v dialogs.Values) (err error) {
	if o.Host.RestartPolicy, err = engine.ParseRestartPolicy(v.Text("restart")); err != nil {
		return err
	}
	if err := o.Host.RestartPolicy.Check(o.Host.AutoRemove); err != nil {
		return err
	}
	ports, err := portspec.Publish(v.List("ports"))
	if err != nil || len(ports) == 0 {
		return err
	}
	o.Host.PortBindings, o.Config.ExposedPorts = ports, make(map[string]struct{}, len(ports))
	for port := range ports {
		o.Config.ExposedPorts[port] = struct{}{}
	}
	return nil
}

// networkChoices are the networks there are: what is the default when nothing is
// said, those that somebody made, and what every engine has.
func (m *Model) networkChoices() []string {
	var own, common []string
	for i := range m.state.Networks {
		if n := &m.state.Networks[i]; n.Predefined() {
			common = append(common, n.Name)
		} else {
			own = append(own, n.Name)
		}
	}
	if len(common) == 0 {
		common = []string{engine.NetworkNone, engine.NetworkHost}
	}
	return append(common, own...)
}

// defaultNetwork is the engine's.
func (m *Model) defaultNetwork() string { return cmp.Or(m.info.DefaultNet, engine.NetworkNone) }

// limits are the resources of a form.
func limits(v dialogs.Values) (r engine.Resources, err error) {
	if r.Memory, err = size(v.Text("memory")); err != nil {
		return r, err
	}
	if r.NanoCpus, err = cpus(v.Text("cpus")); err != nil {
		return r, err
	}
	r.PidsLimit, err = pids(v.Text("pids"))
	return r, err
}

// run creates a container and starts it; an image that is not in the store is
// pulled first.
func (m *Model) run(opts engine.CreateOptions, start bool, command string) tea.Cmd {
	opts.StartSoon = start
	create := func() tea.Cmd { return m.create(opts, start, command) }
	if _, ok := m.imageByName(opts.Config.Image); ok {
		return create()
	}
	ref := opts.Config.Image
	return m.startJob(jobOrder{spec: engine.JobSpec{Kind: "pull", Args: map[string]string{"ref": ref}}, title: "Pull, then run", about: ref, command: "gantry pull " + ref, then: create})
}

func (m *Model) create(opts engine.CreateOptions, start bool, command string) tea.Cmd {
	name := opts.Name
	if name == "" {
		name = "a container of " + opts.Config.Image
	}
	op := operation{name: "Run", past: "started", command: command, objects: []string{name}}
	if !start {
		op.name, op.past = "Create", "created"
	}
	eng, id := m.eng, ""
	op.then = func() tea.Cmd {
		m.seek(id)
		return nil
	}
	op.one = func(ctx context.Context, _ int) (string, error) {
		made, err := eng.Containers().Create(ctx, opts)
		id = string(made.ID)
		if err != nil || !start {
			return strings.Join(made.Warnings, "; "), err
		}
		return strings.Join(made.Warnings, "; "), eng.Containers().Start(ctx, string(made.ID))
	}
	return m.do(op)
}

// runWords completes the image of :run.
func runWords(m *Model, args []string) []string {
	for _, a := range before(args) {
		if !strings.HasPrefix(a, "-") {
			return nil
		}
	}
	return append(m.imageNames(args), "--name", "--rm", "-it", "-e", "-v", "-p", "-m", "--cpus", "--network", "--restart")
}

// runWith runs what stands behind :run, as the command line reads it.
func runWith(m *Model, args []string) (tea.Cmd, error) {
	v, err := runArguments(args)
	if err != nil {
		return nil, err
	}
	if why := m.checkNewName(v.Text("name")); why != "" {
		return nil, fmt.Errorf("%s", why)
	}
	opts, err := runOptions(v)
	if err != nil {
		return nil, err
	}
	return m.run(opts, true, m.runCommand(v)), nil
}

// runArguments reads flags and words of run into the values of the form. Flags
// may also stand behind the image, as long as no command has begun.
func runArguments(args []string) (dialogs.Values, error) {
	keys := map[string]string{
		"--name": "name", "-e": "env", "--env": "env", "-v": "mounts", "--volume": "mounts", "-m": "memory", "--memory": "memory", "--cpus": "cpus",
		"--pids-limit": "pids", "--network": "network", "-p": "ports", "--publish": "ports", "--restart": "restart", "--entrypoint": "entrypoint", "-u": "user", "--user": "user", "-w": "workdir", "--workdir": "workdir",
		"--health-cmd": "health", "--health-interval": "health-interval",
	}
	v := dialogs.Values{}
	for i := 0; i < len(args); i++ {
		flag, value, joined := strings.Cut(args[i], "=")
		key, known := keys[flag]
		switch {
		case v.Text("image") != "" && !strings.HasPrefix(args[i], "-"):
			v["command"] = []string{quoteAll(args[i:])}
			return v, nil
		case args[i] == "--rm":
			v["rm"] = []string{"true"}
		case slices.Contains([]string{"-it", "-ti", "-i", "-t", "-dit"}, args[i]):
			v["tty"] = []string{"true"}
		case args[i] == "-d":
		case known && !joined && i+1 == len(args):
			return nil, fmt.Errorf("%s: its value is missing", flag)
		case known:
			if !joined {
				i++
				value = args[i]
			}
			v[key] = append(v[key], value)
			if key == "network" || key == "restart" {
				v[key] = []string{value}
			}
		case strings.HasPrefix(args[i], "-"):
			return nil, fmt.Errorf("%s: not known here; run alone opens the form with all there is", args[i])
		default:
			v["image"] = []string{args[i]}
		}
	}
	if v.Text("image") == "" {
		return nil, fmt.Errorf("which image? For instance: run alpine sleep 60")
	}
	return v, nil
}
