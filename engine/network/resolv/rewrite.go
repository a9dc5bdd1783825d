package resolv

import (
	"fmt"
	"os"
)

// Rewrite gives a file other content, and makes it where it is not there. The
// file stays the same one: a container has it mounted. Readers may meet a mix of
// both for an instant, but never less than one of them.
func Rewrite(path, text string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	err = rewrite(f, text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("rewrite %s: %w", path, err)
	}
	return nil
}

func rewrite(f *os.File, text string) error {
	if err := f.Chmod(0o644); err != nil { // whatever the umask is
		return err
	}
	if _, err := f.WriteAt([]byte(text), 0); err != nil {
		return err
	}
	return f.Truncate(int64(len(text)))
}
