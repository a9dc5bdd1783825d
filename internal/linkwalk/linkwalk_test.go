package linkwalk

import (
	"errors"
	"syscall"
	"testing"
)

func TestResolve(t *testing.T) {
	links := map[string]string{
		"/var/run": "/run", "/run/up": "../../../etc", "/a": "b/./c", "/b/c": "../d//", "/loop": "loop", "/lib": "usr/lib",
	}
	tests := []struct{ name, want string }{
		{"", "/"},
		{"/", "/"},
		{"etc/passwd", "/etc/passwd"},
		{"/../../etc", "/etc"},
		{"/var/run/x", "/run/x"},
		{"/var/run/up/hosts", "/etc/hosts"},
		{"/a/e", "/d/e"},
		{"/lib/../x", "/usr/x"},
		{"/missing/../x/.", "/x"},
	}
	read := func(entry string, _ bool) (string, error) { return links[entry], nil }
	for _, tt := range tests {
		if got, err := Resolve(tt.name, read); got != tt.want || err != nil {
			t.Errorf("Resolve(%q) = %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
	if got, err := Resolve("/loop/x", read); got != "/loop" || !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a loop: %q, %v", got, err)
	}
}

func TestResolveSteps(t *testing.T) {
	var steps []string
	_, err := Resolve("a/l/z", func(entry string, last bool) (string, error) {
		if last {
			entry += " last"
		}
		steps = append(steps, entry)
		switch entry {
		case "/a/l":
			return "m", nil
		case "/a/m/z last":
			return "", syscall.EACCES
		}
		return "", nil
	})
	if err != syscall.EACCES {
		t.Errorf("got %v, want the step's error", err)
	}
	want := []string{"/a", "/a/l", "/a/m", "/a/m/z last"}
	if len(steps) != len(want) {
		t.Fatalf("steps %q, want %q", steps, want)
	}
	for i := range want {
		if steps[i] != want[i] {
			t.Errorf("steps %q, want %q", steps, want)
		}
	}
}
