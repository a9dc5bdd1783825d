package demo

import (
	"strconv"

	"gantry/engine"
	"gantry/internal/demo/service"
)

// Image is the name of the demo's image.
const Image = "gantry/demo:latest"

// Project is the compose project that the demo's containers say they are of.
const Project = "demo"

// Label marks what belongs to the demo. Its value is the build of gantry that
// made it.
const Label = "gantry.demo"

// member is one container of the app.
type member struct {
	service string // of the app, as compose names it
	number  int
	args    []string
	env     []string
	memory  int64 // bytes
	cpus    float64
}

const mb = 1 << 20

// app is what the demo runs, in the order in which it is started. Limits are a
// few times what a service uses: the charts show a share of the limit that
// moves, and no service is ever throttled for long.
var app = []member{
	{service: "store", number: 1, args: []string{service.Store}, memory: 96 * mb, cpus: 0.5, env: []string{"STORE_PASSWORD=not-really-secret", "STORE_JOURNAL=/data/journal"}},
	{service: "queue", number: 1, args: []string{service.Queue}, memory: 48 * mb, cpus: 0.3, env: []string{"QUEUES=mail,charge,resize"}},
	{service: "web", number: 1, args: []string{service.Web}, memory: 64 * mb, cpus: 0.5, env: []string{service.Format + "=json", "API_TOKEN=not-really-secret"}},
	{service: "web", number: 2, args: []string{service.Web}, memory: 64 * mb, cpus: 0.5, env: []string{service.Format + "=pretty", "API_TOKEN=not-really-secret"}},
	{service: "migrate", number: 1, args: []string{service.Migrate}, memory: 32 * mb, cpus: 0.5},
}

func (m member) name() string { return Project + "-" + m.service + "-" + strconv.Itoa(m.number) }

// options make the container. The labels are those of docker compose, so that
// every tool groups the containers as a project.
func (m member) options(build string) engine.CreateOptions {
	return engine.CreateOptions{
		Name: m.name(),
		Config: engine.ContainerConfig{
			Image: Image, Cmd: m.args, Hostname: m.service + "-" + strconv.Itoa(m.number),
			Env: append([]string{service.Inside + "=1"}, m.env...),
			Labels: map[string]string{
				Label:                                 build,
				"com.docker.compose.project":          Project,
				"com.docker.compose.service":          m.service,
				"com.docker.compose.container-number": strconv.Itoa(m.number),
				"com.docker.compose.oneoff":           "False",
			},
		},
		Host: engine.HostConfig{
			NetworkMode: "none",
			Tmpfs:       map[string]string{"/tmp": "size=16m,mode=1777"},
			Resources:   engine.Resources{Memory: m.memory, NanoCpus: int64(m.cpus * 1e9), PidsLimit: 64},
		},
		StartSoon: true,
	}
}
