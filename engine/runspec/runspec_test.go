package runspec_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine"
	"gantry/engine/events"
	"gantry/engine/runspec"
	"gantry/images"
)

var all = runspec.BoundingNames(1<<41 - 1)

func input() runspec.Input {
	return runspec.Input{
		ID:     "4f",
		Config: engine.ContainerConfig{Hostname: "box", Cmd: []string{"true"}},
		Files:  runspec.Files{Hostname: "/h", Hosts: "/o", ResolvConf: "/r"},
		Facts:  runspec.Facts{Bounding: all, CanRaise: true, CPUs: 2},
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	img := images.Config{Entrypoint: []string{"/entry"}, Cmd: []string{"serve"}, Env: []string{"A=1", "B=2"}, User: "app", WorkingDir: "/srv", Labels: map[string]string{"l": "img"}}
	for _, tt := range []struct {
		name  string
		user  engine.ContainerConfig
		reset bool
		entry []string
		cmd   []string
		env   []string
	}{
		{"image's own", engine.ContainerConfig{}, false, []string{"/entry"}, []string{"serve"}, []string{"A=1", "B=2"}},
		{"command of the user", engine.ContainerConfig{Cmd: []string{"x"}}, false, []string{"/entry"}, []string{"x"}, []string{"A=1", "B=2"}},
		{"entrypoint of the user drops the image's command", engine.ContainerConfig{Entrypoint: []string{"sh"}}, false, []string{"sh"}, nil, []string{"A=1", "B=2"}},
		{"entrypoint reset", engine.ContainerConfig{Cmd: []string{"x"}}, true, nil, []string{"x"}, []string{"A=1", "B=2"}},
		{"environment by name", engine.ContainerConfig{Env: []string{"B=3", "C=4"}}, false, []string{"/entry"}, []string{"serve"}, []string{"A=1", "B=3", "C=4"}},
		{"a variable taken away", engine.ContainerConfig{Env: []string{"A"}}, false, []string{"/entry"}, []string{"serve"}, []string{"B=2"}},
		{"names that begin alike", engine.ContainerConfig{Env: []string{"AA=9"}}, false, []string{"/entry"}, []string{"serve"}, []string{"A=1", "B=2", "AA=9"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := runspec.Merge(tt.user, img, tt.reset)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.Entrypoint, tt.entry) || !slices.Equal(got.Cmd, tt.cmd) || !slices.Equal(got.Env, tt.env) {
				t.Errorf("got %q %q %q", got.Entrypoint, got.Cmd, got.Env)
			}
			if got.User != "app" || got.WorkingDir != "/srv" || got.Labels["l"] != "img" {
				t.Errorf("user, working directory and labels of the image are lost: %+v", got)
			}
		})
	}
}

func TestMergeRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		img  images.Config
		user engine.ContainerConfig
	}{
		"no command at all":                     {images.Config{}, engine.ContainerConfig{}},
		"an image's entry that imports":         {images.Config{Cmd: []string{"x"}, Env: []string{"SECRET"}}, engine.ContainerConfig{}},
		"a variable without a name":             {images.Config{Cmd: []string{"x"}}, engine.ContainerConfig{Env: []string{"=x"}}},
		"a NUL byte":                            {images.Config{Cmd: []string{"x"}}, engine.ContainerConfig{Env: []string{"A=\x00"}}},
		"an image's variable without a name":    {images.Config{Cmd: []string{"x"}, Env: []string{"=v"}}, engine.ContainerConfig{}},
		"an image's entry that is only a dash=": {images.Config{Cmd: []string{"x"}, Env: []string{""}}, engine.ContainerConfig{}},
		"a label too large for an event":        {images.Config{Cmd: []string{"x"}}, engine.ContainerConfig{Labels: bigLabel(engine.MaxLabels)}},
		"an image's label too large":            {images.Config{Cmd: []string{"x"}, Labels: bigLabel(engine.MaxLabels)}, engine.ContainerConfig{}},
		"labels that grow when they are written": {images.Config{Cmd: []string{"x"}}, engine.ContainerConfig{
			Labels: map[string]string{"l": strings.Repeat("\x01", engine.MaxLabels/4)}}},
	} {
		if _, err := runspec.Merge(tt.user, tt.img, false); !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func bigLabel(n int) map[string]string { return map[string]string{"l": strings.Repeat("x", n)} }

// Labels as large as allowed fit into an event with all that is added to it.
func TestLargestLabelsFit(t *testing.T) {
	t.Parallel()
	c, err := runspec.Merge(engine.ContainerConfig{Cmd: []string{"x"}, Labels: bigLabel(engine.MaxLabels - len(`{"l":""}`))}, images.Config{}, false)
	if err != nil {
		t.Fatal(err)
	}
	c.Labels["name"], c.Labels["image"] = strings.Repeat("n", 1<<10), strings.Repeat("i", 4<<10)
	dir := t.TempDir()
	j, err := events.Open(dir+"/events", dir+"/locks")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(engine.Event{Kind: engine.KindContainer, Action: engine.ActionStart, Attributes: c.Labels}); err != nil {
		t.Error(err)
	}
}

func TestCapabilities(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		add, drop []string
		bounding  []string
		has, not  []string
		n         int
	}{
		{"docker's fourteen", nil, nil, all, []string{"CAP_CHOWN", "CAP_AUDIT_WRITE"}, []string{"CAP_SYS_ADMIN"}, 14},
		{"one more, in short", []string{"net_admin"}, nil, all, []string{"CAP_NET_ADMIN"}, nil, 15},
		{"one less", nil, []string{"CAP_KILL"}, all, nil, []string{"CAP_KILL"}, 13},
		{"none but one", []string{"CHOWN"}, []string{"ALL"}, all, []string{"CAP_CHOWN"}, nil, 1},
		{"all but one", []string{"ALL"}, []string{"SYS_ADMIN"}, all, []string{"CAP_BPF"}, []string{"CAP_SYS_ADMIN"}, 40},
		{"never more than the engine's", []string{"ALL"}, nil, []string{"CAP_KILL"}, []string{"CAP_KILL"}, nil, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := input()
			in.Host.CapAdd, in.Host.CapDrop, in.Facts.Bounding = tt.add, tt.drop, tt.bounding
			spec, err := runspec.Build(in)
			if err != nil {
				t.Fatal(err)
			}
			c := spec.Process.Capabilities
			if len(c.Bounding) != tt.n {
				t.Errorf("got %d: %q", len(c.Bounding), c.Bounding)
			}
			for _, name := range tt.has {
				if !slices.Contains(c.Effective, name) {
					t.Errorf("%s is missing", name)
				}
			}
			for _, name := range tt.not {
				if slices.Contains(c.Bounding, name) {
					t.Errorf("%s is there", name)
				}
			}
			if len(c.Inheritable)+len(c.Ambient) != 0 {
				t.Errorf("inheritable or ambient are set: %+v", c)
			}
		})
	}
}

func TestResources(t *testing.T) {
	t.Parallel()
	r, err := runspec.Resources(engine.Resources{Memory: 64 << 20, NanoCpus: 1_500_000_000, PidsLimit: 50, CPUShares: 512}, runspec.Facts{CPUs: 2})
	if err != nil {
		t.Fatal(err)
	}
	got := []int64{*r.Memory.Limit, *r.Memory.Swap, *r.CPU.Quota, int64(*r.CPU.Period), int64(*r.CPU.Shares), *r.Pids.Limit}
	if want := []int64{64 << 20, 128 << 20, 150_000, 100_000, 512, 50}; !slices.Equal(got, want) {
		t.Errorf("got %d, want %d", got, want)
	}
	if first := r.Devices[0]; first.Allow || first.Type != "a" {
		t.Errorf("the first device rule does not deny all: %+v", first)
	}
}

