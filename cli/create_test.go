package cli_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/cli"
	"gantry/engine"
)

// recorder is an engine that takes down what Create is asked for.
type recorder struct {
	engine.Engine
	opts engine.CreateOptions
}

func (r *recorder) Containers() engine.Containers { return recorded{r.Engine.Containers(), r} }
func (r *recorder) Close() error                  { return nil }

type recorded struct {
	engine.Containers
	r *recorder
}

func (r recorded) Create(ctx context.Context, opts engine.CreateOptions) (engine.CreateResult, error) {
	r.r.opts = opts
	return engine.CreateResult{ID: "0123456789abcdef"}, nil
}

// createWith returns what the engine is asked for, or the error.
func createWith(t *testing.T, w *world, args ...string) (engine.CreateOptions, string) {
	t.Helper()
	r := &recorder{Engine: w.e}
	p := w.program()
	p.Open = func(context.Context, cli.Global) (engine.Engine, error) { return r, nil }
	w.out.Reset()
	w.err.Reset()
	if code := cli.Main(t.Context(), append([]string{"create"}, args...), w.io(), p); code != 0 {
		return engine.CreateOptions{}, w.err.String()
	}
	return r.opts, ""
}

func ptr[T any](v T) *T { return &v }

// TestCreateOptions is the table from flags to what the engine is asked for.
func TestCreateOptions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	envFile := file("env", "\ufeff# comment\n\nA=1\n  B=two words \nHOME\nUNSET\nQ=\"kept\"\n")
	labelFile := file("labels", "tier=web\nbare\n")
	bind := func(src, dst string, ro bool, b *engine.BindOptions) engine.Mount {
		return engine.Mount{Type: "bind", Source: src, Target: dst, ReadOnly: ro, BindOptions: b}
	}
	made := &engine.BindOptions{CreateMountpoint: true}
	for _, test := range []struct {
		args string
		want func(o *engine.CreateOptions)
	}{
		{"", func(*engine.CreateOptions) {}},
		{"-i", func(o *engine.CreateOptions) {
			o.Config.OpenStdin, o.Config.AttachStdin, o.Config.StdinOnce = true, true, true
		}},
		{"-t", func(o *engine.CreateOptions) { o.Config.Tty = true }},
		{"-a stdin -a STDOUT", func(o *engine.CreateOptions) { o.Config.AttachStdin, o.Config.AttachStderr = true, false }},
		{"-ia stderr", func(o *engine.CreateOptions) {
			o.Config.OpenStdin, o.Config.AttachStdin, o.Config.StdinOnce, o.Config.AttachStdout = true, true, true, false
		}},
		{"--name web", func(o *engine.CreateOptions) { o.Name = "web" }},
		{"-h box --domainname example", func(o *engine.CreateOptions) { o.Config.Hostname, o.Config.Domainname = "box", "example" }},
		{"-e A=1 -e B= -e HOME -e UNSET", func(o *engine.CreateOptions) { o.Config.Env = []string{"A=1", "B=", "HOME=/home/bob", "UNSET"} }},
		{"--env-file " + envFile + " -e Z=9", func(o *engine.CreateOptions) {
			o.Config.Env = []string{"A=1", "B=two words ", "HOME=/home/bob", `Q="kept"`, "Z=9"}
		}},
		{"-l tier=db -l bare --label-file " + labelFile, func(o *engine.CreateOptions) {
			o.Config.Labels = map[string]string{"tier": "db", "bare": ""}
		}},
		{"-w /srv -u 1000:10", func(o *engine.CreateOptions) { o.Config.WorkingDir, o.Config.User = "/srv", "1000:10" }},
		{"--entrypoint /bin/x", func(o *engine.CreateOptions) { o.Config.Entrypoint = []string{"/bin/x"} }},
		{"--entrypoint=", func(o *engine.CreateOptions) { o.ResetEntrypoint = true }},
		{"--rm --read-only --init", func(o *engine.CreateOptions) {
			o.Host.AutoRemove, o.Host.ReadonlyRootfs, o.Host.Init = true, true, ptr(true)
		}},
		{"--network web", func(o *engine.CreateOptions) { o.Host.NetworkMode = "web" }},
		{"--network web --ip 10.0.0.5 --network-alias db --mac-address 92:d0:c6:0a:29:33 --network name=other,alias=a,alias=b,ip6=fd00::5,gw-priority=-3,driver-opt=k=v", func(o *engine.CreateOptions) {
			o.Host.NetworkMode = "web"
			o.Networks = []engine.NetworkAttachment{
				{Network: "web", EndpointOptions: engine.EndpointOptions{IPv4: "10.0.0.5", Aliases: []string{"db"}, MAC: "92:d0:c6:0a:29:33"}},
				{Network: "other", EndpointOptions: engine.EndpointOptions{IPv6: "fd00::5", Aliases: []string{"a", "b"}, GwPriority: -3, DriverOpts: map[string]string{"k": "v"}}},
			}
		}},
		{"--network host", func(o *engine.CreateOptions) { o.Host.NetworkMode = "host" }},
		{"-m 64m --memory-swap -1 --memory-reservation 32mb", func(o *engine.CreateOptions) {
			o.Host.Memory, o.Host.MemorySwap, o.Host.MemoryReservation = 64<<20, -1, 32<<20
		}},
		{"--cpus 1.5 -c 512 --cpuset-cpus 0-1 --cpuset-mems 0 --pids-limit 50 --blkio-weight 300", func(o *engine.CreateOptions) {
			o.Host.Resources = engine.Resources{NanoCpus: 1_500_000_000, CPUShares: 512, CpusetCpus: "0-1", CpusetMems: "0", PidsLimit: 50, BlkioWeight: 300}
		}},
		{"--cpu-period 100000 --cpu-quota 50000 --pids-limit=-1", func(o *engine.CreateOptions) {
			o.Host.Resources = engine.Resources{CPUPeriod: 100000, CPUQuota: 50000, PidsLimit: -1}
		}},
		{"-v /src:/dst", func(o *engine.CreateOptions) { o.Host.Mounts = []engine.Mount{bind("/src", "/dst", false, made)} }},
		{"-v ./rel:/dst:ro,rslave", func(o *engine.CreateOptions) {
			wd, _ := os.Getwd()
			o.Host.Mounts = []engine.Mount{bind(wd+"/rel", "/dst", true, &engine.BindOptions{CreateMountpoint: true, Propagation: "rslave"})}
			o.Host.Mounts[0].Mode = "ro,rslave"
		}},
		{"-v data:/dst", func(o *engine.CreateOptions) {
			o.Host.Mounts = []engine.Mount{{Type: "volume", Source: "data", Target: "/dst", Mode: "z"}}
		}},
		{"-v data:/dst:ro,nocopy,U", func(o *engine.CreateOptions) {
			o.Host.Mounts = []engine.Mount{{Type: "volume", Source: "data", Target: "/dst", Mode: "ro,nocopy,U", ReadOnly: true, Chown: true, Volume: &engine.VolumeOptions{NoCopy: true}}}
		}},
		{"-v /dst --mount dst=/other", func(o *engine.CreateOptions) {
			o.Config.Volumes = map[string]struct{}{"/dst": {}, "/other": {}}
		}},
		{"--mount type=volume,src=data,dst=/dst,volume-nocopy,volume-subpath=a/b,volume-label=k=v,volume-opt=o=bind,volume-opt=device=/srv,ro", func(o *engine.CreateOptions) {
			o.Host.Mounts = []engine.Mount{{Type: "volume", Source: "data", Target: "/dst", ReadOnly: true, Volume: &engine.VolumeOptions{
				NoCopy: true, Subpath: "a/b", Labels: map[string]string{"k": "v"},
				DriverConfig: &engine.DriverConfig{Options: map[string]string{"o": "bind", "device": "/srv"}},
			}}}
		}},
		{"--mount type=bind,src=/src,dst=/dst,ro,bind-recursive=disabled", func(o *engine.CreateOptions) {
			o.Host.Mounts = []engine.Mount{bind("/src", "/dst", true, &engine.BindOptions{NonRecursive: true})}
		}},
		{"--mount type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1777", func(o *engine.CreateOptions) {
			o.Host.Mounts = []engine.Mount{{Type: "tmpfs", Target: "/t", Tmpfs: &engine.TmpfsOptions{SizeBytes: 1 << 20, Mode: 0o1777}}}
		}},
		{"--tmpfs /a --tmpfs /b:size=1m,noexec", func(o *engine.CreateOptions) { o.Host.Tmpfs = map[string]string{"/a": "", "/b": "size=1m,noexec"} }},
		{"--shm-size 128m --ulimit nofile=100:200 --ulimit core=0", func(o *engine.CreateOptions) {
			o.Host.ShmSize = 128 << 20
			o.Host.Ulimits = []engine.Ulimit{{Name: "nofile", Soft: 100, Hard: 200}, {Name: "core"}}
		}},
		{"--stop-signal INT --stop-timeout 0", func(o *engine.CreateOptions) { o.Config.StopSignal, o.Config.StopTimeout = "INT", ptr(0) }},
		{"--cap-add NET_ADMIN --cap-drop ALL", func(o *engine.CreateOptions) { o.Host.CapAdd, o.Host.CapDrop = []string{"NET_ADMIN"}, []string{"ALL"} }},
		{"--security-opt no-new-privileges --security-opt seccomp=/p.json", func(o *engine.CreateOptions) {
			o.Host.SecurityOpt = []string{"no-new-privileges", "seccomp=/p.json"}
		}},
		{"--security-opt seccomp:unconfined --security-opt no-new-privileges:false", func(o *engine.CreateOptions) {
			o.Host.SecurityOpt = []string{"seccomp=unconfined"}
		}},
		{"--log-opt max-size=1m --log-opt max-file=3", func(o *engine.CreateOptions) {
			o.Host.LogConfig.Config = map[string]string{"max-size": "1m", "max-file": "3"}
		}},
		{"-p 8080:80 -p 127.0.0.1::53/udp --expose 90-91 -P", func(o *engine.CreateOptions) {
			o.Config.ExposedPorts = map[string]struct{}{"80/tcp": {}, "53/udp": {}, "90/tcp": {}, "91/tcp": {}}
			o.Host.PublishAllPorts = true
			o.Host.PortBindings = engine.PortMap{"80/tcp": {{HostPort: "8080"}}, "53/udp": {{HostIP: "127.0.0.1"}}}
		}},
		{"--publish published=8000-8001,target=80", func(o *engine.CreateOptions) {
			o.Config.ExposedPorts = map[string]struct{}{"80/tcp": {}}
			o.Host.PortBindings = engine.PortMap{"80/tcp": {{HostPort: "8000-8001"}}}
		}},
		{"--platform linux/arm64", func(o *engine.CreateOptions) { o.Platform = "linux/arm64" }},
	} {
		w := newWorld(t)
		w.env["HOME"] = "/home/bob"
		want := engine.CreateOptions{Config: engine.ContainerConfig{
			Image: "img", Cmd: []string{"cmd", "-x"}, AttachStdout: true, AttachStderr: true, Labels: map[string]string{},
		}, Host: engine.HostConfig{NetworkMode: "", LogConfig: engine.LogConfig{Type: "journal"}}}
		test.want(&want)
		got, failure := createWith(t, w, append(strings.Fields(test.args), "img", "cmd", "-x")...)
		if failure != "" {
			t.Errorf("create %s: %s", test.args, failure)
			continue
		}
		if d := cmp.Diff(want, got, emptyIsNil); d != "" {
			t.Errorf("create %s (-want +got)\n%s", test.args, d)
		}
	}
}

