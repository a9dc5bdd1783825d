package names

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func TestWords(t *testing.T) {
	t.Parallel()
	word := regexp.MustCompile(`^[a-z]{3,10}$`)
	for list, words := range map[string][]string{"adjectives": adjectives[:], "nouns": nouns[:]} {
		if len(words) < 100 {
			t.Errorf("%s: only %d", list, len(words))
		}
		if !slices.IsSorted(words) {
			t.Errorf("%s are not sorted", list)
		}
		for i, w := range words {
			if !word.MatchString(w) {
				t.Errorf("%s: %q", list, w)
			}
			if i > 0 && words[i-1] == w {
				t.Errorf("%s: %q twice", list, w)
			}
		}
	}
}

func TestPickIsPure(t *testing.T) {
	t.Parallel()
	free := func(string) bool { return false }
	if a, b := Pick(source(7), free), Pick(source(7), free); a != b {
		t.Errorf("the same chance gave %q and %q", a, b)
	}
	if a, b := Pick(source(7), free), Pick(source(8), free); a == b {
		t.Errorf("different chance gave %q twice", a)
	}
}

func TestPickAppendsANumberWhenNamesAreTaken(t *testing.T) {
	t.Parallel()
	plainTaken := func(name string) bool { return !strings.ContainsAny(name, "0123456789") }
	if got := Pick(source(1), plainTaken); !regexp.MustCompile(`^[a-z]+_[a-z]+[0-9]$`).MatchString(got) {
		t.Errorf("got %q", got)
	}
}

func TestPickEndsWhenNearlyAllIsTaken(t *testing.T) {
	t.Parallel()
	r, taken := source(3), map[string]bool{}
	for range 3 * len(adjectives) * len(nouns) {
		name := Pick(r, func(n string) bool { return taken[n] })
		if taken[name] {
			t.Fatalf("%q was taken", name)
		}
		taken[name] = true
	}
}
