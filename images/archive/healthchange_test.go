package archive_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gantry/images"
	"gantry/images/archive"
)

func TestChangeHealthcheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		line string
		want images.Healthcheck
		err  string
	}{
		{line: "HEALTHCHECK NONE", want: images.Healthcheck{Test: []string{"NONE"}}},
		{line: "healthcheck CMD curl -f http://localhost/ || exit 1", want: images.Healthcheck{Test: []string{"CMD-SHELL", "curl -f http://localhost/ || exit 1"}}},
		{line: `HEALTHCHECK --interval=5m --timeout=3s --start-period=1m --start-interval=2s --retries=4 CMD ["a", "b c"]`, want: images.Healthcheck{
			Test: []string{"CMD", "a", "b c"}, Interval: 5 * time.Minute, Timeout: 3 * time.Second, StartPeriod: time.Minute, StartInterval: 2 * time.Second, Retries: 4,
		}},
		{line: "HEALTHCHECK CMD", err: "no command"},
		{line: "HEALTHCHECK CMD []", err: "no command"},
		{line: "HEALTHCHECK NONE x", err: "no arguments"},
		{line: "HEALTHCHECK curl", err: "want CMD or NONE"},
		{line: "HEALTHCHECK --interval=1us CMD x", err: "1ms"},
		{line: "HEALTHCHECK --interval=soon CMD x", err: "duration"},
		{line: "HEALTHCHECK --retries=-1 CMD x", err: "number"},
		{line: "HEALTHCHECK --often CMD x", err: "unknown option"},
	} {
		var c images.Config
		err := archive.Change(&c, tt.line)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: error %v, want one with %q", tt.line, err, tt.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.line, err)
			continue
		}
		if diff := cmp.Diff(&tt.want, c.Healthcheck); diff != "" {
			t.Errorf("%s:\n%s", tt.line, diff)
		}
	}
}
