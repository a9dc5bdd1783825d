package ociruntime_test

import (
	"fmt"
	"os"
	"testing"

	"gantry/engine/ociruntime"
)

func TestMain(m *testing.M) {
	switch os.Args[0] {
	case ociruntime.InitName:
		ociruntime.InitMain()
	case tracerPath:
		tracerMain()
	}
	dir, err := copyBusybox()
	if err != nil {
		fmt.Fprintf(os.Stderr, "a static busybox is needed at /bin/busybox: %v\n", err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}
