package zone_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"gantry/engine"
	"gantry/engine/network/zone"
	"gantry/internal/inetaddr"
)

func id(n int) engine.ID { return engine.ID(fmt.Sprintf("%064x", n)) }

func addr(s string) inetaddr.Addr {
	a, err := inetaddr.Parse(s)
	if err != nil {
		panic(err)
	}
	return a
}

func put(t testing.TB, dir string, n int, names []string, addrs ...string) {
	t.Helper()
	r := zone.Record{ID: id(n), Names: names}
	for _, a := range addrs {
		r.Addrs = append(r.Addrs, addr(a))
	}
	if err := zone.Put(dir, r); err != nil {
		t.Fatal(err)
	}
}

// find returns the addresses of a name as text, in order; nil: it is not known.
func find(x *zone.Index, name string) []string {
	addrs, known := x.Lookup(name)
	if !known {
		return nil
	}
	out := []string{}
	for _, a := range addrs {
		out = append(out, a.String())
	}
	slices.Sort(out)
	return out
}

func TestLookup(t *testing.T) {
	t.Parallel()
	front, back := t.TempDir(), t.TempDir()
	put(t, front, 1, []string{"web", "www", "000000000000", "web"}, "10.1.0.2", "fd00::2")
	put(t, front, 2, []string{"Worker-1", "worker"}, "10.1.0.3")
	put(t, front, 3, []string{"worker-2", "worker"}, "10.1.0.4")
	put(t, front, 4, []string{"mute"})
	put(t, front, 5, []string{"db"}, "10.1.0.5")
	put(t, back, 5, []string{"db", "only-back"}, "10.2.0.5")
	for name, junk := range map[string]string{"10.1.0.2": "a claim", "broken.names": "{", ".x.names.tmp": "{}"} {
		if err := os.WriteFile(filepath.Join(front, name), []byte(junk), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	x := zone.Open(nil, zone.Network{Dir: front, Name: "Front"}, zone.Network{Dir: back, Name: "back.net"},
		zone.Network{Dir: filepath.Join(front, "not-there"), Name: "none"})
	for _, c := range []struct {
		name string
		want []string
	}{
		{"web", []string{"10.1.0.2", "fd00::2"}},
		{"web.", []string{"10.1.0.2", "fd00::2"}},
		{"WEB", []string{"10.1.0.2", "fd00::2"}},
		{"www.front", []string{"10.1.0.2", "fd00::2"}},
		{"www.FRONT.", []string{"10.1.0.2", "fd00::2"}},
		{"000000000000", []string{"10.1.0.2", "fd00::2"}},
		{"worker-1", []string{"10.1.0.3"}},
		{"worker", []string{"10.1.0.3", "10.1.0.4"}},
		{"mute", []string{}},
		{"db", []string{"10.1.0.5"}},
		{"db.front", []string{"10.1.0.5"}},
		{"db.back.net", []string{"10.2.0.5"}},
		{"only-back", []string{"10.2.0.5"}},
		{"web.back.net", nil},
		{"only-back.front", nil},
		{"front", nil},
		{"web.front.front", nil},
		{"", nil},
		{".", nil},
		{"10.1.0.2", nil},
		{"broken", nil},
	} {
		if got := find(x, c.name); !slices.Equal(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%q: %v, want %v", c.name, got, c.want)
		}
	}
	for text, want := range map[string]string{"10.1.0.2": "web.Front", "fd00::2": "web.Front", "10.2.0.5": "db.back.net", "10.1.0.9": ""} {
		if got, known := x.Reverse(addr(text)); got != want || known != (want != "") {
			t.Errorf("%s: %q, %v, want %q", text, got, known, want)
		}
	}
}

// TestFollows: an index knows what was put, changed and dropped since it last
// looked, without a pause between.
func TestFollows(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "late")
	x := zone.Open(nil, zone.Network{Dir: dir, Name: "n"})
	expect := func(name string, want ...string) {
		t.Helper()
		if got := find(x, name); !slices.Equal(got, want) {
			t.Fatalf("%s: %v, want %v", name, got, want)
		}
	}
	expect("a")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		at := fmt.Sprintf("10.0.0.%d", i)
		put(t, dir, 1, []string{"a"}, at)
		expect("a", at)
		put(t, dir, 2, []string{"b", "a"}, "10.0.1.1")
		expect("b", "10.0.1.1")
		expect("a", at, "10.0.1.1")
		put(t, dir, 2, []string{"renamed"}, "10.0.1.1")
		expect("b")
		expect("renamed", "10.0.1.1")
		for range 2 {
			if err := zone.Drop(dir, id(2)); err != nil {
				t.Fatal(err)
			}
		}
		expect("renamed")
		expect("a", at)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	expect("a")
}

// TestDead: who was killed together with its monitor is not found any more.
func TestDead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, 1, []string{"one", "any"}, "10.0.0.1")
	put(t, dir, 2, []string{"two", "any"}, "10.0.0.2")
	x := zone.Open(func(c engine.ID) bool { return c == id(2) }, zone.Network{Dir: dir, Name: "n"})
	for name, want := range map[string][]string{"one": nil, "two": {"10.0.0.2"}, "any": {"10.0.0.2"}} {
		if got := find(x, name); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if name, known := x.Reverse(addr("10.0.0.1")); known {
		t.Errorf("the address of the dead is called %s", name)
	}
}

func TestConcurrent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, 0, []string{"always"}, "10.0.0.1")
	x := zone.Open(nil, zone.Network{Dir: dir, Name: "n"})
	var writers, readers sync.WaitGroup
	stop := make(chan struct{})
	for w := range 3 {
		writers.Go(func() {
			for i := range 100 {
				if err := zone.Put(dir, zone.Record{ID: id(w + 1), Names: []string{fmt.Sprint("w", i)}}); err != nil {
					t.Error(err)
				}
				if err := zone.Drop(dir, id(w+1)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, known := x.Lookup("always"); !known {
					t.Error("a name that nobody touched is lost")
					return
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
}

func BenchmarkLookup(b *testing.B) {
	dir := b.TempDir()
	for n := range 200 {
		put(b, dir, n, []string{fmt.Sprint("c", n), "all"}, fmt.Sprintf("10.0.1.%d", n))
	}
	x := zone.Open(nil, zone.Network{Dir: dir, Name: "n"})
	for i := 0; b.Loop(); i++ {
		if _, known := x.Lookup(fmt.Sprint("c", i%200)); !known {
			b.Fatal("not found")
		}
	}
}

// BenchmarkChanged is a lookup after one of 200 endpoints has changed.
func BenchmarkChanged(b *testing.B) {
	dir := b.TempDir()
	for n := range 200 {
		put(b, dir, n, []string{fmt.Sprint("c", n)}, fmt.Sprintf("10.0.1.%d", n))
	}
	x := zone.Open(nil, zone.Network{Dir: dir, Name: "n"})
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		put(b, dir, i%200, []string{fmt.Sprint("c", i%200)}, "10.0.0.1")
		b.StartTimer()
		x.Lookup("c0")
	}
}