// TestPrivileged: all that the engine holds, whatever is dropped; and nothing
// hidden or read-only but what the user wants so.
func TestPrivileged(t *testing.T) {
	t.Parallel()
	in := input()
	in.Host.Privileged, in.Host.CapDrop = true, []string{"ALL"}
	in.Facts.Bounding = slices.DeleteFunc(slices.Clone(all), func(c string) bool { return c == "CAP_SYS_RESOURCE" })
	in.Devices = []specs.LinuxDevice{{Path: "/dev/kvm", Type: "c", Major: 10, Minor: 232}}
	spec, err := runspec.Build(in)
	if err != nil {
		t.Fatal(err)
	}
	if got := spec.Process.Capabilities.Bounding; !slices.Equal(got, in.Facts.Bounding) {
		t.Errorf("capabilities %v", got)
	}
	if len(spec.Linux.MaskedPaths)+len(spec.Linux.ReadonlyPaths) != 0 || len(spec.Linux.Devices) != 1 {
		t.Errorf("masked %v, read-only %v, devices %v", spec.Linux.MaskedPaths, spec.Linux.ReadonlyPaths, spec.Linux.Devices)
	}
	if rules := spec.Linux.Resources.Devices; len(rules) != 1 || !rules[0].Allow || rules[0].Access != "rwm" {
		t.Errorf("device rules %+v", rules)
	}
	for _, readonly := range []bool{false, true} {
		in.Host.ReadonlyRootfs = readonly
		if spec, err = runspec.Build(in); err != nil {
			t.Fatal(err)
		}
		for _, m := range spec.Mounts {
			want := readonly && (m.Type == "sysfs" || m.Type == "bind")
			if got := slices.Contains(m.Options, "ro"); got != want {
				t.Errorf("root read-only %v: %s is read-only: %v", readonly, m.Destination, got)
			}
		}
	}
}