// emptyIsNil: for the engine an empty list is none.
var emptyIsNil = cmp.FilterValues(func(a, b any) bool { return isEmptyList(a) && isEmptyList(b) }, cmp.Ignore())

func isEmptyList(v any) bool {
	switch v := v.(type) {
	case []string:
		return len(v) == 0
	case []engine.Ulimit:
		return len(v) == 0
	}
	return false
}

// TestCreateRefusals: what makes no sense is named before anything happens.
func TestCreateRefusals(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--name -x":                                          "invalid name",
		"--network=":                                         "the name is empty",
		"--network web --network name=web":                   "named twice",
		"--network name=web,ip=1 ":                           "want an IPv4 address",
		"--network ip=10.0.0.1":                              "name=NETWORK is missing",
		"--network host --network-alias db":                  "only supported for user-defined networks",
		"--network name=web,ip=10.0.0.1 --ip 10.0.0.2":       "--ip conflicts",
		"--mac-address 1:2 --network web":                    "six pairs",
		"-v d:/data":                                         "no name of a volume",
		"-v a/b:/data":                                       "no name of a volume",
		"-v data":                                            "absolute path in the container",
		"-v data:/data:rshared":                              "propagation is for directories",
		"-v /a:/b:wat":                                       "unknown option",
		"-v /a:rel":                                          "absolute path in the container",
		"-v /a:/":                                            "other than /",
		"-v /a:/b:ro:x":                                      "SOURCE:TARGET",
		"-v /a:/x -v /b:/x":                                  "twice",
		"--mount src=/a,dst=/b":                              "invalid name",
		"--mount src=aa,dst=/b,volume-subpath=../x":          "within the volume",
		"--mount type=bind,src=/a,dst=/b,volume-nocopy":      "volume options",
		"--mount type=bind,dst=/b":                           "source is missing",
		"--mount type=bind,src=/b":                           "target is missing",
		"--mount type=bind,wat=1":                            "unknown key",
		"--mount type=bind,src=a,dst=/b":                     "absolute path",
		"--mount type=npipe,dst=/b":                          "unknown type",
		"--mount type=tmpfs,dst=/b,bind-propagation=shared":  "bind options",
		"--mount type=bind,src=/a,dst=/b,bind-propagation=x": "bind-propagation",
		"--tmpfs rel":                                        "absolute path",
		"-p 80:x":                                            `-p "80:x": "x" is not a port`,
		"--publish 1.2.3:80:80":                              "not an address of the host",
		"--expose 8080:80":                                   "published with -p",
		"-m 64x":                                             "invalid suffix",
		"--memory-swap 1g":                                   "needs --memory",
		"-m 2g --memory-swap 1g":                             "less than --memory",
		"-m 1g --memory-reservation 2g":                      "more than --memory",
		"--cpus x":                                           "not a number of CPUs",
		"--cpus 1 --cpu-quota 5":                             "conflicts",
		"--ulimit nofile":                                    "ulimit",
		"--platform a/b/c/d":                                 "platform",
		"--pull never-ever":                                  "--pull",
		"--security-opt apparmor=x":                          "--security-opt",
		"--log-opt nosuch=x":                                 "--log-opt",
		"--env-file /nosuch":                                 "no such file",
		"-e =x":                                              "has no name",
		"-l =x":                                              "has no name",
		"-w rel":                                             "absolute path",
		"-a stdwhat":                                         "STDIN, STDOUT",
	} {
		w := newWorld(t)
		if _, failure := createWith(t, w, append(strings.Fields(args), "img")...); !strings.Contains(failure, want) {
			t.Errorf("create %s: %q lacks %q", args, failure, want)
		}
	}
}

func FuzzMounts(f *testing.F) {
	for _, s := range []string{"/a:/b:ro", "a", ":::", "type=bind,src=/a,dst=/b", `"type=bind",src=/a`, "type=tmpfs,dst=/x,tmpfs-mode=99"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w := newWorld(t)
		for _, name := range []string{"-v", "--mount", "--tmpfs"} {
			opts, failure := createWith(t, w, name+"="+s, "img")
			for _, m := range opts.Host.Mounts {
				if failure == "" && (!strings.HasPrefix(m.Target, "/") || m.Target == "/" || m.Type == "bind" && !strings.HasPrefix(m.Source, "/")) {
					t.Errorf("%s %q gave %+v", name, s, m)
				}
			}
		}
	})
}
