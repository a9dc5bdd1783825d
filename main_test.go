package main_test

import (
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binary is the program under test, built once as users get it, or the one
// that GANTRY_TEST_BINARY names where there is no compiler.
var binary = os.Getenv("GANTRY_TEST_BINARY")

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if binary != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "gantry-test")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // other users run it, too
		log.Fatal(err)
	}
	binary = filepath.Join(dir, "gantry")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w -X main.version=test", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		log.Fatalf("go build: %v\n%s", err, out)
	}
	return m.Run()
}
