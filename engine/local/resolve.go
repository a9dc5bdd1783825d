package local

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"gantry/engine"
)

// find resolves what a user named: a full ID, a name, or a unique prefix of an
// ID, in docker's order.
func (e *Engine) find(ref string) (engine.ID, error) {
	ref = strings.TrimPrefix(ref, "/")
	if ref == "" {
		return "", fmt.Errorf("%w: the name is empty", engine.ErrInvalid)
	}
	if isHex(ref) {
		if _, err := os.Lstat(e.file(engine.ID(ref), "record.json")); err == nil {
			return engine.ID(ref), nil
		}
	}
	if engine.CheckName(ref) == nil {
		id, err := e.names.Lookup(ref)
		if err == nil {
			if _, err := os.Lstat(e.file(engine.ID(id), "record.json")); err == nil {
				return engine.ID(id), nil
			}
		} else if !errors.Is(err, engine.ErrNotFound) {
			return "", err
		}
	}
	return e.byPrefix(ref)
}

func (e *Engine) byPrefix(ref string) (engine.ID, error) {
	if strings.Trim(ref, "0123456789abcdef") != "" {
		return "", engine.ErrNotFound
	}
	ids, err := e.ids()
	if err != nil {
		return "", err
	}
	var hit engine.ID
	for _, id := range ids {
		if !strings.HasPrefix(string(id), ref) {
			continue
		}
		if _, err := os.Lstat(e.file(id, "record.json")); err != nil {
			continue
		}
		if hit != "" {
			return "", fmt.Errorf("%w: both %s and %s begin with it", engine.ErrAmbiguous, hit.Short(), id.Short())
		}
		hit = id
	}
	if hit == "" {
		return "", engine.ErrNotFound
	}
	return hit, nil
}

// load finds a container and reads its record.
func (e *Engine) load(ref string) (*containerRecord, error) {
	id, err := e.find(ref)
	if err != nil {
		return nil, err
	}
	return e.readRecord(id)
}
