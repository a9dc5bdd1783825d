package ui

import (
	"reflect"
	"sync"
	"time"
	"unsafe"

	tea "charm.land/bubbletea/v2"
)

// How often bubbletea's renderer looks for something to draw: while things
// happen, and at rest. linger is how long after the last message it goes on;
// a frame is drawn by the first tick, so even a few make sure of it. The first
// message after a rest, which most often is a key, is drawn soon.
const (
	awakeFPS = 60
	asleep   = time.Second
	linger   = 80 * time.Millisecond
	soon     = 2 * time.Millisecond
)

// pacer slows the ticker of bubbletea's renderer down while nothing happens.
//
// The renderer wakes up at a fixed rate for ever, and there is no option for
// it: that is what an idle workbench costs (ARCHITECTURE.md, "At rest"). But
// whatever is drawn was said by View, and View is called after every message.
// So View speeds the ticker up, and a timer slows it down again. It does not
// stop it: should a frame ever come too late for its ticks, the next one is no
// more than a second away.
//
// The ticker is a private field of tea.Program. Where it is not to be found,
// because a later bubbletea keeps it elsewhere, the rate stays as it is; a test
// tells.
type pacer struct {
	field **time.Ticker // of the program; set when it begins to draw

	mu    sync.Mutex
	timer *time.Timer
	last  time.Time
	awake bool
}

// paced is the model whose View paces the renderer, and whose commands panic in
// order.
type paced struct {
	*Model
	pace *pacer
}

// Init implements tea.Model.
func (p paced) Init() tea.Cmd { return guarded(p.Model.Init()) }

// Update implements tea.Model.
func (p paced) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if msg, ok := msg.(panicMsg); ok {
		panic(string(msg))
	}
	loaded := p.listed
	_, cmd := p.Model.Update(msg)
	if p.listed && !loaded {
		p.pace.now() // the first rows
	}
	return p, guarded(cmd)
}

// View implements tea.Model.
func (p paced) View() tea.View {
	v := p.Model.View()
	p.pace.wake()
	return v
}

// newProgram makes a program that rests while nothing happens.
func newProgram(m *Model, opts ...tea.ProgramOption) (*tea.Program, *pacer) {
	pace := &pacer{}
	p := tea.NewProgram(paced{m, pace}, append(opts, tea.WithFPS(awakeFPS))...)
	pace.field = tickerOf(p)
	return p, pace
}

// tickerOf is where a program keeps its renderer's ticker; nil when that is
// not known.
func tickerOf(p *tea.Program) **time.Ticker {
	f := reflect.ValueOf(p).Elem().FieldByName("ticker")
	if !f.IsValid() || f.Type() != reflect.TypeFor[*time.Ticker]() {
		return nil
	}
	return (**time.Ticker)(unsafe.Pointer(f.UnsafeAddr()))
}

// wake makes the renderer look at once and for a moment. It runs where the
// program calls View, which is the goroutine that has made the ticker.
func (p *pacer) wake() {
	if p.field == nil || *p.field == nil {
		return
	}
	ticker := *p.field
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = time.Now()
	if p.awake {
		return
	}
	p.awake = true
	p.hurry(ticker)
	p.timer = time.AfterFunc(linger, func() { p.rest(ticker) })
}

// now draws what View says next without waiting for its turn.
func (p *pacer) now() {
	if p.field == nil || *p.field == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.awake {
		p.hurry(*p.field)
	}
}

// hurry makes the renderer look two times in a row, as the runtime drops a tick
// that nobody has taken when the ticker is set anew, and then at its usual rate.
func (p *pacer) hurry(ticker *time.Ticker) {
	ticker.Reset(soon)
	time.AfterFunc(2*soon+soon/2, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.awake {
			ticker.Reset(time.Second / awakeFPS)
		}
	})
}

// rest slows the ticker down, unless something has happened meanwhile.
func (p *pacer) rest(ticker *time.Ticker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if left := linger - time.Since(p.last); left > 0 {
		p.timer.Reset(left)
		return
	}
	ticker.Reset(asleep)
	p.awake = false
}

// running tells whether the renderer looks often.
func (p *pacer) running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.awake
}

// stop ends the timer.
func (p *pacer) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
	}
}
