package tomldoc

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxSize bounds a file: what somebody wrote by hand is smaller.
const maxSize = 1 << 20

// ReadFile reads a file of bounded size.
func ReadFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxSize {
		return nil, fmt.Errorf("it is larger than %d bytes", maxSize)
	}
	return data, nil
}

// Unreadable is the problem of a file that cannot be read. The path, which a
// problem names already, is dropped from the error.
func Unreadable(file string, err error) Problem {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return Problem{File: file, Message: "cannot be read: " + err.Error()}
}
