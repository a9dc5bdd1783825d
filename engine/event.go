package engine

import "time"

// ObjectKind is what an event is about.
type ObjectKind string

const (
	KindContainer ObjectKind = "container"
	KindImage     ObjectKind = "image"
	KindVolume    ObjectKind = "volume"
	KindNetwork   ObjectKind = "network"
	KindJob       ObjectKind = "job"
)

// Actions, docker's names where docker has the action.
const (
	ActionCreate  = "create"
	ActionStart   = "start"
	ActionDie     = "die" // attributes exitCode, execDuration (seconds)
	ActionStop    = "stop"
	ActionKill    = "kill" // attribute signal
	ActionOOM     = "oom"
	ActionPause   = "pause"
	ActionUnpause = "unpause"
	ActionRestart = "restart"
	ActionRename  = "rename" // attribute oldName
	ActionUpdate  = "update"
	ActionDestroy = "destroy"
	ActionAttach  = "attach"
	ActionDetach  = "detach"
	ActionResize  = "resize"
	// ActionExecCreate and ActionExec are followed by a colon and the command.
	// Both have the attribute execID.
	ActionExecCreate = "exec_create"
	ActionExec       = "exec_start"
	ActionExecDie    = "exec_die" // attributes execID, exitCode
	// ActionHealth is followed by a colon and what the health is now.
	ActionHealth = "health_status"

	ActionPull   = "pull"
	ActionPush   = "push"
	ActionTag    = "tag"
	ActionUntag  = "untag"
	ActionDelete = "delete"
	ActionLoad   = "load"
	ActionSave   = "save"
	ActionImport = "import"
	ActionPrune  = "prune"

	ActionCommit = "commit" // attribute comment
	ActionExport = "export"
	ActionCopy   = "copy"

	ActionMount   = "mount" // attributes container, destination, driver, propagation, read/write
	ActionUnmount = "unmount"

	ActionConnect    = "connect" // of a network; attributes name, type, container
	ActionDisconnect = "disconnect"
)

// Event is one thing that happened. Attributes hold name, image and the
// labels of a container, besides what the action adds.
type Event struct {
	Seq        Seq               `json:"seq"`
	Time       time.Time         `json:"time"`
	Kind       ObjectKind        `json:"kind"`
	Action     string            `json:"action"`
	ID         string            `json:"id"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

// WatchOptions choose events. With After zero and Since zero only new events
// come; Since replays from the journal; a non-zero Until ends the sequence
// there. Filters are docker's: type, event, container, image, volume, network, label.
type WatchOptions struct {
	After   Seq
	Since   time.Time
	Until   time.Time
	Filters Filters
}
