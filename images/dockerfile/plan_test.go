package dockerfile_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/images"
	"gantry/images/build/plan"
	"gantry/images/dockerfile"
)

// bases are the images that the tests know.
var bases = map[string]images.Config{
	"alpine:latest":  {Env: []string{"PATH=/usr/bin"}, Cmd: []string{"/bin/sh"}},
	"debian:latest":  {Cmd: []string{"bash"}},
	"node:20":        {Env: []string{"PATH=/bin", "NODE_VERSION=20.1"}, WorkingDir: "/srv", User: "node", Entrypoint: []string{"entry"}, Cmd: []string{"node"}},
	"onbuild:latest": {OnBuild: []string{"COPY . /app", "RUN make", "ENV BUILT=1"}},
	"chained:latest": {OnBuild: []string{"ONBUILD RUN true"}},
}

func resolve(_ context.Context, ref images.Ref, p images.Platform) (plan.Image, error) {
	config, ok := bases[ref.Familiar()]
	if !ok {
		return plan.Image{}, fmt.Errorf("%s: %w", ref.Familiar(), images.ErrNotFound)
	}
	return plan.Image{Ref: ref, Platform: p, File: images.ConfigFile{
		OS: "linux", Architecture: p.Architecture, Config: config,
		RootFS: images.RootFS{DiffIDs: []images.Digest{"sha256:1"}},
	}}, nil
}

var amd64 = images.Platform{OS: "linux", Architecture: "amd64"}

func planned(t *testing.T, text string, opt dockerfile.Options) (*plan.Plan, error) {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", []byte(text))
	if err != nil {
		return nil, err
	}
	opt.BuildPlatform = amd64
	return f.Plan(t.Context(), opt, resolve)
}

