package record_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/record"
)

type pet struct {
	Name string            `json:"name"`
	Legs int               `json:"legs,omitempty"`
	Tags map[string]string `json:"tags,omitempty"`
}

func TestWriteThenRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		in   any
		file string
	}{
		{"members", pet{Name: "<cat>", Legs: 4}, `{"v":1,"name":"<cat>","legs":4}` + "\n"},
		{"pointer", &pet{Name: "dog"}, `{"v":1,"name":"dog"}` + "\n"},
		{"nothing", struct{}{}, `{"v":1}` + "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "r.json")
			for _, d := range []record.Durability{record.Durable, record.Volatile} {
				if err := record.Write(path, tt.in, d); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.file, slurp(t, path)); diff != "" {
					t.Errorf("file (-want +got):\n%s", diff)
				}
			}
			var got pet
			if err := record.Read(path, &got); err != nil {
				t.Fatal(err)
			}
			if want, ok := tt.in.(pet); ok && !cmp.Equal(want, got) {
				t.Errorf("read %+v, want %+v", got, want)
			}
		})
	}
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "r.json")
	for name, v := range map[string]any{
		"an array":  []int{1},
		"a string":  "x",
		"too large": pet{Name: strings.Repeat("x", 16<<20)},
	} {
		if err := record.Write(path, v, record.Volatile); !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
}

func TestReadBroken(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, file string
		class      error
	}{
		{"empty", "", engine.ErrCorrupt},
		{"zeros after a power failure", strings.Repeat("\x00", 512), engine.ErrCorrupt},
		{"cut", `{"v":1,"name":"ca`, engine.ErrCorrupt},
		{"two objects", `{"v":1}{"v":1}`, engine.ErrCorrupt},
		{"no version", `{"name":"cat"}`, engine.ErrCorrupt},
		{"version 0", `{"v":0,"name":"cat"}`, engine.ErrCorrupt},
		{"version of another type", `{"v":"1"}`, engine.ErrCorrupt},
		{"member of another type", `{"v":1,"legs":"four"}`, engine.ErrCorrupt},
		{"newer", `{"v":2,"name":"cat"}`, engine.ErrUnsupported},
		{"far newer", `{"v":123456789}`, engine.ErrUnsupported},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "r.json")
			spill(t, path, tt.file)
			checkRead(t, path, tt.class)
		})
	}
}

// What is in a record's place and is no record must neither block nor be
// followed.
func TestReadWhatIsNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(
		unix.Mkfifo(at("fifo"), 0o600),
		os.Mkdir(at("directory"), 0o700),
		os.Symlink("target", at("link")),
	); err != nil {
		t.Fatal(err)
	}
	spill(t, at("target"), `{"v":1}`)
	huge, err := os.Create(at("huge"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(huge.Truncate(1<<40), huge.Close()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fifo", "directory", "link", "huge"} {
		checkRead(t, at(name), engine.ErrCorrupt)
	}
	checkRead(t, at("missing"), engine.ErrNotFound)
	checkRead(t, at("target/below"), engine.ErrNotFound)
}

func checkRead(t *testing.T, path string, class error) {
	t.Helper()
	err := record.Read(path, &pet{})
	if !errors.Is(err, class) {
		t.Fatalf("read: got %v, want %v", err, class)
	}
	if !strings.Contains(err.Error(), path) {
		t.Errorf("error %q does not name the file", err)
	}
	var op *engine.OpError
	if !errors.As(err, &op) || class != engine.ErrNotFound && op.Hint == "" {
		t.Errorf("error %v has no hint", err)
	}
}

// A record written by hand, or by a later minor version, still reads.
func TestReadTolerates(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "r.json")
	spill(t, path, "{\n  \"v\": 1,\n  \"name\": \"cat\",\n  \"tail\": true\n}\n")
	var got pet
	if err := record.Read(path, &got); err != nil || got.Name != "cat" {
		t.Fatalf("read %+v, %v", got, err)
	}
}

// A writer that was killed leaves its temporary file: nobody sees it, the next
// write uses it up, and however many die, there is one.
func TestLeftoverOfKilledWriter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "r.json")
	tmp := filepath.Join(dir, ".r.json.tmp")
	if err := record.Write(path, pet{Name: "old"}, record.Volatile); err != nil {
		t.Fatal(err)
	}
	spill(t, tmp, `{"v":1,"name":"a very long name that was never ackno`)
	var got pet
	if err := record.Read(path, &got); err != nil || got.Name != "old" {
		t.Fatalf("read %+v, %v", got, err)
	}
	if err := record.Write(path, pet{Name: "new"}, record.Volatile); err != nil {
		t.Fatal(err)
	}
	if got, want := slurp(t, path), `{"v":1,"name":"new"}`+"\n"; got != want {
		t.Errorf("file is %q, want %q", got, want)
	}
	if _, err := os.Lstat(tmp); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the temporary file is still there: %v", err)
	}
}

func TestWriteFailureKeepsOldRecord(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "r.json")
	if err := os.MkdirAll(filepath.Join(path, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := record.Write(path, pet{}, record.Durable); err == nil {
		t.Fatal("a directory was replaced by a record")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("the failed write left %v", entries)
	}
	if err := record.Write(filepath.Join(dir, "no/such/r.json"), pet{}, record.Durable); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("write into no directory: %v", err)
	}
}

// Writers and readers of one record, at once: a reader sees whole records only.
func TestConcurrentWriters(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "r.json")
	if err := record.Write(path, pet{Name: "-"}, record.Volatile); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 4 {
		name := strings.Repeat(string(rune('a'+i)), 1<<(3*i))
		wg.Go(func() {
			for range 100 {
				if err := record.Write(path, pet{Name: name}, record.Volatile); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 200 {
				var got pet
				if err := record.Read(path, &got); err != nil {
					t.Error(err)
				} else if strings.Trim(got.Name, got.Name[:1]) != "" {
					t.Errorf("read a mixture: %q", got.Name)
				}
			}
		})
	}
	wg.Wait()
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

// Not parallel: the count is the process's.
func TestSyncsAreCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.json")
	for d, want := range map[record.Durability]uint64{record.Durable: 2, record.Volatile: 0} {
		before := record.Syncs()
		if err := record.Write(path, pet{}, d); err != nil {
			t.Fatal(err)
		}
		if got := record.Syncs() - before; got != want {
			t.Errorf("durability %d: %d syncs, want %d", d, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"v":1,"name":"cat","legs":4}`))
	f.Add([]byte(`{"v":99999999999999999999}`))
	f.Add([]byte("{ \"v\"\t:\n1 }"))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "r.json")
		spill(t, path, string(b))
		var got pet
		err := record.Read(path, &got)
		if err == nil {
			// What reads can be written and reads the same.
			var again pet
			if err := errors.Join(record.Write(path, got, record.Volatile), record.Read(path, &again)); err != nil || !cmp.Equal(got, again) {
				t.Errorf("%+v came back as %+v, %v", got, again, err)
			}
		} else if !errors.Is(err, engine.ErrCorrupt) && !errors.Is(err, engine.ErrUnsupported) {
			t.Errorf("unclassified: %v", err)
		}
	})
}

func slurp(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func spill(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
