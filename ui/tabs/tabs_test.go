package tabs_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/images"
	"gantry/themes"
	"gantry/ui/keys"
	"gantry/ui/styles"
	"gantry/ui/tabs"
	"gantry/ui/uitest"
)

// host is the smallest root that a tab can live in: the tab fills the screen
// but for a last line with its status.
type host struct {
	tab           tabs.Panel
	first         tea.Cmd
	width, height int
	copied        []string
	signals       []tabs.SignalProcess
	handled       bool // of the last key
	messages      int  // that the tab took
}

func (h *host) Init() tea.Cmd { return h.first }

func (h *host) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		h.width, h.height = msg.Width, msg.Height
		h.tab.Place(h.width, h.height-1, true)
		return h, nil
	case tea.KeyPressMsg:
		return h, h.key(msg.String())
	case tabs.Copied:
		h.copied = append(h.copied, msg.What)
		return h, nil
	case tabs.SignalProcess:
		h.signals = append(h.signals, msg)
		return h, nil
	case run: // what a root does in its Update
		return h, msg()
	}
	took, cmd := h.tab.Update(msg)
	if took {
		h.messages++
	}
	return h, cmd
}

// registry has what a tab gets from the root.
var registry = func() *keys.Registry {
	all := tabs.Actions()
	for _, m := range keys.Motions() {
		all = append(all, m.Action)
	}
	return keys.New(all)
}()

// key does what the root does with a key.
func (h *host) key(key string) tea.Cmd {
	h.handled = true
	switch {
	case h.tab.Typing() && key != "ctrl+c" && key != "ctrl+z":
		return h.tab.Type(key)
	case key == "esc":
		h.handled = h.tab.Back()
		return nil
	}
	a, _ := registry.Lookup(h.tab.Scope(), key)
	for _, m := range keys.Motions() {
		if m.ID == a.ID {
			return h.tab.Move(m.Steps)
		}
	}
	b, ok := h.tab.Bind(a.ID)
	if h.handled = ok && b.Why == ""; h.handled {
		return b.Do()
	}
	return nil
}

func (h *host) View() tea.View {
	lines := h.tab.View(h.width, h.height-1)
	for len(lines) < h.height-1 {
		lines = append(lines, "")
	}
	return tea.NewView(strings.Join(append(lines, "[ "+h.tab.Status()+" ]"), "\n"))
}

// run does something with the tab as part of an Update.
type run func() tea.Cmd

// stage is a test with one tab of one engine.
type stage struct {
	*uitest.Driver
	t    *testing.T
	host *host
	eng  *fake.Engine
	ctx  context.Context
}

var dark = styles.New(themes.Dark())

func testStyles() styles.Styles { return dark }

// perform runs a test in a bubble. open makes the tab and says how it is
// opened. After the test the tab is closed, and everything that it began must
// end at once: time stands still then, no other context ends, and the bubble
// fails on a goroutine that is left.
func perform(t *testing.T, width, height int, setup func() *fake.Engine, open func(*fake.Engine, context.Context) (tabs.Panel, tea.Cmd), test func(s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := setup()
		h := &host{}
		ctx := context.Background() // not the test's, which would end what Close forgets
		h.tab, h.first = open(e, ctx)
		s := &stage{Driver: uitest.New(t, h, width, height+1), t: t, host: h, eng: e, ctx: ctx}
		s.Pass(100 * time.Millisecond)
		test(s)
		s.exact()
		h.tab.Close()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		s.End(0)
		synctest.Wait()
	})
}

// exact checks the promises of View at many sizes: no more lines than asked
// for, each as wide as asked for or empty, and nothing is changed by looking.
func (s *stage) exact() {
	s.t.Helper()
	before := s.Raw()
	defer func() {
		if s.Raw() != before {
			s.t.Errorf("%s: View changes what is shown", s.host.tab.Name())
		}
	}()
	for _, width := range []int{0, 1, 3, 5, 8, 13, 20, 36, 38, 59, 61, 78, 100, 118, 160} {
		for _, height := range []int{0, 1, 2, 3, 5, 8, 10, 20, 36, 45} {
			lines := s.host.tab.View(width, height)
			if len(lines) > height {
				s.t.Errorf("%s at %dx%d: %d lines", s.host.tab.Name(), width, height, len(lines))
			}
			for i, l := range lines {
				if w := ansi.StringWidth(l); l != "" && w != width {
					s.t.Errorf("%s at %dx%d: line %d is %d cells wide: %q", s.host.tab.Name(), width, height, i, w, ansi.Strip(l))
				}
			}
		}
	}
}