func must(t *testing.T, text string, opt dockerfile.Options) *plan.Plan {
	t.Helper()
	p, err := planned(t, text, opt)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestHistory holds the words of the history, which buildkit chose.
func TestHistory(t *testing.T) {
	t.Parallel()
	p := must(t, `FROM alpine
ARG A=b C
ENV X=$A Y="two words"
RUN echo $X
RUN ["echo", "hi"]
WORKDIR app
COPY --chown=1:2 --chmod=755 a b ./
ADD https://example.com/x.tar /
COPY <<one /etc/
hello $X
one
LABEL k=v
EXPOSE 80 90-91/UDP
VOLUME /data
USER nobody
STOPSIGNAL SIGINT
HEALTHCHECK --interval=5s CMD true
SHELL ["/bin/ash", "-ec"]
CMD run me
ENTRYPOINT ["e"]
MAINTAINER me
ONBUILD RUN x
`, dockerfile.Options{BuildArgs: map[string]string{"C": "d"}})
	var got []string
	for _, s := range p.Stages[0].Steps {
		got = append(got, s.CreatedBy)
	}
	want := []string{
		"ARG A=b C=d",
		"ENV X=b Y=two words",
		"RUN |2 A=b C=d /bin/sh -c echo $X # buildkit",
		"RUN |2 A=b C=d echo hi # buildkit",
		"WORKDIR /app",
		"COPY --chown=1:2 --chmod=755 a b ./ # buildkit",
		"ADD https://example.com/x.tar / # buildkit",
		"COPY <<one /etc/ # buildkit",
		"LABEL k=v",
		"EXPOSE [80/tcp 90/udp 91/udp]",
		"VOLUME [/data]",
		"USER nobody",
		"STOPSIGNAL SIGINT",
		"HEALTHCHECK {Test:[CMD-SHELL true] Interval:5s Timeout:0s StartPeriod:0s StartInterval:0s Retries:0}",
		"SHELL [/bin/ash -ec]",
		`CMD ["/bin/ash" "-ec" "run me"]`,
		`ENTRYPOINT ["e"]`,
		"MAINTAINER me",
		"",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if f := p.Stages[0].Steps[7].Copy.Files; len(f) != 1 || f[0].Data != "hello b\n" {
		t.Errorf("the here-document is %+v", f)
	}
	c := p.Stages[0].Config
	if c.WorkingDir != "/app" || c.User != "nobody" || len(c.Cmd) != 3 || len(c.OnBuild) != 1 || p.Stages[0].Author != "me" {
		t.Errorf("configuration %+v", c)
	}
}

// TestNames holds what steps are called while they run.
func TestNames(t *testing.T) {
	t.Parallel()
	p := must(t, `FROM alpine AS build
ARG V=1
RUN make V=$V "$UNSET"
FROM build
WORKDIR /w
COPY --from=build /x ${V}/
`, dockerfile.Options{})
	var got []string
	for _, s := range p.Stages {
		got = append(got, s.Title)
		for _, step := range s.Steps {
			if step.Acts() {
				got = append(got, step.Name)
			}
		}
	}
	want := []string{
		"[build 1/2] FROM docker.io/library/alpine:latest",
		`[build 2/2] RUN make V=1 "$UNSET"`,
		"FROM build",
		"[stage-1 1/2] WORKDIR /w",
		"[stage-1 2/2] COPY --from=build /x 1/",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if p := must(t, "FROM alpine\nRUN true", dockerfile.Options{}); p.Stages[0].Steps[0].Name != "[2/2] RUN true" {
		t.Errorf("the only stage has its name in %q", p.Stages[0].Steps[0].Name)
	}
}

func TestConfigOfBase(t *testing.T) {
	t.Parallel()
	p := must(t, "FROM node:20\nWORKDIR app\nENV NODE_VERSION=$NODE_VERSION-x\nRUN env\nENTRYPOINT [\"x\"]\n", dockerfile.Options{Labels: map[string]string{"a": "b"}})
	want := images.Config{
		Env: []string{"PATH=/bin", "NODE_VERSION=20.1-x"}, WorkingDir: "/srv/app", User: "node",
		Entrypoint: []string{"x"}, Labels: map[string]string{"a": "b"},
	}
	if d := cmp.Diff(want, p.Stages[0].Config); d != "" {
		t.Error(d)
	}
	run := p.Stages[0].Steps[2].Run
	if run.Dir != "/srv/app" || run.User != "node" || run.Env[1] != "NODE_VERSION=20.1-x" {
		t.Errorf("RUN %+v", run)
	}
	if w := p.Stages[0].Steps[0].Workdir; w == nil || w.User != "node" {
		t.Errorf("WORKDIR %+v", w)
	}
	scratch := must(t, "FROM scratch\nCOPY a /\n", dockerfile.Options{}).Stages[0]
	if scratch.Base.Kind != plan.Scratch || scratch.Config.WorkingDir != "/" || len(scratch.Config.Env) != 1 {
		t.Errorf("scratch %+v", scratch)
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	p := must(t, `ARG TAG=latest
ARG REPO=alpine:$TAG
FROM $REPO
ARG TAG
ARG TARGETARCH
ARG GIVEN=default
ARG NEVER
RUN x
`, dockerfile.Options{BuildArgs: map[string]string{"GIVEN": "g", "LOST": "1", "http_proxy": "p"}})
	run := p.Stages[0].Steps[4]
	if got, want := run.CreatedBy, "RUN |4 TAG=latest TARGETARCH=amd64 GIVEN=g NEVER= /bin/sh -c x # buildkit"; got != want {
		t.Errorf("created by %q", got)
	}
	if d := cmp.Diff([]string{"PATH=/usr/bin", "TAG=latest", "TARGETARCH=amd64", "GIVEN=g"}, run.Run.Env); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"HTTP_PROXY=p", "http_proxy=p"}, run.Run.Proxy); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"LOST"}, p.UnusedArgs); d != "" {
		t.Error(d)
	}
}

