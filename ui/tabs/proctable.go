package tabs

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"gantry/engine"
	"gantry/ui/glyph"
	"gantry/ui/widgets"
)

// procTable is a list of processes as it is shown.
type procTable struct {
	titles []string
	rows   [][]string
	parent []int // of each row, by PID; nil where the engine does not tell
	// used and at are what the next list is compared with.
	used map[int]time.Duration
	at   time.Time
}

// newProcTable makes the answer of Top safe to show and to index, and adds what
// the processes have used since the list before. Every row has a value for
// every title.
func newProcTable(in engine.ProcessTable, before procTable, at time.Time) procTable {
	out := procTable{at: at, used: make(map[int]time.Duration)}
	for _, title := range in.Titles {
		out.titles = append(out.titles, safe(title))
	}
	for _, row := range in.Processes {
		cells := make([]string, len(in.Titles))
		for j := range min(len(row), len(in.Titles)) {
			cells[j] = safe(row[j])
		}
		out.rows = append(out.rows, cells)
	}
	if len(in.Usage) == len(in.Processes) && len(in.Usage) > 0 {
		out.measure(in.Usage, before)
	}
	return out
}

// measure replaces the columns of ps by those that tell more.
func (t *procTable) measure(usage []engine.ProcessUsage, before procTable) {
	of := func(row []string, title string) string {
		if i := slices.Index(t.titles, title); i >= 0 {
			return row[i]
		}
		return ""
	}
	elapsed := t.at.Sub(before.at)
	for i, u := range usage {
		t.used[u.PID] = u.CPU
		t.parent = append(t.parent, u.Parent)
		cpu := "" // not known yet
		if last, ok := before.used[u.PID]; ok && elapsed > 0 && u.CPU >= last {
			cpu = widgets.Percent(100 * float64(u.CPU-last) / float64(elapsed))
		}
		row := t.rows[i]
		t.rows[i] = []string{
			strconv.Itoa(u.PID), of(row, "UID"), cpu, widgets.BinaryBytes(float64(u.Memory)), of(row, "TIME"), of(row, "STIME"), row[len(row)-1],
		}
	}
	t.titles = []string{"PID", "USER", "CPU", "MEMORY", "TIME", "START", "COMMAND"}
}

// tree orders rows so that each stands below its parent, and says what leads to
// it there. Rows whose parents are not in the list stand at the left.
func (t *procTable) tree() (order []int, lead []string) {
	at := make(map[int]int, len(t.rows))
	for i, row := range t.rows {
		if pid, err := strconv.Atoi(row[0]); err == nil {
			at[pid] = i
		}
	}
	children := make([][]int, len(t.rows))
	var roots []int
	for i, p := range t.parent {
		if j, ok := at[p]; ok && j != i {
			children[j] = append(children[j], i)
		} else {
			roots = append(roots, i)
		}
	}
	seen := make([]bool, len(t.rows))
	var walk func(i int, own, below string)
	walk = func(i int, own, below string) {
		if seen[i] {
			return
		}
		seen[i] = true
		order, lead = append(order, i), append(lead, own)
		for k, c := range children[i] {
			if k == len(children[i])-1 {
				walk(c, below+glyph.Corner+" ", below+"  ")
			} else {
				walk(c, below+glyph.Branch+" ", below+glyph.Vertical+" ")
			}
		}
	}
	for _, i := range roots {
		walk(i, "", "")
	}
	for i := range t.rows { // a circle, which no kernel makes
		walk(i, "", "")
	}
	return order, lead
}

// units are what the figures of our own columns end in.
var units = map[string]float64{"%": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}

// withUnit reads "12 %" and "64 MiB".
func withUnit(s string) (float64, bool) {
	number, unit, ok := strings.Cut(s, " ")
	factor, known := units[unit]
	v, err := strconv.ParseFloat(number, 64)
	return v * factor, ok && known && err == nil
}
