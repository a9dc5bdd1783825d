package widgets_test

import (
	"math"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"gantry/ui/widgets"
)

var gap = math.NaN()

func TestPlot(t *testing.T) {
	t.Parallel()
	one := func(s widgets.Series) []widgets.Series { return []widgets.Series{s} }
	for _, c := range []struct {
		name          string
		plot          widgets.Plot
		width, height int
		want          string
	}{
		{"each of the eight levels of two rows", widgets.Plot{Max: 7, Series: one(widgets.Series{Values: []float64{0, 1, 2, 3, 4, 5, 6, 7}, Fill: true})}, 4, 2,
			"  ⣠⣾\n⣠⣾⣿⣿"},
		{"a line joins steps", widgets.Plot{Max: 7, Series: one(widgets.Series{Values: []float64{0, 7, 0}})}, 2, 2,
			" ⣷\n⢀⢿"},
		{"nothing measured is blank, nothing used is not", widgets.Plot{Max: 1, Series: one(widgets.Series{Values: []float64{gap, gap, 0, 0}})}, 2, 1,
			" ⣀"},
		{"a gap is not joined", widgets.Plot{Max: 3, Series: one(widgets.Series{Values: []float64{0, gap, 3, 3}})}, 2, 1,
			"⡀⠉"},
		{"the newest stands at the right", widgets.Plot{Max: 1, Series: one(widgets.Series{Values: []float64{1}, Fill: true})}, 3, 1,
			"  ⢸"},
		{"what is too old is left out", widgets.Plot{Max: 1, Series: one(widgets.Series{Values: []float64{1, 1, 1, 0, 0}, Fill: true})}, 2, 1,
			"⣿⣀"},
		{"above the scale is the top", widgets.Plot{Max: 1, Series: one(widgets.Series{Values: []float64{9, math.Inf(1), -3, 1}})}, 2, 1,
			"⠉⡾"},
		{"the limit is dotted", widgets.Plot{Max: 8, Limit: 8}, 3, 2, "⠁⠁⠁\n   "},
		{"a limit out of sight is not drawn", widgets.Plot{Max: 8, Limit: 9}, 2, 2, "  \n  "},
		{"a dashed line", widgets.Plot{Max: 3, Series: one(widgets.Series{Values: []float64{3, 3, 3, 3, 3, 3, 3, 3}, Dash: 2})}, 4, 1, "⠉ ⠉ "},
		{"later series own the cell", widgets.Plot{Max: 3, Series: []widgets.Series{{Values: []float64{0, 0}}, {Values: []float64{3, 3}}}}, 1, 1, "⣉"},
		{"ASCII", widgets.Plot{ASCII: true, Max: 7, Limit: 7, Series: []widgets.Series{{Values: []float64{0, 0, 3, 3}, Fill: true}, {Values: []float64{0, 0}}}}, 3, 2,
			"---\n #+"},
		{"no scale", widgets.Plot{Series: one(widgets.Series{Values: []float64{0, 0}})}, 1, 1, "⣀"},
		{"no room", widgets.Plot{Max: 1}, 0, 3, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ansi.Strip(strings.Join(c.plot.Render(c.width, c.height), "\n"))
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestChart(t *testing.T) {
	t.Parallel()
	c := widgets.Chart{
		Plot: widgets.Plot{Max: 2, Series: []widgets.Series{{Values: []float64{1, 1, 1, 1}, Fill: true}}},
		Top:  "2.0", Middle: "1.0", Bottom: "0", RightTop: "100 %", Since: "-5m0s", Until: "now",
	}
	for _, tc := range []struct {
		width, height int
		want          string
	}{
		{24, 6, "" +
			"2.0┤               100 %\n" +
			"   │                    \n" +
			"1.0┤            ⣶⣶      \n" +
			"   │            ⣿⣿      \n" +
			"  0┤            ⣿⣿      \n" +
			"    -5m0s      now      "},
		{24, 3, "" +
			"2.0┤               100 %\n" +
			"   │            ⣶⣶      \n" +
			"  0┤            ⣿⣿      "},
		{8, 2, "┤     ⣀⣀\n┤     ⣿⣿"},
	} {
		got := ansi.Strip(strings.Join(c.Render(tc.width, tc.height), "\n"))
		if got != tc.want {
			t.Errorf("%dx%d: got\n%s\nwant\n%s", tc.width, tc.height, got, tc.want)
		}
	}
}

func TestNiceMax(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ peak, least, decimal, binary float64 }{
		{0, 0.1, 0.1, 1}, {0.3, 0.1, 0.5, 1}, {1, 0, 1, 1}, {1.01, 0, 2, 2}, {5, 0, 5, 8}, {5.1, 0, 10, 8}, {99, 0, 100, 128}, {256, 0, 500, 256},
		{math.NaN(), 0, 1, 1}, {math.Inf(1), 0, 1, 1}, {0, 0, 1, 1},
	} {
		if got := widgets.NiceMax(c.peak, c.least); math.Abs(got-c.decimal) > 1e-9 {
			t.Errorf("NiceMax(%g, %g) is %g, want %g", c.peak, c.least, got, c.decimal)
		}
		if got := widgets.NiceBinaryMax(c.peak, c.least); got != c.binary {
			t.Errorf("NiceBinaryMax(%g, %g) is %g, want %g", c.peak, c.least, got, c.binary)
		}
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n               float64
		decimal, binary string
	}{
		{0, "0 B", "0 B"}, {999, "999 B", "999 B"}, {999.6, "1.0 kB", "1000 B"}, {1023.6, "1.0 kB", "1.0 KiB"}, {8_800_000, "8.8 MB", "8.4 MiB"},
		{9_960_000, "10 MB", "9.5 MiB"}, {256 << 20, "268 MB", "256 MiB"}, {999_900_000, "1.0 GB", "954 MiB"}, {3e18, "3000 PB", "2665 PiB"},
	} {
		if got := widgets.Bytes(c.n); got != c.decimal {
			t.Errorf("Bytes(%g) is %q, want %q", c.n, got, c.decimal)
		}
		if got := widgets.BinaryBytes(c.n); got != c.binary {
			t.Errorf("BinaryBytes(%g) is %q, want %q", c.n, got, c.binary)
		}
	}
	for p, want := range map[float64]string{0: "0 %", 0.04: "0.0 %", 9.94: "9.9 %", 9.96: "10 %", 340: "340 %"} {
		if got := widgets.Percent(p); got != want {
			t.Errorf("Percent(%g) is %q, want %q", p, got, want)
		}
	}
}

func BenchmarkChart(b *testing.B) {
	c := widgets.Chart{Top: "2.0", Bottom: "0", Since: "-5m0s", Until: "now", Plot: widgets.Plot{Max: 2, Limit: 2, Series: []widgets.Series{{Fill: true}}}}
	for i := range 300 {
		c.Series[0].Values = append(c.Series[0].Values, 1+math.Sin(float64(i)/20))
	}
	b.ReportAllocs()
	for b.Loop() {
		c.Render(118, 14)
	}
}