func TestOnbuild(t *testing.T) {
	t.Parallel()
	p := must(t, "FROM onbuild AS a\nRUN own\nONBUILD RUN child\nFROM a\n", dockerfile.Options{})
	var got []string
	for _, s := range p.Stages {
		for _, step := range s.Steps {
			got = append(got, step.Name)
		}
	}
	want := []string{
		"[a 2/5] ONBUILD COPY . /app", "[a 3/5] ONBUILD RUN make", "ONBUILD ENV BUILT=1", "[a 4/5] RUN own", "ONBUILD RUN child",
		"[stage-1 1/1] ONBUILD RUN child",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if c := p.Stages[1].Config; len(c.OnBuild) != 0 || c.Env[len(c.Env)-1] != "BUILT=1" {
		t.Errorf("configuration %+v", c)
	}
}

func TestMounts(t *testing.T) {
	t.Parallel()
	p := must(t, `FROM alpine AS one
FROM alpine
WORKDIR /w
RUN --mount=type=cache,target=c,sharing=locked,uid=5 --mount=from=one,source=/x,target=/y,rw --mount=type=tmpfs,target=/t,size=1m --mount=type=secret,id=s,env=S --mount=type=secret,id=f,required --mount=type=ssh --network=none echo $S
`, dockerfile.Options{})
	step := p.Stages[1].Steps[1]
	five := uint32(5)
	want := []plan.Mount{
		{Type: plan.MountCache, Target: "/w/c", From: plan.From{Kind: plan.Scratch}, Source: "/", ID: "c", Sharing: plan.Locked, UID: &five},
		{Type: plan.MountBind, Target: "/y", From: plan.From{Kind: plan.OfStage}, Source: "/x"},
		{Type: plan.MountTmpfs, Target: "/t", Size: 1 << 20},
		{Type: plan.MountSecret, ID: "s", Env: "S", ReadOnly: true},
		{Type: plan.MountSecret, ID: "f", Target: "/run/secrets/f", Required: true, ReadOnly: true},
		{Type: plan.MountSSH, ID: "default", Target: "/run/buildkit/ssh_agent.0", ReadOnly: true},
	}
	if d := cmp.Diff(want, step.Run.Mounts); d != "" {
		t.Error(d)
	}
	if env := step.Run.Env; env[len(env)-1] != "SSH_AUTH_SOCK=/run/buildkit/ssh_agent.0" || step.Run.Network != "none" {
		t.Errorf("RUN %+v", step.Run)
	}
	if !strings.HasSuffix(step.Name, "echo ****") {
		t.Errorf("the secret is told in %q", step.Name)
	}
}

func TestHeredocs(t *testing.T) {
	t.Parallel()
	p := must(t, "FROM alpine\nRUN <<EOF\necho a\necho b\nEOF\nRUN <<-EOF\n\t#!/usr/bin/env python\n\tprint(1)\nEOF\nRUN cat <<A - <<B\n1\nA\n2\nB\n", dockerfile.Options{})
	s := p.Stages[0].Steps
	if d := cmp.Diff([]string{"/bin/sh", "-c", "echo a\necho b\n"}, s[0].Run.Args); d != "" {
		t.Error(d)
	}
	if s[0].Name != "[2/4] RUN <<EOF (echo a...)" {
		t.Errorf("name %q", s[0].Name)
	}
	if d := cmp.Diff([]plan.InlineFile{{Name: "EOF", Data: "#!/usr/bin/env python\nprint(1)\n", Mode: 0o755}}, s[1].Run.Files); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"/bin/sh", "-c", "cat <<A - <<B\n1\nA\n2\nB"}, s[2].Run.Args); d != "" {
		t.Error(d)
	}
}

func TestOnlyWhatIsNeeded(t *testing.T) {
	t.Parallel()
	text := "FROM missing AS a\nRUN a\nFROM alpine AS b\nFROM b AS c\nCOPY --from=alpine /x /\n"
	p := must(t, text, dockerfile.Options{})
	if p.Stages[0].Needed || !p.Stages[1].Needed || p.Target != 2 {
		t.Errorf("%+v", p)
	}
	if from := p.Stages[2].Steps[0].Copy.From; from.Kind != plan.OfImage || from.Image.Ref.Familiar() != "alpine:latest" {
		t.Errorf("copies from %+v", from)
	}
	for target, index := range map[string]int{"b": 1, "B": 1, "1": 1, "c": 2} {
		if p := must(t, text, dockerfile.Options{Target: target}); p.Target != index {
			t.Errorf("target %s is %d", target, p.Target)
		}
	}
}

