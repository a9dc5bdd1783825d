package registry

import (
	"fmt"
	"slices"
	"strings"

	"gantry/images"
	"gantry/images/store"
)

// choose picks the entry of an index that suits a platform best. An entry
// without a platform is the last choice: its configuration will tell.
func choose(entries []store.Descriptor, want images.Platform) (best store.Descriptor, ok bool) {
	bestRank := -1
	for _, e := range entries {
		if isAttestation(e) {
			continue
		}
		if r := rank(e.Platform, want); r > bestRank {
			best, bestRank = e, r
		}
	}
	return best, bestRank >= 0
}

// rank says how well content for p suits want, -1 for not at all: the same
// variant, then none named, then for arm the older ones, newest first (they run
// on newer cores), then any other when want leaves the variant open.
func rank(p *images.Platform, want images.Platform) int {
	if p == nil {
		return 0 // an index of one image may leave it out
	}
	have, want := p.Normalize(), want.Normalize()
	switch {
	case have.OS != want.OS || have.Architecture != want.Architecture:
		return -1
	case have.Variant == want.Variant:
		return 100
	case have.Variant == "":
		return 90
	case have.Architecture == "arm" && (want.Variant == "" || have.Variant < want.Variant):
		return 10 + armVersion(have.Variant)
	case want.Variant == "":
		// amd64/v2 and up need newer CPUs than amd64 promises: last choice.
		return 1
	}
	return -1
}

func armVersion(variant string) int {
	return slices.Index([]string{"v5", "v6", "v7", "v8"}, variant) + 1
}

// isAttestation recognises what buildkit puts beside images: provenance and
// SBOMs under the platform "unknown/unknown".
func isAttestation(d store.Descriptor) bool {
	return d.Annotations["vnd.docker.reference.type"] != "" ||
		d.Platform != nil && d.Platform.OS == "unknown"
}

// noPlatform lists what there is instead.
func noPlatform(entries []store.Descriptor, want images.Platform) error {
	var have []string
	for _, e := range entries {
		if e.Platform != nil && !isAttestation(e) {
			have = append(have, e.Platform.Normalize().String())
		}
	}
	slices.Sort(have)
	have = slices.Compact(have)
	if len(have) == 0 {
		return fmt.Errorf("%w: the image names no platform at all", images.ErrPlatform)
	}
	return fmt.Errorf("%w: it is not there for %s, only for %s", images.ErrPlatform, want.Normalize(), strings.Join(have, ", "))
}
