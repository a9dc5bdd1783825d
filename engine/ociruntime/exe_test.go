package ociruntime

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Every way to protect the executable gives a descriptor through which it runs
// and cannot be written.
func TestProtectedExecutables(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: it copies a mount")
	}
	for name, open := range map[string]func() (int, error){"mount": mountedExe, "memory": copiedExe} {
		t.Run(name, func(t *testing.T) {
			fd, err := open()
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			if !runnableByAll(fd) {
				t.Error("not executable for everyone")
			}
			path := fmt.Sprintf("/proc/self/fd/%d", fd)
			w, err := os.OpenFile(path, os.O_RDWR, 0)
			if err == nil {
				// A sealed file can be opened, but not be changed.
				if _, err = w.WriteAt([]byte("x"), 0); err == nil {
					t.Error("written")
				}
				w.Close()
			}
			if err = os.Truncate(path, 0); err == nil {
				t.Error("truncated")
			}
			same(t, path)
		})
	}
}

func same(t *testing.T, path string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(selfExe)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("it is not this executable")
	}
}

// A program that was started through the protected descriptor, as the monitor
// is, cannot copy its mount and needs not.
func TestProtectedExecutableOfAProtectedOne(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: it copies a mount")
	}
	path, fd, err := SealedExecutable(2)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	cmd := exec.Command(path)
	cmd.Env = []string{roleVariable + "=seal"}
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "read-only" {
		t.Errorf("%s, error %v", out, err)
	}
}

// roleVariable makes the test binary another program, see TestMain.
const roleVariable = "GANTRY_OCIRUNTIME_TEST_ROLE"

func init() {
	switch os.Getenv(roleVariable) {
	case "seal":
		sealRole()
	case "create":
		createRole()
	}
}

func sealRole() {
	fd, err := monitorExe()
	if err == nil {
		_, err = os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), os.O_WRONLY|os.O_TRUNC, 0)
	}
	if errors.Is(err, unix.EROFS) {
		io.WriteString(os.Stdout, "read-only\n")
	} else {
		fmt.Println(err)
	}
	os.Exit(0)
}

func createRole() {
	_, err := Create(CreateOptions{Spec: &specs.Spec{
		Root:    &specs.Root{Path: "/"},
		Process: &specs.Process{Args: []string{"true"}},
		Linux:   &specs.Linux{Namespaces: []specs.LinuxNamespace{{Type: specs.MountNamespace}}},
	}})
	fmt.Println(err)
	os.Exit(0)
}

// Without root the error says what is missing.
func TestWithoutRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: it becomes another user")
	}
	// The test binary lies where that user cannot go.
	path, fd, err := SealedExecutable(2)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	cmd := exec.Command(path)
	cmd.Env = []string{roleVariable + "=create"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "not permitted") || !strings.Contains(string(out), "CAP_SYS_ADMIN") {
		t.Errorf("%s, error %v", out, err)
	}
}
