package fake

import (
	"context"
	"time"
)

// Op names an operation of the engine for Inject.
type Op string

const (
	OpInfo  Op = "info"
	OpWatch Op = "watch"

	OpList    Op = "container list"
	OpInspect Op = "container inspect"
	OpTop     Op = "container top"
	OpCreate  Op = "container create"
	OpStart   Op = "container start"
	OpStop    Op = "container stop"
	OpRestart Op = "container restart"
	OpKill    Op = "container kill"
	OpPause   Op = "container pause"
	OpUnpause Op = "container unpause"
	OpWait    Op = "container wait"
	OpRemove  Op = "container remove"
	OpRename  Op = "container rename"
	OpUpdate  Op = "container update"
	OpPrune   Op = "container prune"
	OpAttach  Op = "container attach"
	OpExec    Op = "container exec"
	OpLogs    Op = "container logs"
	OpStats   Op = "container stats"
	OpSockets Op = "container connections"

	OpChanges   Op = "container changes"
	OpExport    Op = "container export"
	OpStatPath  Op = "container stat path"
	OpCopyFrom  Op = "container copy from"
	OpCopyTo    Op = "container copy to"
	OpCommit    Op = "container commit"
	OpReadDir   Op = "container read directory"
	OpMeasure   Op = "container measure"
	OpReadFile  Op = "container read file"
	OpFind      Op = "container find"
	OpDiskUsage Op = "disk usage"

	OpImageList    Op = "image list"
	OpImageInspect Op = "image inspect"
	OpImageHistory Op = "image history"
	OpPull         Op = "image pull"
	OpPush         Op = "image push"
	OpSave         Op = "image save"
	OpLoad         Op = "image load"
	OpImport       Op = "image import"
	OpLogin        Op = "login"
	OpLogout       Op = "logout"
	OpTag          Op = "image tag"
	OpImageRemove  Op = "image remove"
	OpImagePrune   Op = "image prune"
	OpImageReadDir Op = "image read directory"
	OpImageMeasure Op = "image measure"
	OpImageRead    Op = "image read file"
	OpImageFind    Op = "image find"
	OpImageCopy    Op = "image copy from"

	OpVolumeList    Op = "volume list"
	OpVolumeInspect Op = "volume inspect"
	OpVolumeCreate  Op = "volume create"
	OpVolumeRemove  Op = "volume remove"
	OpVolumePrune   Op = "volume prune"
	OpVolumeReadDir Op = "volume read directory"
	OpVolumeMeasure Op = "volume measure"
	OpVolumeRead    Op = "volume read file"
	OpVolumeCopy    Op = "volume copy from"
	OpVolumeFind    Op = "volume find"

	OpNetworkList       Op = "network list"
	OpNetworkInspect    Op = "network inspect"
	OpNetworkCreate     Op = "network create"
	OpNetworkRemove     Op = "network remove"
	OpNetworkConnect    Op = "network connect"
	OpNetworkDisconnect Op = "network disconnect"
	OpNetworkPrune      Op = "network prune"

	OpJobList   Op = "job list"
	OpJobStart  Op = "job start"
	OpJobFollow Op = "job follow"
	OpJobCancel Op = "job cancel"
	OpJobRemove Op = "job remove"
)

// Fault makes an operation slow, or fail before it does anything.
type Fault struct {
	Err   error         // nil: only slow
	Delay time.Duration // before the operation, cut short by its context
	Skip  int           // how many calls pass unharmed first
	Times int           // how many calls it hits then; 0: all
}

// Inject adds a fault to an operation. Faults of one operation are tried in
// the order in which they were injected; the first that is due applies.
func (e *Engine) Inject(op Op, f Fault) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults[op] = append(e.faults[op], &f)
}

// Heal removes all faults of an operation.
func (e *Engine) Heal(op Op) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.faults, op)
}

// enter is called first in every operation and meets its faults.
func (e *Engine) enter(ctx context.Context, op Op) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f := e.due(op)
	if f.Delay > 0 {
		if err := sleep(ctx, f.Delay); err != nil {
			return err
		}
	}
	return f.Err
}

func (e *Engine) due(op Op) Fault {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, f := range e.faults[op] {
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		hit := *f
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				e.faults[op] = append(e.faults[op][:i:i], e.faults[op][i+1:]...)
			}
		}
		return hit
	}
	return Fault{}
}
