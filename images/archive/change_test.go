package archive_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/images"
	"gantry/images/archive"
)

func TestChange(t *testing.T) {
	t.Parallel()
	set := func(names ...string) map[string]struct{} {
		m := map[string]struct{}{}
		for _, n := range names {
			m[n] = struct{}{}
		}
		return m
	}
	for _, test := range []struct {
		lines []string
		want  images.Config
	}{
		{[]string{`CMD ["a","b c"]`}, images.Config{Cmd: []string{"a", "b c"}}},
		{[]string{`cmd echo "hi"`}, images.Config{Cmd: []string{"/bin/sh", "-c", `echo "hi"`}}},
		{[]string{`CMD [not json]`}, images.Config{Cmd: []string{"/bin/sh", "-c", `[not json]`}}},
		{[]string{"ENTRYPOINT /bin/x"}, images.Config{Entrypoint: []string{"/bin/sh", "-c", "/bin/x"}}},
		{[]string{`ENV A=1 B="two words" C='$x' D=a\ b`}, images.Config{Env: []string{"A=1", "B=two words", "C=$x", "D=a b"}}},
		{[]string{"ENV A all of this", "ENV A=2 A=3"}, images.Config{Env: []string{"A=3"}}},
		{[]string{"ENV A=b=c"}, images.Config{Env: []string{"A=b=c"}}},
		{[]string{"EXPOSE 80 53/UDP 8000-8002"}, images.Config{ExposedPorts: set("80/tcp", "53/udp", "8000/tcp", "8001/tcp", "8002/tcp")}},
		{[]string{`LABEL a=b "c d"="e f"`}, images.Config{Labels: map[string]string{"a": "b", "c d": "e f"}}},
		{[]string{"USER 1000:1000", "STOPSIGNAL SIGINT", "ONBUILD RUN x"}, images.Config{User: "1000:1000", StopSignal: "SIGINT", OnBuild: []string{"RUN x"}}},
		{[]string{`VOLUME ["/a","/b c"]`, "VOLUME /d /e"}, images.Config{Volumes: set("/a", "/b c", "/d", "/e")}},
		{[]string{"WORKDIR /srv", "WORKDIR app/../web"}, images.Config{WorkingDir: "/srv/web"}},
	} {
		var c images.Config
		for _, line := range test.lines {
			must(t, archive.Change(&c, line))
		}
		if diff := cmp.Diff(test.want, c); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.lines, diff)
		}
	}
	for _, bad := range []string{"", "RUN x", "FROM y", "CMD", "ENV A", "ENV =x", `ENV A="x`, "EXPOSE 0", "EXPOSE 70000", "EXPOSE 80/icmp", "EXPOSE 9-8", `VOLUME [""]`, "LABEL a=b c"} {
		var c images.Config
		if err := archive.Change(&c, bad); err == nil {
			t.Errorf("%q was accepted: %+v", bad, c)
		}
	}
}

func FuzzChange(f *testing.F) {
	f.Add(`ENV A="b c" D=\`)
	f.Add(`EXPOSE 1-65535/udp`)
	f.Fuzz(func(t *testing.T, line string) {
		var c images.Config
		_ = archive.Change(&c, line)
	})
}
