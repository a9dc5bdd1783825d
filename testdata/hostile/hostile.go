// Package hostile makes archives that attack whoever unpacks them, each under a
// name, for the tests of everything that reads an archive: layers, ADD, cp,
// import. They are made here instead of being kept as files, so that a reader
// sees what each one does.
//
// An archive is either refused or contained: whatever it does must stay below
// the root that it was unpacked into. Tests put a canary beside the root and
// look at it afterwards.
package hostile

import (
	"archive/tar"
	"bytes"
	"fmt"
	"strings"
	"time"
)

// Outcome is what must come of an archive.
type Outcome int

const (
	Refused   Outcome = iota // as hostile
	Broken                   // refused as making no sense
	Contained                // unpacked, with all of it below the root
)

// Case is one archive.
type Case struct {
	Name string
	Why  string // what it would do to a careless reader
	Want Outcome
	Tar  []byte
	// Paths are what must exist below the root when it is contained.
	Paths []string
}

// Canary is the file beside the root that escapes aim at; the root is a
// directory in the canary's directory.
const Canary = "canary"

// Cases returns all archives.
func Cases() []Case {
	var all []Case
	for _, group := range [][]Case{escapes(), links(), whiteouts(), markers(), nonsense(), sizes()} {
		all = append(all, group...)
	}
	return all
}

func escapes() []Case {
	return []Case{
		{"dotdot", "writes beside the root", Refused, Tar(file("../" + Canary)), nil},
		{"dotdot-deep", "writes beside the root", Refused, Tar(dir("a/b"), file("a/b/../../../"+Canary)), nil},
		{"dotdot-dir", "takes over the directory above", Refused, Tar(dir("..")), nil},
		{"dotdot-inside", "stays inside, if cleaned", Contained, Tar(file("a/../b")), []string{"b"}},
		{"absolute", "writes to the host's root", Contained, Tar(file("/etc/passwd")), []string{"etc/passwd"}},
		{"absolute-slashes", "writes to the host's root", Contained, Tar(file("///x")), []string{"x"}},
		{"root-as-symlink", "replaces the root", Refused, Tar(symlink(".", "/tmp")), nil},
		{"root-as-file", "replaces the root", Refused, Tar(file(".")), nil},
	}
}

func links() []Case {
	return []Case{
		{"symlink-absolute", "writes through an absolute symlink", Contained,
			Tar(symlink("l", "/etc"), file("l/passwd")), []string{"etc/passwd"}},
		{"symlink-dotdot", "writes through a symlink beside the root", Contained,
			Tar(symlink("l", ".."), file("l/"+Canary)), []string{Canary}},
		{"symlink-dotdot-deep", "writes through many dotdots", Contained,
			Tar(dir("a/b"), symlink("a/b/l", "../../../../../.."), file("a/b/l/"+Canary)), []string{Canary}},
		{"symlink-chain", "adds up harmless symlinks to an escape", Contained,
			Tar(dir("a"), symlink("a/up", ".."), symlink("b", "a/up/.."), file("b/"+Canary)), []string{Canary}},
		{"symlink-as-file", "overwrites the target of a symlink", Contained,
			Tar(symlink("f", "../"+Canary), file("f")), []string{"f"}},
		{"symlink-as-dir", "chowns the target of a symlink", Contained,
			Tar(symlink("d", ".."), dir("d")), []string{"d"}},
		{"symlink-loop", "never resolves", Refused,
			Tar(symlink("a", "b"), symlink("b", "a"), file("a/x")), nil},
		{"symlink-self", "never resolves", Refused, Tar(symlink("a", "a"), file("a/x")), nil},
		{"hardlink-dotdot", "links to a file beside the root", Refused, Tar(hardlink("h", "../"+Canary), file("h")), nil},
		{"hardlink-absolute", "links to a file of the host", Broken, Tar(hardlink("h", "/etc/hostname")), nil},
		{"hardlink-symlink", "links through a symlink beside the root", Broken,
			Tar(symlink("l", ".."), hardlink("h", "l/"+Canary), file("h")), nil},
		{"hardlink-then-write", "writes through a link to a symlink", Contained,
			Tar(symlink("l", "../"+Canary), hardlink("h", "l"), file("h")), []string{"h"}},
		{"hardlink-directory", "links to a directory", Broken, Tar(dir("d"), hardlink("h", "d")), nil},
		{"hardlink-missing", "links to nothing", Broken, Tar(hardlink("h", "nothing")), nil},
		{"hardlink-itself", "links to what it replaces", Broken, Tar(file("f"), hardlink("f", "f")), nil},
		{"hardlink-inside", "links to what it replaces", Broken, Tar(file("d/f"), hardlink("d", "d/f")), nil},
	}
}

