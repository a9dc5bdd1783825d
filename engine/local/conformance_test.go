package local_test

import (
	"testing"

	"gantry/engine"
	"gantry/engine/enginetest"
)

func TestConformance(t *testing.T) {
	enginetest.Run(t, func(t *testing.T) engine.Engine { return open(t) }, enginetest.Options{Image: image})
}
