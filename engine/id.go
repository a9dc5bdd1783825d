package engine

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
)

// ID identifies a container or a job: 64 lower-case hexadecimal digits.
type ID string

// NewID makes a random ID. One whose first 12 digits are all decimal is drawn
// again: a short ID is used as a host name, and some programs read an
// all-digit one as a number.
func NewID() ID {
	for {
		// ChaCha8 that the kernel seeds: unique, which is all that is asked. What
		// crypto/rand brings along would initialise in every monitor.
		var b []byte
		for range 4 {
			b = binary.BigEndian.AppendUint64(b, rand.Uint64())
		}
		s := hex.EncodeToString(b)
		if strings.Trim(s[:12], "0123456789") != "" {
			return ID(s)
		}
	}
}

// Short is the first 12 digits: unique enough for people, and short enough for
// a path of a unix socket (sun_path has 108 bytes).
func (id ID) Short() string {
	if len(id) > 12 {
		return string(id[:12])
	}
	return string(id)
}

// Seq is a position in the event journal. 0 is before the first event.
type Seq uint64

// CheckName tells why name cannot be given to a container, volume or network;
// nil when it can. The rule is docker's: [a-zA-Z0-9][a-zA-Z0-9_.-]+.
func CheckName(name string) error {
	ok := len(name) >= 2 && len(name) <= 255
	for i := range len(name) {
		c := name[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || c != '_' && c != '.' && c != '-') {
			ok = false
		}
	}
	if !ok {
		return fmt.Errorf("%w name %q: use 2 to 255 letters, digits, dots, dashes and underscores, starting with a letter or digit", ErrInvalid, name)
	}
	return nil
}
