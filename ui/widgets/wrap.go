package widgets

import "github.com/charmbracelet/x/ansi"

// Head is the longest beginning of s that fits into width cells: its bytes and
// its cells. It looks at no more of s than that, however long s is.
func Head(s string, width int) (n, cells int) {
	if width <= 0 {
		return 0, 0
	}
	if n = min(len(s), width); plain(s[:n]) && (n == len(s) || s[n] < 0x7f) {
		return n, n
	}
	for n = 0; n < len(s); {
		if s[n] >= 0x20 && s[n] < 0x7f && (n+1 == len(s) || s[n+1] < 0x7f) {
			if cells == width {
				break
			}
			n, cells = n+1, cells+1
			continue
		}
		cluster, w := ansi.FirstGraphemeCluster(s[n:], ansi.GraphemeWidth)
		if cells+w > width {
			break
		}
		n, cells = n+len(cluster), cells+w
	}
	return n, cells
}

// Rows are the bytes at which the rows of s begin when it is broken wherever
// width cells are full, as a terminal does. There is always a first row.
func Rows(s string, width int) []int {
	rows := []int{0}
	for at := 0; ; {
		n, _ := Head(s[at:], width)
		if at += n; n == 0 || at >= len(s) {
			return rows
		}
		rows = append(rows, at)
	}
}
