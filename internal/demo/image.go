package demo

import (
	"archive/tar"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"gantry/internal/demo/service"
)

// user runs the demo's services: nobody.
const user = 65534

// program is the binary that becomes the image: the one that runs.
const program = "/proc/self/exe"

// changes are the configuration of the image.
func changes(build string) []string {
	return []string{
		`ENTRYPOINT ["` + service.Path + `"]`, `CMD ["` + service.Web + `"]`, "USER 65534:65534", "WORKDIR /data",
		"ENV PATH=/bin", "STOPSIGNAL SIGTERM", "LABEL " + Label + "=" + build,
		`LABEL org.opencontainers.image.title="gantry demo" org.opencontainers.image.description="Services that pretend, for looking at them"`,
	}
}

// writeRoot writes the root file system of the image as a tar: the binary, under
// its own name and as the shell, and one directory that its user owns.
func writeRoot(w io.Writer, binary string) error {
	libraries, err := libraries(binary)
	if err != nil {
		return fmt.Errorf("read program %s: %w", binary, err)
	}
	tw := tar.NewWriter(w)
	for _, d := range []tar.Header{
		{Name: "bin", Mode: 0o755},
		{Name: "data", Mode: 0o755, Uid: user, Gid: user},
		{Name: "tmp", Mode: 0o1777},
	} {
		d.Typeflag, d.ModTime = tar.TypeDir, epoch
		if err := tw.WriteHeader(&d); err != nil {
			return err
		}
	}
	if err := addFile(tw, service.Path, binary); err != nil {
		return err
	}
	sh := tar.Header{Typeflag: tar.TypeLink, Name: service.Shell[1:], Linkname: service.Path[1:], Mode: 0o755, ModTime: epoch}
	if err := tw.WriteHeader(&sh); err != nil {
		return err
	}
	for _, l := range libraries {
		if err := addFile(tw, l, l); err != nil {
			return err
		}
	}
	return tw.Close()
}

// epoch is when all files of the image are from: the same program makes the
// same layer.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func addFile(tw *tar.Writer, name, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	h := tar.Header{Typeflag: tar.TypeReg, Name: name[1:], Size: fi.Size(), Mode: 0o755, ModTime: epoch}
	if err := tw.WriteHeader(&h); err != nil {
		return err
	}
	_, err = io.Copy(tw, f)
	return err
}

// libraries are the files that a binary needs beside itself. A released gantry
// is static and needs none; what `go run` makes where there is a C compiler
// needs the C library and its loader.
func libraries(binary string) ([]string, error) {
	f, err := elf.Open(binary)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var paths []string
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			loader, err := io.ReadAll(io.LimitReader(p.Open(), 4096))
			if err != nil {
				return nil, err
			}
			paths = append(paths, string(loader[:max(0, len(loader)-1)]))
		}
	}
	names, err := f.ImportedLibraries()
	if err != nil || len(paths) == 0 {
		return paths, err
	}
	for _, name := range names {
		path, err := findLibrary(name, filepath.Dir(paths[0]))
		if err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// findLibrary looks where loaders do by themselves. Of several it takes the
// first, as they do.
func findLibrary(name, besideLoader string) (string, error) {
	multiarch, _ := filepath.Glob("/lib/*-linux-*")
	dirs := append(multiarch, besideLoader, "/lib64", "/usr/lib64", "/lib", "/usr/lib")
	for _, dir := range dirs {
		if fi, err := os.Stat(filepath.Join(dir, name)); err == nil && fi.Mode().IsRegular() {
			return filepath.Join(dir, name), nil
		}
	}
	return "", fmt.Errorf("it needs %s, which is in none of %q: %w", name, dirs, errStatic)
}

var errStatic = errors.New("build it with CGO_ENABLED=0 (make build), then it needs nothing")
