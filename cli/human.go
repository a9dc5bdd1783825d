package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/docker/go-units"
)

// ago is "3 minutes ago".
func ago(t time.Time) string { return since(t) + " ago" }

func since(t time.Time) string { return units.HumanDuration(time.Since(t)) }

// ellipsis cuts s to n characters, the last of which says that it was cut.
func ellipsis(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

// pairs is "a=1,b=2", sorted.
func pairs(m map[string]string) string {
	out := make([]string, 0, len(m))
	for k, v := range m {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return strings.Join(out, ",")
}

func size3(n float64) string { return units.HumanSizeWithPrecision(n, 3) }

// labels answers {{.Label "name"}}. In the heading row it answers with the
// last part of the name, as docker does.
type labels struct {
	of      map[string]string
	heading bool
}

func (l labels) Label(name string) string {
	if !l.heading {
		return l.of[name]
	}
	return strings.NewReplacer("-", " ", "_", " ").Replace(name[strings.LastIndexByte(name, '.')+1:])
}
