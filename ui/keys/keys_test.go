package keys_test

import (
	"strings"
	"testing"

	"gantry/ui/keys"
)

func actions() []keys.Action {
	return []keys.Action{
		{ID: "quit", Scope: keys.Global, Keys: []string{"q"}},
		{ID: "container.stop", Scope: keys.Containers, Keys: []string{"s"}},
		{ID: "container.start", Scope: keys.Containers, Keys: []string{"S"}},
		{ID: "image.save", Scope: keys.Images, Keys: []string{"s"}},
	}
}

func TestAKeyMeansWhatHasTheFocus(t *testing.T) {
	t.Parallel()
	r := keys.New(actions())
	for _, tt := range []struct {
		scope keys.Scope
		key   string
		want  keys.ID
	}{{keys.Containers, "s", "container.stop"}, {keys.Images, "s", "image.save"}, {keys.Images, "q", "quit"}, {keys.Log, "s", ""}} {
		got, ok := r.Lookup(tt.scope, tt.key)
		if got.ID != tt.want || ok != (tt.want != "") {
			t.Errorf("%s in %s: got %q", tt.key, tt.scope, got.ID)
		}
	}
}

func TestDefaultsThatClashAreAMistake(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]keys.Action{
		"in one scope":      {ID: "x", Scope: keys.Containers, Keys: []string{"s"}},
		"with a global one": {ID: "x", Scope: keys.Images, Keys: []string{"q"}},
		"of a global one":   {ID: "x", Scope: keys.Global, Keys: []string{"S"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("the clash is accepted")
				}
			}()
			keys.New(append(actions(), more))
		})
	}
}

func TestRemap(t *testing.T) {
	t.Parallel()
	r, problems := keys.New(actions()).Remap(map[string][]string{"container.stop": {"x"}, "container.start": {}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if a, ok := r.Lookup(keys.Containers, "x"); !ok || a.ID != "container.stop" {
		t.Errorf("x is %q", a.ID)
	}
	for _, gone := range []string{"s", "S"} {
		if a, ok := r.Lookup(keys.Containers, gone); ok {
			t.Errorf("%s is still %s", gone, a.ID)
		}
	}
}

func TestRemapNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	r, problems := keys.New(actions()).Remap(map[string][]string{"container.stopp": {"x"}, "container.start": {"s"}})
	text := ""
	for _, p := range problems {
		text += p.Action + ": " + p.Message + "\n"
	}
	for _, want := range []string{"container.stopp", `"container.stop"`, "container.start", "the first keeps it"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not named in:\n%s", want, text)
		}
	}
	if a, _ := r.Lookup(keys.Containers, "s"); a.ID != "container.stop" {
		t.Errorf("s is %s", a.ID)
	}
}