func (s *stage) do(f func() tea.Cmd) { s.Send(run(f)) }

func (s *stage) wants(texts ...string) {
	s.t.Helper()
	screen := s.Screen()
	for _, text := range texts {
		if !strings.Contains(screen, text) {
			s.t.Errorf("%q is not on the screen:\n%s", text, screen)
		}
	}
}

func (s *stage) lacks(texts ...string) {
	s.t.Helper()
	screen := s.Screen()
	for _, text := range texts {
		if strings.Contains(screen, text) {
			s.t.Errorf("%q is on the screen:\n%s", text, screen)
		}
	}
}

// typed presses the keys of a text.
func (s *stage) typed(text string) {
	for _, r := range text {
		if r == ' ' {
			s.Send(tea.KeyPressMsg{Code: tea.KeySpace, Text: " "})
			continue
		}
		s.Keys(string(r))
	}
}

// marked is the row under the cursor, without blanks at its ends.
func (s *stage) marked() string {
	for line := range strings.Lines(s.Screen()) {
		if rest, ok := strings.CutPrefix(line, "▌"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// busy is a sample of a container that is never quite at rest.
func busy(start time.Time) func(time.Time) engine.Sample {
	return func(at time.Time) engine.Sample {
		x := at.Sub(start).Seconds()
		use := 0.8*x - 0.5*9*math.Cos(x/9)
		return engine.Sample{
			CPU:    engine.CPUSample{Usage: uint64(1e9 * (10 + use)), Limit: 2, Online: 4},
			Memory: engine.MemSample{Usage: uint64((118 + 60*math.Sin(x/20)) * (1 << 20)), Peak: 190 << 20, Cache: 16 << 20, Limit: 256 << 20},
			PIDs:   12 + uint64(x)%3, PIDLimit: 100,
			IO:       engine.IOSample{ReadBytes: uint64(1.2e6*x + 4e6*math.Sin(x/12) + 5e6), WriteBytes: uint64(4100 * x)},
			Pressure: &engine.Pressure{CPUSome: 4 + 3*math.Sin(x/15), MemorySome: 0.2, IOSome: 9 + 5*math.Cos(x/11)},
		}
	}
}

// shop is an engine with one container of each sort that the tabs tell apart.
func shop() *fake.Engine {
	e := fake.New()
	now := time.Now()
	e.AddImage(fake.Image{
		Refs: []string{"shop/api:dev"}, Size: 212_000_000, Created: now.Add(-3 * time.Hour),
		Config: images.Config{
			Env: []string{
				"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "DB_PASSWORD=hunter2",
				"DATABASE_URL=postgres://shop:s3cret@db:5432/shop?sslmode=disable", "API_KEY=abc123", "EMPTY_TOKEN=",
				"EVIL=\x1b[2J\x1b[31mred\u202edear", "MONKEY=banana", "GREETING=hello = world",
			},
			Cmd: []string{"serve"}, Entrypoint: []string{"/app/api"}, WorkingDir: "/app", ExposedPorts: map[string]struct{}{"8080/tcp": {}},
			Labels: map[string]string{"com.docker.compose.project": "shop", "com.docker.compose.service": "api"},
		},
		History: []engine.HistoryEntry{
			{ID: "<missing>", Created: now.Add(-3 * time.Hour), CreatedBy: `CMD ["serve"]`, Comment: "buildkit.dockerfile.v0"},
			{ID: "<missing>", Created: now.Add(-3 * time.Hour), CreatedBy: "RUN /bin/sh -c make assets && rm -rf /var/cache # buildkit", Size: 50_100_000, Comment: "buildkit.dockerfile.v0"},
			{ID: "<missing>", Created: now.Add(-72 * time.Hour), CreatedBy: "/bin/sh -c apt-get update && apt-get install -y --no-install-recommends ca-certificates curl python3 python3-pip && rm -rf /var/lib/apt/lists/*", Size: 38_000_000},
			{ID: "<missing>", CreatedBy: "/bin/sh -c #(nop) ADD file:c7a2\x1b[31m in / ", Size: 117_000_000},
		},
	})
	running := func(name string) engine.ID {
		return e.AddContainer(fake.Container{
			Name: name, Image: "shop/api:dev", Command: []string{"serve", "--port", "8080"}, State: engine.Running, Created: now.Add(-3 * time.Minute), Sample: busy(now),
			Host: engine.HostConfig{
				NetworkMode: "none", Resources: engine.Resources{Memory: 256 << 20, NanoCpus: 2e9},
				Mounts: []engine.Mount{{Type: "bind", Source: "/srv/shop/uploads", Target: "/app/uploads"}, {Type: "bind", Source: "/etc/shop.toml", Target: "/app/config.toml", ReadOnly: true}},
				Tmpfs:  map[string]string{"/tmp": "size=64m,mode=1777"},
			},
		})
	}
	running("api-1")
	running("api-2")
	e.AddContainer(fake.Container{Name: "worker", Image: "shop/api:dev", State: engine.Exited, ExitCode: 137, OOM: true, Created: now.Add(-time.Hour), Finished: now.Add(-40 * time.Second)})
	e.AddContainer(fake.Container{Name: "fresh", Image: "shop/api:dev", Created: now})
	if _, err := e.Volumes().Create(context.Background(), engine.VolumeCreateOptions{Name: "data"}); err != nil {
		panic(err)
	}
	e.SetVolumeFile("data", "/base/pg.conf", "", []byte("port = 5432\n"))
	e.SetVolumeFile("data", "/up", "../../../etc", nil)
	return e
}

// opener makes a tab by its constructor and opens it on a container.
func opener[T tabs.Tab](make func(engine.Engine, func() styles.Styles, func() time.Time) T, name string) func(*fake.Engine, context.Context) (tabs.Panel, tea.Cmd) {
	return func(e *fake.Engine, ctx context.Context) (tabs.Panel, tea.Cmd) {
		tab := make(e, testStyles, time.Now)
		return tab, tab.Open(ctx, engine.ID(name))
	}
}

func imageOpener[T tabs.ObjectTab](make func(engine.Engine, func() styles.Styles, func() time.Time) T, ref string) func(*fake.Engine, context.Context) (tabs.Panel, tea.Cmd) {
	return func(e *fake.Engine, ctx context.Context) (tabs.Panel, tea.Cmd) {
		tab := make(e, testStyles, time.Now)
		return tab, tab.Open(ctx, ref)
	}
}

func TestScreens(t *testing.T) {
	opens := map[string]func(*fake.Engine, context.Context) (tabs.Panel, tea.Cmd){
		"stats":         opener(tabs.NewStats, "api-1"),
		"stats-ended":   opener(tabs.NewStats, "worker"),
		"inspect":       opener(tabs.NewInspect, "api-1"),
		"env":           opener(tabs.NewEnv, "api-1"),
		"mounts":        opener(tabs.NewMounts, "api-1"),
		"processes":     opener(tabs.NewProcesses, "api-1"),
		"events":        opener(tabs.NewEvents, "api-1"),
		"image-events":  imageOpener(tabs.NewImageEvents, "shop/api:dev"),
		"image-config":  imageOpener(tabs.NewImageConfig, "shop/api:dev"),
		"image-history": imageOpener(tabs.NewImageHistory, "shop/api:dev"),
		"network":       opener(tabs.NewNetwork, "api-1"),
		"endpoints":     imageOpener(tabs.NewEndpoints, "none"),
		"files":         imageOpener(tabs.NewVolumeFiles, "data"),
	}
	for name, open := range opens {
		for _, size := range []struct{ w, h int }{{38, 10}, {78, 20}, {118, 36}, {198, 46}} {
			name := fmt.Sprintf("%s-%dx%d", name, size.w, size.h)
			t.Run(name, func(t *testing.T) {
				perform(t, size.w, size.h, shop, open, func(s *stage) {
					if strings.HasPrefix(name, "stats-") {
						s.Pass(95 * time.Second)
					}
					if strings.Contains(name, "events") {
						happen(t, s)
					}
					if strings.HasPrefix(name, "image-history") {
						s.Keys("j", "j")
					}
					s.Golden(name)
				})
			})
		}
	}
}

// happen makes some events.
func happen(t *testing.T, s *stage) {
	t.Helper()
	do := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
		s.Pass(41 * time.Second)
	}
	cs := s.eng.Containers()
	do(cs.Pause(s.ctx, "api-1"))
	do(cs.Unpause(s.ctx, "api-1"))
	do(cs.Kill(s.ctx, "api-1", "TERM"))
	do(cs.Rename(s.ctx, "api-1", "api-old"))
	do(cs.Rename(s.ctx, "api-old", "api-1"))
	do(s.eng.Images().Tag(s.ctx, "shop/api:dev", "shop/api:1"))
	s.eng.Emit(engine.Event{Kind: engine.KindContainer, Action: "resize\x1b[2J", ID: "api-1", Attributes: map[string]string{
		"name": "api-1", "image": "shop/api:dev", "width": "80", "height": "24", "com.example": "label", "note": "a long text with \x1b[31mred\u202e in it, which does not fit into the width of a narrow pane",
	}})
	s.Pass(time.Second)
}

// TestUnknownObjects: what cannot be read says why, in words.
func TestUnknownObjects(t *testing.T) {
	for name, open := range map[string]func(*fake.Engine, context.Context) (tabs.Panel, tea.Cmd){
		"stats": opener(tabs.NewStats, "gone"), "inspect": opener(tabs.NewInspect, "gone"), "env": opener(tabs.NewEnv, "gone"),
		"mounts": opener(tabs.NewMounts, "gone"), "processes": opener(tabs.NewProcesses, "gone"),
		"config": imageOpener(tabs.NewImageConfig, "gone"), "history": imageOpener(tabs.NewImageHistory, "gone"),
		"network": opener(tabs.NewNetwork, "gone"), "endpoints": imageOpener(tabs.NewEndpoints, "gone"), "files": imageOpener(tabs.NewVolumeFiles, "gone"),
		"volume": imageOpener(tabs.NewVolumeInspect, "gone"), "network inspect": imageOpener(tabs.NewNetworkInspect, "gone"),
	} {
		t.Run(name, func(t *testing.T) {
			perform(t, 78, 20, shop, open, func(s *stage) { s.wants("▲ ", "not found", "It has been removed") })
		})
	}
}

// TestNothingChosen: a tab of no object starts nothing and says so.
func TestNothingChosen(t *testing.T) {
	for name, open := range map[string]func(*fake.Engine, context.Context) (tabs.Panel, tea.Cmd){
		"stats": opener(tabs.NewStats, ""), "inspect": opener(tabs.NewInspect, ""), "env": opener(tabs.NewEnv, ""),
		"mounts": opener(tabs.NewMounts, ""), "processes": opener(tabs.NewProcesses, ""), "log": opener(tabs.NewLog, ""),
		"events": opener(tabs.NewEvents, ""), "image events": imageOpener(tabs.NewImageEvents, ""),
		"config": imageOpener(tabs.NewImageConfig, ""), "history": imageOpener(tabs.NewImageHistory, ""),
		"network": opener(tabs.NewNetwork, ""), "endpoints": imageOpener(tabs.NewEndpoints, ""), "files": imageOpener(tabs.NewVolumeFiles, ""),
		"volume": imageOpener(tabs.NewVolumeInspect, ""), "volume users": imageOpener(tabs.NewVolumeUsers, ""),
	} {
		t.Run(name, func(t *testing.T) {
			perform(t, 78, 20, shop, open, func(s *stage) {
				s.wants("is chosen.")
				for _, key := range []string{"j", "G", "enter", "y", "Y", "o", "z", "Z", "n", "v", "esc"} {
					s.Keys(key)
				}
				if s.host.messages != 0 {
					t.Errorf("%d messages without an object", s.host.messages)
				}
			})
		})
	}
}

// TestStatsScreens are the smallest and the largest size that the charts adapt
// to.
func TestStatsScreens(t *testing.T) {
	for _, size := range []struct{ w, h int }{{36, 8}, {160, 45}} {
		name := fmt.Sprintf("stats-%dx%d", size.w, size.h)
		t.Run(name, func(t *testing.T) {
			perform(t, size.w, size.h, shop, opener(tabs.NewStats, "api-1"), func(s *stage) {
				s.Pass(5 * time.Minute)
				s.Golden(name)
			})
		})
	}
}
