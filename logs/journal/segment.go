package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"gantry/logs"
)

// Pos is a place in a journal: an offset in a segment.
type Pos = logs.Pos

func segmentPath(dir string, n int) string {
	return path.Join(dir, fmt.Sprintf("%08d.log", n))
}

func indexPath(dir string, n int) string {
	return path.Join(dir, fmt.Sprintf("%08d.idx", n))
}

// segments lists the numbers of the segments in dir, upwards. A missing
// directory is an empty journal: the container has never run.
func segments(dir string) ([]int, error) {
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list journal %s: %w", dir, err)
	}
	var nums []int
	for _, name := range names {
		if n, ok := segmentNumber(name); ok {
			nums = append(nums, n)
		}
	}
	slices.Sort(nums)
	return nums, nil
}

// segmentNumber accepts eight digits or more: numbers only grow.
func segmentNumber(name string) (int, bool) {
	stem, ok := strings.CutSuffix(name, ".log")
	if !ok || len(stem) < 8 {
		return 0, false
	}
	n, err := strconv.ParseUint(stem, 10, 31)
	if err != nil || n == 0 || segmentPath("", int(n)) != name {
		return 0, false
	}
	return int(n), true
}
