package tabs

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"gantry/ui/glyph"
)

// order is by which column rows are sorted, and which way. Largest numbers
// come first unless ascending is set; text is sorted the other way round,
// because that is what one looks for.
type order struct {
	column    int // -1: as the engine lists them
	ascending bool
}

// next goes to the next column, and after the last back to no order.
func (o *order) next(columns int) {
	o.ascending = false
	if o.column++; o.column >= columns {
		o.column = -1
	}
}

// mark shows in a title that its column is the one.
func (o order) mark(title string, column int) string {
	switch {
	case column != o.column:
		return title
	case o.ascending:
		return title + glyph.Up
	}
	return title + glyph.Down
}

// sort is stable: rows that are equal do not change places at every update.
func (o order) sort(rows [][]string) {
	if o.column < 0 || len(rows) == 0 || o.column >= len(rows[0]) {
		return
	}
	compare := func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) }
	if numeric(rows, o.column) {
		compare = func(a, b string) int {
			return cmp.Compare(orLeast(b), orLeast(a))
		}
	}
	slices.SortStableFunc(rows, func(a, b []string) int {
		c := compare(a[o.column], b[o.column])
		if o.ascending {
			return -c
		}
		return c
	})
}

// numeric tells whether all values of a column that are there are quantities.
func numeric(rows [][]string, column int) bool {
	some := false
	for _, row := range rows {
		if row[column] == "" {
			continue
		}
		if _, ok := quantity(row[column]); !ok {
			return false
		}
		some = true
	}
	return some
}

// orLeast puts what is missing below every number.
func orLeast(s string) float64 {
	if v, ok := quantity(s); ok {
		return v
	}
	return math.Inf(-1)
}

// quantity reads a number, with a unit or without, or a time as ps writes it:
// [[days-]hours:]min:sec.
func quantity(s string) (float64, bool) {
	if v, err := strconv.ParseFloat(s, 64); err == nil && !math.IsNaN(v) {
		return v, true
	}
	if v, ok := withUnit(s); ok {
		return v, true
	}
	days, clock, ok := strings.Cut(s, "-")
	if !ok {
		days, clock = "0", s
	}
	total, err := strconv.ParseFloat(days, 64)
	parts := strings.Split(clock, ":")
	if err != nil || len(parts) < 2 || len(parts) > 3 {
		return 0, false
	}
	if len(parts) == 2 {
		parts = append([]string{"0"}, parts...)
	}
	for i, p := range parts {
		v, err := strconv.ParseUint(p, 10, 32)
		if err != nil {
			return 0, false
		}
		base := 60.0
		if i == 0 {
			base = 24
		}
		total = total*base + float64(v)
	}
	return total, true
}
