package portspec

import (
	"fmt"
	"slices"

	"gantry/engine"
)

// Filter is docker's filters "publish", by ports of the host, and "expose", by
// those of the container. Values are as Parse reads them.
func Filter(key string, values []string) (func(engine.PortMap) bool, error) {
	type wanted struct {
		Range
		proto string
	}
	var want []wanted
	for _, v := range values {
		r, proto, err := Parse(v)
		if err != nil {
			return nil, fmt.Errorf("filter %s: %w", key, err)
		}
		want = append(want, wanted{r, proto})
	}
	return func(m engine.PortMap) bool {
		return slices.ContainsFunc(entries(m), func(e entry) bool {
			port := e.private
			if key == "publish" {
				port = e.public
			}
			return slices.ContainsFunc(want, func(w wanted) bool { return w.proto == e.proto && w.First <= port && port <= w.Last })
		})
	}, nil
}
