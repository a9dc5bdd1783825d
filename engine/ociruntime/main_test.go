package ociruntime_test

import (
	"os"
	"testing"

	"gantry/engine/ociruntime"
)

func TestMain(m *testing.M) {
	if os.Args[0] == ociruntime.InitName {
		ociruntime.InitMain()
	}
	os.Exit(m.Run())
}
