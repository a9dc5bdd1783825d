package local

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"gantry/engine"
)

// mounts are all that the container is to have besides the tmpfs of --tmpfs and
// the volumes of its image: those of other containers, where nothing of its own
// is mounted, and its own.
func (r *containerRecord) mounts() []engine.Mount {
	taken := map[string]bool{}
	for _, m := range r.Host.Mounts {
		taken[path.Clean(m.Target)] = true
	}
	for t := range r.Host.Tmpfs {
		taken[path.Clean(t)] = true
	}
	var out []engine.Mount
	for _, m := range r.Inherited {
		if !taken[m.Target] {
			out = append(out, m)
		}
	}
	return append(out, r.Host.Mounts...)
}

// inherit takes over the volumes and bind mounts of the containers that
// --volumes-from names; of two at one place the later one.
func (e *Engine) inherit(rec *containerRecord) error {
	rec.Inherited = nil
	for _, from := range rec.Host.VolumesFrom {
		ref, mode, _ := strings.Cut(from, ":")
		readOnly, err := inheritedMode(from, mode)
		if err != nil {
			return err
		}
		of, err := e.load(ref)
		if err != nil {
			return opErr("take the volumes of", ref, err)
		}
		for _, m := range of.bequest() {
			m.ReadOnly = m.ReadOnly || readOnly
			rec.Inherited = slices.DeleteFunc(rec.Inherited, func(have engine.Mount) bool { return have.Target == m.Target })
			rec.Inherited = append(rec.Inherited, m)
		}
	}
	return nil
}

func inheritedMode(from, mode string) (readOnly bool, err error) {
	if mode == "" {
		return false, nil
	}
	for word := range strings.SplitSeq(mode, ",") {
		switch word {
		case "ro":
			readOnly = true
		case "rw", "z", "Z":
		default:
			return false, fmt.Errorf("%w --volumes-from %s: invalid mode %q; want ro or rw", engine.ErrInvalid, from, word)
		}
	}
	return readOnly, nil
}

// bequest is what others may take over: volumes by their names, the anonymous
// ones, too. Nothing is copied into them, nor given away, a second time.
func (r *containerRecord) bequest() []engine.Mount {
	own := map[string]engine.Mount{}
	for _, m := range r.mounts() {
		own[path.Clean(m.Target)] = m
	}
	var out []engine.Mount
	for _, p := range r.Mounts {
		m, ok := own[p.Destination]
		if !ok {
			m = engine.Mount{Type: p.Type}
		}
		m.Target, m.ReadOnly, m.Chown = p.Destination, !p.RW, false
		switch p.Type {
		case "volume":
			options := engine.VolumeOptions{NoCopy: true}
			if m.Volume != nil {
				options.Subpath = m.Volume.Subpath
			}
			m.Source, m.Volume = p.Name, &options
		case "bind":
			m.Source = p.Source
		default:
			continue // a tmpfs is nobody else's
		}
		out = append(out, m)
	}
	return out
}