func TestContexts(t *testing.T) {
	t.Parallel()
	opt := dockerfile.Options{Contexts: map[string]string{"alpine": "docker-image://debian", "src": "/somewhere", "stage": "/else"}}
	p := must(t, "FROM missing AS stage\nRUN never\nFROM alpine:latest\nCOPY --from=src a /\nCOPY --from=stage b /\n", opt)
	last := p.Stages[1]
	if last.Base.Image.Ref.Familiar() != "debian:latest" {
		t.Errorf("base %+v", last.Base)
	}
	for i, want := range []string{"src", "stage"} {
		if from := last.Steps[i].Copy.From; from.Kind != plan.NamedContext || from.Context != want {
			t.Errorf("copies from %+v, not %s", from, want)
		}
	}
	if len(p.Stages[0].Steps) != 0 {
		t.Error("a replaced stage runs")
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, text, target string
		want               string
	}{
		{"unknown instruction", "FROM alpine\nRNU true\n", "", "Dockerfile:2:1: unknown instruction: RNU; did you mean RUN?"},
		{"unknown flag", "FROM alpine\nCOPY --frm=x a b\n", "", "Dockerfile:2:6: unknown flag: --frm; did you mean from?"},
		{"no stage", "ARG A\n", "", "Dockerfile: the Dockerfile has no stage; begin with FROM"},
		{"before FROM", "RUN x\nFROM alpine", "", "Dockerfile:1:1: no build stage in current context"},
		{"empty", "", "", "Dockerfile: file with no instructions"},
		{"foreign syntax", "# syntax=evil/frontend\nFROM alpine\n", "", `Dockerfile:1:10: the syntax "evil/frontend" is not supported: it is a front end of its own; the language here is that of docker/dockerfile and docker/dockerfile-upstream`},
		{"blank base", "FROM $BASE\n", "", "Dockerfile:1:1: base name ($BASE) should not be blank; put ARG BASE=VALUE in front of the first FROM, or give --build-arg BASE=VALUE with an ARG BASE there"},
		{"near argument", "ARG IMAGE=alpine\nFROM $IMAGES\n", "", "Dockerfile:2:1: base name ($IMAGES) should not be blank; did you mean IMAGE?"},
		{"missing image", "FROM alpin\n", "", "Dockerfile:1:6: image \"alpin\": alpin:latest: not found; did you mean alpine?"},
		{"missing stage", "FROM alpine AS build\nFROM alpine\nCOPY --from=biuld a b\n", "", "Dockerfile:3:13: image \"biuld\": biuld:latest: not found; did you mean build?"},
		{"index", "FROM alpine\nCOPY --from=7 a b\n", "", "Dockerfile:2:1: invalid stage index 7; the file has the stages 0 to 0"},
		{"target", "FROM alpine AS web\n", "wbe", `Dockerfile: target stage "wbe" could not be found; did you mean web?`},
		{"circle", "FROM alpine AS a\nCOPY --from=a x y\n", "", "Dockerfile:2:13: circular dependency detected on stage: a"},
		{"nounset", "FROM alpine\nENV A=${B:?needed}\n", "", `Dockerfile:2:7: failed to process "${B:?needed}": B: needed`},
		{"insecure", "FROM alpine\nRUN --security=insecure x\n", "", "Dockerfile:2:5: --security=insecure is not supported: a build runs foreign programs; leave it out; the step then runs in the sandbox that containers have"},
		{"chained trigger", "FROM chained\n", "", "Dockerfile:1:1: ONBUILD ONBUILD RUN true of the base: ONBUILD isn't allowed as an ONBUILD trigger"},
		{"escape", "# escape=x\nFROM alpine\n", "", "Dockerfile:1:10: invalid escape token 'x' does not match ` or \\"},
		{"url", "FROM alpine\nCOPY https://x/y /\n", "", "Dockerfile:2:6: source can't be a URL for COPY: https://x/y; ADD fetches files"},
		{"mode", "FROM alpine\nCOPY --chmod=9z a /\n", "", "Dockerfile:2:14: invalid chmod parameter: '9z'; it should be octal, between 0 and 07777, or symbolic such as u=rwX,go=rX"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := planned(t, tc.text, dockerfile.Options{Target: tc.target})
			var source *images.SourceError
			if !errors.As(err, &source) {
				t.Fatalf("%v is not a source error", err)
			}
			if d := cmp.Diff(tc.want, err.Error()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestExcerpt(t *testing.T) {
	t.Parallel()
	_, err := planned(t, "FROM alpine\n\n\tRNU true\n", dockerfile.Options{})
	var source *images.SourceError
	errors.As(err, &source)
	want := `--------------------
   1 |     FROM alpine
   2 |     
   3 | >>> 	RNU true
     |     	^
   4 |     
--------------------
`
	if d := cmp.Diff(want, source.Excerpt()); d != "" {
		t.Error(d)
	}
}