// TestRefused: each wrong value is refused, and the error names its option.
func TestRefused(t *testing.T) {
	t.Parallel()
	for option, change := range map[string]func(*runspec.Input){
		"--memory":             func(in *runspec.Input) { in.Host.Memory = 1 << 20 },
		"--memory-swap":        func(in *runspec.Input) { in.Host.Memory, in.Host.MemorySwap = 64<<20, 32<<20 },
		"--memory-reservation": func(in *runspec.Input) { in.Host.Memory, in.Host.MemoryReservation = 64<<20, 128<<20 },
		"--cpus":               func(in *runspec.Input) { in.Host.NanoCpus = 3_000_000_000 },
		"--cpu-period":         func(in *runspec.Input) { in.Host.CPUPeriod = 10 },
		"--cpu-quota":          func(in *runspec.Input) { in.Host.CPUQuota = 10 },
		"--pids-limit":         func(in *runspec.Input) { in.Host.PidsLimit = -2 },
		"--blkio-weight":       func(in *runspec.Input) { in.Host.BlkioWeight = 5 },
		"--cap-add":            func(in *runspec.Input) { in.Host.CapAdd = []string{"FLY"} },
		"--cap-drop":           func(in *runspec.Input) { in.Host.CapDrop = []string{"FLY"} },
		"--ulimit":             func(in *runspec.Input) { in.Host.Ulimits = []engine.Ulimit{{Name: "wishes"}} },
		"security option":      func(in *runspec.Input) { in.Host.SecurityOpt = []string{"label=x"} },
		"working directory":    func(in *runspec.Input) { in.Config.WorkingDir = "relative" },
		"mount target":         func(in *runspec.Input) { in.Host.Mounts = []engine.Mount{{Type: "bind", Source: "/", Target: "/"}} },
		"mount source":         func(in *runspec.Input) { in.Host.Mounts = []engine.Mount{{Type: "bind", Source: "x", Target: "/x"}} },
		"mount type":           func(in *runspec.Input) { in.Host.Mounts = []engine.Mount{{Type: "nfs", Source: "x", Target: "/x"}} },
		"mount propagation": func(in *runspec.Input) {
			in.Host.Mounts = []engine.Mount{{Type: "bind", Source: "/x", Target: "/x", BindOptions: &engine.BindOptions{Propagation: "odd"}}}
		},
		"two mounts": func(in *runspec.Input) {
			in.Host.Mounts = []engine.Mount{{Type: "bind", Source: "/x", Target: "/x"}, {Type: "tmpfs", Target: "/x/"}}
		},
		"--tmpfs": func(in *runspec.Input) { in.Host.Tmpfs = map[string]string{"/x": "bind"} },
	} {
		t.Run(option, func(t *testing.T) {
			t.Parallel()
			in := input()
			change(&in)
			_, err := runspec.Build(in)
			if !errors.Is(err, engine.ErrInvalid) || !strings.Contains(err.Error(), option) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestNamespaces(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		network string
		unified bool
		net, cg bool
	}{{"none", false, true, false}, {"", true, true, true}, {"host", true, false, true}, {"shop", false, true, false}} {
		in := input()
		in.Host.NetworkMode, in.Facts.Unified = tt.network, tt.unified
		spec, err := runspec.Build(in)
		if err != nil {
			t.Fatal(err)
		}
		has := func(k specs.LinuxNamespaceType) bool {
			return slices.ContainsFunc(spec.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == k })
		}
		if has(specs.NetworkNamespace) != tt.net || has(specs.CgroupNamespace) != tt.cg || !has(specs.PIDNamespace) || !has(specs.MountNamespace) {
			t.Errorf("%+v: got %v", tt, spec.Linux.Namespaces)
		}
	}
}

func TestMountsOfTheUserReplaceDefaultsAndComeParentsFirst(t *testing.T) {
	t.Parallel()
	in := input()
	in.Host.Mounts = []engine.Mount{
		{Type: "bind", Source: "/b", Target: "/data/deep", ReadOnly: true}, {Type: "bind", Source: "/a", Target: "/data"},
		{Type: "bind", Source: "/my-hosts", Target: "/etc/hosts"},
	}
	in.Host.Tmpfs = map[string]string{"/run": "size=1m,exec"}
	spec, err := runspec.Build(in)
	if err != nil {
		t.Fatal(err)
	}
	var tail []string
	for _, m := range spec.Mounts {
		if m.Destination == "/etc/hosts" && m.Source != "/my-hosts" {
			t.Errorf("the default of /etc/hosts is there besides the user's")
		}
	}
	for _, m := range spec.Mounts[len(spec.Mounts)-4:] {
		tail = append(tail, m.Destination+" "+strings.Join(m.Options, ","))
	}
	want := []string{"/data rbind,rw,rprivate", "/run nosuid,nodev,size=1m,exec,mode=1777", "/etc/hosts rbind,rw,rprivate", "/data/deep rbind,ro,rprivate"}
	slices.Sort(tail)
	slices.Sort(want)
	for i := range tail {
		if fields(tail[i]) != fields(want[i]) {
			t.Error(cmp.Diff(want, tail))
			break
		}
	}
}

// fields sorts the options of "target options".
func fields(s string) string {
	where, opts, _ := strings.Cut(s, " ")
	list := strings.Split(opts, ",")
	slices.Sort(list)
	return where + " " + strings.Join(list, ",")
}

func TestRlimitsAreLoweredWhereTheyCannotBeRaised(t *testing.T) {
	t.Parallel()
	in := input()
	in.Host.Ulimits = []engine.Ulimit{{Name: "nofile", Soft: 1024, Hard: 1 << 20}, {Name: "core", Soft: -1, Hard: -1}}
	in.Facts.CanRaise, in.Facts.HardLimits = false, map[string]uint64{"RLIMIT_NOFILE": 20000}
	spec, err := runspec.Build(in)
	if err != nil {
		t.Fatal(err)
	}
	want := []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: 1024, Hard: 20000}, {Type: "RLIMIT_CORE", Soft: 1<<64 - 1, Hard: 1<<64 - 1}}
	if d := cmp.Diff(want, spec.Process.Rlimits); d != "" {
		t.Error(d)
	}
}

// TestNothingOfTheCallersEnvironment reaches the container.
func TestNothingOfTheCallersEnvironment(t *testing.T) {
	t.Setenv("GANTRY_SECRET", "leaked")
	in := input()
	in.Config.Tty = true
	spec, err := runspec.Build(in)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=box", "TERM=xterm"}
	if d := cmp.Diff(want, spec.Process.Env); d != "" {
		t.Error(d)
	}
}

func FuzzParseSecurity(f *testing.F) {
	f.Add("no-new-privileges:true")
	f.Add("seccomp=/x")
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := runspec.ParseSecurity([]string{s}); err != nil && !errors.Is(err, engine.ErrInvalid) {
			t.Error(err)
		}
	})
}
