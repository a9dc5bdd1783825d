package dockerfile

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gantry/images"
	"gantry/images/build/plan"
)

// Options are what a build is asked for beside its file.
type Options struct {
	Target    string // a stage by name or index; empty is the last one
	BuildArgs map[string]string
	// Platform of the result. The zero one is the host's, and base images of
	// other platforms are then taken as they are.
	Platform      images.Platform
	BuildPlatform images.Platform // zero: the host's
	MultiPlatform bool            // say in every step's name for which platform it is

	// Contexts are those of --build-context by name. A value that begins with
	// docker-image:// is an image; the solver knows what the others are.
	Contexts map[string]string
	Labels   map[string]string

	NoCache       bool
	NoCacheFilter []string // names of stages

	// Ignore are the patterns of .dockerignore, for a rule of the linter.
	Ignore []string
}

// Resolve finds an image and reads its configuration. It is called from
// several goroutines at once, once for each reference and platform.
type Resolve func(ctx context.Context, ref images.Ref, platform images.Platform) (plan.Image, error)

const imageContext = "docker-image://"

// platforms are those of the target and of the host.
func (o *Options) platforms() (target, build images.Platform, implicit bool) {
	build = o.BuildPlatform
	if build == (images.Platform{}) {
		build = images.HostPlatform()
	}
	if o.Platform == (images.Platform{}) {
		return build, build, true
	}
	return o.Platform.Normalize(), build, false
}

// variant is the platform's as Dockerfiles see it: arm64's only one is not
// told, that of 32-bit arm always.
func variant(p images.Platform) string {
	switch {
	case p.Architecture == "arm64" && p.Variant == "v8":
		return ""
	case p.Architecture == "arm" && p.Variant == "":
		return "v7"
	}
	return p.Variant
}

func platformArg(p images.Platform) string {
	s := p.OS + "/" + p.Architecture
	if v := variant(p); v != "" {
		s += "/" + v
	}
	return s
}

// predefined are the arguments that every build has.
func (o *Options) predefined(target, build images.Platform, stage string) *envs {
	if stage == "" {
		stage = "default"
	}
	e := newEnvs()
	for _, kv := range [][2]string{
		{"BUILDPLATFORM", platformArg(build)}, {"BUILDOS", build.OS}, {"BUILDOSVERSION", ""},
		{"BUILDARCH", build.Architecture}, {"BUILDVARIANT", variant(build)},
		{"TARGETPLATFORM", platformArg(target)}, {"TARGETOS", target.OS}, {"TARGETOSVERSION", ""},
		{"TARGETARCH", target.Architecture}, {"TARGETVARIANT", variant(target)},
		{"TARGETSTAGE", stage},
	} {
		v := kv[1]
		if given, ok := o.BuildArgs[kv[0]]; ok {
			v = given
		}
		e.set(kv[0], v)
	}
	return e
}

// proxies are the arguments that reach programs without an ARG.
var proxies = []string{"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"}

// proxyEnv gives programs the proxies in both spellings, as buildkit does.
func (o *Options) proxyEnv() []string {
	var env []string
	for _, p := range proxies {
		for _, spelling := range []string{p, strings.ToLower(p)} {
			if v := o.BuildArgs[spelling]; v != "" {
				env = append(env, p+"="+v, strings.ToLower(p)+"="+v)
				break
			}
		}
	}
	return env
}

// known tells whether a build argument has a meaning without an ARG.
func known(arg string) bool {
	for _, p := range proxies {
		if strings.EqualFold(arg, p) {
			return true
		}
	}
	return strings.HasPrefix(arg, "BUILDKIT_") || arg == "SOURCE_DATE_EPOCH"
}

// epochArg is the argument that fixes the times of a result.
const epochArg = "SOURCE_DATE_EPOCH"

// epoch reads it. buildkit also takes the names of stages and contexts, whose
// time it asks the network for; here only seconds are accepted.
func epoch(value string) (*time.Time, error) {
	if value == "" {
		return nil, nil
	}
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return nil, hinted{
			fmt.Errorf("%s=%s is not a time", epochArg, value),
			"give the seconds since 1970, for instance those of git log -1 --format=%ct",
		}
	}
	t := time.Unix(seconds, 0).UTC()
	return &t, nil
}
