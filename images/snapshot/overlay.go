package snapshot

import (
	"errors"
	"fmt"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// overlayDirs are the directories of an overlay; lower is bottom first. There
// may be neither upper nor work for a mount that cannot be written to.
type overlayDirs struct {
	lower       []string
	upper, work string
}

// overlayFlags switch off what would tie layers to one another or to this
// host, whatever the kernel was configured to do by default: layers are shared
// between images and must stay plain trees.
var overlayFlags = [][2]string{{"redirect_dir", "off"}, {"index", "off"}, {"xino", "off"}, {"metacopy", "off"}}

// mountOverlay makes a detached overlay mount.
//
// All directories are handed to the kernel as /proc/self/fd/N. Their real
// paths may hold colons and commas, which overlay's option string cannot
// carry, and 127 of them do not fit into the one page that mount(2) takes. It
// also keeps the host's paths out of the container's mountinfo.
func mountOverlay(d overlayDirs, appending, volatile bool) (*os.File, error) {
	if volatile {
		if err := forgetVolatile(d.work); err != nil {
			return nil, err
		}
	}
	if appending {
		return d.mountByConfig(volatile)
	}
	return d.mountByString(volatile)
}

// forgetVolatile removes the mark by which overlayfs refuses to mount a
// volatile upper directory a second time. Within a boot nothing was lost, and
// whoever asks for volatile again does not mind.
func forgetVolatile(work string) error {
	err := os.RemoveAll(path.Join(work, "work", "incompat"))
	if err != nil {
		return fmt.Errorf("reuse volatile snapshot: %w", err)
	}
	return nil
}

// overlayFDs are the open directories; lower is top first, as overlayfs wants
// them.
type overlayFDs struct {
	lower       []*os.File
	upper, work *os.File
}

func (d overlayDirs) open() (*overlayFDs, error) {
	if len(d.lower) == 0 {
		return nil, errors.New("an overlay needs at least one layer")
	}
	fds := &overlayFDs{}
	for i := len(d.lower) - 1; i >= 0; i-- {
		f, err := openPath(d.lower[i])
		if err != nil {
			fds.close()
			return nil, err
		}
		fds.lower = append(fds.lower, f)
	}
	if d.upper == "" {
		return fds, nil
	}
	var err error
	if fds.upper, err = openPath(d.upper); err == nil {
		fds.work, err = openPath(d.work)
	}
	if err != nil {
		fds.close()
		return nil, err
	}
	return fds, nil
}

func openPath(dir string) (*os.File, error) {
	return os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
}

func (fds *overlayFDs) close() {
	for _, f := range append(fds.lower, fds.upper, fds.work) {
		if f != nil {
			_ = f.Close() // O_PATH: nothing is written through it.
		}
	}
}

// mountByConfig adds one layer at a time with lowerdir+ (since Linux 6.8),
// which takes up to 500.
func (d overlayDirs) mountByConfig(volatile bool) (*os.File, error) {
	fds, err := d.open()
	if err != nil {
		return nil, err
	}
	defer fds.close()
	fs, err := unix.Fsopen("overlay", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("open overlay: %w", err)
	}
	defer unix.Close(fs)
	for _, f := range fds.lower {
		if err := setOption(fs, "lowerdir+", procPath(f)); err != nil {
			return nil, err
		}
	}
	if fds.upper != nil {
		if err := setOption(fs, "upperdir", procPath(fds.upper)); err != nil {
			return nil, err
		}
		if err := setOption(fs, "workdir", procPath(fds.work)); err != nil {
			return nil, err
		}
	}
	for _, opt := range overlayFlags {
		if err := setOption(fs, opt[0], opt[1]); err != nil {
			return nil, err
		}
	}
	if volatile {
		if err := unix.FsconfigSetFlag(fs, "volatile"); err != nil {
			return nil, explain(fs, "set overlay option volatile", err)
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return nil, explain(fs, "create overlay", err)
	}
	mnt, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return nil, explain(fs, "mount overlay", err)
	}
	return os.NewFile(uintptr(mnt), "overlay"), nil
}

func setOption(fs int, key, value string) error {
	if err := unix.FsconfigSetString(fs, key, value); err != nil {
		return explain(fs, "set overlay option "+key, err)
	}
	return nil
}

// explain adds what the kernel has to say: a read of the context returns its
// messages, each after a level and a space ("e overlay: ...").
func explain(fs int, what string, err error) error {
	buf := make([]byte, 512)
	if n, rerr := unix.Read(fs, buf); rerr == nil && n > 2 {
		return fmt.Errorf("%s: %w (%s)", what, err, strings.TrimSpace(string(buf[2:n])))
	}
	return fmt.Errorf("%s: %w", what, err)
}

// mountByString mounts with the one option string of older kernels. fsconfig(2)
// takes no string beyond 256 bytes there and no comma, so it has to be mount(2),
// which attaches at once: that happens in a mount namespace of its own thread,
// from where the detached mount is a clone. The namespace dies with the thread,
// so that a crash leaves nothing.
func (d overlayDirs) mountByString(volatile bool) (mnt *os.File, err error) {
	onLostThread(func() { mnt, err = d.mountPrivately(volatile) })
	return mnt, err
}

// onLostThread runs f on a thread that ends with it, so that f may change what
// belongs to the thread. Go ends the thread of a goroutine that returns
// without unlocking it, all but the process's first thread, which it parks for
// ever: a namespace entered there would stay, and be what /proc/self shows.
func onLostThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			defer runtime.UnlockOSThread()
			onLostThread(f) // Elsewhere, while this goroutine holds the first thread.
			return
		}
		f()
	}()
	<-done
}

func (d overlayDirs) mountPrivately(volatile bool) (*os.File, error) {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return nil, fmt.Errorf("unshare mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, fmt.Errorf("make mounts private: %w", err)
	}
	// Opened here and not before: overlayfs takes directories of the mounting
	// thread's namespace only (fs/namespace.c, clone_private_mount).
	fds, err := d.open()
	if err != nil {
		return nil, err
	}
	defer fds.close()
	// From here "/proc/self/fd/12" is just "12": 127 layers take 500 bytes.
	if err := unix.Chdir("/proc/self/fd"); err != nil {
		return nil, fmt.Errorf("enter /proc/self/fd: %w", err)
	}
	// Any directory would do as the target, in this namespace; this one is
	// certain to be there.
	if err := unix.Mount("overlay", "/proc", "overlay", 0, fds.options(volatile)); err != nil {
		return nil, fmt.Errorf("mount overlay: %w", err)
	}
	mnt, err := cloneMount("/proc")
	if err != nil {
		return nil, err
	}
	return mnt, unix.Unmount("/proc", unix.MNT_DETACH)
}

func (fds *overlayFDs) options(volatile bool) string {
	names := make([]string, len(fds.lower))
	for i, f := range fds.lower {
		names[i] = fdName(f)
	}
	opts := []string{"lowerdir=" + strings.Join(names, ":")}
	if fds.upper != nil {
		opts = append(opts, "upperdir="+fdName(fds.upper), "workdir="+fdName(fds.work))
	}
	for _, opt := range overlayFlags {
		opts = append(opts, opt[0]+"="+opt[1])
	}
	if volatile {
		opts = append(opts, "volatile")
	}
	return strings.Join(opts, ",")
}

func fdName(f *os.File) string   { return strconv.Itoa(int(f.Fd())) }
func procPath(f *os.File) string { return "/proc/self/fd/" + fdName(f) }
