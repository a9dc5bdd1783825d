package zone

import (
	"errors"
	"os"
	"path"
	"strings"

	"gantry/engine"
	"gantry/engine/record"
	"gantry/internal/inetaddr"
)

// Record is what one container on a network is found by.
type Record struct {
	ID engine.ID `json:"id"` // of the container
	// Names are its own name, aliases, short ID and host name. By the first one
	// its addresses are called.
	Names []string        `json:"names"`
	Addrs []inetaddr.Addr `json:"addrs"`
}

// suffix tells the files of names from what else is in a network's directory.
const suffix = ".names"

func file(dir string, id engine.ID) string { return path.Join(dir, string(id)+suffix) }

// Put makes a container known on the network whose directory is dir, in the
// place of what was known of it.
func Put(dir string, r Record) error {
	return record.Write(file(dir, r.ID), r, record.Volatile) // gone with the addresses at a reboot
}

// Drop makes a container unknown. That it is so already is no error.
func Drop(dir string, id engine.ID) error {
	err := os.Remove(file(dir, id))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// fold brings names that mean the same into one form: without the dot of the
// root, ASCII letters small (RFC 4343).
func fold(name string) string {
	return strings.ToLower(strings.TrimSuffix(name, "."))
}
