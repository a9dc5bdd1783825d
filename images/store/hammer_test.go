package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"gantry/images"
	"gantry/images/store"
)

// TestMain makes the test binary a process that hammers a store.
func TestMain(m *testing.M) {
	if root := os.Getenv("GANTRY_TEST_HAMMER"); root != "" {
		hammer(root)
		return
	}
	os.Exit(m.Run())
}

var hammerNames = []string{"a:1", "a:2", "b:1", "registry.example/c:1"}

// hammerImages share layers, some of which depend on those below them.
func hammerImages(t testing.TB) []*fixture {
	upper := tarOf(t, file{"etc/conf", "x"}, file{"usr/share/doc", "y"})
	big := tarOf(t, file{"big", string(random(200_000))})
	return []*fixture{
		build(t, "0", base(t), app(t, 1)),
		build(t, "1", base(t), upper, app(t, 2)),
		build(t, "2", app(t, 1), upper),
		build(t, "3", big, base(t), upper),
		build(t, "4"),
		build(t, "5", base(t), app(t, 1), app(t, 1)),
	}
}

// hammer does random work until it is killed, and says after each step how it
// went.
func hammer(root string) {
	seed, _ := strconv.ParseUint(os.Getenv("GANTRY_TEST_SEED"), 10, 64)
	r := rand.New(rand.NewPCG(seed, 0))
	s, err := store.Open(store.Options{Root: root, Run: root + "-run"})
	if err != nil {
		fmt.Println("FAIL open:", err)
		return
	}
	var tb hammerTB
	fixtures := hammerImages(&tb)
	for {
		if what, err := hammerStep(s, r, fixtures); err != nil {
			fmt.Println("FAIL", what, err)
			return
		}
		fmt.Println("ok")
	}
}

// hammerTB lets a process without a test build fixtures.
type hammerTB struct{ testing.TB }

func (*hammerTB) Helper()           {}
func (*hammerTB) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func hammerStep(s *store.Store, r *rand.Rand, fixtures []*fixture) (string, error) {
	ctx := context.Background()
	name := hammerNames[r.IntN(len(hammerNames))]
	ref, err := images.ParseRef(name)
	if err != nil {
		return "parse", err
	}
	f := fixtures[r.IntN(len(fixtures))]
	switch r.IntN(8) {
	case 0, 1, 2:
		img, err := f.add(ctx, s, name)
		if err == nil && img.Problem != "" {
			err = errors.New(img.Problem)
		}
		return "add", err
	case 3:
		return "tag", absentIsFine(s.Tag(ctx, string(f.id()), ref))
	case 4:
		return "untag", absentIsFine(s.Untag(ctx, ref))
	case 5:
		_, err := s.Remove(ctx, name, store.RemoveOptions{Force: true})
		return "remove", absentIsFine(err)
	case 6:
		_, err := s.GC(ctx, store.GCOptions{Used: noContainers})
		return "gc", err
	}
	return "use", absentIsFine(useImage(ctx, s, name))
}

// absentIsFine: another process may have removed what a step is about.
func absentIsFine(err error) error {
	if errors.Is(err, images.ErrNotFound) {
		return nil
	}
	return err
}

// useImage does with an image what a container does: nothing may vanish while
// it is held.
func useImage(ctx context.Context, s *store.Store, name string) error {
	l, err := s.Lease(ctx)
	if err != nil {
		return err
	}
	defer l.Release()
	img, err := s.Hold(ctx, l, name)
	if err != nil {
		return err
	}
	for range 3 {
		if err := whole(ctx, s, img); err != nil {
			return fmt.Errorf("%s is held and not whole: %v", name, err)
		}
	}
	return nil
}

// whole checks everything that an image consists of.
func whole(ctx context.Context, s *store.Store, img images.Image) error {
	if img.Problem != "" {
		return errors.New(img.Problem)
	}
	m, _, err := s.Manifest(img.Manifest)
	if err != nil {
		return err
	}
	for _, l := range m.Layers {
		if err := s.VerifyBlob(ctx, l.Digest); err != nil {
			return err
		}
	}
	if _, _, err := s.Config(img.ID); err != nil {
		return err
	}
	layers, err := s.Layers(img)
	if err != nil {
		return err
	}
	for _, l := range layers {
		if err := wholeLayer(l); err != nil {
			return err
		}
	}
	return nil
}

func wholeLayer(l store.Layer) error {
	if _, err := os.Stat(l.IndexPath()); err != nil {
		return err
	}
	var size int64
	err := filepath.Walk(l.FS(), func(_ string, fi os.FileInfo, err error) error {
		if err == nil && fi.Mode().IsRegular() {
			size += fi.Size()
		}
		return err
	})
	if err == nil && size != l.Size {
		err = fmt.Errorf("layer %s has %d of %d bytes", l.ID, size, l.Size)
	}
	return err
}

// TestKilledProcessesLeaveWholeImages has four processes at one store that are
// killed at random moments and replaced. Afterwards each image is whole, and
// once all names are gone nothing is left over.
func TestKilledProcessesLeaveWholeImages(t *testing.T) {
	t.Parallel()
	needRoot(t)
	self, err := os.Executable()
	must(t, err)
	root := filepath.Join(t.TempDir(), "root")
	kills := 12
	if testing.Short() {
		kills = 3
	}
	var wg sync.WaitGroup
	for p := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(p), 7))
			for k := range kills {
				if err := hammerProcess(t.Context(), self, root, p*1000+k, 1+r.IntN(60)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()

	s, err := store.Open(store.Options{Root: root, Run: root + "-run"})
	must(t, err)
	all, err := s.List(t.Context())
	must(t, err)
	t.Logf("%d images are left", len(all))
	for _, img := range all {
		if err := whole(t.Context(), s, img); err != nil {
			t.Errorf("image %s %v: %v", img.ID.Short(), img.Tags, err)
		}
	}
	gc(t, s, store.GCOptions{})
	for _, img := range all {
		if err := whole(t.Context(), s, img); err != nil {
			t.Errorf("after a collection: image %s %v: %v", img.ID.Short(), img.Tags, err)
		}
		must(t, s.RemoveImage(t.Context(), img.ID))
	}
	gc(t, s, store.GCOptions{})
	emptyStore(t, store.Options{Root: root})
	for _, dir := range []string{root + "/blobs/sha256", root + "-run/leases"} {
		if left := list(t, dir); len(left) != 0 {
			t.Errorf("left in %s: %v", dir, left)
		}
	}
	for _, name := range list(t, root+"/ingest") {
		if strings.HasPrefix(name, "put-") {
			t.Errorf("left in ingest: %s", name)
		}
	}
}

// hammerProcess kills a process after so many steps, somewhere in the next one.
func hammerProcess(ctx context.Context, self, root string, seed, steps int) error {
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = []string{"GANTRY_TEST_HAMMER=" + root, "GANTRY_TEST_SEED=" + strconv.Itoa(seed)}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	for i := 0; i < steps && lines.Scan(); i++ {
		if msg, bad := strings.CutPrefix(lines.Text(), "FAIL "); bad {
			err = errors.Join(err, fmt.Errorf("seed %d, step %d: %s", seed, i, msg))
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // killed, as it should be
	return err
}