func whiteouts() []Case {
	return []Case{
		{"whiteout-empty", "deletes its own directory", Refused, Tar(file("d/.wh.")), nil},
		{"whiteout-dot", "deletes its own directory", Refused, Tar(file("d/.wh..")), nil},
		{"whiteout-dotdot", "deletes the directory above", Refused, Tar(file("d/.wh...")), nil},
		{"whiteout-directory", "hides files in a whiteout", Refused, Tar(file(".wh.d/f")), nil},
		{"whiteout-through-symlink", "deletes beside the root", Contained,
			Tar(symlink("l", ".."), file("l/.wh."+Canary)), []string{"l"}},
		{"whiteout-reached", "makes a whiteout's name through a symlink", Refused,
			Tar(symlink("l", ".wh.x"), file("l/f")), nil},
		{"opaque-through-symlink", "empties a directory beside the root", Contained,
			Tar(symlink("l", ".."), file("l/.wh..wh..opq")), []string{"l"}},
		{"opaque-dotdot", "empties the directory above", Refused, Tar(file("../.wh..wh..opq")), nil},
		{"aufs-bookkeeping", "brings a second tree along", Contained,
			Tar(file(".wh..wh.plnk/1.2"), file(".wh..wh.aufs"), file("f")), []string{"f"}},
	}
}

func markers() []Case {
	x := func(name string) *tar.Header {
		h := dir("d")
		h.PAXRecords = map[string]string{"SCHILY.xattr." + name: "y"}
		return h
	}
	zero := &tar.Header{Typeflag: tar.TypeChar, Name: "bin"}
	return []Case{
		{"overlay-whiteout", "deletes behind the image's back", Refused, Tar(zero), nil},
		{"overlay-opaque", "hides a directory behind the image's back", Refused, Tar(x("trusted.overlay.opaque")), nil},
		{"overlay-redirect", "shows another directory", Refused, Tar(x("trusted.overlay.redirect")), nil},
		{"overlay-metacopy", "takes content from elsewhere", Refused, Tar(x("trusted.overlay.metacopy")), nil},
		{"overlay-user", "the same for rootless mounts", Refused, Tar(x("user.overlay.opaque")), nil},
		{"gantry-mark", "forges gantry's own whiteouts", Refused, Tar(x("trusted.gantry.whiteout")), nil},
		{"trusted", "plants what only the host may know", Contained, Tar(x("trusted.x")), []string{"d"}},
		{"selinux", "labels a file for the host's policy", Contained, Tar(x("security.selinux")), []string{"d"}},
	}
}

