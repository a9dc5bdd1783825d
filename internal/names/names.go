// Package names makes up names for containers that their user did not name:
// "brisk_heron". Names are for people, so they are easy to say, to tell apart
// and to type; every word is lower-case ASCII, which makes each name valid.
//
// The package is pure: chance comes from the caller, and so does the knowledge
// of which names are taken. Pick and reserve are two steps; who reserves must
// be ready to pick again.
package names

import (
	"math/rand/v2"
	"strconv"
)

// Random returns one of the some ten thousand names.
func Random(r *rand.Rand) string {
	return adjectives[r.IntN(len(adjectives))] + "_" + nouns[r.IntN(len(nouns))]
}

// Pick returns a name that is not taken. After a few that were, it appends a
// number, of more digits with every try, so it ends however many are taken.
func Pick(r *rand.Rand, taken func(name string) bool) string {
	const plain = 4
	for range plain {
		if name := Random(r); !taken(name) {
			return name
		}
	}
	limit := 10
	for {
		name := Random(r) + strconv.Itoa(r.IntN(limit))
		if !taken(name) {
			return name
		}
		if limit < 1e17 {
			limit *= 10
		}
	}
}
