package widgets

import "fmt"

// Bytes writes a number of bytes with a decimal unit, as images and rates are
// counted: "8.8 MB", "118 MB", "0 B".
func Bytes(n float64) string { return scaled(n, 1000, "B", "kB", "MB", "GB", "TB", "PB") }

// BinaryBytes writes a number of bytes with a binary unit, as memory and its
// limits are counted: a limit of 256m is "256 MiB".
func BinaryBytes(n float64) string { return scaled(n, 1024, "B", "KiB", "MiB", "GiB", "TiB", "PiB") }

// scaled keeps two digits and never shows a fraction of a byte.
func scaled(n, base float64, units ...string) string {
	i := 0
	// What would round to a full thousand belongs to the next unit.
	for n >= base-0.5 && i < len(units)-1 {
		n /= base
		i++
	}
	if i == 0 || n >= 9.95 {
		return fmt.Sprintf("%.0f %s", n, units[i])
	}
	return fmt.Sprintf("%.1f %s", n, units[i])
}

// Percent writes a share of 100: "0.4 %", "34 %".
func Percent(p float64) string {
	if p > 0 && p < 9.95 {
		return fmt.Sprintf("%.1f %%", p)
	}
	return fmt.Sprintf("%.0f %%", p)
}
