package tabs_test

import (
	"testing"
	"time"

	"gantry/engine/fake"
	"gantry/ui/tabs"
)

// written is shop with files that api-1 has written, one of them called to harm.
func written() *fake.Engine {
	e := shop()
	for name, text := range map[string]string{
		"/etc/app.conf": "port = 80\n", "/tmp/a/b/deep.conf": "x", "/etc/evil\x1b[2J\nname": "", "/etc/passwd": "root:x:0:0:::\n",
	} {
		if err := e.SetFile("api-1", name, []byte(text)); err != nil {
			panic(err)
		}
	}
	return e
}

// TestFilesOfAContainer tell what has changed, find names and go to paths.
func TestFilesOfAContainer(t *testing.T) {
	perform(t, 100, 24, written, opener(tabs.NewContainerFiles, "api-1"), func(s *stage) {
		s.wants("▸ bin/", "C ▸ etc/", "C ▸ tmp/", "root:0", "changes")
		s.Keys("u")
		s.wants("A     app.conf", "deep.conf", "evil", "changes alone")
		s.lacks("bin/", "\x1b[2J")
		s.Keys("u")
		s.wants("▸ bin/")
		s.Keys("@", "ctrl+u", "/", "e", "t", "c", "/", "a", "p", "tab", "enter")
		s.wants("▌A     app.conf")
		s.Keys("enter")
		s.wants("port = 80")
		s.Keys("esc", "@", "ctrl+u", "n", "o", "enter")
		s.wants("there is no /no")
		s.Keys("g", "/", "x", "enter")
		s.Pass(time.Second)
		s.wants("Nothing below /bin")
		s.Keys("esc", "@", "ctrl+u", "/", "t", "m", "p", "enter", "/", "*", ".", "c", "o", "n", "f", "enter")
		s.Pass(time.Second)
		s.wants("a/b/deep.conf")
		s.Keys("l")
		s.wants("▾ b/", "▌A         deep.conf")
		s.Keys("esc")
	})
}

// TestASearchEnds with the tab, and its failure is told.
func TestASearchEnds(t *testing.T) {
	slow := func() *fake.Engine {
		e := written()
		e.Inject(fake.OpFind, fake.Fault{Delay: time.Hour})
		return e
	}
	perform(t, 78, 20, slow, opener(tabs.NewContainerFiles, "api-1"), func(s *stage) {
		s.Keys("/", "x", "enter")
		s.wants("Searching")
		s.Keys("esc")
		s.wants("▸ bin/")
	})
}

// TestAnImageIsOnlyLookedAt: its links lead within it, and nothing is copied in.
func TestAnImageIsOnlyLookedAt(t *testing.T) {
	image := func() *fake.Engine {
		e := fake.New()
		e.AddImage(fake.Image{Refs: []string{"app:1"}})
		for name, target := range map[string]string{"/usr/lib/x.so": "", "/lib": "usr/lib"} {
			if err := e.SetImageFile("app:1", name, target, []byte("elf")); err != nil {
				panic(err)
			}
		}
		return e
	}
	perform(t, 78, 20, image, imageOpener(tabs.NewImageFiles, "app:1"), func(s *stage) {
		s.Keys("@", "ctrl+u")
		s.typed("/lib/x.so")
		s.Keys("enter")
		s.wants("▾ usr/", "▾ lib/", "▌      x.so")
		if b, ok := s.host.tab.Bind("files.copyin"); !ok || b.Why == "" {
			t.Errorf("copy into an image: %+v, want why not", b)
		}
	})
}