func nonsense() []Case {
	owner := file("f")
	owner.Uid = 1<<32 - 1
	device := &tar.Header{Typeflag: tar.TypeChar, Name: "n", Devmajor: 1 << 20, Devminor: 1}
	return []Case{
		{"file-as-parent", "puts a file into a file", Broken, Tar(file("f"), file("f/x")), nil},
		{"fifo-as-parent", "puts a file into a pipe", Broken, Tar(&tar.Header{Typeflag: tar.TypeFifo, Name: "p"}, file("p/x")), nil},
		{"empty-symlink", "points nowhere", Broken, Tar(symlink("l", "")), nil},
		{"owner-minus-one", "means «leave the owner» to chown", Broken, Tar(owner), nil},
		{"device-number", "wraps to another device", Broken, Tar(device), nil},
		{"duplicate-file", "gives a name twice", Contained, Tar(file("f"), symlink("f", "x"), file("f")), []string{"f"}},
		{"duplicate-kinds", "changes a directory into a file and back", Contained,
			Tar(dir("d"), file("d/f"), file("d"), dir("d"), file("d/g")), []string{"d/g"}},
		{"truncated", "ends within a file", Broken, truncated(), nil},
		{"garbage", "is no archive", Broken, bytes.Repeat([]byte("not a tar "), 200), nil},
		{"empty-name", "has no name", Broken, renamed("n"), nil},
	}
}

func sizes() []Case {
	long := strings.Repeat("n", 256)
	deep := strings.Repeat("d/", 2000)
	var grow []*tar.Header
	part := strings.Repeat("p", 200)
	at := part
	for i := range 30 { // Each symlink makes the real path longer than any name says.
		name := fmt.Sprintf("l%02d", i)
		grow = append(grow, symlink(name, at), file(name+"/f"))
		at = name + "/" + part
	}
	return []Case{
		{"name-256", "has a name that no file system takes", Refused, Tar(file(long)), nil},
		{"path-deep", "nests without end", Refused, Tar(file(deep + "f")), nil},
		{"path-grows", "outgrows PATH_MAX by symlinks", Refused, Tar(grow...), nil},
		{"sparse-exabyte", "claims more than any disk has", Refused, sparse(1 << 60), nil},
		{"sparse", "is nearly all hole", Contained, sparse(1 << 30), []string{"hole"}},
	}
}

// Tar writes an archive of the headers; regular files without a size get a few
// bytes.
func Tar(headers ...*tar.Header) []byte {
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	for _, h := range headers {
		content := []byte(nil)
		if h.Typeflag == tar.TypeReg && h.Size == 0 {
			content = []byte("hostile")
			h.Size = int64(len(content))
		}
		if err := tw.WriteHeader(h); err != nil {
			panic(fmt.Sprintf("write %q: %v", h.Name, err)) // A mistake in this package.
		}
		if _, err := tw.Write(content); err != nil {
			panic(err)
		}
	}
	if err := tw.Close(); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

var stamp = time.Unix(1700000000, 0)

func file(name string) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, ModTime: stamp}
}

func dir(name string) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755, ModTime: stamp}
}

func symlink(name, to string) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: to, ModTime: stamp}
}

func hardlink(name, to string) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: to, Mode: 0o644, ModTime: stamp}
}

func truncated() []byte {
	h := file("big")
	h.Size = 10000
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	if err := tw.WriteHeader(h); err != nil {
		panic(err)
	}
	if _, err := tw.Write(make([]byte, 3000)); err != nil {
		panic(err)
	}
	return buf.Bytes()[:2048]
}

// renamed empties the one-letter name of an entry, which no writer would do,
// and mends the checksum of its header.
func renamed(name string) []byte {
	b := Tar(file(name))
	b[0] = 0
	return mend(b)
}

// sparse is a file of one hole in GNU tar's old format: the header says where
// data is (nowhere) and how long the file is in truth.
func sparse(size int64) []byte {
	b := Tar(&tar.Header{Typeflag: tar.TypeFifo, Name: "hole", Mode: 0o600, Format: tar.FormatGNU, ModTime: stamp})
	b[156] = tar.TypeGNUSparse
	number := b[483:495] // realsize, in base 256 as it has more than 33 bits
	number[0] = 0x80
	for i := range 8 {
		number[11-i] = byte(size >> (8 * i))
	}
	return mend(b)
}

// mend writes the checksum of the first header: the sum of its bytes with the
// checksum itself taken as blanks.
func mend(b []byte) []byte {
	copy(b[148:156], "        ")
	sum := 0
	for _, c := range b[:512] {
		sum += int(c)
	}
	copy(b[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return b
}
