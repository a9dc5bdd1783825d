package tomldoc

// Nearest finds the valid word that s was probably meant to be: the one with
// the fewest edits, and not more than a third of its letters.
func Nearest(s string, valid []string) string {
	best, fewest := "", 1<<30
	for _, w := range valid {
		if d := edits(s, w); d < fewest && d <= max(1, (len(w)+2)/3) {
			best, fewest = w, d
		}
	}
	return best
}

// edits counts the insertions, deletions, replacements and swaps of neighbours
// that make a into b (optimal string alignment).
func edits(a, b string) int {
	before, above := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			same := 1
			if a[i] == b[j] {
				same = 0
			}
			row[j+1] = min(row[j]+1, above[j+1]+1, above[j]+same)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above = above, row
	}
	return above[len(b)]
}
