package cli

import (
	"fmt"

	"github.com/spf13/pflag"

	"gantry/engine"
)

// absentFlags are flags of docker's run that cannot be honoured. They are there
// to say why, and what to do instead: an unknown flag would be taken for a
// mistake in writing.
type absentFlags struct {
	gpus      string
	storage   list
	apiSocket bool
}

func (n *absentFlags) add(f *pflag.FlagSet) {
	f.StringVar(&n.gpus, "gpus", "", "GPU devices to add to the container (not there: give them with --device)")
	f.Var(&n.storage, "storage-opt", "Storage driver options for the container (not there: see --read-only, --tmpfs and volumes)")
	f.BoolVar(&n.apiSocket, "use-api-socket", false, "Bind mount the engine's API socket (not there: gantry has none yet)")
}

func (n *absentFlags) check() error {
	switch {
	case n.gpus != "":
		return fmt.Errorf("--gpus: %w: it takes a hook of the GPU's vendor; give the device nodes instead (NVIDIA: --device /dev/nvidia0 --device /dev/nvidiactl --device /dev/nvidia-uvm, and -v for the driver's libraries; AMD: --device /dev/kfd --device /dev/dri)", engine.ErrUnsupported)
	case len(n.storage) > 0:
		return fmt.Errorf("--storage-opt %s: %w: it takes project quotas of the file system (xfs with pquota, ext4 with prjquota), which gantry does not use yet; bound what is written with --read-only and --tmpfs /PATH:size=SIZE, or with a volume on a file system of its own (volume create -o type=… -o device=…)", n.storage[0], engine.ErrUnsupported)
	case n.apiSocket:
		return fmt.Errorf("--use-api-socket: %w: gantry has no API socket yet; a container that is to start others can have docker's (-v /var/run/docker.sock:/var/run/docker.sock)", engine.ErrUnsupported)
	}
	return nil
}

// absentVerbs are commands of docker's that are not there, and what to do
// instead.
var absentVerbs = map[string]string{
	"build": "build with docker or buildah and take the image over: docker save IMAGE | gantry load", "buildx": "build with docker or buildah and take the image over: docker save IMAGE | gantry load",
	"builder":    "there is no build cache to be managed",
	"compose":    "start the services one by one (gantry run --network NET --network-alias NAME)",
	"checkpoint": "it takes CRIU and a runtime that works with it; gantry commit keeps the files of a container, not its processes",
	"search":     "look on the registry's pages, for instance hub.docker.com; gantry pull takes any name",
	"context":    "there are no remote engines; --root and --run choose another engine of this machine",
	"manifest":   "an index is kept as it was pulled; gantry image inspect --platform shows one of its images",
	"plugin":     "networks are bridges, volumes local, and logs the journal",
	"trust":      "an image is held to its digest (NAME@sha256:…)",
	"swarm":      "it is for one machine", "node": "it is for one machine", "service": "it is for one machine", "stack": "it is for one machine",
	"secret": "mount a file (-v ./secret:/run/secrets/NAME:ro)",
}
