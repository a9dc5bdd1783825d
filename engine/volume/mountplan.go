package volume

import (
	"fmt"
	"net"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/volume/hostmount"
)

// mountFlags are the options that mount(2) takes as flags; no… ones take away.
var mountFlags = map[string]struct {
	flag uintptr
	off  bool
}{
	"defaults": {}, "rw": {unix.MS_RDONLY, true}, "ro": {unix.MS_RDONLY, false},
	"suid": {unix.MS_NOSUID, true}, "nosuid": {unix.MS_NOSUID, false},
	"dev": {unix.MS_NODEV, true}, "nodev": {unix.MS_NODEV, false},
	"exec": {unix.MS_NOEXEC, true}, "noexec": {unix.MS_NOEXEC, false},
	"async": {unix.MS_SYNCHRONOUS, true}, "sync": {unix.MS_SYNCHRONOUS, false}, "dirsync": {unix.MS_DIRSYNC, false},
	"atime": {unix.MS_NOATIME, true}, "noatime": {unix.MS_NOATIME, false},
	"diratime": {unix.MS_NODIRATIME, true}, "nodiratime": {unix.MS_NODIRATIME, false},
	"relatime": {unix.MS_RELATIME, false}, "norelatime": {unix.MS_RELATIME, true},
	"strictatime": {unix.MS_STRICTATIME, false}, "nostrictatime": {unix.MS_STRICTATIME, true},
	"bind": {unix.MS_BIND, false}, "rbind": {unix.MS_BIND | unix.MS_REC, false},
}

// mountPlan is how the options of a volume are mounted, nil for a volume that
// is a directory, be it of the store or elsewhere.
func mountPlan(o map[string]string) (*hostmount.Mount, error) {
	if len(o) == 0 || bindDevice(o) != "" {
		return nil, nil
	}
	for _, key := range []string{"type", "device"} {
		if o[key] == "" {
			return nil, fmt.Errorf("%w volume options: missing required option: %s", engine.ErrInvalid, key)
		}
	}
	m := &hostmount.Mount{Type: o["type"], Source: o["device"]}
	var data []string
	for word := range strings.SplitSeq(o["o"], ",") {
		f, ok := mountFlags[word]
		switch {
		case word == "":
		case word == "remount" || strings.ContainsRune(word, 0):
			return nil, fmt.Errorf("%w volume option o=%q", engine.ErrInvalid, word)
		case !ok:
			data = append(data, word)
		case f.off:
			m.Flags &^= f.flag
		default:
			m.Flags |= f.flag
		}
	}
	if strings.ContainsAny(m.Type+m.Source, "\x00\n") {
		return nil, fmt.Errorf("%w volume options: type %q, device %q", engine.ErrInvalid, m.Type, m.Source)
	}
	if m.Flags&unix.MS_BIND != 0 && !strings.HasPrefix(m.Source, "/") {
		return nil, fmt.Errorf("%w volume option device=%s: want an absolute path", engine.ErrInvalid, m.Source)
	}
	m.Data = strings.Join(data, ",")
	return m, nil
}

// resolve looks the server of a network file system up: the kernel wants its
// address (nfs(5), addr=), and knows no names.
func resolve(m hostmount.Mount) (hostmount.Mount, error) {
	words := strings.Split(m.Data, ",")
	for i, word := range words {
		host, ok := strings.CutPrefix(word, "addr=")
		if !ok || net.ParseIP(host) != nil {
			continue
		}
		addr, err := net.ResolveIPAddr("ip", host)
		if err != nil {
			return m, fmt.Errorf("look up the server of the volume: %w", err)
		}
		words[i] = "addr=" + addr.String()
	}
	m.Data = strings.Join(words, ",")
	return m, nil
}

// Mounts tells whether a volume is a file system of its own, which is there
// while containers that use it run.
func Mounts(v engine.Volume) bool {
	m, err := mountPlan(v.Options)
	return err == nil && m != nil
}

func (s *Store) place(name string) hostmount.Place {
	return hostmount.Place{Run: s.run, Volume: name, Target: s.file(name, dataDir)}
}

// Mount has the file system of a volume that is held mounted for a container.
// Others are left as they are.
func (h *Hold) Mount(name string, id engine.ID, runs func(engine.ID) bool) error {
	r, err := h.s.read(name)
	if err != nil {
		return err
	}
	m, err := mountPlan(r.Options)
	if err != nil || m == nil {
		return err
	}
	how, err := resolve(*m)
	if err != nil {
		return err
	}
	return h.s.place(name).Hold(how, string(id), func(other string) bool { return runs(engine.ID(other)) })
}

// Unmount lets go of what Mount has mounted for a container.
func (h *Hold) Unmount(name string, id engine.ID) error { return h.s.place(name).Drop(string(id)) }
