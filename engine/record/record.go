package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"gantry/engine"
)

// version is what Write puts into records. Read takes it and everything older.
const version = 1

// maxSize bounds what Read takes into memory.
const maxSize = 16 << 20

// Write replaces the record at path by v, a struct or a pointer to one, as a
// JSON object that begins with its version. v has no member "v" of its own.
// With Durable the record has reached the disk when Write returns. Concurrent
// writers of one record wait for each other; the last one wins.
func Write(path string, v any, d Durability) error {
	b, err := encode(v)
	if err != nil {
		return fmt.Errorf("encode record %s: %w", path, err)
	}
	if len(b) > maxSize {
		return fmt.Errorf("encode record %s: %w: %d bytes, the limit is %d", path, engine.ErrInvalid, len(b), maxSize)
	}
	return WriteFile(path, b, d)
}

// encode makes {"v":1,…members of v…} and a newline.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // "<none>" stays readable
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	members, ok := bytes.CutPrefix(b.Bytes(), []byte("{"))
	if !ok {
		return nil, fmt.Errorf("%w: %T is not a JSON object", engine.ErrInvalid, v)
	}
	head := fmt.Sprintf(`{"v":%d`, version)
	if members[0] != '}' {
		head += ","
	}
	return append([]byte(head), members...), nil
}

// Read loads the record at path into v. A missing one is ErrNotFound, a broken
// one ErrCorrupt, one of a newer gantry ErrUnsupported; all name the file.
// Members that v does not have are ignored: a newer gantry may have added them.
func Read(path string, v any) error {
	b, err := readBounded(path)
	if err != nil {
		return readError(path, err)
	}
	found, ok := versionOf(b)
	switch {
	case !ok:
		return readError(path, fmt.Errorf("%w: it does not begin with a version", engine.ErrCorrupt))
	case found > version:
		return newerError(path, found)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return readError(path, fmt.Errorf("%w: %w", engine.ErrCorrupt, err))
	}
	return nil
}

// readBounded reads a whole regular file. It does without os.File, which asks
// the network poller about every file: a list of a thousand containers reads
// three thousand records. O_NONBLOCK keeps a FIFO in a record's place from
// blocking the open.
func readBounded(path string) ([]byte, error) {
	fd, err := retry(func() (int, error) {
		return unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	})
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, fmt.Errorf("%w: it is not a regular file", engine.ErrCorrupt)
	case st.Size > maxSize:
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", engine.ErrCorrupt, st.Size, maxSize)
	case st.Size == 0:
		return nil, fmt.Errorf("%w: it is empty", engine.ErrCorrupt)
	}
	// Records are replaced, never changed: the size cannot move under the read.
	b := make([]byte, st.Size)
	for n := 0; n < len(b); {
		k, err := retry(func() (int, error) { return unix.Read(fd, b[n:]) })
		if err != nil {
			return nil, err
		}
		if k == 0 {
			return nil, fmt.Errorf("%w: %d of %d bytes are there", engine.ErrCorrupt, n, len(b))
		}
		n += k
	}
	return b, nil
}

// versionOf reads the number of a leading {"v":NUMBER. It looks by hand because
// a second pass of the JSON decoder would double the cost of every read.
func versionOf(b []byte) (int, bool) {
	for _, token := range []string{"{", `"v"`, ":"} {
		rest, ok := bytes.CutPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte(token))
		if !ok {
			return 0, false
		}
		b = rest
	}
	b = bytes.TrimLeft(b, " \t\r\n")
	n, digits := 0, 0
	for digits < len(b) && digits < 6 && b[digits] >= '0' && b[digits] <= '9' {
		n = n*10 + int(b[digits]-'0')
		digits++
	}
	return n, n > 0
}

// readError names the file, the class of the failure and the way out.
func readError(path string, err error) error {
	e := &engine.OpError{Op: "read", Kind: "record", ID: path, Err: err}
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
		e.Err = engine.ErrNotFound
	case errors.Is(err, unix.ELOOP):
		e.Err = fmt.Errorf("%w: it is a symbolic link", engine.ErrCorrupt)
		e.Hint = corruptHint
	case errors.Is(err, engine.ErrCorrupt):
		e.Hint = corruptHint
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		e.Err = fmt.Errorf("%w: %w", engine.ErrPermission, err)
	}
	return e
}

const corruptHint = "Put the file back from a backup, or remove the object that it belongs to by force; everything else goes on working."

func newerError(path string, found int) error {
	return &engine.OpError{
		Op: "read", Kind: "record", ID: path,
		Err:  fmt.Errorf("%w: version %d, this gantry reads up to %d", engine.ErrUnsupported, found, version),
		Hint: "A newer gantry wrote it: use that one.",
	}
}
